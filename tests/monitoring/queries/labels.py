"""Which labels a query can have in its result, and every name in it that leads to nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatchOp,
    MatrixSelector,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

Labels = frozenset[str]
_NONE: Final = frozenset[str]()

_OF_COUNTERS: Final = frozenset({"rate", "irate", "increase", "resets"})
_SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
_ABSENT: Final = frozenset({"absent", "absent_over_time"})


class UnknownSeriesError(Exception):
    """A query selects what does not exist: nothing can be said about its labels."""


class Source(Protocol):
    """Knows the series."""

    def labels_of(self, name: str) -> Labels | None:
        """Every label that series of this name can have; None where there is no such series."""

    def names(self) -> Iterable[str]:
        """The names of all series."""


class Reading:
    """Goes through one query.

    Args:
        source: knows the series.
        is_gauge: whether a series may go down.
    """

    def __init__(self, source: Source, is_gauge: Callable[[str], bool] = lambda _: False) -> None:
        self.faults: list[str] = []
        self._source = source
        self._is_gauge = is_gauge

    def labels(self, expr: object) -> Labels:
        """The labels that the result can have; what is wrong on the way is added to `faults`.

        Raises:
            UnknownSeriesError: it selects a series that does not exist.
        """
        found = _NONE
        match expr:
            case VectorSelector():
                found = self._selected(expr)
            case MatrixSelector():
                found = self._selected(expr.vector_selector)
            case ParenExpr() | UnaryExpr() | SubqueryExpr():
                found = self.labels(expr.expr)
            case AggregateExpr():
                found = self._aggregated(expr)
            case BinaryExpr():
                found = self._combined(expr)
            case Call():
                found = self._called(expr)
        return found

    def _selected(self, selector: VectorSelector) -> Labels:
        groups = [selector.matchers.matchers, *selector.matchers.or_matchers]
        matchers = [matcher for group in groups for matcher in group]
        names = {selector.name} if selector.name else self._named(matchers)
        found = _NONE
        for name in sorted(names):
            labels = self._source.labels_of(name)
            if labels is None:
                raise UnknownSeriesError(f"nothing exports or records {name}")
            found |= labels
        self._need(sorted(names), found, {matcher.name for matcher in matchers} - {"__name__"}, "matches")
        return found

    def _named(self, matchers: Iterable[Any]) -> set[str]:
        """The series that a selector without a name finds by `__name__`."""
        asked = [matcher for matcher in matchers if matcher.name == "__name__"]
        names = set(self._source.names())
        for matcher in asked:
            pattern = matcher.value if matcher.op in (MatchOp.Re, MatchOp.NotRe) else re.escape(matcher.value)
            wanted = matcher.op in (MatchOp.Re, MatchOp.Equal)
            names = {name for name in names if bool(re.fullmatch(pattern, name)) is wanted}
        if not asked or not names:
            raise UnknownSeriesError("a selector without a name finds nothing by __name__")
        return names

    def _aggregated(self, expr: AggregateExpr) -> Labels:
        of, operator = self.labels(expr.expr), str(expr.op)
        named = frozenset(expr.modifier.labels) if expr.modifier else _NONE
        self._need([operator], of, named, "groups by")
        if operator in {"topk", "bottomk", "limitk", "limit_ratio"}:
            return of
        if expr.modifier and expr.modifier.type == AggModifierType.Without:
            return of - named
        if operator == "count_values" and isinstance(expr.param, StringLiteral):
            return named | {expr.param.val}
        return named

    def _combined(self, expr: BinaryExpr) -> Labels:
        left, right, how = self.labels(expr.lhs), self.labels(expr.rhs), expr.modifier
        operator = str(expr.op).strip()
        if not (_is_vector(expr.lhs) and _is_vector(expr.rhs)):
            return left | right
        if how is None or how.matching is None:
            self._agree(operator, left, right)
            return left | right if operator == "or" else left
        named, on = frozenset(how.matching.labels), how.matching.type == LabelModifierType.Include
        if on:
            self._need([f"left of {operator}"], left, named, "matches on")
            self._need([f"right of {operator}"], right, named, "matches on")
        else:
            self._need([f"either side of {operator}"], left | right, named, "ignores")
            self._agree(operator, left - named, right - named, many=how.card != VectorMatchCardinality.OneToOne)
        if operator in _SET_OPERATORS:
            return left | right if operator == "or" else left
        more = frozenset(how.group_labels or ())
        if how.card == VectorMatchCardinality.ManyToOne:
            self._need([f"right of {operator}"], right, more, "takes over")
            return left | more
        if how.card == VectorMatchCardinality.OneToMany:
            self._need([f"left of {operator}"], left, more, "takes over")
            return right | more
        return named if on else left - named

    def _agree(self, operator: str, left: Labels, right: Labels, *, many: bool = False) -> None:
        """Without `on`, both sides have to have the same labels, or nothing matches; `or` keeps both anyway."""
        if operator != "or" and left != right and not many:
            odd = ", ".join(sorted(left ^ right))
            self.faults.append(f"the sides of {operator} never match: only one of them has {odd}")

    def _called(self, call: Call) -> Labels:
        name = call.func.name
        if name in _ABSENT:
            self.labels(call.args[0])
            return _equalities(call.args[0])
        given = [self.labels(argument) for argument in call.args]
        texts = [argument.val for argument in call.args if isinstance(argument, StringLiteral)]
        if name in _OF_COUNTERS and isinstance(call.args[0], MatrixSelector):
            series = call.args[0].vector_selector.name or ""
            if self._is_gauge(series):
                self.faults.append(f"{name} of the gauge {series}")
        if name in {"scalar", "vector", "time"} or not given:
            return _NONE
        if name == "histogram_quantile":
            self._need([name], given[1], {"le"}, "needs")
            return given[1] - {"le"}
        if name in {"label_replace", "label_join"}:
            sources = [texts[2]] if name == "label_replace" else texts[2:]
            self._need([name], given[0], set(sources) - {""}, "reads")
            return given[0] | {texts[0]}
        return _NONE.union(*given)

    def _need(self, whose: list[str], has: Labels, named: Iterable[str], what: str) -> None:
        for label in sorted(set(named) - has - {"__name__"}):
            self.faults.append(
                f"{what} {label!r}, which {' and '.join(whose)} has not: {', '.join(sorted(has)) or '-'}"
            )


def _is_vector(expr: object) -> bool:
    """Whether an expression has labels at all."""
    match expr:
        case VectorSelector() | AggregateExpr():
            return True
        case ParenExpr() | UnaryExpr():
            return _is_vector(expr.expr)
        case BinaryExpr():
            return _is_vector(expr.lhs) or _is_vector(expr.rhs)
        case Call():
            return expr.func.name not in {"scalar", "time", "pi"}
    return False


def _equalities(expr: object) -> Labels:
    """`absent(x{a="b"})` has the labels whose value is given."""
    if isinstance(expr, MatrixSelector):
        expr = expr.vector_selector
    if not isinstance(expr, VectorSelector):
        return _NONE
    return frozenset(matcher.name for matcher in expr.matchers.matchers if matcher.op == MatchOp.Equal)

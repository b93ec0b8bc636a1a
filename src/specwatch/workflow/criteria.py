"""Criteria of success and of actions: `simple`, `regex` and `jsonpath`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from specwatch.conformance.strictjson import MISSING
from specwatch.spec.schema import as_text, shorten
from specwatch.values.observation import Criterion
from specwatch.workflow.condition import UNKNOWN, AtStatus, compile_condition, truth
from specwatch.workflow.expression import compile_expression, root_of
from specwatch.workflow.model import Check
from specwatch.workflow.names import Mistake, Names
from specwatch.workflow.patterns import JsonPath, Pattern, TooMuch
from specwatch.workflow.repetition import check_pattern
from specwatch.workflow.scope import Expression, Judge, Scope
from specwatch.workflow.template import EMBEDDED, as_string, expression_type

KINDS = ("simple", "regex", "jsonpath")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A criterion, and whether it holds if all that is known is the status (else `UNKNOWN`)."""

    check: Check
    at: AtStatus


def compile_criterion(node: Mapping[str, object], names: Names, place: str) -> Compiled:
    """A criterion of a document.

    Raises:
        Mistake: it cannot be read, or is of a kind that is not supported.
    """
    kind = expression_type(node.get("type", "simple"))
    condition, context = str(node.get("condition", "")), node.get("context")
    if kind not in KINDS:
        raise Mistake(f"a criterion of type {kind}", "simple, regex or jsonpath; others are not supported")
    if kind == "simple":
        return _simple(condition, names, place)
    if not isinstance(context, str):
        raise Mistake(f"a {kind} criterion without context", "`context:` with an expression such as $response.body")
    looked_at = compile_expression(context, names)
    make = _regex if kind == "regex" else _jsonpath
    judge, at = make(condition, looked_at, names)
    return Compiled(Check(condition, kind, looked_at, judge, place), at)


def _simple(condition: str, names: Names, place: str) -> Compiled:
    node = compile_condition(condition, names)
    shown = tuple({name.text: name for name in node.names}.values())
    met = Criterion(condition, met=True)

    def judge(scope: Scope) -> Criterion:
        if truth(node.read(scope)):
            return met
        found = ", ".join(f"{name.text} is {_shown(name.read(scope))}" for name in shown[:3])
        return Criterion(condition, met=False, found=found)

    return Compiled(Check(condition, "simple", None, judge, place), lambda status: _truth(node.at(status)))


def _truth(value: object) -> object:
    return value if value is UNKNOWN else truth(value)


def _shown(value: object) -> str:
    return "absent" if value is MISSING else shorten(as_text(value), 200)


def _regex(condition: str, context: Expression, names: Names) -> tuple[Judge, AtStatus]:
    pattern = _Pieces(condition, names)
    fixed = None if pattern.expressions else Pattern(condition)
    if pattern.expressions:
        check_pattern(pattern.sample())

    def test(value: object, scope: Scope) -> bool:
        if value is None or value is MISSING:
            return False
        used = fixed or _pattern(pattern.fill(scope, _escape_regex))
        return used.found_in(as_string(value))

    def at(status: int) -> object:
        return fixed.found_in(str(status)) if fixed and context.root == "statusCode" else UNKNOWN

    return _judge(condition, context, test), at


def _jsonpath(condition: str, context: Expression, names: Names) -> tuple[Judge, AtStatus]:
    pattern = _Pieces(condition, names)
    fixed = None if pattern.expressions else JsonPath(condition, comparison=True)
    if pattern.expressions:
        JsonPath(pattern.sample(), comparison=True)

    def test(value: object, scope: Scope) -> bool:
        if not isinstance(value, dict | list):
            return False
        used = fixed or _path(pattern.fill(scope, _escape_path))
        return bool(used.find(value))

    return _judge(condition, context, test), lambda _: UNKNOWN


@lru_cache(maxsize=256)
def _pattern(text: str) -> Pattern:
    return Pattern(text)


@lru_cache(maxsize=256)
def _path(text: str) -> JsonPath:
    return JsonPath(text, comparison=True)


def _judge(condition: str, context: Expression, test: Callable[[object, Scope], bool]) -> Judge:
    met = Criterion(condition, met=True)

    def judge(scope: Scope) -> Criterion:
        value = context.read(scope)
        try:
            if test(value, scope):
                return met
        except (TooMuch, Mistake) as error:
            return Criterion(condition, met=False, found=f"{context.text}: {error}")
        return Criterion(condition, met=False, found=f"{context.text} is {_shown(value)}")

    return judge


class _Pieces:
    """A condition with expressions in curly brackets; they are filled in before it is read (Arazzo 1.1.0).

    What a target sent cannot change the form of the condition: it is escaped for the place where it stands.
    """

    def __init__(self, text: str, names: Names) -> None:
        pieces = EMBEDDED.split(text)
        if len(pieces) > 1 and any(root_of(piece) is None for piece in pieces[1::2]):
            pieces = [text]
        self.literals = tuple(pieces[0::2])
        self.expressions = tuple(compile_expression(piece, names) for piece in pieces[1::2])
        self.quotes = tuple(_open_quote("".join(self.literals[: at + 1])) for at in range(len(self.expressions)))

    def sample(self) -> str:
        """The condition with a number in every place."""
        return "1".join(self.literals)

    def fill(self, scope: Scope, escape: Callable[[object, Expression, str], str]) -> str:
        parts = [self.literals[0]]
        rest = zip(self.expressions, self.quotes, self.literals[1:], strict=True)
        for expression, quote, literal in rest:
            value = expression.read(scope)
            if value is MISSING:
                raise Mistake(f"{expression.text} is absent", "a value")
            parts += [escape(value, expression, quote), literal]
        return "".join(parts)


def _open_quote(text: str) -> str:
    """The quote that is open at the end of a text, or empty."""
    quote = ""
    escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif not quote and char in "'\"":
            quote = char
        elif char == quote:
            quote = ""
    return quote


def _escape_regex(value: object, expression: Expression, _: str) -> str:
    """Inputs are ours and may be patterns; everything else came from a target and is taken literally."""
    import regex  # type: ignore[import-untyped]

    text = as_string(value)
    return text if expression.root == "inputs" else str(regex.escape(text))


def _escape_path(value: object, expression: Expression, quote: str) -> str:
    if quote:
        text = as_text(as_string(value))[1:-1]
        return text.replace('\\"', '"').replace("'", "\\'") if quote == "'" else text
    if isinstance(value, dict | list) or (isinstance(value, str) and expression.root != "inputs"):
        raise Mistake(f"{expression.text} is no number, true, false or null", "quotes around it")
    return as_string(value)

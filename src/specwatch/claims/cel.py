"""The Common Expression Language, bound to what a claim may see.

Expressions are compiled once. They see `request`, `response`, `known` and, inside `each`, `item`; beyond CEL's own
functions and its strings extension there are `distinct(list)`, `isDistinct(list)` and `json(string)`.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, cast

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from specwatch.claims import quick

VARIABLES: Final = ("request", "response", "known", "item")

_INT64: Final = 2**63


class CelError(Exception):
    """An expression cannot be compiled or has no value for this exchange. The text says why."""


def _distinct(values: list[Any]) -> list[Any]:
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(canonical(value), value)
    return list(seen.values())


def _is_distinct(values: list[Any]) -> bool:
    return len({canonical(value) for value in values}) == len(values)


def _json(text: str) -> Any:
    return fit(json.loads(text))


def _function(
    name: str, result: cel.Type, call: Callable[[Any], Any], parameter: cel.Type | None = None
) -> cel.FunctionDecl:
    """A function that expressions can call.

    The binding never lets go of what it hands to such a function, nor of what it gets from it (cel-expr-python 0.1.3),
    so claims that are judged for months on end should do without.
    """
    overload = cel.Overload(id=name, return_type=result, parameters=[parameter or result], is_member=False, impl=call)
    return cel.FunctionDecl(name, [overload])


@cache
def _environment(*more: str) -> cel.Env:
    """The environment of all expressions, with further variables."""
    dyn = cel.Type.DYN
    functions = [
        _function("distinct", cel.Type.List(dyn), _distinct),
        _function("isDistinct", cel.Type.BOOL, _is_distinct, cel.Type.List(dyn)),
        _function("json", dyn, _json, cel.Type.STRING),
    ]
    return cel.NewEnv(
        variables=dict.fromkeys((*VARIABLES, *more), dyn), functions=functions, extensions=[ext_strings.ExtStrings()]
    )


@dataclass(frozen=True)
class Context:
    """The variables of one exchange, converted once for all expressions.

    Args:
        data: `request`, `response`, `known` and `item`, as far as they are there; JSON values, made representable by
            `fit`.
    """

    data: Mapping[str, object]

    @classmethod
    def of(cls, data: Mapping[str, object]) -> Context:
        """The context with these variables, as `fit` has made them."""
        return cls(data)

    @cached_property
    def activation(self) -> cel.Activation:
        """The variables as the binding wants them."""
        return _environment().Activation(self.data)

    def with_item(self, item: object) -> Context:
        """The same variables and `item`."""
        return Context.of({**self.data, "item": item})


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    program: cel.Expression

    @property
    def kind(self) -> str:
        """The type of the value as far as it is known beforehand, such as `BOOL`; `DYN` where it is not."""
        return str(self.program.return_type().name())

    def value(self, context: Context) -> object:
        """The value as plain Python.

        Raises:
            CelError: a name is missing, a type does not fit, or a function fails.
        """
        try:
            result = self.program.eval(context.activation)
            if result.type() != cel.Type.ERROR:
                return _plain(result)
            reason = str(result.plain_value())
        except Exception as error:  # the binding raises bare RuntimeError and ValueError
            raise CelError(str(error)) from error
        raise CelError(reason)

    def holds(self, context: Context) -> bool:
        """Whether the value is the boolean true; nothing else counts.

        Raises:
            CelError: as for `value`.
        """
        if self._is_boolean:  # an error has a text for its value, so that this is safe, and fast
            try:
                if self.program.eval(context.activation).value() is True:
                    return True
            except Exception as error:  # the binding raises bare RuntimeError and ValueError
                raise CelError(str(error)) from error
        return self.value(context) is True

    @cached_property
    def _is_boolean(self) -> bool:
        return self.kind == "BOOL"


def _plain(value: cel.Value) -> object:
    """A value as plain Python.

    The binding releases one reference to None for each null that it converts, until the interpreter aborts
    (cel-expr-python 0.1.3). So nulls are converted one by one, and each reference is given back: one too many would do
    no harm. Asking for the type beforehand takes three times as long as all the rest.
    """
    inner = value.value()
    if inner is None:
        _increase_references(_NONE)
        return None
    if isinstance(inner, list):
        return [_plain(item) for item in inner]
    if isinstance(inner, dict):
        return {key: _plain(item) for key, item in inner.items()}
    return cast("object", inner)


_increase_references = ctypes.pythonapi.Py_IncRef
_NONE = ctypes.py_object(None)


@cache
def compile_expression(text: str) -> Expression:
    """Compile an expression.

    Raises:
        CelError: the text is no CEL or names something undeclared.
    """
    try:
        return Expression(text, _environment().compile(text))
    except Exception as error:  # the binding raises bare RuntimeError
        raise CelError(_first_line(str(error))) from error


class Batch:
    """Several expressions as one program, which costs little more than one of them.

    Args:
        texts: expressions, each of which compiles by itself, with whatever line breaks it takes to end their comments.

    Raises:
        CelError: together they do not compile.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._patterns = quick.Patterns()
        text = f"[{', '.join(self._patterns.rewrite(text) for text in texts)}]"
        try:
            self._program = _environment(quick.MATCHED).compile(text)
        except Exception as error:  # the binding raises bare RuntimeError
            raise CelError(_first_line(str(error))) from error

    def values(self, data: Mapping[str, object]) -> list[Any] | None:
        """The values of all expressions, or None where one of them has none; which one is not known.

        Args:
            data: the variables, made representable by `fit`.
        """
        variables = {**data, quick.MATCHED: self._patterns.results(data)}
        try:
            values = _plain(self._program.eval(_environment(quick.MATCHED).Activation(variables)))
        except Exception:  # noqa: BLE001 - the binding raises bare RuntimeError and ValueError
            return None
        return values if isinstance(values, list) else None  # an error has a text for its value


def _first_line(text: str) -> str:
    lines = [line.split("<input>:", 1)[-1] for line in text.splitlines() if "ERROR" in line]
    return (lines or text.splitlines() or [text])[0].strip()


def fit(value: object) -> object:
    """A JSON value as CEL can hold it.

    Integers beyond 64 bits become doubles. Lone surrogates are replaced, and so is NUL, at which the binding cuts texts
    off (cel-expr-python 0.1.3).
    """
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _as_utf8(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else _as_double(value)
    if isinstance(value, Mapping):
        return {fit(key): fit(item) for key, item in value.items()}
    return [fit(item) for item in value] if isinstance(value, (list, tuple)) else value


def _as_utf8(value: str) -> str:
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")


def _as_double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def canonical(value: object) -> str:
    """One text for equal JSON values: key order and the spelling of whole numbers do not matter."""
    return json_text(_normal(value))


def same(one: object, other: object) -> bool:
    """Whether two values have one canonical text, found out without writing it wherever that can be avoided."""
    kind = type(one)
    if kind is type(other):
        if kind in _SCALARS and one == other:
            return True
        if isinstance(one, list) and isinstance(other, list):
            return len(one) == len(other) and (_same_scalars(one, other) or all(map(same, one, other)))
        if isinstance(one, dict) and isinstance(other, dict) and _TEXTS.issuperset(map(type, (*one, *other))):
            return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    return canonical(one) == canonical(other)


def _same_scalars(one: list[object], other: list[object]) -> bool:
    kinds = list(map(type, one))
    return _SCALARS.issuperset(kinds) and kinds == list(map(type, other)) and one == other


_TEXTS: Final = frozenset({str})
_SCALARS: Final[frozenset[type]] = frozenset({str, int, float, bool, type(None)})
json_text: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str).encode
"""A value as JSON with sorted keys; whatever JSON does not know is written as a text."""


def _normal(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normal(item) for item in value]
    return value

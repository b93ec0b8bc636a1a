"""The Common Expression Language, bound to what a claim may see.

Expressions are compiled once. They see `request`, `response`, `known` and, inside `each`, `item`; beyond CEL's own
functions and its strings extension there are `distinct(list)` and `json(string)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

VARIABLES: Final = ("request", "response", "known", "item")

_INT64: Final = 2**63


class CelError(Exception):
    """An expression cannot be compiled or has no value for this exchange. The text says why."""


def _distinct(values: list[Any]) -> list[Any]:
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(canonical(value), value)
    return list(seen.values())


def _json(text: str) -> Any:
    return fit(json.loads(text))


def _function(
    name: str, result: cel.Type, call: Callable[[Any], Any], parameter: cel.Type | None = None
) -> cel.FunctionDecl:
    overload = cel.Overload(id=name, return_type=result, parameters=[parameter or result], is_member=False, impl=call)
    return cel.FunctionDecl(name, [overload])


@cache
def _environment() -> cel.Env:
    dyn = cel.Type.DYN
    functions = [
        _function("distinct", cel.Type.List(dyn), _distinct),
        _function("json", dyn, _json, cel.Type.STRING),
    ]
    return cel.NewEnv(
        variables=dict.fromkeys(VARIABLES, dyn), functions=functions, extensions=[ext_strings.ExtStrings()]
    )


@dataclass(frozen=True)
class Context:
    """The variables of one exchange, converted once for all expressions."""

    activation: cel.Activation
    data: Mapping[str, object]

    @classmethod
    def of(cls, data: Mapping[str, object]) -> Context:
        """Convert plain values.

        Args:
            data: `request`, `response` and `known`; JSON values, made representable by `fit`.
        """
        return cls(_environment().Activation(data), data)

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
        return self.value(context) is True


def _plain(value: cel.Value) -> object:
    """A value as plain Python.

    The binding's own `plain_value` releases one reference to None for each null that it converts, until the interpreter
    aborts (cel-expr-python 0.1.3), so nulls are taken out by hand.
    """
    if value.type() == cel.Type.NULL:
        return None
    inner = value.value()
    if isinstance(inner, list):
        return [_plain(item) for item in inner]
    if isinstance(inner, dict):
        return {key: _plain(item) for key, item in inner.items()}
    return cast("object", inner)


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


def _first_line(text: str) -> str:
    lines = [line.split("<input>:", 1)[-1] for line in text.splitlines() if "ERROR" in line]
    return (lines or text.splitlines() or [text])[0].strip()


def fit(value: object) -> object:
    """A JSON value as CEL can hold it.

    Integers beyond 64 bits become doubles. Lone surrogates are replaced, and so is NUL, at which the binding cuts texts
    off (cel-expr-python 0.1.3).
    """
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else _as_double(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")
    if isinstance(value, Mapping):
        return {fit(key): fit(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fit(item) for item in value]
    return value


def _as_double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def canonical(value: object) -> str:
    """One text for equal JSON values: key order and the spelling of whole numbers do not matter."""
    return json.dumps(_normal(value), sort_keys=True, ensure_ascii=False, default=str)


def _normal(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normal(item) for item in value]
    return value

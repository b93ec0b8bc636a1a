"""What an expression read of an exchange: the values that show why it does not hold."""

from __future__ import annotations

import re
from typing import Final

from specwatch.claims.cel import CelError, Context, canonical, compile_expression
from specwatch.claims.pieces import split
from specwatch.spec.schema import shorten

VALUE_CHARACTERS: Final = 120
"""How much of one value is shown."""

_COMPARISONS: Final = ("==", "!=", "<=", ">=", "<", ">", "in")
_STEPS: Final = r"""(?:\.\w+\b(?!\s*\()|\["[^"\\]*"\]|\['[^'\\]*'\]|\[\d+\])"""
_PATH: Final = re.compile(rf"(?<![\w.])(?:request|response|known)\b{_STEPS}+")
_ALL: Final = re.compile(r"(?P<list>.+?)\.all\(\s*(?P<name>\w+)\s*,(?P<condition>.+)\)", re.DOTALL)

Read = dict[str, str]
"""What is shown as a name, and the expression that has its value."""


def evidence(text: str, context: Context) -> str:
    """The values that an expression reads, as `response.json.count = 3; size(response.json.items) = 2`.

    Of several conditions that all have to hold, the first that does not is looked at. Of a comparison both sides are
    shown, of a condition on all elements of a list the first that does not meet it, of anything else the parts of the
    exchange that it names. Empty where there is nothing to show.

    Args:
        text: an expression that does not hold for the exchange.
        context: the exchange.
    """
    blamed = next((part for part in split(text, ["&&"]) if not _holds(part, context)), text)
    read = _sides(blamed, context) or _element(blamed, context) or _paths(blamed)
    return "; ".join(_shown(name, _value(part, context)) for name, part in read.items())


def _sides(text: str, context: Context) -> Read:
    sides = split(text, _COMPARISONS)
    read = [side for side in sides if _PATH.search(side)] if len(sides) == 2 else []
    return {side: side for side in read} if None not in (_value(side, context) for side in read) else {}


def _element(text: str, context: Context) -> Read:
    """The first element of `list.all(name, condition)` that does not meet the condition, or what is read of it."""
    match = _ALL.fullmatch(text)
    if match is None:
        return {}
    name, condition = match["name"], match["condition"]
    first = f"({match['list']}).filter({name}, !({condition}))[0]"
    if _value(first, context) is None:
        return {}
    parts = dict.fromkeys(re.findall(rf"(?<![\w.]){name}\b({_STEPS}+)", condition))
    return {f"{name}{part}": f"{first}{part}" for part in parts or [""]} | _paths(condition)


def _paths(text: str) -> Read:
    return {match[0]: match[0] for match in _PATH.finditer(text)}


def _shown(name: str, value: str | None) -> str:
    label = shorten(" ".join(name.split()), VALUE_CHARACTERS)
    return f"{label} is absent" if value is None else f"{label} = {shorten(value, VALUE_CHARACTERS)}"


def _value(part: str, context: Context) -> str | None:
    try:
        return canonical(compile_expression(part).value(context))
    except CelError:
        return None


def _holds(part: str, context: Context) -> bool:
    try:
        return compile_expression(part).holds(context)
    except CelError:
        return False

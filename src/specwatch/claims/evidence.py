"""What an expression read of an exchange: the values that show why it does not hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from specwatch.claims.cel import CelError, Context, canonical, compile_expression
from specwatch.claims.pieces import PIECE, split
from specwatch.spec.schema import shorten

VALUE_CHARACTERS: Final = 120
"""How much of one value is shown."""

ALIKE: Final = 3
"""So many elements that are the same are shown, and so many that nobody asked for."""

_COMPARISONS: Final = ("==", "!=", "<=", ">=", "<", ">", "in")
_STEPS: Final = r"""(?:\.\w+\b(?!\s*\()|\["[^"\\]*"\]|\['[^'\\]*'\]|\[\d+\])"""
_PATH: Final = re.compile(rf"(?<![\w.])(?:request|response|known)\b{_STEPS}+")
_ALL: Final = re.compile(r"(?P<list>.+?)\.all\(\s*(?P<name>\w+)\s*,(?P<condition>.+)\)", re.DOTALL)
_MACRO: Final = re.compile(r"\s*\.(?P<kind>all|exists|exists_one|filter|map)\(\s*(?P<name>\w+)\s*,")
_SIZE: Final = re.compile(rf"size\(\s*({_PATH.pattern})\s*\)")
_DISTINCT: Final = re.compile(r"isDistinct\(\s*\Z")
_STEP: Final = re.compile(r"""\.(\w+)|\["([^"]*)"\]|\['([^']*)'\]|\[(\d+)\]""")

Read = dict[str, str]
"""What is shown as a name, and the expression that has its value."""


def evidence(text: str, context: Context) -> str:
    """The values that an expression reads, as `response.json.count = 3; size(response.json.items) = 2`.

    Of several conditions that all have to hold, the first that does not is looked at. Of a comparison both sides are
    shown, of two lists of plain values the first place where they differ; of a condition on all elements of a list the
    first that does not meet it; of a list whose elements have to differ those that do not; of anything else the parts
    of the exchange that it names. Empty where there is nothing to show.

    Args:
        text: an expression that does not hold for the exchange.
        context: the exchange.
    """
    blamed = next((part for part in split(text, ["&&"]) if not _holds(part, context)), text)
    read = (
        _difference(blamed, context)
        or _sides(blamed, context, text)
        or _element(blamed, context)
        or _paths(blamed, context)
    )
    return "; ".join(_shown(name, _value(part, context)) for name, part in read.items())


def _difference(text: str, context: Context) -> Read:
    """The first place at which two lists of plain values differ."""
    sides = split(text, ["=="])
    lists = [_raw(side, context) for side in sides] if len(sides) == 2 else []
    if not lists or not all(isinstance(each, list) and each and _are_plain(each) for each in lists):
        return {}
    one, other = ([canonical(value) for value in each] for each in lists if isinstance(each, list))
    shorter = min(len(one), len(other))
    at = next((index for index in range(shorter) if one[index] != other[index]), shorter)
    return {_at(side, at): _at(side, at) for side in sides}


def _at(side: str, index: int) -> str:
    """An element of a list; of `path.map(name, name.part)` that part of the path's element."""
    path = _PATH.match(side)
    macros = list(_macros(side, path.end())) if path is not None else []
    if path is not None and len(macros) == 1 and macros[0].kind == "map" and macros[0].end == len(side):
        steps = re.fullmatch(rf"\s*{macros[0].name}({_STEPS}+)\s*", macros[0].body)
        if steps is not None:
            return f"{path[0]}[{index}]{steps[1]}"
    return f"{side}[{index}]" if path is not None and path.end() == len(side) else f"({side})[{index}]"


def _sides(text: str, context: Context, whole: str) -> Read:
    sides = split(text, _COMPARISONS)
    read = [side for side in sides if _PATH.search(side)] if len(sides) == 2 else []
    if not read or None in (_value(side, context) for side in read):
        return {}
    more: Read = {}
    for path in _SIZE.findall(text):  # how many are too many is seen from what tells them apart
        for match in re.finditer(rf"(?<![\w.]){re.escape(path)}(?![\w\[])", whole):
            more |= _columns(whole, match, context, ())
    return {side: side for side in read} | more


def _element(text: str, context: Context) -> Read:
    """The first element of `list.all(name, condition)` that does not meet the condition, or what is read of it."""
    match = _ALL.fullmatch(text)
    if match is None:
        return {}
    name, condition, listed = match["name"], match["condition"], match["list"]
    first = f"({listed}).filter({name}, !({condition}))[0]"
    if _value(first, context) is None:
        return {}
    shown = name
    values, kept = _raw(listed, context), _raw(f"{listed}.map({name}, {condition})", context)
    if _PATH.fullmatch(listed) and isinstance(kept, list) and False in kept:
        first = shown = f"{listed}[{kept.index(False)}]"
    parts = dict.fromkeys(re.findall(rf"(?<![\w.]){name}\b({_STEPS}+)", condition))
    asked = [canonical(value) for value in values] if isinstance(values, list) and _are_plain(values) else ()
    return {f"{shown}{part}": f"{first}{part}" for part in parts or [""]} | _paths(condition, context, asked)


def _paths(text: str, context: Context, asked: Collection[str] = ()) -> Read:
    """The parts of the exchange that a text names; of a list of objects what is read of its elements."""
    read: Read = {}
    for match in _PATH.finditer(text):
        read |= _columns(text, match, context, asked) or {match[0]: match[0]}
    return read


@dataclass(frozen=True, slots=True)
class _Macro:
    """One `.kind(name, body)`, and where it ends."""

    kind: str
    name: str
    body: str
    end: int


def _macros(text: str, position: int) -> Iterator[_Macro]:
    """The macros that are called on what ends at a position, one on the other."""
    while match := _MACRO.match(text, position):
        depth, position = 1, match.end()
        for piece in PIECE.finditer(text, match.end()):
            depth += (piece[0] in {"(", "[", "{"}) - (piece[0] in {")", "]", "}"})
            position = piece.end()
            if depth == 0:
                break
        yield _Macro(match["kind"], match["name"], text[match.end() : position - 1], position)


def _columns(text: str, path: re.Match[str], context: Context, asked: Collection[str]) -> Read:
    """What macros read of the elements of a list: those that are alike or were not asked for, else all of it.

    What was asked for are values in canonical form, none where that is not known.
    """
    macros = list(_macros(text, path.end()))
    listed = _raw(path[0], context) if macros else None
    if not isinstance(listed, list):
        return {}
    unique = bool(_DISTINCT.search(text[: path.start()])) or any(macro.kind == "exists_one" for macro in macros)
    last = macros[-1:] if macros[-1].kind == "map" else macros
    found = {
        (macro.name, steps): _column(listed, steps)
        for macro in last
        for steps in re.findall(rf"(?<![\w.]){macro.name}\b({_STEPS}+)", macro.body)
    }
    read: Read = {}
    for (name, steps), column in found.items():
        places = (_alike(column) if unique else []) or _foreign(column, asked)
        at = [f"{path[0]}[{place}]{steps}" for place in places[:ALIKE]]
        whole = f"{path[0]}.map({name}, {name}{steps})"
        read |= dict(zip(at, at, strict=True)) if at else {whole: whole} if len(column) == len(listed) else {}
    return read


def _column(listed: list[object], steps: str) -> Mapping[int, str]:
    """A part of the elements of a list, in canonical form, by their positions; only of those with a plain one."""
    names = [next(group for group in match.groups() if group is not None) for match in _STEP.finditer(steps)]
    found = {}
    for index, value in enumerate(listed):
        for name in names:
            value = value.get(name) if isinstance(value, dict) else ...  # noqa: PLW2901 - one step down
        if _are_plain([value]):
            found[index] = canonical(value)
    return found


def _alike(column: Mapping[int, str]) -> list[int]:
    """The positions of the first value that is there twice."""
    twice = next((value for value, number in Counter(column.values()).items() if number > 1), None)
    return [index for index, value in column.items() if value == twice]


def _foreign(column: Mapping[int, str], asked: Collection[str]) -> list[int]:
    return [index for index, value in column.items() if value not in asked] if asked else []


def _are_plain(values: list[object]) -> bool:
    return all(value is None or isinstance(value, str | int | float) for value in values)


def _shown(name: str, value: str | None) -> str:
    label = shorten(" ".join(name.split()), VALUE_CHARACTERS)
    return f"{label} is absent" if value is None else f"{label} = {shorten(value, VALUE_CHARACTERS)}"


def _raw(part: str, context: Context) -> object:
    try:
        return compile_expression(part).value(context)
    except CelError:
        return None


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

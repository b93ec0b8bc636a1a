"""Two values that should be alike, told by what differs: of thirty fields those that are not the same, by name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from specwatch.claims.cel import json_text
from specwatch.values.claim import Claim, Observe, Series

PLAIN: Final = 120
"""Values as short as that are told as they are."""

TOLD: Final = 380
"""As much is told of each side."""

EACH: Final = 120
"""As much is told of one value, from shortly before the place where both part."""

_BEFORE: Final = 30

_NOTHING: Final = "(nothing there)"
"""What stands for an element that one side does not have."""

_MAPPED: Final = re.compile(r"\[([^\[\]]*)\]\s*\.map\(\s*(\w+)\s*,\s*\2 in ([\w.]+)\s*\?")
"""`["a", "b"].map(name, name in item.request ? ...`: the fields of an object, those that it lacks included."""

_QUOTED: Final = re.compile(r"""["']([^"']*)["']""")
_PATH: Final = re.compile(r"[\w.]+")


def differing(expected: str, found: str, expression: str = "") -> tuple[str, str]:
    """Both sides as JSON with what differs alone, where they are long; else as they are.

    Args:
        expected: canonical JSON; any other text is told as it is.
        found: the same.
        expression: what gives the values, which may name the elements of a list.

    Returns:
        Objects from a name as a JSON pointer to what stands there, with how much is alike.
    """
    if max(len(expected), len(found)) <= PLAIN:
        return expected, found
    try:
        one, other = json.loads(expected), json.loads(found)
    except (ValueError, RecursionError):
        return expected, found
    if type(one) is not type(other) or not isinstance(one, list | dict):
        return expected, found
    labels = _labels(expression)
    one, other = _labelled(one, labels), _labelled(other, labels)
    leaves = [(place, json_text(left), json_text(right)) for place, left, right in _leaves(one, other, "")]
    apart = [leaf for leaf in leaves if leaf[1] != leaf[2]]
    alike = len(leaves) - len(apart)
    turned = [(place, right, left) for place, left, right in apart]
    return _told(apart, alike), _told(turned, alike)


def _told(apart: list[tuple[str, str, str]], alike: int) -> str:
    """One side: place to value for as many places as there is room for, and how many are left out."""
    told: dict[str, object] = {}
    room = TOLD
    for place, own, other in apart:
        value = _cut(own, other)
        room -= len(place) + len(json_text(value)) + 6
        if room < 0 and told:
            told["…"] = f"{len(apart) - len(told)} more differ, {alike} are alike"
            return json_text(told)
        told[place] = value
    if alike:
        told["…"] = f"{alike} {'is' if alike == 1 else 'are'} alike"
    return json_text(told)


def _cut(own: str, other: str) -> object:
    """A value, or of a long one the text from shortly before the place where it parts from the other."""
    if len(own) <= EACH:
        return json.loads(own)
    same = next((at for at, pair in enumerate(zip(own, other, strict=False)) if pair[0] != pair[1]), len(other))
    begin = max(same - _BEFORE, 0)
    piece = own[begin : begin + EACH]
    return f"{'…' if begin else ''}{piece}{'…' if begin + EACH < len(own) else ''}"


def _labels(expression: str) -> list[str]:
    """The names of the elements of a list, as an expression has them; none where it does not say."""
    mapped = [
        f"{owner.partition('.')[2].replace('.', '/')}/{name}".lstrip("/")
        for names, _, owner in _MAPPED.findall(expression)
        for name in _QUOTED.findall(names)
    ]
    if mapped:
        return mapped
    text = expression.strip()
    parts = [part.strip() for part in text[1:-1].split(",")] if text[:1] == "[" and text[-1:] == "]" else []
    return parts if all(map(_PATH.fullmatch, parts)) else []


def _labelled(value: Any, labels: list[str]) -> Any:
    return dict(zip(labels, value, strict=True)) if isinstance(value, list) and len(value) == len(labels) else value


def _leaves(one: Any, other: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """The places of both values, with what stands there on either side."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            yield from _leaves(one.get(name, _NOTHING), other.get(name, _NOTHING), f"{place}/{name}")
    elif isinstance(one, list) and isinstance(other, list):
        for index in range(max(len(one), len(other))):
            left, right = (each[index] if index < len(each) else _NOTHING for each in (one, other))
            yield from _leaves(left, right, f"{place}/{index}")
    else:
        yield place, one, other


def value_expression(claim: Claim, operation: str) -> str:
    """What gives the values that a claim compares, in the answers of an operation."""
    form = claim.form
    if isinstance(form, Series):
        return form.value
    sides = form.observations if isinstance(form, Observe) else ()
    return next((side.value for side in sides if side.operation == operation), "")

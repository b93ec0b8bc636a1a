"""Expected and found side by side: where both are values, what differs is marked in each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

from specwatch.reports.html.view import Side
from specwatch.reports.html.visible import clipped

CHARACTERS: Final = 2_000
MAX_PIECES: Final = 600
"""Longer sequences are not compared piece by piece: that takes a time that grows with the square of them."""

ALIKE: Final = 0.5
"""Values less alike than that are told apart as a whole."""

_LISTED: Final = re.compile(r"; (?=\(?(?:request|response|known|item|size\()[\w.(\[])")
"""Between two values that an expression reads."""

_PIECE: Final = re.compile(r"\w+|\s+|[^\w\s]")


def sides(expected: str, found: str) -> tuple[Side, Side, bool]:
    """Both sides, and whether they are values that can be compared."""
    first, second = _value(expected), _value(found)
    if first is None or second is None:
        return _plain(expected), _plain(found), False
    nested = any(value[:1] in {"{", "["} for value in (first, second))
    left, right = (_PIECE.findall(value) if nested else list(value) for value in (first, second))
    if len(left) > MAX_PIECES or len(right) > MAX_PIECES:
        return _plain(first), _plain(second), True
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < ALIKE:
        return Side(((True, first),)), Side(((True, second),)), True
    return Side(tuple(_pieces(matcher, left, 0))), Side(tuple(_pieces(matcher, right, 1))), True


def _value(text: str) -> str | None:
    """A JSON value, set in lines where it is nested; None for any other text."""
    if len(text) > CHARACTERS:
        return None
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) if isinstance(value, list | dict) else text
    except (ValueError, RecursionError):
        return None


def _plain(text: str) -> Side:
    return Side(((False, clipped(_LISTED.sub("\n", text), CHARACTERS)),))


def _pieces(matcher: SequenceMatcher[str], side: Sequence[str], which: int) -> Iterator[tuple[bool, str]]:
    for tag, *bounds in matcher.get_opcodes():
        begin, end = bounds[2 * which], bounds[2 * which + 1]
        if begin < end:
            yield tag != "equal", "".join(side[begin:end])

"""JSON as RFC 8259 means it: UTF-8, no NaN, no repeated keys, no bottomless nesting."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

MAX_DEPTH: Final = 200
"""How deeply arrays and objects may be nested before the text is left unread, as hostile ones have to be."""

MAX_NUMBER_LENGTH: Final = 400
"""How many characters one number may have: a double needs at most 325 digits to be written out in full."""


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TEXT = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_LONG = b"0" * 19
"""So many digits in a row may be an integer beyond 64 bits, or worse."""


class _Missing:
    """The type of `MISSING`: there is no value, as opposed to the value null."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class StrictJson:
    """A parsed text.

    Args:
        value: the value, or `MISSING` when the text is no JSON at all.
        problems: what a strict reader objects to, as sentences; empty for good JSON.
        beyond: which of our own bounds the text exceeds, so that it is not read and nothing is known about it; empty
            for a text within them. RFC 8259 section 9 lets a parser have such bounds, and lets others exceed them.
        tame: whether it is certain that no text in the value holds a NUL or half a character, and that every integer
            fits 64 bits; never true where it would have taken long to find out.
    """

    value: object
    problems: tuple[str, ...] = ()
    beyond: str = ""
    tame: bool = field(default=False, compare=False)


def parse_strict(body: bytes) -> StrictJson:
    """Parse a body. Never raises: whatever is wrong is told in `problems`.

    The result is not to be changed: who asks for the same body twice in a row, as a judge and a workflow do that look
    at one answer, gets the same one.
    """
    last = _last[0]
    if last is None or last[0] is not body:
        last = (body, _parse(body))
        _last[0] = last if len(body) <= _KEPT else None
    return last[1]


_KEPT: Final = 8 * 1024 * 1024
"""How long a body may be to be remembered: the last one stays in memory for as long as no other is parsed."""

_last: Final[list[tuple[bytes, StrictJson] | None]] = [None]


def _parse(body: bytes) -> StrictJson:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return StrictJson(MISSING, (f"byte {error.start} of the body is not UTF-8",))
    short = _LONG not in body.translate(_DIGITS)
    if short and text.count("[") + text.count("{") <= MAX_DEPTH:
        try:
            value: object = _QUICK.decode(text)
        except (_ObjectionError, ValueError):
            return _explain(text)
        if "\\u" not in text:
            return StrictJson(value, (), tame=True)
        return StrictJson(_without_surrogates(value) if _SURROGATE.search(text) else value)
    return _explain(text)


def _explain(text: str) -> StrictJson:
    """Parse a text that may be bad, and tell everything that is."""
    problems: list[str] = []
    if text.startswith("\ufeff"):
        problems.append("the body starts with a byte order mark")
        text = text[1:]
    if _depth_exceeds(text, MAX_DEPTH):
        return StrictJson(MISSING, tuple(problems), f"is nested more than {MAX_DEPTH} levels deep")
    longest: list[int] = []
    try:
        value: object = _decoder(problems, longest).decode(text)
    except (ValueError, RecursionError) as error:
        return StrictJson(MISSING, (*problems, f"the body is not JSON: {error}"))
    if longest:
        return StrictJson(MISSING, tuple(dict.fromkeys(problems)), f"has a number of {max(longest)} digits")
    if _SURROGATE.search(text):
        value = _without_surrogates(value)
    return StrictJson(value, tuple(dict.fromkeys(problems)))


class _ObjectionError(Exception):
    """A quick reader met something that a strict one has to talk about."""


def _quick_pairs(items: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(items)
    if len(result) != len(items):
        raise _ObjectionError
    return result


def _quick_constant(_name: str) -> float:
    raise _ObjectionError


def _quick_fraction(digits: str) -> float:
    value = float(digits)
    if value in _INFINITE:
        raise _ObjectionError
    return value


_INFINITE: Final = (math.inf, -math.inf)
_QUICK: Final = json.JSONDecoder(
    parse_constant=_quick_constant, object_pairs_hook=_quick_pairs, parse_float=_quick_fraction
)
"""Reads good JSON whose numbers are short; anything else is an error, and is read again to be explained."""


def _without_surrogates(value: object) -> object:
    """The value with lone surrogates replaced, which JSON can spell but no UTF-8 text can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def _decoder(problems: list[str], longest: list[int]) -> json.JSONDecoder:
    """A reader that tells what it objects to, and the lengths of numbers that it does not read."""

    def constant(name: str) -> float:
        problems.append(f"the body holds {name}, which JSON does not know")
        return float(name)

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        result = dict(items)
        if len(result) != len(items):
            repeated = min(name for name, count in Counter(name for name, _ in items).items() if count > 1)
            problems.append(f"an object repeats the key {repeated!r}")
        return result

    def integer(digits: str) -> int | float:
        if len(digits) > MAX_NUMBER_LENGTH:
            longest.append(len(digits))
            return 0
        return int(digits)

    def fraction(digits: str) -> float:
        if math.isinf(value := float(digits)):
            problems.append("a number is too big for a double")
        return value

    return json.JSONDecoder(parse_constant=constant, object_pairs_hook=pairs, parse_int=integer, parse_float=fraction)


def _depth_exceeds(text: str, limit: int) -> bool:
    """Whether brackets outside strings nest deeper than the limit."""
    if text.count("[") + text.count("{") <= limit:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_TEXT.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > limit:
            return True
    return False

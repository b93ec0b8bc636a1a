"""JSON as RFC 8259 means it: UTF-8, no NaN, no repeated keys, no bottomless nesting."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

MAX_DEPTH: Final = 200
"""How deeply arrays and objects may be nested before the text counts as hostile."""

MAX_NUMBER_LENGTH: Final = 400
"""How many characters one number may have: a double needs at most 325 digits to be written out in full."""


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


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
    """

    value: object
    problems: tuple[str, ...] = ()


def parse_strict(body: bytes) -> StrictJson:
    """Parse a body. Never raises: whatever is wrong is told in `problems`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return StrictJson(MISSING, (f"byte {error.start} of the body is not UTF-8",))
    problems: list[str] = []
    if text.startswith("\ufeff"):
        problems.append("the body starts with a byte order mark")
        text = text[1:]
    if _depth_exceeds(text, MAX_DEPTH):
        return StrictJson(MISSING, (*problems, f"the body is nested more than {MAX_DEPTH} levels deep"))
    try:
        value: object = _decoder(problems).decode(text)
    except (ValueError, RecursionError) as error:
        return StrictJson(MISSING, (*problems, f"the body is not JSON: {error}"))
    if _SURROGATE.search(text):
        value = _without_surrogates(value)
    return StrictJson(value, tuple(dict.fromkeys(problems)))


def _without_surrogates(value: object) -> object:
    """The value with lone surrogates replaced, which JSON can spell but no UTF-8 text can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def _decoder(problems: list[str]) -> json.JSONDecoder:
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
            problems.append(f"a number has {len(digits)} digits")
            return float("inf")
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
    in_string = escaped = False
    for char in text:
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > limit:
                return True
        elif char in "]}":
            depth -= 1
    return False

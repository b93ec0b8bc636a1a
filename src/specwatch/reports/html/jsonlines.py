"""JSON text as lines that people read, each value spelt as it came, and each with the pointer that leads to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from specwatch.spec.source import escape

_TOKEN: Final = re.compile(r'[ \t\r\n]*(?:("[^"\\]*+(?:\\.[^"\\]*+)*+")|([^\s,:\[\]{}"]+)|([,:\[\]{}]))', re.DOTALL)
_LITERAL: Final = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_CLOSING: Final = {"{": "}", "[": "]"}
_ENDS: Final = frozenset("]}")


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line.

    Args:
        pointer: JSON pointer (RFC 6901) to the value that begins here; None where a value ends.
        key: the key with its colon; empty in lists.
        value: the value, or the bracket that opens or closes it.
        tail: a comma, or nothing.
        problem: what no strict JSON has: a repeated key or a literal such as NaN; else empty.
    """

    depth: int
    pointer: str | None
    key: str
    value: str
    tail: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """Text that is no JSON: where it stops to be, and why."""

    position: int
    reason: str


@dataclass
class _Level:
    """A list or an object that is open."""

    bracket: str
    pointer: str
    index: int = 0
    keys: set[str] = field(default_factory=set)


@lru_cache(maxsize=16)
def read(text: str) -> Broken | tuple[JsonLine, ...]:
    """The lines of a JSON text, or where it is broken. Violations of one answer share them."""
    try:
        json.loads(text, parse_int=str)  # an integer of any length is JSON
    except json.JSONDecodeError as error:
        return Broken(error.pos, error.msg)
    except RecursionError:
        return Broken(0, "it is nested too deeply to be shown in lines")
    return tuple(_lines(text))


def _lines(text: str) -> Iterator[JsonLine]:
    """The lines of a text that is well-formed."""
    pieces = [match[match.lastindex or 0] for match in _TOKEN.finditer(text)]
    pieces.append("")
    levels: list[_Level] = []
    key, problem, at = "", "", 0
    while at < len(pieces) - 1:
        piece, following = pieces[at], pieces[at + 1]
        at += 1
        if piece in _ENDS:
            levels.pop()
            yield JsonLine(len(levels), None, "", piece, _comma(following))
        elif following == ":":
            key, problem = piece, _repeated(levels[-1], piece)
            at += 1
        elif piece != ",":
            if _CLOSING.get(piece) == following:  # an empty list or object stands on one line
                piece, at = f"{piece}{following}", at + 1
            line = _value(levels, key, piece, pieces[at], problem)
            yield line
            if piece in _CLOSING:
                levels.append(_Level(piece, line.pointer or ""))
            key, problem = "", ""


def _value(levels: list[_Level], key: str, piece: str, following: str, problem: str) -> JsonLine:
    """The line of a value, or the one that opens a list or an object."""
    found = problem or ("" if piece[0] in '"[{' or _LITERAL.fullmatch(piece) else "this is no JSON value")
    pointer = _pointer(levels[-1] if levels else None, key)
    tail = "" if piece in _CLOSING else _comma(following)
    return JsonLine(len(levels), pointer, f"{key}: " if key else "", piece, tail, found)


def _comma(following: str) -> str:
    return "," if following == "," else ""


def _repeated(level: _Level, key: str) -> str:
    if key in level.keys:
        return "this key is repeated"
    level.keys.add(key)
    return ""


def _pointer(level: _Level | None, key: str) -> str:
    if level is None:
        return ""
    if level.bracket == "{":
        name = str(json.loads(key)) if "\\" in key else key[1:-1]
        return f"{level.pointer}/{escape(name)}"
    level.index += 1
    return f"{level.pointer}/{level.index - 1}"

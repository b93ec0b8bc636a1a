"""Bodies as they are shown: JSON in lines, with the offending places marked and what is far from them folded."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from specwatch.reports.html.allowance import Allowance
from specwatch.reports.html.folds import folded
from specwatch.reports.html.jsonlines import Broken, JsonLine, read
from specwatch.reports.html.view import Body, Row
from specwatch.reports.html.visible import clipped
from specwatch.reports.text import count
from specwatch.values.exchange import Headers, header

VALUE_CHARACTERS: Final = 600
RAW_CHARACTERS: Final = 1_200
"""How much of a text that is no JSON is shown, on either side of the place."""

LEAST_CHARACTERS: Final = 60
"""The same, where there is no room for more."""

HEX_BYTES: Final = 64
END: Final = "⟨end⟩"
SPACE: Final = "⟨space⟩"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be marked in a body.

    Args:
        pointers: JSON pointers to the offending values.
        embedded: pointers into the JSON that the body holds as a string.
        broken: whether the body should be strict JSON and is not.
        note: what is said about the places.
    """

    pointers: tuple[str, ...] = ()
    embedded: tuple[str, ...] = ()
    broken: bool = False
    note: str = "here"


def bodies(data: bytes, headers: Headers, wanted: Wanted, allowance: Allowance) -> tuple[Body, ...]:
    """A body, and the JSON that it holds as a string where something in there is to be marked."""
    size = f"{len(data):,} bytes" if len(data) != 1 else "1 byte"
    if not data:
        return (Body("no body"),)
    if not allowance.may_read(len(data)):
        text = data[: 4 * RAW_CHARACTERS].decode("utf-8", "replace")
        return (_raw(text, None, f"{size}, too long to be taken apart here; the beginning", allowance),)
    text, fault = _decoded(data)
    if fault is None:
        return tuple(_texts(text, size, is_json=_says(headers, "json") or wanted.broken, wanted=wanted, room=allowance))
    if _says(headers, "json") or _says(headers, "text/"):
        return (_raw(text, Broken(fault, "not UTF-8 from here"), f"{size}, not UTF-8", allowance),)
    return (Body(f"{size}, no text; the first in hexadecimal", (Row(0, data[:HEX_BYTES].hex(" ")),)),)


def _decoded(data: bytes) -> tuple[str, int | None]:
    """The text, and at which character it stops being UTF-8."""
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        return data.decode("utf-8", "replace"), len(data[: error.start].decode("utf-8"))


def _says(headers: Headers, media: str) -> bool:
    return media in (header(headers, "content-type") or "").lower()


def _texts(text: str, size: str, *, is_json: bool, wanted: Wanted, room: Allowance) -> Iterator[Body]:
    """A text in lines where it is JSON, and what is inside of a string."""
    lines = read(text)
    if isinstance(lines, Broken):
        yield _raw(text, lines if is_json else None, f"{size}, not JSON" if is_json else size, room)
        return
    inside = _inside(lines) if wanted.embedded or wanted.broken else None
    outer = wanted if inside is None else replace(wanted, pointers=(*wanted.pointers, ""))
    yield _formatted(lines, outer, f"{size}, set in lines", room)
    if inside is not None:
        content = read(inside)
        if isinstance(content, Broken):
            yield _raw(inside, content, "what the string holds is no JSON", room)
        else:
            yield _formatted(content, replace(wanted, pointers=wanted.embedded), "what the string holds", room)


def _inside(lines: Sequence[JsonLine]) -> str | None:
    """The string that a body consists of."""
    if len(lines) != 1 or not lines[0].value.startswith('"'):
        return None
    return str(json.loads(lines[0].value))


def _formatted(lines: Sequence[JsonLine], wanted: Wanted, about: str, allowance: Allowance) -> Body:
    places = set(_nearest(lines, wanted.pointers))
    if wanted.broken:
        places.update(index for index, line in enumerate(lines) if line.problem)

    def row(index: int) -> Row:
        line = lines[index]
        return _row(line, (line.problem or wanted.note) if index in places else "")

    return Body(about, tuple(folded(len(lines), sorted(places), row, allowance)), bool(places))


def _nearest(lines: Sequence[JsonLine], pointers: Collection[str]) -> Iterator[int]:
    """The lines of these values; of a value that is not there, the line of what should hold it."""
    at = {line.pointer: index for index, line in enumerate(lines) if line.pointer is not None} if pointers else {}
    for pointer in pointers:
        place = pointer
        while place and place not in at:
            place = place.rpartition("/")[0]
        yield at[place]


def _row(line: JsonLine, note: str) -> Row:
    value = clipped(line.value, VALUE_CHARACTERS)
    key = clipped(line.key, VALUE_CHARACTERS)
    return Row(line.depth, key, value, line.tail, note) if note else Row(line.depth, f"{key}{value}{line.tail}")


def _raw(text: str, broken: Broken | None, about: str, allowance: Allowance) -> Body:
    """A text that is not set in lines: around the place where it is broken, or its beginning."""
    for around in (RAW_CHARACTERS, LEAST_CHARACTERS):
        row, shown = _window(text, broken, around)
        if allowance.take([row]):
            break
    left = len(text) - shown
    said = f"{about}; {count(left, 'character')} left out" if left > 0 else about
    return Body(said, (row,), broken is not None)


def _window(text: str, broken: Broken | None, around: int) -> tuple[Row, int]:
    """The part of a text around a place, and how many characters of the text that are."""
    if broken is None:
        return Row(0, text[:around]), around
    at = broken.position
    before, letter, after = text[max(at - around, 0) : at], text[at : at + 1], text[at + 1 : at + around]
    marked = letter.strip() or (SPACE if letter else END)
    return Row(0, before, marked, after, broken.reason), len(before) + len(letter) + len(after)

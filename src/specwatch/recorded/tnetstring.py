"""Tagged netstrings, as mitmproxy writes its flows: `LENGTH:DATA` and one character for the type.

`,` bytes, `;` text in UTF-8, `#` integer, `^` float, `!` boolean, `~` null, `]` list, `}` object. The format is
described at https://tnetstrings.info; `;` is mitmproxy's own, see mitmproxy/io/tnetstring.py of
https://github.com/mitmproxy/mitmproxy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MAX_DEPTH: Final = 60
_LENGTH_DIGITS: Final = 10
_NUMBER_BYTES: Final = 400


class TnetstringError(ValueError):
    """The bytes are no tagged netstring.

    Args:
        message: what is wrong.
        at: offset of the value that is wrong.
    """

    def __init__(self, message: str, at: int) -> None:
        self.at = at
        super().__init__(message)


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each value of a file begins and ends, one after the other.

    Raises:
        TnetstringError: at the first place that is none; what was yielded before is good.
    """
    at = 0
    while at < len(data):
        _, _, end = _frame(data, at, len(data))
        yield at, end
        at = end


def loads(data: bytes, at: int = 0, end: int | None = None) -> object:
    """The value that begins at an offset.

    Raises:
        TnetstringError: there is none.
    """
    return _value(data, at, len(data) if end is None else end, MAX_DEPTH)[0]


def _frame(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Begin and end of a value's data, and where the next value begins."""
    colon = data.find(b":", at, min(at + _LENGTH_DIGITS + 1, end))
    digits = data[at:colon] if colon > at else b""
    if not digits.isdigit():
        raise TnetstringError("there is no length", at)
    stop = colon + 1 + int(digits)
    if stop + 1 > end:
        raise TnetstringError("it ends in the middle of a value", at)
    return colon + 1, stop, stop + 1


def _value(data: bytes, at: int, end: int, depth: int) -> tuple[object, int]:
    start, stop, after = _frame(data, at, end)
    tag = data[stop:after]
    if tag == b"}":
        return _object(_items(data, start, stop, depth), at), after
    if tag == b"]":
        return _items(data, start, stop, depth), after
    return _scalar(tag, data[start:stop], at), after


def _items(data: bytes, start: int, stop: int, depth: int) -> list[object]:
    if depth == 0:
        raise TnetstringError(f"values are nested more than {MAX_DEPTH} deep", start)
    items = []
    while start < stop:
        item, start = _value(data, start, stop, depth - 1)
        items.append(item)
    return items


def _object(items: list[object], at: int) -> dict[str, object]:
    if len(items) % 2:
        raise TnetstringError("an object has a key without a value", at)
    return {_key(key, at): value for key, value in zip(items[::2], items[1::2], strict=True)}


def _key(key: object, at: int) -> str:
    if isinstance(key, bytes):  # before mitmproxy 1.0
        return key.decode("utf-8", "replace")
    if isinstance(key, str):
        return key
    raise TnetstringError("a key is no text", at)


def _scalar(tag: bytes, data: bytes, at: int) -> object:
    try:
        if tag == b",":
            return data
        if tag == b";":
            return data.decode("utf-8")
        if tag == b"#" and len(data) <= _NUMBER_BYTES:
            return int(data)
        if tag == b"^" and len(data) <= _NUMBER_BYTES:
            return float(data)
    except ValueError as error:
        raise TnetstringError("a value is not of its type", at) from error
    constants: dict[tuple[bytes, bytes], object] = {(b"!", b"true"): True, (b"!", b"false"): False, (b"~", b""): None}
    if (tag, data) not in constants:
        raise TnetstringError("a value is not of its type", at)
    return constants[tag, data]

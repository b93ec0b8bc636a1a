"""Reads two facts out of a certificate: when it ends and who issued it (X.509, RFC 5280, section 4.1; DER, X.690).

The standard library tells them only of a certificate that was verified, and the ones that were not matter most.
Nothing else is read and nothing is judged here: that is OpenSSL's business.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_OID: Final = 0x06
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_TEXTS: Final = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_NAMES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
_LONGEST_ISSUER: Final = 512
_UTC: Final = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")
_GENERALIZED: Final = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says.

    Args:
        not_after: epoch seconds.
        issuer: a name in the form of RFC 4514, cut off after 512 characters.
    """

    not_after: float
    issuer: str


@lru_cache(maxsize=1024)
def read_certificate(der: bytes) -> Facts:
    """The facts of one certificate; remembered, since a target shows the same one every time.

    Raises:
        ValueError: it is no certificate in DER.
    """
    try:
        certificate = _Reader(der).enter(_SEQUENCE)
        signed = certificate.enter(_SEQUENCE)
        if signed.peek() == _VERSION:
            signed.next()
        signed.next()  # serial number
        signed.next()  # algorithm
        issuer = _name(signed.enter(_SEQUENCE))
        validity = signed.enter(_SEQUENCE)
        validity.next()  # not before
        return Facts(_time(*validity.next()), issuer[:_LONGEST_ISSUER])
    except IndexError as error:
        raise ValueError("the certificate breaks off") from error


class _Reader:
    """Walks over the values of a piece of DER."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def peek(self) -> int:
        """The tag of the next value."""
        return self._data[self._at]

    def next(self) -> tuple[int, bytes]:
        """Tag and content of the next value."""
        tag, length = self._data[self._at], self._data[self._at + 1]
        start = self._at + 2
        if length > 0x7F:
            digits = length & 0x7F
            if not 1 <= digits <= 4:
                raise ValueError("a length that no certificate has")
            length = int.from_bytes(self._data[start : start + digits], "big")
            start += digits
        self._at = start + length
        if self._at > len(self._data):
            raise ValueError("a value is longer than what is around it")
        return tag, self._data[start : self._at]

    def enter(self, tag: int) -> _Reader:
        """A reader of what is in the next value, which has to have that tag."""
        found, content = self.next()
        if found != tag:
            raise ValueError(f"a value has the tag {found:#04x} where {tag:#04x} belongs")
        return _Reader(content)

    def __bool__(self) -> bool:
        """Whether there is another value."""
        return self._at < len(self._data)


def _time(tag: int, content: bytes) -> float:
    """RFC 5280, section 4.1.2.5: two digits of the year mean 1950 to 2049."""
    match = {_UTC_TIME: _UTC, _GENERALIZED_TIME: _GENERALIZED}.get(tag, _UTC).fullmatch(content)
    if match is None:
        raise ValueError("a time that no certificate has")
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    if tag == _UTC_TIME:
        year += 1900 if year >= 50 else 2000
    if not (1 <= month <= 12 and 1 <= day <= 31 and year >= 1):
        raise ValueError("a date that no calendar has")
    return float(calendar.timegm((year, month, day, hour, minute, second)))


def _name(name: _Reader) -> str:
    parts: list[str] = []
    while name:
        parts.append("+".join(_attributes(name.enter(_SET))))
    return ",".join(reversed(parts))


def _attributes(relative: _Reader) -> Iterator[str]:
    while relative:
        attribute = relative.enter(_SEQUENCE)
        tag, content = attribute.next()
        if tag != _OID:
            raise ValueError("a part of a name has no type")
        oid = _dotted(content)
        tag, content = attribute.next()
        text = _escape(content.decode(_TEXTS[tag], "replace")) if tag in _TEXTS else f"#{content.hex()}"
        yield f"{_NAMES.get(oid, oid)}={text}"


def _dotted(content: bytes) -> str:
    """X.690, section 8.19: seven bits a byte, the first two numbers packed into one."""
    numbers, number = [], 0
    for byte in content:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(part) for part in (first, numbers[0] - 40 * first, *numbers[1:]))


def _escape(text: str) -> str:
    """RFC 4514, section 2.4."""
    escaped = re.sub(r'([\\"+,;<>])', r"\\\1", text).replace("\0", "\\00")
    if escaped[:1] in {"#", " "}:
        escaped = f"\\{escaped}"
    return f"{escaped[:-1]}\\ " if escaped.endswith(" ") and escaped != "\\ " else escaped

"""Small things that all reports say the same way."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Final

UTF_8: Final = "utf-8"
BASE64: Final = "base64"

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything outside the production `Char` of XML 1.0, section 2.2."""


_STEERING: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What ends a line or reorders letters without being seen: C1 controls, separators of lines, marks of direction."""


def printable(text: str) -> str:
    """The text on one line, with whatever could steer a terminal or reorder its letters written out as an escape."""
    return "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else char.encode("unicode_escape").decode("ascii")


def in_order(text: str) -> str:
    """The text with its lines, and with an escape for whatever would end a line or reorder letters unseen."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def xml_text(text: str) -> str:
    """The text in order, without the characters that no XML document may hold, not even escaped."""
    return in_order(_NOT_XML.sub("", text))


def decoded(body: bytes) -> tuple[str, str]:
    """A body as text, and how: `utf-8`, or `base64` where it is no UTF-8."""
    try:
        return body.decode(UTF_8), UTF_8
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), BASE64


def shortened(text: str, limit: int) -> str:
    """The text, cut to `limit` characters with a mark at the end when it was longer."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def count(number: int, noun: str) -> str:
    """`1 claim`, `2 claims`, `1,000 claims`; an `-y` becomes `-ies`."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {plural}"


def timestamp(epoch_seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""How much may be put on the page: it has to open on a phone, whatever the run has seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from specwatch.reports.html.view import Row

ROW_BYTES: Final = 24
"""What the markup of a line takes, about."""


class Allowance:
    """What is left of the bytes on the page, and of the characters that may be taken apart for it.

    Args:
        bytes_: on the page.
        work: characters of bodies.
    """

    def __init__(self, bytes_: int, work: int) -> None:
        self.bytes = bytes_
        self.work = work

    def take(self, rows: Iterable[Row]) -> bool:
        """Whether these lines still fit; then they count."""
        size = sum(_weight(row) for row in rows)
        if size > self.bytes:
            return False
        self.bytes -= size
        return True

    def may_read(self, length: int) -> bool:
        """Whether a text of that length may still be taken apart; then it counts."""
        if length > self.work:
            return False
        self.work -= length
        return True


def _weight(row: Row) -> int:
    """How many bytes a line takes on the page: characters that HTML cannot hold as they are take five."""
    text = f"{row.before}{row.marked}{row.after}"
    escaped = sum(text.count(char) for char in "\"'&<>")
    return ROW_BYTES + 2 * row.depth + len(text.encode("utf-8", "replace")) + 4 * escaped

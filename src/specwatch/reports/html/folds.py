"""Which lines of a long body are shown at once, and which are folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from specwatch.reports.html.allowance import Allowance
from specwatch.reports.html.view import Gap, Row

WHOLE: Final = 40
"""A body of so many lines in which something is marked is shown without folds."""

AROUND: Final = 8
"""Lines that are kept on either side of a place."""

HEAD: Final = 5
"""Lines at the beginning that are kept, so that one sees what it is."""

BEGINNING: Final = 12
"""So much is shown of a body in which nothing is marked."""

SPARE: Final = 4
MAX_MARKS: Final = 8
MAX_FOLD: Final = 400
"""Longer folds are left out of the page."""


def folded(total: int, marked: Sequence[int], row: Callable[[int], Row], allowance: Allowance) -> Iterator[Row | Gap]:
    """The lines near a place and the first ones; the others as folds, or left out where there is no room.

    Args:
        total: how many lines there are.
        marked: those in which something is marked, in order.
        row: makes a line.
        allowance: what the page may still hold.
    """
    for is_kept, block in _blocks(total, _kept(total, marked[:MAX_MARKS])):
        rows = [row(index) for index in block] if is_kept or len(block) <= MAX_FOLD else []
        if rows and allowance.take(rows):
            yield from rows if is_kept else (Gap(len(block), tuple(rows)),)
        else:
            needed = [each for each in rows if each.note][:1]
            yield from needed
            yield from (Gap(len(block) - len(needed)),) if len(block) > len(needed) else ()


def _kept(total: int, marked: Sequence[int]) -> Sequence[int]:
    """The lines that are shown at once, in order."""
    if total <= (WHOLE if marked else BEGINNING + SPARE):
        return range(total)
    head = range(HEAD if marked else BEGINNING)
    near = {line for mark in marked for line in range(max(mark - AROUND, 0), min(mark + AROUND + 1, total))}
    return sorted({*head, *near})


def _blocks(total: int, kept: Sequence[int]) -> Iterator[tuple[bool, range]]:
    """All lines as runs of those that are kept and those that are not."""
    at = 0
    for line in kept:
        if line > at:
            yield False, range(at, line)
        yield True, range(line, line + 1)
        at = line + 1
    if at < total:
        yield False, range(at, total)

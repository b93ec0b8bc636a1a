"""What a baseline accepts and a run did not show: what each report says about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from specwatch.contract.baseline import PROFILE, SELECTION, TRAFFIC, today_of
from specwatch.contract.result import RunResult
from specwatch.values.baseline import Acceptance

GONE, UNSEEN, UNCHECKED = "gone", "not seen", "unchecked"

_SCOPES: Final = {
    PROFILE: "in this profile: a larger one may send what shows it",
    SELECTION: "with this selection: the whole run may send what shows it",
    TRAFFIC: "in this traffic: other traffic may show it",
}


def absent(result: RunResult) -> Iterator[tuple[str, str, Acceptance]]:
    """What the baseline lists and no violation of the run shows: a label, words, and the entry."""
    if result.baseline is None:
        return
    groups = (
        (GONE, "was not found any more; remove it", result.baseline.gone),
        (UNSEEN, f"not seen {_SCOPES[result.baseline.scope]}", result.baseline.unseen),
        (UNCHECKED, "its claim is unknown in this run", result.baseline.unchecked),
    )
    for label, words, entries in groups:
        for entry in entries:
            note = expiry(entry, result)
            yield label, f"{words}; {note}" if note else words, entry


def expiry(entry: Acceptance, result: RunResult) -> str:
    """That the last day of an entry is over; empty where it is not."""
    return f"its last day was {entry.until}" if entry.days_left(today_of(result)) < 0 else ""

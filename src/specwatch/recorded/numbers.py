"""Numbers and times of files that anybody may have written."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from specwatch.recorded.model import LATEST_SECONDS, LONGEST_SECONDS

_LONGEST_TIMESTAMP: Final = 64


def number(value: object) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def duration(value: object, *, scale: float = 1.0) -> float | None:
    """A duration in seconds, or None where it is none that an exchange can have.

    Args:
        value: as it was read.
        scale: how many seconds one of its units has.
    """
    found = number(value)
    seconds = found * scale if found is not None else None
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_SECONDS else None


def moment(value: object) -> float | None:
    """Epoch seconds from an ISO 8601 text or a number of seconds; None where it is no time that can be meant.

    A text without an offset is taken as UTC.
    """
    if not isinstance(value, str):
        found = number(value)
    elif len(value) > _LONGEST_TIMESTAMP:
        return None
    else:
        found = _parsed(value.strip())
    return found if found is not None and 0 < found < LATEST_SECONDS else None


def _parsed(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None

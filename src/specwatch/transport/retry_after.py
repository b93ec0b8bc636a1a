"""Retry-After, as RFC 9110 section 10.2.3 defines it, and as the wild writes it."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from specwatch.values.exchange import Headers, header

LONGEST_SECONDS: Final = 86_400.0
"""A wait beyond a day is cut to a day: nobody means it."""


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, from 0 to a day.

    Args:
        value: the header: a number of seconds or an HTTP date.
        now: epoch seconds.

    Returns:
        The wait, or None when the header is absent or makes no sense.
    """
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _from_date(text, now)
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_SECONDS)


def _from_date(text: str, now: float) -> float:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return math.nan
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() - now


def asks_to_wait(status: int, headers: Headers) -> bool:
    """Whether an answer asks to be left alone for a while: a 503 that says for how long (RFC 9110 section 15.6.4)."""
    return status == 503 and header(headers, "retry-after") is not None


def moment_of(headers: Headers) -> float | None:
    """Epoch seconds of the `Date` header, by which the sender's own clock can be told; None without a sensible one."""
    moment = _from_date(header(headers, "date") or "", 0.0)
    return None if math.isnan(moment) else moment

"""The spans of time over which errors are counted, and how often each is counted anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

PERIOD: Final = 30 * DAY
"""Seconds for which an error budget has to last."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time that ends now.

    Args:
        name: as PromQL and the names of recorded series have it.
        seconds: how long it is.
        every: seconds between two evaluations of what is recorded over it; None for the interval of the server.
    """

    name: str
    seconds: float
    every: float | None = None


SHORT: Final = (Window("5m", 5 * MINUTE), Window("30m", 30 * MINUTE), Window("1h", HOUR), Window("2h", 2 * HOUR))
"""A minute more or less matters in these, so that they follow every scrape."""

LONG: Final = tuple(Window(name, days * DAY, MINUTE) for name, days in (("6h", 0.25), ("1d", 1.0), ("3d", 3.0)))
"""A minute is at most 0.3 % of these, and reading them takes up to 36 times as long as the longest of the others."""

MONTH: Final = Window("30d", PERIOD, 2 * MINUTE)
"""The longest to read. Not rarer than every two minutes: a sample is forgotten after five, so that with one every five
minutes the series would blink (https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness)."""

WINDOWS: Final = (*SHORT, *LONG, MONTH)
"""All of them, the shortest first."""

BY_NAME: Final = {window.name: window for window in WINDOWS}

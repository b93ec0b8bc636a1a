"""Rate limits that outlive a run: until when a target asked us to stay away, and how much slower to go afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from specwatch.errors import RateLimited
from specwatch.transport.retry_after import parse_retry_after

SHORTEST_SECONDS: Final = 1.0
"""A pause of nothing would be no pause."""

LONGEST_SECONDS: Final = 3_600.0
"""A target that asks for a longer pause is asked again after an hour: monitoring may not fall silent for a day."""

DEFAULT_SECONDS: Final = 30.0
"""The first pause when a target does not say how long; each further one is twice as long."""

SLOWEST: Final = 8.0
"""By how much intervals are stretched at most after a rate limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What is known about one place.

    Args:
        until: epoch seconds at which it may be asked again.
        slowdown: by how much intervals are stretched: 1 when all is well.
    """

    until: float = 0.0
    slowdown: float = 1.0


CLEAR: Final = Limit()


class RateLimits:
    """The limits of all places: an origin together with the credential that is sent there.

    Args:
        now: epoch seconds.
        on_change: told the place and its limit, for those who remember it; `CLEAR` when there is none any more.
        known: what is remembered from before.
    """

    def __init__(
        self,
        now: Callable[[], float],
        on_change: Callable[[str, Limit], None] = lambda _place, _limit: None,
        known: Mapping[str, Limit] | None = None,
    ) -> None:
        self._now = now
        self._on_change = on_change
        self._limits = dict(known or {})

    def limit(self, place: str) -> Limit:
        """What is known about a place."""
        return self._limits.get(place, CLEAR)

    def paused(self, place: str) -> float | None:
        """Until when, in epoch seconds, a place must be left alone; None when it may be asked."""
        until = self.limit(place).until
        return until if until > self._now() else None

    def check(self, place: str) -> None:
        """Pass or raise.

        Raises:
            RateLimited: the place asked to be left alone for some time yet.
        """
        until = self.paused(place)
        if until is not None:
            raise RateLimited(f"the target asked to be left alone for another {until - self._now():.0f} s")

    def note(self, place: str, retry_after: str | None) -> float:
        """Note a 429; returns until when, in epoch seconds, the place is left alone.

        Args:
            place: where it happened.
            retry_after: the header as it came: seconds, a date, nonsense, or None.
        """
        before = self.limit(place)
        asked = parse_retry_after(retry_after, self._now())
        pause = asked if asked is not None else DEFAULT_SECONDS * before.slowdown
        until = self._now() + min(max(pause, SHORTEST_SECONDS), LONGEST_SECONDS)
        self._set(place, Limit(max(until, before.until), min(before.slowdown * 2, SLOWEST)))
        return self.limit(place).until

    def answered(self, place: str) -> None:
        """Note that a place answers again: each answer takes half of the slowdown back.

        An answer that was under way when the pause began changes nothing.
        """
        if place in self._limits and self.paused(place) is None:
            slowdown = max(self._limits[place].slowdown / 2, 1.0)
            self._set(place, Limit(0.0, slowdown) if slowdown > 1.0 else CLEAR)

    def _set(self, place: str, limit: Limit) -> None:
        if limit == CLEAR:
            self._limits.pop(place, None)
        else:
            self._limits[place] = limit
        self._on_change(place, limit)

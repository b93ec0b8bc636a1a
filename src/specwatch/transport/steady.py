"""A clock that nobody can set while a run goes on."""

from __future__ import annotations

from specwatch.transport.clock import Clock


class SteadyClock:
    """The time of day as it was at the start, carried on by the seconds that never run backwards.

    Which of two exchanges came first, and how long a wait was, must not depend on when the machine's clock is set.

    Args:
        clock: the machine's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.now() - clock.monotonic()

    def now(self) -> float:
        """Epoch seconds, as the machine's clock had them at the start."""
        return self._offset + self._clock.monotonic()

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        self._clock.sleep(seconds)


def steady(clock: Clock) -> Clock:
    """The clock, made steady if it is not."""
    return clock if isinstance(clock, SteadyClock) else SteadyClock(clock)

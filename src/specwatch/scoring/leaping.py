"""A clock that leaps over waits, shared by a contract run and the sandbox that it checks."""

from __future__ import annotations

import threading
import time


class LeapingClock:
    """The machine's clock, put forward by every wait instead of waiting.

    Whoever shares it sees the same time go by: a background job of the sandbox is done when the run that slept for it
    wakes up, and an answer that is held back is late by this clock.
    """

    def __init__(self) -> None:
        self._ahead = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Epoch seconds, ahead of the machine's by everything that was slept."""
        return time.time() + self._ahead

    def monotonic(self) -> float:
        """Seconds since some fixed moment, the slept ones included."""
        return time.perf_counter() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Put the clock forward."""
        with self._lock:
            self._ahead += max(seconds, 0.0)

    async def hold(self, seconds: float) -> None:
        """The same for asynchronous code."""
        self.sleep(seconds)

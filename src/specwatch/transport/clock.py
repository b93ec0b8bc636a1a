"""Time enters through one door, so that tests need no sleeps."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What specwatch needs to know about time, in seconds."""

    def now(self) -> float:
        """Epoch seconds."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for durations."""

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """Block for that many seconds."""
        time.sleep(seconds)


class LeapingClock(SystemClock):
    """The machine's clock, put forward by every wait instead of waiting.

    Whoever shares it sees the same time go by: a background job of the sandbox is done when the run that slept for it
    wakes up, and an answer that is held back is late by this clock.
    """

    def __init__(self) -> None:
        self._ahead = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Epoch seconds, ahead of the machine's by everything that was slept."""
        return super().now() + self._ahead

    def monotonic(self) -> float:
        """Seconds since some fixed moment, the slept ones included."""
        return super().monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Put the clock forward."""
        with self._lock:
            self._ahead += max(seconds, 0.0)

    async def hold(self, seconds: float) -> None:
        """The same for asynchronous code."""
        self.sleep(seconds)


class AsyncClock(Protocol):
    """What asynchronous code needs to know about time, in seconds."""

    def now(self) -> float:
        """Epoch seconds."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""


class LoopClock:
    """The machine's clock, as the running event loop has it: a loop with a time of its own carries it along.

    Args:
        epoch: epoch seconds at which the loop's time was 0; the machine's own when it is not given.
    """

    def __init__(self, epoch: float | None = None) -> None:
        self._epoch = epoch

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() if self._epoch is None else self._epoch + self.monotonic()

    def monotonic(self) -> float:
        """Seconds since some fixed moment, finer than the millisecond that uvloop's own time has."""
        return time.perf_counter() if self._epoch is None else asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait without keeping the loop."""
        await asyncio.sleep(seconds)

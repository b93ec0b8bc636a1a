"""Telling of trouble: at once, then at most once a minute with a count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str, str], None]


@dataclass(slots=True)
class _Told:
    at: float
    more: int = 0
    message: str = ""


class Troubles:
    """Collects troubles from any thread.

    Args:
        tell: gets the operation and a sentence; called from the thread that reports.
        monotonic: seconds that never run backwards.
        every: seconds between two messages about one operation.
    """

    def __init__(self, tell: Tell, monotonic: Callable[[], float] = time.monotonic, every: float = 60.0) -> None:
        self._tell = tell
        self._monotonic = monotonic
        self._every = every
        self._told: dict[str, _Told] = {}
        self._lock = threading.Lock()

    def report(self, operation: str, message: str, count: int = 1) -> None:
        """Tell it, or count it when its operation was told of within the minute."""
        now = self._monotonic()
        with self._lock:
            told = self._told.get(operation)
            if told is not None and now - told.at < self._every:
                told.more += count
                told.message = message
                return
            more = told.more if told else 0
            self._told[operation] = _Told(now)
        self._tell(operation, _sentence(message, more + count - 1))

    def settle(self, *, all_of_it: bool = False) -> None:
        """Tell what was counted in minutes that are over, or in all."""
        now = self._monotonic()
        due = []
        with self._lock:
            for operation, told in self._told.items():
                if told.more and (all_of_it or now - told.at >= self._every):
                    due.append((operation, _sentence(told.message, told.more - 1)))
                    told.at, told.more = now, 0
        for operation, sentence in due:
            self._tell(operation, sentence)

    def next_due(self) -> float | None:
        """Seconds until something counted has to be told; None when nothing waits."""
        with self._lock:
            waiting = [told.at + self._every for told in self._told.values() if told.more]
        return max(0.0, min(waiting) - self._monotonic()) if waiting else None


def _sentence(message: str, more: int) -> str:
    return f"{message} (and {more} more like it)" if more > 0 else message

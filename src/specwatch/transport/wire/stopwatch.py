"""How long each phase of a request took."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Takes the time of one phase after the other; one that never began is absent.

    Args:
        started: when the request began, by `time.perf_counter`.
    """

    __slots__ = ("_since", "phase", "phases", "started")

    def __init__(self, started: float) -> None:
        self.started = started
        self.phase = ""
        self.phases: dict[str, float] = {}
        self._since = started

    def turn(self, phase: str, at: float | None = None) -> None:
        """End the phase that runs, if any, and begin another; an empty name begins none.

        Args:
            phase: the new one.
            at: when it was, by `time.perf_counter`; now when it is not given.
        """
        now = perf_counter() if at is None else at
        if self.phase:
            self.phases[self.phase] = self.phases.get(self.phase, 0.0) + max(0.0, now - self._since)
        self.phase = phase
        self._since = now

    def elapsed(self) -> float:
        """Seconds since the request began."""
        return perf_counter() - self.started

"""When probes run: at a fixed rate, each at its own moment, never twice at once, and no more than the machine bears.

A probe's ticks lie on a grid: its interval, moved by a phase that follows from its name. So a restart finds the same
grid again, probes do not all start at once, and no tick depends on how long an earlier run took.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from specwatch.probing.events import Listener, Saturated, Skipped, Ticked
from specwatch.schedule import Probe
from specwatch.transport.clock import AsyncClock

LATE_SECONDS: Final = 0.25
"""A tick that is noticed so much later shows that the prober is overloaded."""

CALM_SECONDS: Final = 10.0
"""So long nothing may have been shed before the prober counts as well again."""

Run = Callable[[Probe, bool], Awaitable[None]]
"""Runs a probe; told whether the prober is overloaded."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Whether a probe may run now, and how much longer than planned it waits for the next tick.

    Args:
        skip: why not, one of `events.SKIPS`, or empty.
        stretch: how many times as long as its interval; 1 or more.
        at_least: seconds between two ticks, whatever its interval is.
    """

    skip: str = ""
    stretch: float = 1.0
    at_least: float = 0.0

    def between(self, interval: float) -> float:
        """Seconds from one tick to the next."""
        return max(interval * self.stretch, self.at_least)


FULL_PACE: Final = Pace()


@dataclass(eq=False)
class Entry:
    """A probe in the schedule.

    Args:
        due: the loop's time of the next tick.
        ahead: seconds that the last tick planned until the next one; 0 before the first.
        waited: seconds that the tick before it had planned.
    """

    probe: Probe
    due: float = 0.0
    ahead: float = 0.0
    waited: float = 0.0
    running: bool = False
    failing: bool = False
    handle: asyncio.TimerHandle | None = field(default=None, repr=False)
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def interval(self) -> float:
        """Seconds between ticks, as things stand."""
        faster = self.probe.failing_interval
        return min(faster, self.probe.interval) if self.failing and faster else self.probe.interval

    def disarm(self) -> None:
        """Let no further tick happen."""
        if self.handle is not None:
            self.handle.cancel()
            self.handle = None


class Scheduler:
    """Calls `run` for every tick of every probe; see the module.

    Args:
        clock: for the phase of the grid; the ticks themselves are timers of the event loop.
        run: runs a probe; must not raise.
        emit: told about ticks, skips and saturation.
        pace: asked at each tick whether the probe may run.
        location: goes into the phase, so that several locations do not ask at the same moment.
    """

    def __init__(
        self,
        clock: AsyncClock,
        run: Run,
        emit: Listener,
        pace: Callable[[Probe], Pace] = lambda _probe: FULL_PACE,
        location: str = "",
    ) -> None:
        self._clock = clock
        self._run = run
        self._emit = emit
        self._pace = pace
        self._location = location
        self._concurrency = 1
        self._entries: dict[str, Entry] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._shed_at: float | None = None

    @property
    def saturated(self) -> bool:
        """Whether work was shed, or ticks were late, in the last seconds."""
        return self._shed_at is not None

    @property
    def in_flight(self) -> int:
        """How many probes run at this moment."""
        return len(self._tasks)

    def next_due(self, probe_id: str) -> float | None:
        """Seconds until the next tick of a probe; None while nothing is scheduled."""
        entry = self._entries.get(probe_id)
        if entry is None or entry.handle is None:
            return None
        return max(entry.due - asyncio.get_running_loop().time(), 0.0)

    def span(self, probe: Probe) -> float:
        """Seconds that a run of now speaks for at most: the probe's interval, or what a slower pace has made of it."""
        entry = self._entries.get(probe.id)
        return probe.interval if entry is None else max(probe.interval, entry.waited)

    def plan(self, probes: Iterable[Probe], concurrency: int) -> None:
        """Schedule these probes and no others. One whose grid stays the same misses no tick.

        Args:
            probes: those that run.
            concurrency: how many may run at the same time.
        """
        self._concurrency = concurrency
        wanted = {probe.id: probe for probe in probes}
        for probe_id in self._entries.keys() - wanted.keys():
            self._entries.pop(probe_id).disarm()
        for probe in wanted.values():
            self._place(probe)

    def set_failing(self, probe_id: str, failing: bool) -> None:  # noqa: FBT001 - a state, not an option
        """Note whether a probe fails, so that it is looked at more often."""
        entry = self._entries.get(probe_id)
        if entry is None or entry.failing is failing:
            return
        entry.failing = failing
        if self._group is None or entry.handle is None or entry.probe.failing_interval is None:
            return
        pace = self._pace(entry.probe)
        soon = asyncio.get_running_loop().time() + pace.between(entry.interval)
        if not failing and pace.at_least <= entry.interval:
            self._arm(entry, self._first_tick(entry.probe))  # back to the grid
        elif failing and soon < entry.due:
            self._arm(entry, soon)

    def trigger(self, probe_id: str) -> asyncio.Task[None] | None:
        """The run of a probe that is under way, or one that begins now; None where there is no such probe."""
        entry = self._entries.get(probe_id)
        if entry is None:
            return None
        if not entry.running:
            self._start(entry)
        return entry.task

    def running(self, probe_id: str) -> asyncio.Task[None] | None:
        """The run of a probe that is under way."""
        entry = self._entries.get(probe_id)
        return None if entry is None else entry.task

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Count a task of somebody else among those in flight, so that it gets the grace of the others, too."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def serve(self, stop: asyncio.Event, grace_seconds: float) -> None:
        """Run probes until `stop` is set; those in flight then get some time to finish.

        All runs are children of this call: none outlives it.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            for entry in self._entries.values():
                self._arm(entry, self._first_tick(entry.probe))
            await stop.wait()
            self._group = None
            for entry in self._entries.values():
                entry.disarm()
            if self._tasks:
                _, late = await asyncio.wait(list(self._tasks), timeout=grace_seconds)
                for task in late:
                    task.cancel()

    def _place(self, probe: Probe) -> None:
        entry = self._entries.get(probe.id)
        if entry is not None:
            same_grid = entry.probe.interval == probe.interval
            entry.probe = probe
            if same_grid:
                return
        else:
            entry = self._entries.setdefault(probe.id, Entry(probe))
        if self._group is not None:
            self._arm(entry, self._first_tick(probe))

    def _first_tick(self, probe: Probe) -> float:
        """The loop's time of the next point of the probe's grid, which is anchored in the epoch."""
        now, interval = self._clock.now(), probe.interval
        wait = (phase(f"{self._location}/{probe.id}") * interval - now) % interval
        return asyncio.get_running_loop().time() + wait

    def _arm(self, entry: Entry, due: float) -> None:
        entry.disarm()
        entry.due = due
        entry.handle = asyncio.get_running_loop().call_at(due, self._tick, entry)

    def _tick(self, entry: Entry) -> None:
        now = asyncio.get_running_loop().time()
        lag = max(now - entry.due, 0.0)
        self._emit(Ticked(lag))
        pace = self._pace(entry.probe)
        interval = pace.between(entry.interval)
        entry.waited, entry.ahead = entry.ahead, interval
        missed = int(lag // interval)
        for _ in range(missed):
            self._emit(Skipped(entry.probe.api, entry.probe.id, "late"))
        self._arm(entry, entry.due + interval * (1 + missed))
        if lag > LATE_SECONDS:
            self._note_saturation(now)
        reason = pace.skip or self._hindrance(entry, now)
        if reason:
            self._emit(Skipped(entry.probe.api, entry.probe.id, reason))
        else:
            self._start(entry)

    def _hindrance(self, entry: Entry, now: float) -> str:
        """Why a probe cannot run although it may, or empty."""
        if entry.running:
            return "overlap"
        if len(self._tasks) >= self._concurrency:
            self._note_saturation(now)
            return "saturated"
        return ""

    def _note_saturation(self, now: float) -> None:
        if self._shed_at is None:
            self._emit(Saturated(on=True))
            asyncio.get_running_loop().call_at(now + CALM_SECONDS, self._look_for_calm)
        self._shed_at = now

    def _look_for_calm(self, due: float | None = None) -> None:
        """Say that it is calm, once it has been for long enough; else look again later.

        A look that is late itself shows that the prober stood still, whatever ticks have not been noticed yet. So calm
        is only told by a look that knows when it was due, a little after the time is over: what was due together with
        it, or while it stood still, has been noticed by then.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._shed_at is None:
            return
        if due is not None and now - due > LATE_SECONDS:
            self._shed_at = now
        quiet_at = self._shed_at + CALM_SECONDS
        if due is not None and now >= quiet_at:
            self._shed_at = None
            self._emit(Saturated(on=False))
            return
        again = max(quiet_at, now) + LATE_SECONDS
        loop.call_at(again, self._look_for_calm, again)

    def _start(self, entry: Entry) -> None:
        if self._group is None:
            return
        entry.running = True
        task = self._group.create_task(self._run_entry(entry))
        entry.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_entry(self, entry: Entry) -> None:
        try:
            await self._run(entry.probe, self.saturated)
        finally:
            entry.running, entry.task = False, None


def phase(name: str) -> float:
    """A number from 0 to 1 that follows from a name: the same in every process and version."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64

"""Jobs in flight: what a run left open, of this process or an earlier one, is gone on with until it ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from specwatch.probing.configuration import Configuration
from specwatch.probing.events import Event, JobLeft, Resumed
from specwatch.probing.jobs import PATIENCE_SECONDS, given_up, unresumable
from specwatch.probing.looks import Look
from specwatch.probing.ports import Job, Kept
from specwatch.probing.scheduler import Scheduler
from specwatch.schedule import Probe
from specwatch.transport.clock import AsyncClock
from specwatch.values.observation import Observation

FIRST_SECONDS: Final = 30.0
"""So long after a job could not go on it is tried again; then after twice as long, and so on."""

LONGEST_SECONDS: Final = 1_800.0
"""At least so often a job that cannot go on is tried again."""


class Ground(Protocol):
    """What jobs need of the watch that they are part of."""

    scheduler: Scheduler

    @property
    def configuration(self) -> Configuration:
        """What runs now."""

    def emit(self, event: Event) -> None:
        """Tell everybody."""

    def tell_run(self, probe: Probe, observation: Observation, *, settled: bool) -> None:
        """Tell everybody that a probe ran."""

    def able(self, job: Job) -> Probe | None:
        """The probe that can go on with a job now."""

    def paused_until(self, probe: Probe) -> float | None:
        """Until when, in epoch seconds, the target of a probe asked to be left alone."""

    async def go_on(self, probe: Probe, job: Job) -> Look:
        """Go on with a job."""

    def book(self, probe: Probe, look: Look) -> None:
        """Book what a run took, and note its end where it has ended."""

    def settle(self, probe: Probe, observation: Observation) -> bool:
        """Take a job's end as the verdict of its probe, unless another run has been there since; whether it was."""

    async def archives(self, job_id: str) -> Iterable[Kept]:
        """What a job brought."""


class Flight:
    """The open jobs, each tended by a task of its own while the watch serves.

    Args:
        ground: what it stands on.
    """

    def __init__(self, ground: Ground, clock: AsyncClock) -> None:
        self._ground = ground
        self._clock = clock
        self._open: dict[str, Job] = {}
        self._busy: Counter[str] = Counter()
        self._told: set[str] = set()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._attempts: set[asyncio.Task[Observation]] = set()

    def take_over(self, jobs: Iterable[Job]) -> None:
        """Take over what earlier processes left."""
        self._open = {job.id: job for job in jobs}

    def jobs(self) -> tuple[Job, ...]:
        """The jobs that stay open: nobody has finished them yet."""
        return tuple(self._open.values())

    def is_busy(self, probe_id: str) -> bool:
        """Whether a job of the probe is being gone on with."""
        return self._busy[probe_id] > 0

    # ------------------------------------------------------------------------------------------------------- tending

    def serve(self, group: asyncio.TaskGroup) -> None:
        """Go on with all open jobs, and with those that are left open from now on."""
        self._group = group
        for job in self.jobs():
            self._tend(job.id, 0.0)

    def stop(self) -> None:
        """Begin nothing more. What is being sent goes on until the scheduler's grace is over."""
        self._group = None
        for task in self._tasks:
            task.cancel()

    def end(self) -> None:
        """The grace is over."""
        for attempt in self._attempts:
            attempt.cancel()

    def leave(self, job: Job, reason: str) -> None:
        """A run has left its job open: tell it, and go on with it after a while."""
        self._open[job.id] = job
        self._tell(job, reason, FIRST_SECONDS)
        self._tend(job.id, FIRST_SECONDS)

    def _tend(self, job_id: str, wait: float) -> None:
        if self._group is not None:
            task = self._group.create_task(self._keep_at(job_id, wait))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _keep_at(self, job_id: str, wait: float) -> None:
        """Try again, ever more seldom, until the job has ended."""
        while True:
            if wait:
                await self._clock.sleep(wait)
            probe = self._ground.able(self._open[job_id])
            if probe is not None and wait:  # no probe overlaps with itself
                await self._free(probe)
            if self._group is None:
                return
            await self.resume(self._open[job_id])
            if job_id not in self._open:
                return
            wait = min(max(wait * 2, FIRST_SECONDS), LONGEST_SECONDS)

    async def _free(self, probe: Probe) -> None:
        """Return when neither a pause nor a run of the schedule is in the way."""
        await self._pause(probe)
        while (task := self._ground.scheduler.running(probe.id)) is not None:
            await asyncio.wait([task])
            await self._pause(probe)

    async def _pause(self, probe: Probe) -> None:
        while (until := self._ground.paused_until(probe)) is not None:
            await self._clock.sleep(until - self._clock.now())

    def _tell(self, job: Job, reason: str, wait: float | None) -> None:
        if job.id not in self._told:
            self._told.add(job.id)
            again_at = None if wait is None or self._group is None else self._clock.now() + wait
            self._ground.emit(JobLeft(job, reason, again_at))

    # ------------------------------------------------------------------------------------------------------ going on

    async def resume(self, job: Job) -> Observation:
        """Go on with a job once, or say why that cannot be. It waits for the end of a pause that the target asked for.

        Meanwhile the schedule leaves the probe alone.
        """
        probe = self._ground.able(job)
        if probe is None:
            told = unresumable(job, self._ground.configuration, self._clock.now())
            self._tell(job, told.message, None)
            return told
        with self._occupied(probe):
            await self._pause(probe)
            if self._group is None:
                return await self._attempt(job, probe)
            attempt = self._group.create_task(self._attempt(job, probe))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)
            self._ground.scheduler.adopt(attempt)
            return await asyncio.shield(attempt)  # it has the grace of a run, when its tending is over

    @contextmanager
    def _occupied(self, probe: Probe) -> Iterator[None]:
        self._busy[probe.id] += 1
        try:
            yield
        finally:
            self._busy[probe.id] -= 1

    async def _attempt(self, job: Job, probe: Probe) -> Observation:
        look = await self._ground.go_on(probe, job)
        if look.left is not None and self._clock.now() - job.started_at >= PATIENCE_SECONDS:
            look = Look(given_up(look.left, look.observation))
        if look.left is not None:
            self._stays(probe, look, look.left)
        else:
            self._ends(probe, look)
            paths = tuple(str(kept.path) for kept in await self._ground.archives(job.id))
            self._ground.emit(Resumed(job, look.observation, paths))
        return look.observation

    def _stays(self, probe: Probe, look: Look, job: Job) -> None:
        """Told once; but whatever was sent is counted each time."""
        self._open[job.id] = job
        if look.observation.requests or job.id not in self._told:
            settled = self._ground.settle(probe, look.observation)
            self._ground.tell_run(probe, look.observation, settled=settled)
        self._ground.book(probe, look)
        self._tell(job, look.observation.message, FIRST_SECONDS)

    def _ends(self, probe: Probe, look: Look) -> None:
        del self._open[look.observation.id]
        settled = self._ground.settle(probe, look.observation)
        self._ground.tell_run(probe, look.observation, settled=settled)
        self._ground.book(probe, look)

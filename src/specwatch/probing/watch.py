"""The prober: probes on a schedule, what they found told to listeners, and everything that keeps it going."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from specwatch.errors import CannotTell, InternalError, Problem, SpecwatchError
from specwatch.probing.configuration import Configuration, Means, Options, Secrets
from specwatch.probing.events import Event, Listener, Planned, Ran, Reloaded
from specwatch.probing.flight import Flight
from specwatch.probing.jobs import has_job, has_left_traces, resumable
from specwatch.probing.looks import Look, Looks
from specwatch.probing.memory import Memory
from specwatch.probing.openings import Openings
from specwatch.probing.pacing import Pauses, Purses
from specwatch.probing.ports import Job, Kept, Store
from specwatch.probing.prober import Neighbours, Prober
from specwatch.probing.scheduler import Pace, Scheduler
from specwatch.probing.setting import Setting, make_setting
from specwatch.schedule import Probe
from specwatch.transport.budget import DailyBudget
from specwatch.transport.clock import AsyncClock
from specwatch.transport.wire import Wire
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation

GONE: Final = "no longer in the schedule"

FLUSH_SECONDS: Final = 0.5
"""So long after a run what it showed is handed to the store, together with what others showed by then."""


@dataclass
class Machinery:
    """What a watch stands on; each part can be exchanged in a test.

    Args:
        make_wire: opens sockets for a configuration.
        store: what survives a restart.
        load: reads the configuration again.
        listeners: told about everything; none may block.
        farewells: awaited before the store is closed, once nothing runs any more; each bounds itself. They may come
            more than once.
    """

    make_wire: Callable[[Configuration, Options], Wire]
    store: Store
    clock: AsyncClock
    load: Callable[[], Configuration]
    listeners: Sequence[Listener] = ()
    farewells: Sequence[Callable[[], Awaitable[None]]] = ()


class Watch:
    """Probes on a schedule. Enter it, then `serve` until told to stop.

    Args:
        configuration: what to run at first.
        options: how.
        machinery: what it stands on.
    """

    def __init__(self, configuration: Configuration, options: Options, machinery: Machinery) -> None:
        self.options = options
        self.reloaded: Reloaded = Reloaded(ok=True, at=0.0)
        self.ready = False
        self._first = configuration
        self._machinery = machinery
        self._clock = machinery.clock
        self._store = machinery.store
        self._neighbours = Neighbours(machinery.clock)
        self._lock = asyncio.Lock()
        self._last: dict[str, Observation] = {}
        self._memory: Memory | None = None
        self._setting: Setting | None = None
        self._flush: asyncio.TimerHandle | None = None
        self.scheduler = Scheduler(machinery.clock, self._run, self.emit, self._pace, options.location)
        self._flight = Flight(self, machinery.clock)
        self._openings = Openings(self.emit, options.target.name)

    async def start(self) -> None:
        """Open the store, take over what it remembers, and make everything ready to serve.

        Raises:
            UsageError: the state belongs to a newer version or cannot be written; the target cannot be used.
        """
        await self._store.start()
        self._memory = Memory(self._store)
        self._pauses = Pauses(self._clock, self._memory, self.emit, self._current)
        self._purses = Purses(self._clock, self._memory, self.emit, self._write_soon)
        begun = self._openings.begin
        self._looks = Looks(self.options, self._clock, self._current, self._store, self._purses, begun)
        self._means = Means(self.options, self._pauses.limits, self._clock, Secrets())
        jobs = self._store.open_jobs()
        self._flight.take_over(jobs)
        self._openings.take_over(jobs)
        self._apply(self._first)
        self._pauses.start()
        self.ready = True

    @property
    def configuration(self) -> Configuration:
        """What runs now."""
        return self._first if self._setting is None else self._setting.configuration

    @property
    def prober(self) -> Prober:
        """Runs the probes of this configuration."""
        return self._current().prober

    def _current(self) -> Setting:
        if self._setting is None:
            raise InternalError("a watch was used before it was started")
        return self._setting

    @property
    def memory(self) -> Memory:
        """What is remembered from run to run.

        Raises:
            InternalError: the watch was not started.
        """
        if self._memory is None:
            raise InternalError("a watch was used before it was started")
        return self._memory

    async def serve(self, stop: asyncio.Event) -> None:
        """Run probes until `stop` is set, then let those in flight finish, and write what is to be written."""
        try:
            async with asyncio.TaskGroup() as group:
                self._flight.serve(group)
                group.create_task(self._stop_jobs(stop))
                await self.scheduler.serve(stop, self.options.grace_seconds)
                self._flight.end()
        finally:
            await self.close()

    async def _stop_jobs(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._flight.stop()

    async def close(self) -> None:
        """Write what is to be written, and close."""
        self.ready = False
        if self._setting is not None:
            self._purses.write(self._setting)
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._memory is not None:
            self._memory.flush()
        if self._setting is not None:
            await self._setting.wire.aclose()
        for farewell in self._machinery.farewells:
            await farewell()
        await self._store.close()

    def emit(self, event: Event) -> None:
        """Tell everybody. What happens before there is a memory is only told to listeners."""
        if self._memory is not None:
            self._memory(event)
        for listener in self._machinery.listeners:
            listener(event)

    # ------------------------------------------------------------------------------------------------- configuration

    async def reload(self) -> Reloaded:
        """Read the configuration again: swapped when it is right, kept as it was when it is not."""
        async with self._lock:
            before = self._current().wire
            try:
                self._apply(await asyncio.to_thread(self._machinery.load))
                await before.aclose()
            except SpecwatchError as error:
                self.reloaded = Reloaded(ok=False, at=self._clock.now(), problems=error.problems)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with new files, the old ones go on
                problem = Problem("reload", f"defect: {type(error).__name__}: {error}")
                self.reloaded = Reloaded(ok=False, at=self._clock.now(), problems=(problem,))
            else:
                self.reloaded = Reloaded(ok=True, at=self._clock.now())
            self.emit(self.reloaded)
            return self.reloaded

    def _apply(self, configuration: Configuration) -> None:
        """Swap the configuration."""
        wire = self._machinery.make_wire(configuration, self.options)
        setting = make_setting(configuration, self._means, wire, self._neighbours, self._setting)
        self._setting = setting
        self._looks.plan(setting, self.memory)
        self._purses.plan(setting.probes)
        schedule = configuration.schedule
        off = frozenset(probe_id for probe_id, why in setting.off.items() if why)
        self.emit(Planned(tuple(configuration.apis.values()), schedule.probes, off))
        self.scheduler.plan(schedule.probes, schedule.concurrency)
        self._openings.plan(schedule.probes)
        for api_id in configuration.apis:
            self._purses.tell(setting, api_id)

    # -------------------------------------------------------------------------------------------------------- running

    async def run_now(self, probe_id: str, seconds: float | None) -> Observation | None:
        """The last run of a probe if it is younger than the probe's interval, else a run of now.

        Args:
            probe_id: of the schedule.
            seconds: how long to wait for it; None for as long as it takes.

        Returns:
            The observation; None where there is no such probe.

        Raises:
            CannotTell: it may not run now, or takes too long, and there is no result to share.
        """
        probe = self._current().probes.get(probe_id)
        if probe is None:
            return None
        last = self._last.get(probe_id)
        if last is not None and self._clock.now() - last.started_at < probe.interval:
            return last
        skip = self._pace(probe).skip
        if skip and last is None:
            raise CannotTell(f"{probe_id} may not run now: {self.why_off(probe_id) or skip}")
        if skip:
            return last
        task = self.scheduler.trigger(probe_id)
        if task is None:
            raise CannotTell(f"{probe_id} was not run: the prober does not run")
        done, _ = await asyncio.wait([task], timeout=seconds)
        now = self._last.get(probe_id)
        if now is None or now is last:
            why = "ran without a result" if done else f"was not done within {seconds:g} s"
            raise CannotTell(f"{probe_id} {why}")
        return now

    def why_off(self, probe_id: str) -> str:
        """Why a probe does not run on this target, or empty."""
        return self._current().off.get(probe_id, "")

    def last(self, probe_id: str) -> Observation | None:
        """The last settled run of a probe in this process."""
        return self._last.get(probe_id)

    def budget(self, probe_id: str) -> DailyBudget:
        """What a probe may spend today."""
        return self._purses.budget(probe_id)

    def budgets(self, api_id: str) -> list[tuple[str, float, float]]:
        """Unit, what is left today and the limit of what the probes of an API may spend, where they have one."""
        return self._purses.left(self._current(), api_id)

    def paused_until(self, probe: Probe) -> float | None:
        """Until when, in epoch seconds, the target of a probe asked to be left alone."""
        return self._pauses.until(probe)

    async def _run(self, probe: Probe, saturated: bool) -> None:  # noqa: FBT001 - the scheduler's callback
        if probe.id not in self._current().off:  # gone since its tick
            return
        for attempt in range(1, probe.confirm + 1):
            look = await self._looks.look(probe, attempt, saturated=saturated)
            observation = look.observation
            settled = attempt == probe.confirm or self._is_certain(probe, observation)
            if settled:
                self._last[probe.id] = observation
            self.tell_run(probe, observation, settled=settled)
            self.book(probe, look)
            if look.left is not None:
                self._flight.leave(look.left, observation.message)
            if settled:
                self.scheduler.set_failing(probe.id, observation.verdict is Verdict.FAIL)
                return

    def tell_run(self, probe: Probe, observation: Observation, *, settled: bool) -> None:
        """Tell everybody that a probe ran, and what time a settled verdict stands for: what went by since the last one.

        Not more than one interval of it: of a longer gap, as by maintenance, a pause or a prober that was stopped,
        nobody knows how it was. What an earlier process saw last is remembered, so that a restart loses nothing.
        """
        before = self.memory.streaks.get(probe.id) if settled else None
        gap = 0.0 if before is None else max(observation.started_at - before.last_at, 0.0)
        self.emit(Ran(observation, settled, min(gap, self.scheduler.span(probe))))

    def _is_certain(self, probe: Probe, observation: Observation) -> bool:
        """Whether a run is not looked at again: no failure, one that must not be repeated, or none that may be."""
        if observation.verdict is not Verdict.FAIL:
            return True
        return has_left_traces(probe, observation) or bool(self._pace(probe).skip)

    async def run_by_hand(self, probe: Probe) -> Observation:
        """One run now, outside of the schedule; why it may not be is an unknown verdict."""
        why = self.why_off(probe.id)
        if why:
            return replace(self._looks.empty(probe, "off"), message=f"{probe.id} {why}")
        look = await self._looks.look(probe)
        self.book(probe, look)
        if look.left is not None:
            self._flight.leave(look.left, look.observation.message)
        return look.observation

    def book(self, probe: Probe, look: Look) -> None:
        """Book what a run took, note its end where it has ended, and see to it that all is written soon."""
        observation = look.observation
        self._write_soon()
        self._purses.after(probe, observation)
        self.memory.keep_closed(probe.api, self._looks.closed(probe.api))
        self._store.record(observation)
        if look.left is None and has_job(probe):  # last: a job that is open is told again, one that has ended is not
            self._store.finish(observation.id, observation.verdict.value, observation.message)
            self._openings.end(observation.id, probe.id)

    def _write_soon(self) -> bool:
        """Have everything written within half a second; whether that was not planned yet."""
        if self._flush is not None:
            return False
        self._flush = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._write)
        return True

    def _write(self) -> None:
        self._flush = None
        self.memory.flush()
        self._purses.write(self._current())

    # ----------------------------------------------------------------------------------------------------------- pace

    def _pace(self, probe: Probe) -> Pace:
        """Whether a probe may run now, and how much slower it goes."""
        if hindrance := self._hindrance(probe):
            return Pace(hindrance)
        limit = self._pauses.limit(probe)
        if limit.until > self._clock.now():
            return Pace("rate_limited", limit.slowdown)
        return self._purses.pace(probe, limit, self._likely_looks(probe))

    def _hindrance(self, probe: Probe) -> str:
        """Why a probe may not run now, however its target is, or empty."""
        if self._current().off.get(probe.id, GONE):
            return "off"
        if self._flight.is_busy(probe.id):
            return "overlap"
        return "maintenance" if probe.in_maintenance(self._clock.now()) else ""

    def _likely_looks(self, probe: Probe) -> int:
        """How many runs a tick is likely to take: as many as confirm a failure while it fails."""
        last = self._last.get(probe.id)
        return probe.confirm if last is not None and last.verdict is Verdict.FAIL else 1

    # ----------------------------------------------------------------------------------------------------------- jobs

    def jobs(self) -> tuple[Job, ...]:
        """The jobs that stay open: earlier processes or runs began them, and nobody has finished them yet."""
        return self._flight.jobs()

    async def resume(self, job: Job) -> Observation:
        """Go on with a job once, or say why that cannot be; it may stay open.

        It waits for the end of a pause that the target asked for. Meanwhile the schedule leaves the probe alone.
        """
        return await self._flight.resume(job)

    def able(self, job: Job) -> Probe | None:
        """The probe that can go on with a job now."""
        return resumable(job, self.configuration, self.options)

    async def go_on(self, probe: Probe, job: Job) -> Look:
        """Go on with a job."""
        return await self._looks.look(probe, job=job)

    def settle(self, probe: Probe, observation: Observation) -> bool:
        """Take a job's end as the verdict of its probe, unless another run has been there since; whether it was."""
        last = self._last.get(probe.id)
        newest = last is None or last.id == observation.id
        if newest:
            self._last[probe.id] = observation
        return newest

    async def archives(self, job_id: str) -> Iterable[Kept]:
        """What a job brought that cannot be had again."""
        return await self._store.archives(job_id)

"""The prober: probes on a schedule, what they found told to listeners, and everything that keeps it going."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from specwatch.errors import CannotTell, InternalError, Problem, SpecwatchError
from specwatch.probing.configuration import Configuration, Options, build_desks, why_off
from specwatch.probing.events import BudgetLeft, Event, Listener, Paused, Planned, Ran, Reloaded
from specwatch.probing.jobs import CleanJournal, has_job, interrupted, resumable, unresumable
from specwatch.probing.memory import Memory
from specwatch.probing.ports import Job, Progress, Store
from specwatch.probing.prober import Neighbours, Prober, Run, run_id
from specwatch.probing.scheduler import FULL_PACE, Pace, Scheduler
from specwatch.schedule import Probe, expense
from specwatch.transport.budget import DAY_SECONDS, DailyBudget
from specwatch.transport.clock import AsyncClock
from specwatch.transport.courier import Terms
from specwatch.transport.permission import Permission
from specwatch.transport.rate_limit import CLEAR, Limit, RateLimits
from specwatch.transport.wire import Wire
from specwatch.values.claim import Verdict
from specwatch.values.failure import Reason
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
    """

    make_wire: Callable[[Configuration, Options], Wire]
    store: Store
    clock: AsyncClock
    load: Callable[[], Configuration]
    listeners: Sequence[Listener] = ()


@dataclass
class _Books:
    """What is known about each probe while the process lives."""

    budgets: dict[str, DailyBudget] = field(default_factory=dict)
    last: dict[str, Observation] = field(default_factory=dict)
    size: dict[str, tuple[int, float]] = field(default_factory=dict)


class Watch:
    """Probes on a schedule. Enter it, then `serve` until told to stop.

    Args:
        configuration: what to run at first.
        options: how.
        machinery: what it stands on.
    """

    def __init__(self, configuration: Configuration, options: Options, machinery: Machinery) -> None:
        self.options = options
        self.configuration = configuration
        self.reloaded: Reloaded = Reloaded(ok=True, at=0.0)
        self._machinery = machinery
        self._clock = machinery.clock
        self._store = machinery.store
        self._books = _Books()
        self._closed: dict[str, set[str]] = {}
        self._neighbours = Neighbours(machinery.clock)
        self._lock = asyncio.Lock()
        self._off: dict[str, str] = {}
        self._memory: Memory | None = None
        self._wire: Wire | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._spent: set[str] = set()
        self._jobs: dict[str, Job] = {}
        self._resuming: dict[str, str] = {}  # job to probe
        self.prober: Prober
        self.scheduler = Scheduler(machinery.clock, self._run, self.emit, self._pace, options.location)
        self.ready = False

    async def start(self) -> None:
        """Open the store, take over what it remembers, and make everything ready to serve.

        Raises:
            UsageError: the state belongs to a newer version or cannot be written; the target cannot be used.
        """
        await self._store.start()
        self._memory = Memory(self._store)
        self.limits = RateLimits(self._clock.now, self._limit_changed, self.memory.limits())
        self._jobs = {job.id: job for job in self._store.open_jobs()}
        self._apply(self.configuration)
        for place, limit in self.memory.limits().items():
            self._limit_changed(place, limit)
        for api_id in self.configuration.apis:
            self._tell_budget(api_id)
        self.ready = True

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
                resuming = [group.create_task(self.resume(job)) for job in self.jobs()]
                await self.scheduler.serve(stop, self.options.grace_seconds)
                for task in resuming:
                    task.cancel()
        finally:
            await self.close()

    async def close(self) -> None:
        """Write what is to be written, and close."""
        self.ready = False
        if self._memory is not None:
            self._memory.flush()
        if self._wire is not None:
            await self._wire.aclose()
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
            before = self._wire
            try:
                configuration = await asyncio.to_thread(self._machinery.load)
                self._apply(configuration)
                if before is not None:
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
        """Swap the configuration; desks of APIs that did not change keep what they remember."""
        wire = self._machinery.make_wire(configuration, self.options)
        desks = build_desks(configuration, self.options, wire, self.limits, self._clock)
        before = self.configuration.fingerprints
        if self.ready:
            for api_id, mark in configuration.fingerprints.items():
                if before.get(api_id) == mark and api_id in self.prober.desks:
                    desks[api_id].remember(self.prober.desks[api_id])
        self._wire = wire
        self.prober = Prober(desks, self.options.target.name, self._clock, self._neighbours)
        self.configuration = configuration
        for api_id in desks:
            self._closed.setdefault(api_id, self.memory.closed(api_id))
        self._set_budgets(configuration)
        schedule = configuration.schedule
        self.emit(Planned(tuple(configuration.apis.values()), schedule.probes))
        self._off = {probe.id: why_off(probe, self.options) for probe in schedule.probes}
        self.scheduler.plan(schedule.probes, schedule.concurrency)

    def _set_budgets(self, configuration: Configuration) -> None:
        for probe in configuration.schedule.probes:
            known = self._books.budgets.get(probe.id)
            if known is None:
                self._books.budgets[probe.id] = self.memory.budget(probe.id, probe.budget, self._clock.now)
            else:
                known.max_requests, known.max_cost = probe.budget.requests, probe.budget.cost

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
        probe = next((each for each in self.configuration.schedule.probes if each.id == probe_id), None)
        if probe is None:
            return None
        last = self._books.last.get(probe_id)
        if last is not None and self._clock.now() - last.started_at < probe.interval:
            return last
        skip = self._pace(probe).skip
        if skip and last is None:
            raise CannotTell(f"{probe_id} may not run now: {self._off[probe_id] or skip}")
        if skip:
            return last
        task = self.scheduler.trigger(probe_id)
        if task is not None:
            await asyncio.wait([task], timeout=seconds)
        now = self._books.last.get(probe_id)
        if now is None or now is last:
            raise CannotTell(f"{probe_id} was not done within {seconds or 0:g} s")
        return now

    def why_off(self, probe_id: str) -> str:
        """Why a probe does not run on this target, or empty."""
        return self._off.get(probe_id, "")

    def last(self, probe_id: str) -> Observation | None:
        """The last settled run of a probe in this process."""
        return self._books.last.get(probe_id)

    def budget(self, probe_id: str) -> DailyBudget:
        """What a probe may spend today."""
        return self._books.budgets[probe_id]

    def paused_until(self, probe: Probe) -> float | None:
        """Until when, in epoch seconds, the target of a probe asked to be left alone."""
        place = self._place(probe)
        return self.limits.paused(place) if place else None

    async def _run(self, probe: Probe, saturated: bool) -> None:  # noqa: FBT001 - the scheduler's callback
        if probe.id not in self._off:  # gone since its tick
            return
        for attempt in range(1, probe.confirm + 1):
            observation = await self.look(probe, attempt, saturated=saturated)
            failed = observation.verdict is Verdict.FAIL
            settled = not failed or attempt == probe.confirm or bool(self._pace(probe).skip)
            if settled:
                self._books.last[probe.id] = observation
            self.emit(Ran(observation, settled=settled))
            self._after(probe, observation)
            if settled:
                self.scheduler.set_failing(probe.id, failed)
                return

    async def run_by_hand(self, probe: Probe) -> Observation:
        """One run now, outside of the schedule; why it may not be is an unknown verdict."""
        why = self._off[probe.id]
        if why:
            return replace(self._empty(probe, "off"), message=f"{probe.id} {why}")
        observation = await self.look(probe)
        self._after(probe, observation)
        return observation

    async def look(
        self, probe: Probe, attempt: int = 1, *, saturated: bool = False, job: Job | None = None
    ) -> Observation:
        """One run now, with its tracks in the journal where it creates or consumes. Nobody is told.

        Args:
            probe: of the schedule.
            attempt: 1, or more for a second look.
            saturated: whether the prober is overloaded.
            job: to go on with, begun by an earlier process.
        """
        run = Run(job.id if job else run_id(probe, self._clock.now()), attempt, saturated)
        if has_job(probe):
            note = job or Job(
                run.id, probe.id, probe.workflow.id, self.options.target.name, self._clock.now(), Progress()
            )
            journal = CleanJournal(self._store.journal(note), self.prober.desks[probe.api].redactor)
            run = Run(run.id, attempt, saturated, journal, job.progress if job else None)
        terms = Terms(self._books.budgets[probe.id], self._permission(probe))
        try:
            observation = await self.prober.run(probe, terms, run)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the other probes
            observation = self._defect(probe, run, error)
        if job is not None:
            observation = interrupted(job, observation)
        return observation

    def _permission(self, probe: Probe) -> Permission:
        return Permission(probe.allow, self.options.is_sandbox, self._closed[probe.api])

    def _defect(self, probe: Probe, run: Run, error: Exception) -> Observation:
        desk = self.prober.desks.get(probe.api)
        message = type(error).__name__ if desk is None else desk.redactor.text(f"{type(error).__name__}: {error}")
        empty = self._empty(probe, run.id)
        return replace(empty, reason=Reason.INTERNAL, message=f"defect in specwatch: {message}", attempt=run.attempt)

    def _empty(self, probe: Probe, run: str) -> Observation:
        """A run in which nothing was sent."""
        return Observation(
            id=run,
            api=probe.api,
            probe=probe.id,
            workflow=probe.workflow.id,
            target=self.options.target.name,
            verdict=Verdict.UNKNOWN,
            reason=None,
            message="",
            started_at=self._clock.now(),
            seconds=0.0,
        )

    def _after(self, probe: Probe, observation: Observation) -> None:
        """Book what a run took, and see to it that what it showed is written soon."""
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._write)
        self._books.size[probe.id] = (max(observation.requests, 1), observation.cost)
        self.memory.keep_budget(probe.id, self._books.budgets[probe.id])
        self.memory.keep_closed(probe.api, self._closed[probe.api])
        self._store.record(observation)
        if has_job(probe):  # last: a job that is open is told again, one that has ended is not
            self._store.finish(observation.id, observation.verdict.value, observation.message)
        self._spent.add(probe.api)

    def _tell_budget(self, api_id: str) -> None:
        """Tell what the probes of an API may still spend today, where they have a bound."""
        if api_id not in self.configuration.apis:  # a run outlived its API
            return
        for unit, left, _ in self.budgets(api_id):
            self.emit(BudgetLeft(api_id, unit, left))

    def _write(self) -> None:
        self._flush = None
        self.memory.flush()
        for api_id in self._spent & self.configuration.apis.keys():
            self._tell_budget(api_id)
        self._spent.clear()

    def budgets(self, api_id: str) -> list[tuple[str, float, float]]:
        """Unit, what is left today and the limit of what the probes of an API may spend, where they have one."""
        probes = [probe for probe in self.configuration.schedule.probes if probe.api == api_id]
        own = [self._books.budgets[probe.id].left() for probe in probes]
        found: list[tuple[str, float, float]] = []
        requests = [(left, limit) for left, limit in (each[0] for each in own) if limit is not None]
        costs = [(left, limit) for left, limit in (each[1] for each in own) if limit is not None]
        for unit, pairs in (("requests", requests), (self._unit(api_id), costs)):
            if pairs:
                found.append((unit, sum(left for left, _ in pairs), sum(limit for _, limit in pairs)))
        return found

    def jobs(self) -> tuple[Job, ...]:
        """The jobs that earlier processes began and that nobody has finished yet."""
        return tuple(self._jobs.values())

    def _unit(self, api_id: str) -> str:
        operations = self.configuration.apis[api_id].operations
        return next((operation.cost.unit for operation in operations if operation.cost is not None), "cost")

    # ----------------------------------------------------------------------------------------------------------- pace

    def _pace(self, probe: Probe) -> Pace:
        """Whether a probe may run now, and how much slower it goes."""
        if hindrance := self._hindrance(probe):
            return Pace(hindrance)
        limit = self._limit(probe)
        if limit.until > self._clock.now():
            return Pace("rate_limited", limit.slowdown)
        budget = self._books.budgets[probe.id]
        runs = budget.runs_left(*self._size(probe))
        if runs < 1:
            return Pace("budget", limit.slowdown)
        if math.isinf(runs):
            return Pace("", limit.slowdown) if limit is not CLEAR else FULL_PACE
        needed = min(budget.seconds_left, DAY_SECONDS) / max(runs / self._looks(probe), 1.0)
        return Pace("", limit.slowdown, needed)

    def _hindrance(self, probe: Probe) -> str:
        """Why a probe may not run now, however its target is, or empty."""
        if self._off.get(probe.id, GONE):
            return "off"
        if probe.id in self._resuming.values():
            return "overlap"
        return "maintenance" if probe.in_maintenance(self._clock.now()) else ""

    def _looks(self, probe: Probe) -> int:
        """How many runs a tick is likely to take: as many as confirm a failure while it fails."""
        last = self._books.last.get(probe.id)
        return probe.confirm if last is not None and last.verdict is Verdict.FAIL else 1

    def _size(self, probe: Probe) -> tuple[int, float]:
        """What a run is likely to take: what the last one took, else each step once."""
        known = self._books.size.get(probe.id)
        if known is not None:
            return known
        planned = expense(probe.workflow)
        return planned.requests, planned.cost

    def _limit(self, probe: Probe) -> Limit:
        place = self._place(probe)
        return self.limits.limit(place) if place else CLEAR

    def _place(self, probe: Probe) -> str:
        """Where rate limits of a probe are known, or empty where its credential is missing."""
        operation = next((step.operation for step in probe.workflow.steps if step.operation is not None), None)
        desk = self.prober.desks.get(operation.api if operation is not None else probe.api)
        if operation is None or desk is None:
            return ""
        try:
            return desk.courier.place(operation)
        except CannotTell:
            return ""

    def _limit_changed(self, place: str, limit: Limit) -> None:
        self.memory.keep_limit(place, limit)
        for api in self._apis_at(place):
            self.emit(Paused(api, limit.until if limit.until > self._clock.now() else None))
        wait = limit.until - self._clock.now()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._pause_over, place)

    def _pause_over(self, place: str) -> None:
        if self.limits.paused(place) is None:
            for api in self._apis_at(place):
                self.emit(Paused(api, None))

    def _apis_at(self, place: str) -> list[str]:
        probes = self.configuration.schedule.probes
        return list(dict.fromkeys(probe.api for probe in probes if self._place(probe) == place))

    # ----------------------------------------------------------------------------------------------------------- jobs

    async def resume(self, job: Job) -> Observation:
        """Go on with a job that an earlier process began, or say why that cannot be.

        It waits for the end of a pause that the target asked for. Meanwhile the schedule leaves the probe alone.
        """
        probe = resumable(job, self.configuration, self.options)
        if probe is None:
            told = unresumable(job, self.configuration, self._clock.now())
            self.emit(Ran(told, settled=False))
            return told
        self._resuming[job.id] = probe.id
        try:
            while (until := self.paused_until(probe)) is not None:
                await self._clock.sleep(until - self._clock.now())
            self.scheduler.adopt(asyncio.current_task())
            observation = await self.look(probe, job=job)
        finally:
            del self._resuming[job.id]
        del self._jobs[job.id]
        self._books.last[probe.id] = observation
        self.emit(Ran(observation))
        self._after(probe, observation)
        return observation

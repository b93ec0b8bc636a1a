"""The running prober, as its pages show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from specwatch.probing.events import Event, Reloaded, StateTrouble
from specwatch.probing.ports import Job
from specwatch.probing.watch import Watch
from specwatch.schedule import Probe
from specwatch.transport.clock import AsyncClock
from specwatch.values.failure import Reason
from specwatch.values.observation import Observation
from specwatch.web import ApiStatus, BudgetStatus, JobStatus, ProbeStatus, Status, Trouble

TROUBLES: Final = 20
"""How many troubles with the state are remembered."""


class History(Protocol):
    """The runs that are kept."""

    async def history(self, probe: str, limit: int) -> Sequence[Mapping[str, object]]:
        """The newest runs of a probe, at most so many."""

    async def run(self, run_id: str) -> Mapping[str, object] | None:
        """The run of that id; None where it is not kept."""


class WatchStatus:
    """Implements `web.WatchView`; is a listener, too, since troubles with the state are remembered here."""

    def __init__(self, watch: Watch, history: History, clock: AsyncClock) -> None:
        self._watch = watch
        self._history = history
        self._clock = clock
        self._started_at = clock.now()
        self._troubles: dict[str, Trouble] = {}

    def __call__(self, event: Event) -> None:
        """Remember troubles, the last one of each kind."""
        if isinstance(event, StateTrouble) and len(self._troubles) < TROUBLES:
            self._troubles[event.operation] = Trouble(event.operation, event.message, self._clock.now())

    @property
    def ready(self) -> bool:
        """Whether the first configuration runs and the state is open."""
        return self._watch.ready

    def status(self) -> Status:
        """How all is doing now."""
        reloaded = self._watch.reloaded
        return Status(
            now=self._clock.now(),
            started_at=self._started_at,
            apis=tuple(self._apis()),
            location=self._watch.options.location,
            reload=reloaded if reloaded.at else None,
            saturated=self._watch.scheduler.saturated,
            troubles=tuple(sorted(self._troubles.values(), key=lambda trouble: -trouble.at)),
        )

    async def run_probe(self, probe_id: str, timeout_seconds: float | None) -> Observation | None:
        """Run a probe once, or share a result that is younger than its interval.

        Raises:
            CannotTell: it may not run now, and there is no result to share.
        """
        return await self._watch.run_now(probe_id, timeout_seconds)

    async def runs(self, probe_id: str, limit: int) -> Sequence[Mapping[str, object]] | None:
        """The newest runs of a probe, newest first; None when there is no such probe."""
        if all(probe.id != probe_id for probe in self._watch.configuration.schedule.probes):
            return None
        return await self._history.history(probe_id, limit)

    async def run(self, run_id: str) -> Mapping[str, object] | None:
        """One run; None where it is not kept."""
        return await self._history.run(run_id)

    async def reload(self) -> Reloaded:
        """Read the configuration again, and swap it where it is valid."""
        return await self._watch.reload()

    def _apis(self) -> Iterator[ApiStatus]:
        configuration = self._watch.configuration
        probes = configuration.schedule.probes
        jobs = {job.id: job for job in self._watch.jobs()}
        for api_id in dict.fromkeys(probe.api for probe in probes):
            own = [probe for probe in probes if probe.api == api_id]
            names = {probe.id for probe in own}
            pauses = [until for probe in own if (until := self._watch.paused_until(probe)) is not None]
            yield ApiStatus(
                id=api_id,
                title=configuration.apis[api_id].title,
                target=self._watch.options.target.name,
                probes=tuple(self._probe(probe) for probe in own),
                budgets=tuple(
                    BudgetStatus(unit, remaining, limit) for unit, remaining, limit in self._watch.budgets(api_id)
                ),
                paused_until=max(pauses, default=None),
                jobs=tuple(_job(job) for job in jobs.values() if job.probe in names),
            )

    def _probe(self, probe: Probe) -> ProbeStatus:
        streak = self._watch.memory.streaks.get(probe.id)
        last = self._watch.last(probe.id)
        now = self._clock.now()
        idle = self._watch.why_off(probe.id) or ("maintenance" if probe.in_maintenance(now) else "")
        next_run = None if idle else self._next_run(probe, now)
        if streak is None:
            return ProbeStatus(probe.id, next_run=next_run, idle=idle)
        return ProbeStatus(
            id=probe.id,
            verdict=streak.verdict,
            reason=Reason(streak.reason) if streak.reason else None,
            message=streak.message,
            since=streak.since,
            last_run=streak.last_at + streak.seconds,
            next_run=next_run,
            seconds=streak.seconds,
            idle=idle,
            local=_is_local(last),
            saturated=last.saturated if last is not None else False,
        )

    def _next_run(self, probe: Probe, now: float) -> float | None:
        """When the next run may come: the next tick, or the end of a pause, since ticks before it are skipped."""
        due = self._watch.scheduler.next_due(probe.id)
        return None if due is None else max(now + due, self._watch.paused_until(probe) or 0.0)


def _is_local(observation: Observation | None) -> bool:
    if observation is None or not observation.sent:
        return False
    failure = observation.sent[-1].failure
    return failure is not None and failure.local


def _job(job: Job) -> JobStatus:
    progress = job.progress
    step = progress.in_doubt or progress.following
    return JobStatus(job.id, job.probe, job.started_at, step, in_doubt=bool(progress.in_doubt))

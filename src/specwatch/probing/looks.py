"""One look at a probe: a run with its journal, its budget and what it may send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from specwatch.probing.configuration import Options
from specwatch.probing.execution.tracks import holds_something
from specwatch.probing.jobs import CleanJournal, has_job, interrupted
from specwatch.probing.memory import Memory
from specwatch.probing.pacing import Purses
from specwatch.probing.ports import Job, Progress, Store
from specwatch.probing.prober import Found, Run, run_id
from specwatch.probing.setting import Setting
from specwatch.schedule import Probe
from specwatch.transport.clock import AsyncClock
from specwatch.transport.courier import Terms
from specwatch.transport.permission import Permission
from specwatch.values.claim import Verdict
from specwatch.values.failure import Reason
from specwatch.values.observation import Observation


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found.

    Args:
        observation: without secrets.
        left: the job of the run, where it holds something and can be gone on with; None where it has ended.
    """

    observation: Observation
    left: Job | None = None


class Looks:
    """Runs probes, each run with what belongs to it. Nobody is told.

    Args:
        setting: asked for what runs now.
        store: has the journals.
        purses: pay.
        begun: told when a job is about to be written to its journal, each time.
    """

    def __init__(
        self,
        options: Options,
        clock: AsyncClock,
        setting: Callable[[], Setting],
        store: Store,
        purses: Purses,
        begun: Callable[[Job], None],
    ) -> None:
        self._options = options
        self._clock = clock
        self._setting = setting
        self._store = store
        self._purses = purses
        self._begun = begun
        self._closed: dict[str, set[str]] = {}

    def plan(self, setting: Setting, memory: Memory) -> None:
        """Take over which operations of these APIs accepted what they promise to refuse."""
        for api_id in setting.prober.desks:
            if api_id not in self._closed:
                self._closed[api_id] = memory.closed(api_id)

    def closed(self, api_id: str) -> set[str]:
        """The operations of an API that accepted what they promise to refuse."""
        return self._closed[api_id]

    async def look(self, probe: Probe, attempt: int = 1, *, saturated: bool = False, job: Job | None = None) -> Look:
        """One run now, with its tracks in the journal where it creates or consumes.

        Args:
            probe: of the schedule.
            attempt: 1, or more for a second look.
            saturated: whether the prober is overloaded.
            job: to go on with, begun by an earlier run.
        """
        if not has_job(probe):
            run = Run(run_id(probe, self._clock.now()), attempt, saturated)
            return Look((await self._run(probe, run)).observation)
        note = job or self._new_job(probe)
        journal = self._journal(probe, note)
        run = Run(note.id, attempt, saturated, journal, job.progress if job else None)
        found = await self._run(probe, run)
        progress = journal.latest or note.progress
        observation = found.observation if job is None else interrupted(job, found.observation)
        stays = found.again and holds_something(probe.workflow, progress)
        return Look(observation, replace(note, progress=progress) if stays else None)

    def _new_job(self, probe: Probe) -> Job:
        now = self._clock.now()
        return Job(run_id(probe, now), probe.id, probe.workflow.id, self._options.target.name, now, Progress())

    def _journal(self, probe: Probe, job: Job) -> CleanJournal:
        redactor = self._setting().prober.desks[probe.api].redactor
        return CleanJournal(self._store.journal(job), redactor, partial(self._reserve, probe, job))

    def _reserve(self, probe: Probe, job: Job, step: str) -> None:
        self._purses.reserve(probe, step)
        self._begun(job)

    async def _run(self, probe: Probe, run: Run) -> Found:
        permission = Permission(probe.allow, self._options.is_sandbox, self._closed[probe.api])
        terms = Terms(self._purses.account(probe.id), permission)
        try:
            return await self._setting().prober.carry_out(probe, terms, run)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the other probes
            return Found(self._defect(probe, run, error), again=True)

    def _defect(self, probe: Probe, run: Run, error: Exception) -> Observation:
        desk = self._setting().prober.desks.get(probe.api)
        message = type(error).__name__ if desk is None else desk.redactor.text(f"{type(error).__name__}: {error}")
        empty = self.empty(probe, run.id)
        return replace(empty, reason=Reason.INTERNAL, message=f"defect in specwatch: {message}", attempt=run.attempt)

    def empty(self, probe: Probe, run: str) -> Observation:
        """A run in which nothing was sent."""
        return Observation(
            id=run,
            api=probe.api,
            probe=probe.id,
            workflow=probe.workflow.id,
            target=self._options.target.name,
            verdict=Verdict.UNKNOWN,
            reason=None,
            message="",
            started_at=self._clock.now(),
            seconds=0.0,
        )

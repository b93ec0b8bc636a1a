"""Jobs in flight: runs that create or consume something, which a restart has to go on with or report."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from specwatch.probing.configuration import Configuration, Options
from specwatch.probing.ports import Job, Journal, Progress
from specwatch.probing.redaction import clean_mapping
from specwatch.schedule import Probe, expense
from specwatch.spec.model import Effect
from specwatch.values.claim import Verdict
from specwatch.values.failure import Reason
from specwatch.values.observation import Observation
from specwatch.values.secrets import Redactor

_SHIFTED: Final = frozenset({Reason.STATUS, Reason.CONTRACT})
"""Classes of answers that an interruption of ours may explain."""


class CleanJournal:
    """A journal that gets no secret: what the target echoed into an output is taken out before it is written."""

    def __init__(self, journal: Journal, redactor: Redactor) -> None:
        self._journal = journal
        self._redactor = redactor

    async def intend(self, progress: Progress) -> None:
        """Note that `progress.in_doubt` is about to be sent.

        Raises:
            CannotTell: that cannot be written, so it must not be sent.
        """
        await self._journal.intend(self._clean(progress))

    async def keep(self, step: str, body: bytes) -> None:
        """Keep a body that cannot be had again.

        Raises:
            OSError: it could not be written.
        """
        await self._journal.keep(step, self._redactor.bytes(body))

    async def done(self, progress: Progress) -> None:
        """Note that a step is done."""
        await self._journal.done(self._clean(progress))

    def _clean(self, progress: Progress) -> Progress:
        if self._redactor.is_idle:
            return progress
        outputs = {step: clean_mapping(values, self._redactor) for step, values in progress.outputs.items()}
        return replace(progress, inputs=clean_mapping(progress.inputs, self._redactor), outputs=outputs)


def has_job(probe: Probe) -> bool:
    """Whether a run of the probe creates or consumes something."""
    return bool(expense(probe.workflow).needs & {Effect.CREATE, Effect.CONSUME})


def resumable(job: Job, configuration: Configuration, options: Options) -> Probe | None:
    """The probe that can go on with a job; None where it is gone, was changed, or has another target."""
    if job.target != options.target.name:
        return None
    for probe in configuration.schedule.probes:
        if probe.id == job.probe and probe.workflow.id == job.workflow:
            known = {"", *(step.id for step in probe.workflow.steps)}
            return probe if {job.progress.following, job.progress.in_doubt} <= known else None
    return None


def interrupted(job: Job, observation: Observation) -> Observation:
    """What is told about a job that was resumed in doubt.

    An answer that is not the one asked for may then be our own doing: what was about to be sent may have used up what
    the workflow looks for.
    """
    doubt = job.progress.in_doubt
    if not doubt or observation.verdict is not Verdict.FAIL or observation.reason not in _SHIFTED:
        return observation
    message = f"the run was interrupted while {doubt} was under way, which may have taken effect; {observation.message}"
    return replace(observation, verdict=Verdict.UNKNOWN, reason=Reason.INTERNAL, message=message)


def unresumable(job: Job, configuration: Configuration, now: float) -> Observation:
    """What is told about a job that nobody can go on with. It stays in the journal."""
    api = next((probe.api for probe in configuration.schedule.probes if probe.id == job.probe), "")
    where = job.progress.in_doubt or job.progress.following
    message = (
        f"the job {job.id}, begun on {job.target}, is not finished and nothing here can go on with it: "
        f"the probe {job.probe} is gone, was changed or has another target (it stood at {where or 'its end'})"
    )
    return Observation(
        id=job.id,
        api=api,
        probe=job.probe,
        workflow=job.workflow,
        target=job.target,
        verdict=Verdict.UNKNOWN,
        reason=Reason.INTERNAL,
        message=message,
        started_at=now,
        seconds=0.0,
    )

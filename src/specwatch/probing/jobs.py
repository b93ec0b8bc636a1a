"""Jobs in flight: runs that create or consume something, which a restart has to go on with or report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from specwatch.probing.configuration import Configuration, Options
from specwatch.probing.execution.run import BEFORE_SENDING
from specwatch.probing.execution.tracks import DEPENDENCY, lasting_calls, leaves_something
from specwatch.probing.ports import Job, Journal, Progress
from specwatch.probing.redaction import clean_mapping
from specwatch.schedule import Probe
from specwatch.values.claim import Verdict
from specwatch.values.failure import Reason
from specwatch.values.observation import Observation
from specwatch.values.secrets import Redactor

_SHIFTED: Final = frozenset({Reason.STATUS, Reason.CONTRACT})
"""Classes of answers that an interruption of ours may explain."""

PATIENCE_SECONDS: Final = 86_400.0
"""So long after it began a job that cannot go on is tried again; then it is reported and finished."""


class CleanJournal:
    """A journal that gets no secret: what the target echoed into an output is taken out before it is written.

    Args:
        journal: where it is written.
        redactor: takes secrets out.
        reserve: told the step that is about to be sent, before that is written.

    `latest` is what was noted last, None while nothing was.
    """

    def __init__(
        self, journal: Journal, redactor: Redactor, reserve: Callable[[str], None] = lambda _step: None
    ) -> None:
        self._journal = journal
        self._redactor = redactor
        self._reserve = reserve
        self.latest: Progress | None = None

    async def intend(self, progress: Progress) -> None:
        """Note that `progress.in_doubt` is about to be sent.

        Raises:
            CannotTell: that cannot be written, so it must not be sent.
        """
        self._reserve(progress.in_doubt)
        clean = self._clean(progress)
        await self._journal.intend(clean)
        self.latest = clean

    async def keep(self, step: str, body: bytes) -> None:
        """Keep a body that cannot be had again.

        Raises:
            OSError: it could not be written.
        """
        await self._journal.keep(step, self._redactor.bytes(body))

    async def done(self, progress: Progress) -> None:
        """Note that a step is done."""
        self.latest = self._clean(progress)
        await self._journal.done(self.latest)

    def _clean(self, progress: Progress) -> Progress:
        if self._redactor.is_idle:
            return progress
        outputs = {step: clean_mapping(values, self._redactor) for step, values in progress.outputs.items()}
        return replace(progress, inputs=clean_mapping(progress.inputs, self._redactor), outputs=outputs)


def has_job(probe: Probe) -> bool:
    """Whether a run of the probe creates or consumes something."""
    return leaves_something(probe.workflow)


def has_left_traces(probe: Probe, observation: Observation) -> bool:
    """Whether a run may have made or used up something: such a request was answered, or nobody knows what became of it.

    Another look at such a run would make or use up something more.
    """
    calls = lasting_calls(probe.workflow)
    return any(
        (sent.step.rpartition("/")[2], sent.operation) in calls
        and (sent.failure is None or sent.failure.phase not in BEFORE_SENDING)
        for sent in observation.sent
    )


def given_up(job: Job, observation: Observation) -> Observation:
    """What is told about a job that was tried for too long."""
    where = job.progress.in_doubt or job.progress.following
    message = f"given up after {PATIENCE_SECONDS / 3600:g} h, at {where}: {observation.message}"
    return replace(observation, message=message)


def resumable(job: Job, configuration: Configuration, options: Options) -> Probe | None:
    """The probe that can go on with a job; None where it is gone, was changed, or has another target."""
    if job.target != options.target.name:
        return None
    for probe in configuration.schedule.probes:
        if probe.id == job.probe and probe.workflow.id == job.workflow:
            known = {"", *(step.id for step in probe.workflow.steps)}
            known |= {f"{DEPENDENCY}{ref.id}" for ref in probe.workflow.depends_on}
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

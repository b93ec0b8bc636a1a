"""Since when the jobs of each probe have been open, and how those who listen learn of it."""

from __future__ import annotations

from collections.abc import Iterable

from specwatch.probing.events import JobOpen, Listener
from specwatch.probing.ports import Job
from specwatch.schedule import Probe


class Openings:
    """The open jobs of each probe: those under way too, and those that nothing here can go on with.

    Args:
        emit: told when the oldest open job of a probe is another one than before.
        target: name of the target; jobs of another one are none of ours.
    """

    def __init__(self, emit: Listener, target: str) -> None:
        self._emit = emit
        self._target = target
        self._apis: dict[str, str] = {}
        self._since: dict[str, dict[str, float]] = {}

    def take_over(self, jobs: Iterable[Job]) -> None:
        """Take over what earlier processes left; told with the next plan."""
        for job in jobs:
            if job.target == self._target:
                self._since.setdefault(job.probe, {})[job.id] = job.started_at

    def plan(self, probes: Iterable[Probe]) -> None:
        """Take over the probes of a schedule, and tell how it stands with their jobs."""
        self._apis = {probe.id: probe.api for probe in probes}
        for probe_id in self._since:
            self._tell(probe_id)

    def begin(self, job: Job) -> None:
        """Note that a job is in the journal."""
        own = self._since.setdefault(job.probe, {})
        if job.id not in own:
            own[job.id] = job.started_at
            if min(own, key=own.__getitem__) == job.id:
                self._tell(job.probe)

    def end(self, job_id: str, probe_id: str) -> None:
        """Note that a job has ended, where it had begun."""
        own = self._since.get(probe_id, {})
        if job_id not in own:
            return
        was_oldest = min(own, key=own.__getitem__) == job_id
        del own[job_id]
        if was_oldest:
            self._tell(probe_id)
        if not own:
            del self._since[probe_id]

    def _tell(self, probe_id: str) -> None:
        if probe_id in self._apis:
            since = min(self._since[probe_id].values(), default=None)
            self._emit(JobOpen(self._apis[probe_id], probe_id, since))

"""What the web pages need to know of a running prober. Whoever runs one implements `WatchView`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from specwatch.probing.events import Reloaded
from specwatch.values import Observation, Reason, Verdict


@dataclass(frozen=True, slots=True)
class ProbeStatus:
    """How one probe is doing. All moments are epoch seconds, all durations seconds; no text holds a secret.

    Args:
        id: of the probe.
        verdict: the last settled one; None before the first.
        reason: the class of what went wrong, None for a pass and where there is none.
        message: one sentence: what went wrong, or why it is unknown; empty for a pass.
        since: when that verdict began.
        last_run: when the last run ended.
        next_run: when the next is due; None when none is.
        seconds: how long the last run took.
        idle: why it does not run at all: `switched off`, `maintenance`; empty when it does.
        local: whether the failure looks like one of our own network (`Failure.local`).
        saturated: whether the prober was overloaded during the last run, so that its time says less.
    """

    id: str
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    since: float | None = None
    last_run: float | None = None
    next_run: float | None = None
    seconds: float | None = None
    idle: str = ""
    local: bool = False
    saturated: bool = False


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """What may still be spent today, and of how much, in `unit`; a `limit` of None is not shown."""

    unit: str
    remaining: float
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A run that created something and is not finished.

    Args:
        id: of the job.
        probe: id of the probe.
        started_at: epoch seconds.
        step: the step that comes next, or the one whose answer is not known.
        in_doubt: whether it is the latter.
    """

    id: str
    probe: str
    started_at: float
    step: str
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class ApiStatus:
    """How one API is doing.

    Args:
        id: of the API.
        title: what its documentation calls it.
        target: where requests go: a name or a base URL.
        probes: in the order of the schedule.
        budgets: what may still be spent.
        paused_until: epoch seconds until which it asked for a pause, or None.
        jobs: what is not finished.
    """

    id: str
    title: str
    target: str
    probes: tuple[ProbeStatus, ...] = ()
    budgets: tuple[BudgetStatus, ...] = ()
    paused_until: float | None = None
    jobs: tuple[JobStatus, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The worst of its probes that run: fail, then unknown, then pass; None where nothing has run yet."""
        found = {probe.verdict for probe in self.probes if not probe.idle}
        return next((each for each in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS) if each in found), None)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be read from or written to the state, and when it last happened."""

    operation: str
    message: str
    at: float


@dataclass(frozen=True, slots=True)
class Status:
    """How the prober and all APIs are doing.

    Args:
        now: epoch seconds.
        started_at: epoch seconds at which the prober started.
        apis: in the order of the workspace.
        location: name of the place from which is probed, or empty.
        reload: the last attempt to read the configuration again, or None.
        saturated: whether the prober is overloaded.
        troubles: with the state, newest first; empty when all is well.
    """

    now: float
    started_at: float
    apis: tuple[ApiStatus, ...] = ()
    location: str = ""
    reload: Reloaded | None = None
    saturated: bool = False
    troubles: tuple[Trouble, ...] = ()


class WatchView(Protocol):
    """A running prober, as the web sees it."""

    @property
    def ready(self) -> bool:
        """Whether the first configuration runs and the state is open."""

    def status(self) -> Status:
        """How all is doing now. Fast: it is asked for each page."""

    async def run_probe(self, probe_id: str, timeout_seconds: float | None) -> Observation | None:
        """Run a probe once, or share a result that is younger than its interval; None when there is no such probe.

        Args:
            probe_id: of the schedule.
            timeout_seconds: within which an answer is wanted; None for the probe's own deadline.

        Raises:
            CannotTell: it may not run now, and there is no result to share: off, paused, or its budget is spent.
        """

    async def runs(self, probe_id: str, limit: int) -> Sequence[Mapping[str, object]] | None:
        """The newest runs of a probe as JSON documents, newest first; None when there is no such probe."""

    async def run(self, run_id: str) -> Mapping[str, object] | None:
        """One run as a JSON document; None where it is not kept."""

    async def reload(self) -> Reloaded:
        """Read the configuration again, and swap it where it is valid."""

"""What one run of a probe found: the value that metrics, history, pages and reports are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specwatch.values.claim import Verdict
from specwatch.values.exchange import Exchange
from specwatch.values.failure import Failure, Reason
from specwatch.values.violation import Drift, Sighting, Violation


@dataclass(frozen=True, slots=True)
class Criterion:
    """One success criterion of a step, as it was judged.

    Args:
        text: the condition as the workflow has it.
        met: whether it held.
        found: what was there instead, or empty.
    """

    text: str
    met: bool
    found: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a step, and what it showed. Without secrets once it has left the prober.

    Args:
        step: id of the step, with those of the workflows around it: `place-order/charge`.
        operation: `operationId`.
        exchange: the request and its answer; None where no usable answer came.
        failure: why not, or what the answer says about us (`auth`, `rate_limited`).
        error_code: the provider's own error code, or empty.
        violations: the claims that it breaks.
        verified: ids of the claims that it keeps.
        drift: what is undocumented but allowed.
        sightings: the same with an example of each; not kept in the history.
    """

    step: str
    operation: str
    exchange: Exchange | None = None
    failure: Failure | None = None
    error_code: str = ""
    violations: tuple[Violation, ...] = ()
    verified: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()
    sightings: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of a workflow, through all its attempts.

    Args:
        step: id of the step, with those of the workflows around it.
        met: whether all its criteria held in the last attempt.
        criteria: those of the last attempt.
        sent: its requests, in order; none for a step that is a workflow, or that was not sent.
        unknown: why it could not be sent, or empty.
    """

    step: str
    met: bool
    criteria: tuple[Criterion, ...] = ()
    sent: tuple[Sent, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One run of a probe.

    Args:
        id: unique: probe, time and a counter.
        api: id of the API.
        probe: id of the probe.
        workflow: id of its workflow.
        target: name of the target.
        verdict: pass, fail, or unknown where trouble of our own kept it from being found out.
        reason: the class of what went wrong, None for a pass and for an unknown without a request.
        message: one sentence: what went wrong, or why it is unknown; empty for a pass.
        started_at: epoch seconds.
        seconds: from the first request to the end, waits included.
        steps: in the order in which they ran.
        requests: how many were sent.
        cost: what they cost, in the unit of `x-cost`.
        job_seconds: of a run that created something: from its first request to its end; None for other runs.
        attempt: 1, or more for a second look before something is called down.
        saturated: whether the prober was overloaded while it ran, so that its times say less.
        outputs: of the workflow.
    """

    id: str
    api: str
    probe: str
    workflow: str
    target: str
    verdict: Verdict
    reason: Reason | None
    message: str
    started_at: float
    seconds: float
    steps: tuple[StepResult, ...] = ()
    requests: int = 0
    cost: float = 0.0
    job_seconds: float | None = None
    attempt: int = 1
    saturated: bool = False
    outputs: Mapping[str, object] = field(default_factory=dict)

    @property
    def sent(self) -> tuple[Sent, ...]:
        """All requests of all steps, in order."""
        return tuple(sent for step in self.steps for sent in step.sent)

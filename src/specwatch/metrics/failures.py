"""One class of failure for each request that led to nothing usable."""

from __future__ import annotations

from collections.abc import Iterator

from specwatch.values import Level, Observation, Reason, Sent, StepResult


def classified(observation: Observation) -> Iterator[tuple[Sent, Reason | None]]:
    """Each request of a run with its class of failure, None where it was of use.

    A class that the transport or the prober gave comes first. Otherwise an answer of 500 and above is `server_error`,
    unless the step went well with it, so that the workflow asked for it; an undocumented status is `status`, any other
    broken promise `contract`. A broken inference alone is no failure. The request with which a step ended the run has
    the reason of the run, so that a log line and a metric about it say the same.
    """
    final = _final(observation)
    for step in observation.steps:
        for sent in step.sent:
            own, of_run = _own(sent, step), observation.reason if sent is final else None
            of_answer = sent.failure is None and of_run is not Reason.TIMEOUT  # which is about all of them
            yield sent, (of_run or own) if of_answer else (own or of_run)


def _final(observation: Observation) -> Sent | None:
    """The request that made the run fail: the last one, where its step was not met."""
    if not observation.steps or observation.steps[-1].met or observation.steps[-1].unknown:
        return None
    sent = observation.steps[-1].sent
    return sent[-1] if sent else None


def _own(sent: Sent, step: StepResult) -> Reason | None:
    if sent.failure is not None:
        return sent.failure.reason
    if sent.exchange is None:
        return None
    if sent.exchange.response.status >= 500 and not (step.met and sent is step.sent[-1]):
        return Reason.SERVER_ERROR
    kinds = {violation.kind for violation in sent.violations if violation.level is Level.PROMISE}
    if not kinds:
        return None
    return Reason.STATUS if "status" in kinds else Reason.CONTRACT

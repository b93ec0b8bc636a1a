"""Each request that led to nothing usable has one class of failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from specwatch.metrics.failures import classified
from specwatch.values import Level, Observation, Reason, Sent, StepResult, Verdict, Violation

Make = Callable[..., Observation]


def broken(sent: Sent, kind: str, level: Level = Level.PROMISE) -> Sent:
    """The request with a broken claim."""
    return replace(sent, violations=(Violation("shop", "x", level, "getItem", kind, "", "", ""),))


def reasons(observation: Observation) -> list[Reason | None]:
    """The class of each request."""
    return [reason for _, reason in classified(observation)]


def test_useful_answers_have_none(observation: Make, sent: Callable[..., Sent]) -> None:
    """A pass has no failure, whatever the status that the workflow asked for."""
    assert reasons(observation(sent(200), sent(404), sent(500))) == [None, None, None]


def test_a_class_that_was_given_comes_first(observation: Make, sent: Callable[..., Sent]) -> None:
    """What the transport or the prober says is not second-guessed."""
    found = observation(sent(None, reason=Reason.DNS), sent(503, reason=Reason.RATE_LIMITED), verdict=Verdict.FAIL)
    assert reasons(found) == [Reason.DNS, Reason.RATE_LIMITED]


@pytest.mark.parametrize(
    "kind, level, reason",
    [
        ("status", Level.PROMISE, Reason.STATUS),
        ("schema", Level.PROMISE, Reason.CONTRACT),
        ("time", Level.INFERENCE, None),
    ],
)
def test_broken_promises_are_failures(
    observation: Make, sent: Callable[..., Sent], kind: str, level: Level, reason: Reason | None
) -> None:
    """An undocumented status and any other broken promise are failures; a broken inference is none."""
    assert reasons(observation(broken(sent(), kind, level))) == [reason]


def test_server_errors_that_nobody_asked_for_are_failures(observation: Make, sent: Callable[..., Sent]) -> None:
    """A 500 that a retry got over counts, the 500 that a step was after does not."""
    assert reasons(observation(sent(500), sent(200))) == [Reason.SERVER_ERROR, None]


def test_the_last_request_of_a_failed_run_has_its_reason(observation: Make, sent: Callable[..., Sent]) -> None:
    """A documented answer that the workflow did not want is the failure of the request that brought it."""
    found = observation(sent(200), sent(404), verdict=Verdict.FAIL, reason=Reason.STATUS)
    assert reasons(found) == [None, Reason.STATUS]


@pytest.mark.parametrize("kind", ["status", "claim", "schema"])
def test_a_broken_promise_of_that_request_has_the_same_reason(
    observation: Make, sent: Callable[..., Sent], kind: str
) -> None:
    """One reason for one event: the log line of the run and the counter of its request agree."""
    found = observation(broken(sent(404), kind), verdict=Verdict.FAIL, reason=Reason.STATUS)
    assert reasons(found) == [Reason.STATUS]


def test_a_run_whose_time_was_up_leaves_its_requests_their_own_reasons(
    observation: Make, sent: Callable[..., Sent]
) -> None:
    """A 500 is a server error, also when the run was tired of asking again."""
    found = observation(sent(500), verdict=Verdict.FAIL, reason=Reason.TIMEOUT)
    assert reasons(found) == [Reason.SERVER_ERROR]


def test_a_step_that_was_not_sent_blames_no_request(observation: Make, sent: Callable[..., Sent]) -> None:
    """Where a later step could not be sent, the requests before it were well."""
    found = observation(sent(200))
    later = StepResult("later", met=False, unknown="no credential")
    found = replace(found, steps=(*found.steps, later), verdict=Verdict.UNKNOWN, reason=Reason.AUTH)
    assert reasons(found) == [None]

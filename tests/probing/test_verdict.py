"""What a run amounts to: whose fault it is, in which class, and in which order causes are named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.probing.execute import Execution
from specwatch.probing.verdict import Outcome, assess
from specwatch.values import (
    Criterion,
    Exchange,
    Failure,
    Level,
    Reason,
    Request,
    Response,
    Sent,
    StepResult,
    Timings,
    Verdict,
    Violation,
)

OURS = frozenset({Reason.RATE_LIMITED, Reason.INTERNAL})
ANSWERED = frozenset({Reason.STATUS, Reason.CONTRACT, Reason.REDIRECT, Reason.SERVER_ERROR, Reason.AUTH})
"""Classes of answers that came: no request fails with them by itself."""

STATUS = "$statusCode == 200"


def exchange(status: int = 200, **more: Any) -> Exchange:
    """An answer."""
    request = Request("GET", "https://shop.example.com/v1/health", (), b"")
    made = Exchange("1", "shop", "getHealth", "https://shop.example.com/v1", request, Response(status, (), b""), TIMES)
    return replace(made, **more)


TIMES = Timings(0.0, 0.1)


def broken(level: Level = Level.PROMISE, claim: str = "id-echoed") -> Violation:
    """A claim that was not kept."""
    return Violation("shop", claim, level, "getHealth", "claim", "Not so: ids are echoed.", "x", "y")


def step(*sent: Sent, criteria: tuple[Criterion, ...] = (), unknown: str = "") -> StepResult:
    """A step `ask`."""
    met = all(criterion.met for criterion in criteria) and not unknown
    return StepResult("ask", met, criteria, sent, unknown)


def answered(status: int = 200, **more: Any) -> Sent:
    """A request that was answered."""
    return Sent("ask", "getHealth", exchange(status), **more)


def failed(failure: Failure) -> Sent:
    """One that was not."""
    return Sent("ask", "getHealth", failure=failure)


def unmet(text: str = STATUS, found: str = "404") -> Criterion:
    """A criterion that did not hold."""
    return Criterion(text, met=False, found=found)


def judged(execution: Execution, *, counts: bool = True, well: bool = False) -> Outcome:
    """The verdict."""
    return assess(execution, broken_promise_counts=counts, network_is_well=well)


def test_a_run_that_reached_its_goal_passes() -> None:
    """Nothing is said about it."""
    assert judged(Execution((step(answered()),), met=True)) == Outcome(Verdict.PASS)


@pytest.mark.parametrize("reason", sorted(set(Reason) - OURS - ANSWERED))
def test_an_answer_that_never_came_is_the_targets_failure(reason: Reason) -> None:
    """Whatever kept a usable answer away has its own class, and names the step."""
    sent = failed(Failure(reason, "it broke"))
    outcome = judged(Execution((step(sent, criteria=(unmet(),)),), message="no"))
    assert outcome == Outcome(Verdict.FAIL, reason, "ask: it broke")


@pytest.mark.parametrize("reason", [Reason.DNS, Reason.CONNECT, Reason.TIMEOUT])
@pytest.mark.parametrize("well", [True, False])
def test_symptoms_of_our_own_network_are_ours_unless_a_neighbour_answers(reason: Reason, *, well: bool) -> None:
    """No route or no resolver says nothing about the target, until somebody else answers through the same network."""
    sent = failed(Failure(reason, "no route", local=True))
    outcome = judged(Execution((step(sent),), message="no"), well=well)
    assert outcome.verdict is (Verdict.FAIL if well else Verdict.UNKNOWN)
    assert outcome.reason is reason


@pytest.mark.parametrize("reason", sorted(OURS))
@pytest.mark.parametrize("well", [True, False])
def test_trouble_of_our_own_is_never_the_targets(reason: Reason, *, well: bool) -> None:
    """A rate limit or a defect of ours is unknown, whatever the network is like."""
    sent = Sent("ask", "getHealth", exchange(429), failure=Failure(reason, "slow down"))
    assert judged(Execution((step(sent, criteria=(unmet(),)),)), well=well).verdict is Verdict.UNKNOWN


def test_a_refusal_of_our_account_is_ours() -> None:
    """401 to our own credential: unknown, of the class `auth`."""
    refused = exchange(401, credentials={"token": "account"})
    sent = Sent("ask", "getHealth", refused, failure=Failure(Reason.AUTH, "401"))
    assert judged(Execution((step(sent, criteria=(unmet(),)),))) == Outcome(Verdict.UNKNOWN, Reason.AUTH, "ask: 401")


def test_a_refusal_of_a_vouched_credential_is_the_targets() -> None:
    """401 to a credential that the sandbox itself gave out: a failure, of the class `auth`."""
    refused = exchange(401, credentials={"token": "account"}, vouched=True)
    sent = Sent("ask", "getHealth", refused, failure=Failure(Reason.AUTH, "401"))
    assert judged(Execution((step(sent, criteria=(unmet(),)),))).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "status, criterion, reason",
    [
        (500, STATUS, Reason.SERVER_ERROR),
        (503, "$response.body#/ok == true", Reason.SERVER_ERROR),
        (302, STATUS, Reason.REDIRECT),
        (404, STATUS, Reason.STATUS),
        (200, "$response.body#/ok == true", Reason.CONTRACT),
        (204, "a 2xx status and $statusCode < 300", Reason.STATUS),
    ],
)
def test_an_answer_that_was_not_the_one_asked_for_has_a_class(status: int, criterion: str, reason: Reason) -> None:
    """A server error before a redirect, that before another status, and a body that is wrong last."""
    execution = Execution((step(answered(status), criteria=(unmet(criterion, "that"),)),))
    more = "; redirects are not followed; it names no Location" if reason is Reason.REDIRECT else ""
    assert judged(execution) == Outcome(Verdict.FAIL, reason, f"ask: expected {criterion}, found that{more}")


@pytest.mark.parametrize(
    "location, told",
    [
        ("/sign-in?token=hush", "; this one leads to https://shop.example.com"),
        ("http://user:hush@SHOP.example.com:8080/hush", "; this one leads to http://shop.example.com"),
        ("https://www.shop.example.com/hush", "; this one leads to https://www.shop.example.com"),
        ("https://hush.example.net/", "; this one leads to another host"),
        ("//hush.shop.example.com/", "; this one leads to another host"),
        ("hush:shop.example.com", ""),
        ("https://[hush", ""),
    ],
)
def test_a_redirect_is_told_without_what_may_be_secret(location: str, told: str) -> None:
    """It is not followed; of where it led only the scheme and a host that was asked anyway are named."""
    redirect = exchange(302, response=Response(302, (("Location", location),), b""))
    execution = Execution((step(Sent("ask", "getHealth", redirect), criteria=(unmet(found="302"),)),))
    outcome = judged(execution)
    assert outcome.message == f"ask: expected {STATUS}, found 302; redirects are not followed{told}"
    assert "hush" not in outcome.message


def test_a_promise_that_the_same_answer_broke_is_named() -> None:
    """A goal that was missed by an answer that also breaks a promise: both are in the sentence, under one class."""
    sent = answered(404, violations=(broken(Level.INFERENCE, "guess"), broken()))
    outcome = judged(Execution((step(sent, criteria=(unmet(),)),)))
    expected = f"ask: expected {STATUS}, found 404; broken promise id-echoed: Not so: ids are echoed."
    assert (outcome.reason, outcome.message) == (Reason.STATUS, expected)


@pytest.mark.parametrize("kind", ["json", "schema", "media-type"])
def test_a_body_that_is_broken_goes_before_what_is_missing_in_it(kind: str) -> None:
    """Broken JSON explains why a criterion finds nothing, so it is named first."""
    sent = answered(violations=(broken(), replace(broken(claim="getTask/200"), kind=kind, message="Not JSON.")))
    outcome = judged(Execution((step(sent, criteria=(unmet("$response.body#/id", "nothing"),)),)))
    assert outcome.message == "ask: Not JSON (getTask/200); expected $response.body#/id, found nothing"
    assert outcome.reason is Reason.CONTRACT


def test_a_server_error_goes_before_a_broken_promise() -> None:
    """500 breaks every promise of a body on the way; what is named is the 500."""
    sent = answered(500, violations=(broken(),))
    outcome = judged(Execution((step(sent, criteria=(unmet(found="500"),)),)))
    assert outcome.reason is Reason.SERVER_ERROR


@pytest.mark.parametrize("counts", [True, False])
def test_a_broken_promise_counts_where_the_objective_says_so(*, counts: bool) -> None:
    """A goal reached over a broken promise: down or not is a choice; class and sentence are told either way."""
    execution = Execution((step(answered(violations=(broken(),))),), met=True)
    outcome = judged(execution, counts=counts)
    assert outcome.verdict is (Verdict.FAIL if counts else Verdict.PASS)
    assert (outcome.reason, outcome.message) == (Reason.CONTRACT, "id-echoed: Not so: ids are echoed.")


def test_a_broken_inference_never_counts() -> None:
    """What only examples show is no promise."""
    execution = Execution((step(answered(violations=(broken(Level.INFERENCE),))),), met=True)
    assert judged(execution) == Outcome(Verdict.PASS)


def test_a_promise_is_named_before_inferences() -> None:
    """Among several broken claims the first promise is the one that is told."""
    violations = (broken(Level.INFERENCE, "first"), broken(claim="second"))
    outcome = judged(Execution((step(answered(violations=violations)),), met=True))
    assert outcome.message.startswith("second:")


def test_what_could_not_be_sent_is_unknown() -> None:
    """No credential, no budget, a pause: unknown, without a class, and why."""
    execution = Execution((step(unknown="SHOP_TOKEN is not set"),), unknown="ask: SHOP_TOKEN is not set")
    assert judged(execution) == Outcome(Verdict.UNKNOWN, None, "ask: SHOP_TOKEN is not set")


def test_a_run_that_ran_out_of_time_failed() -> None:
    """A workflow that still waits for something when its deadline comes is a timeout."""
    execution = Execution((step(answered()),), message="poll had to wait 30 s", finished=False)
    assert judged(execution) == Outcome(Verdict.FAIL, Reason.TIMEOUT, "poll had to wait 30 s")


def test_a_run_in_which_nothing_was_sent_is_no_news_of_the_target() -> None:
    """A request that could not even be made is trouble of ours."""
    outcome = judged(Execution((step(criteria=(unmet("input item"),)),), message="ask: expected input item"))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, Reason.INTERNAL)


def test_a_failure_that_was_made_good_is_forgiven() -> None:
    """A retry that succeeds leaves a run that reached its goal."""
    steps = (step(failed(Failure(Reason.RESET, "reset")), answered()),)
    assert judged(Execution(steps, met=True)) == Outcome(Verdict.PASS)


def test_an_answer_judged_too_late_did_not_arrive_in_time() -> None:
    """The deadline covers the judging: a goal reached beyond it is a timeout all the same."""
    late = answered(failure=Failure(Reason.TIMEOUT, "judging was not done within 1 s", "transfer"))
    assert judged(Execution((step(late),), met=True)).verdict is Verdict.FAIL
    assert judged(Execution((step(late, answered()),), met=True)) == Outcome(Verdict.PASS)


reasons = st.sampled_from(Reason)
failures = st.builds(Failure, reasons, st.just("broke"), local=st.booleans())
sents = st.one_of(
    st.builds(failed, failures),
    st.builds(answered, st.integers(200, 599)),
    st.builds(
        lambda status, failure: Sent(
            "ask", "getHealth", exchange(status, credentials={"token": "account"}), failure=failure
        ),
        st.integers(400, 499),
        failures,
    ),
)
steps = st.builds(
    lambda sent, met: step(*sent, criteria=(Criterion(STATUS, met=met),)), st.lists(sents, max_size=3), st.booleans()
)


@given(
    st.builds(
        Execution,
        st.lists(steps, max_size=3).map(tuple),
        met=st.booleans(),
        message=st.just("not so"),
        unknown=st.sampled_from(["", "no budget"]),
        finished=st.booleans(),
    ),
    st.booleans(),
    st.booleans(),
)
def test_every_verdict_is_explained(execution: Execution, counts: bool, well: bool) -> None:  # noqa: FBT001
    """Whatever happened: a failure has a class and a sentence, an unknown a sentence, and neither blames us."""
    outcome = judged(execution, counts=counts, well=well)
    if outcome.verdict is Verdict.FAIL:
        assert outcome.reason is not None
        assert outcome.reason not in OURS
    if outcome.verdict is not Verdict.PASS:
        assert outcome.message

"""One run of a probe: where its inputs come from, what it takes, and that no secret leaves it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probing.watching import HOUR, VARIABLES, Diary, Shelf, honest, play, probe, reply

from specwatch.probing.redaction import clean_mapping, redact
from specwatch.schedule import Objective
from specwatch.state import to_json
from specwatch.transport.wire import Outgoing
from specwatch.values import Certificate, Drift, Failure, Reason, Response, Sent, StepResult, Verdict
from specwatch.values.observation import Observation
from specwatch.values.secrets import MASK, Redactor

TOKEN = VARIABLES["SHOP_TOKEN"]


def one(workflow: str = "item", answers: Any = honest, **more: Any) -> Diary:
    """A watch in which the probe runs once."""
    return play([probe(workflow, interval=60.0, **more)], 60, answers)


# ------------------------------------------------------------------------------------------------------------ inputs


def test_an_input_of_the_schedule_goes_first() -> None:
    """What the schedule says is sent, whatever the target knows."""
    assert one(inputs={"item": "i-5", "lang": "de"}).wire.paths == ["/v1/items/i-5?lang=de"]


def test_an_input_with_a_known_name_is_filled_from_the_target() -> None:
    """The identifier that the account's owner configured; the rest has the defaults of its schema."""
    assert one().wire.paths == ["/v1/items/i-7?lang=en"]


def test_a_known_list_stays_a_list() -> None:
    """Several identifiers are an array for the workflow."""
    assert one("items").wire.paths == ["/v1/items/i-8"]


def test_a_missing_setting_is_unknown_and_sends_nothing() -> None:
    """A live account has no identifiers of other people: the reason names the variable."""
    diary = play([probe("item")], 60, SHOP_ITEM="")
    found = diary.seen()[0]
    assert diary.wire.sent == []
    assert (found.verdict, found.reason, found.requests) == (Verdict.UNKNOWN, None, 0)
    assert found.message == "SHOP_ITEM is not set: the id of an item of yours"


def test_a_missing_input_is_unknown_and_sends_nothing() -> None:
    """One that nobody can fill is named."""
    diary = one(inputs={"item": 5})
    assert diary.wire.sent == []
    assert diary.seen()[0].verdict is Verdict.UNKNOWN
    assert "item" in diary.seen()[0].message


# ------------------------------------------------------------------------------------------------------ observations


def test_an_observation_says_what_a_run_took() -> None:
    """Requests, cost, time, outputs; a job's time only where something was made."""
    found = one("price", allow=frozenset({"paid"})).seen()[0]
    assert (found.requests, found.cost, found.job_seconds) == (1, 0.1, None)
    assert found.seconds == pytest.approx(0.05)
    assert one().seen()[0].outputs["name"] == "a cup"


def test_a_request_has_the_time_of_a_request_and_the_run_that_of_a_run() -> None:
    """The shorter of both ends it."""
    slow = play([probe(timeout=3.0)], 60, honest, seconds=50.0).seen()[0]
    assert slow.reason is Reason.TIMEOUT
    assert slow.seconds == pytest.approx(3.0)
    short = play([probe(timeout=30.0, deadline=5.0)], 60, honest, seconds=50.0).seen()[0]
    assert short.reason is Reason.TIMEOUT
    assert short.seconds == pytest.approx(5.0)


def test_a_broken_promise_counts_as_the_objective_says() -> None:
    """Down or not: the class is told either way."""

    def liar(_outgoing: Outgoing) -> Response:
        return reply(200, {"id": "i-0", "name": "a cup"})

    strict = one(answers=liar).seen()[0]
    lenient = one(answers=liar, objective=Objective(broken_promise_counts=False)).seen()[0]
    assert (strict.verdict, strict.reason) == (Verdict.FAIL, Reason.CONTRACT)
    assert (lenient.verdict, lenient.reason) == (Verdict.PASS, Reason.CONTRACT)


def test_runs_have_ids_of_their_own() -> None:
    """No two are the same, also within a millisecond."""
    diary = play([probe(probe_id=f"p{n}") for n in range(5)], HOUR)
    ids = [observation.id for n in range(5) for observation in diary.seen(f"p{n}")]
    assert len(ids) == len(set(ids)) == 300


# ----------------------------------------------------------------------------------------------------------- secrets


def echo(outgoing: Outgoing) -> Response:
    """An answer that says every header of the request again, everywhere it can."""
    said = " ".join(value.decode("latin-1") for name, value in outgoing.headers if name != b"host")
    body = {"id": said, "name": said, said: 1, "error": {"code": said, "message": said}}
    return Response(
        418, (("content-type", "application/json"), ("x-echo", said), (said, "x")), json.dumps(body).encode(), said
    )


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
@pytest.mark.parametrize("workflow", ["item", "wrong-token", "price"])
def test_no_secret_leaves_a_run(status: int, workflow: str) -> None:
    """Echoed in body, header, reason phrase, error code, names of fields: it reaches no listener and no store."""

    def answers(outgoing: Outgoing) -> Response:
        return replace(echo(outgoing), status=status)

    shelf = Shelf()
    probes = [probe(workflow, allow=frozenset({"paid"}), confirm=2)]
    diary = play(probes, 180, answers, shelf=shelf)
    written = repr([event for event in diary.events if not hasattr(event, "probes")])
    written += (
        json.dumps([to_json(run) for run in shelf.runs]) + repr(shelf.documents) + repr(diary.watch.memory.__dict__)
    )
    for name, secret in VARIABLES.items():
        if "ITEM" not in name:
            assert secret not in written
    assert "pxa-0001" not in written
    assert diary.seen()[0].sent


def test_no_secret_gets_into_a_journal() -> None:
    """Neither in the progress of a job nor in an archive."""

    def answers(outgoing: Outgoing) -> Response:
        if outgoing.method == "POST" and outgoing.target == b"/v1/items":
            return reply(201, {"id": f"i-{TOKEN}"})
        return reply(200, {"id": f"i-{TOKEN}", "name": "ready", "token": TOKEN})

    shelf = Shelf()
    play([probe("job", allow=frozenset({"create", "consume"}))], 60, answers, shelf=shelf)
    assert shelf.kept != {}
    assert TOKEN not in repr(shelf)


def test_no_secret_gets_into_a_failure() -> None:
    """What the wire says of a target may quote it: messages, certificates."""
    shown = Certificate("shop.example.com", 0.0, f"CN={TOKEN}", verified=False, problem=f"not {TOKEN}")
    failure = Failure(Reason.TLS, f"said {TOKEN}", certificate=shown)
    found = one(answers=lambda _outgoing: failure).seen()[0]
    assert TOKEN not in repr(found)
    assert f"said {MASK}" in found.message


def test_no_secret_gets_into_the_certificate_of_an_answer() -> None:
    """A certificate that was accepted is shown, too."""
    found = one().seen()[0]
    sent = found.steps[0].sent[0]
    assert sent.exchange is not None
    shown = replace(sent.exchange, certificate=Certificate("shop", 0.0, f"CN={TOKEN}", verified=True))
    step = replace(found.steps[0], sent=(replace(sent, exchange=shown),))
    assert TOKEN not in repr(redact(replace(found, steps=(step,)), Redactor([TOKEN])))


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just(TOKEN), st.just(f"a{TOKEN}b")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["x", TOKEN]), inner)),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["a", "b", TOKEN]), values))
def test_outputs_are_cleaned_at_any_depth(outputs: dict[str, object]) -> None:
    """Values and keys; what holds no secret stays what it is."""
    clean = clean_mapping(outputs, Redactor([TOKEN]))
    assert TOKEN not in repr(clean)
    if TOKEN not in repr(outputs):
        assert clean == outputs


def test_redaction_reaches_every_text_of_an_observation() -> None:
    """Messages, criteria, error codes, drift, violations, reasons of steps."""
    found = one(answers=echo).seen()[0]
    dirty = replace(
        found,
        message=f"x{TOKEN}",
        outputs={TOKEN: [TOKEN]},
        steps=(
            StepResult(
                "get",
                met=False,
                criteria=tuple(replace(each, found=TOKEN) for each in found.steps[0].criteria),
                sent=(Sent("get", "getItem", error_code=TOKEN, drift=(Drift("shop", "getItem", "code", TOKEN),)),),
                unknown=f"because of {TOKEN}",
            ),
        ),
    )
    clean = redact(dirty, Redactor([TOKEN]))
    assert TOKEN not in repr(clean)
    assert isinstance(clean, Observation)
    assert redact(dirty, Redactor()) is dirty


def test_the_exchange_of_a_violation_is_shared() -> None:
    """One clean copy of an exchange is enough, however many claims it breaks."""
    found = one(answers=lambda _outgoing: reply(200, {"id": TOKEN, "name": 5})).seen()[0]
    sent = found.sent[0]
    assert len(sent.violations) >= 2
    assert all(violation.exchange is sent.exchange for violation in sent.violations)

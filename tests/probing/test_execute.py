"""How a workflow runs: its steps, attempts, waits, jumps, and what it calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probing.executing import CUP, Answers, Clock, Reply, Shop, answer, no_answer, run

from specwatch.errors import RateLimited
from specwatch.probing.execute import Execution
from specwatch.probing.execution.run import MAX_STEPS
from specwatch.transport.draft import Draft
from specwatch.values import Failure, Reason

WAITING = {"id": "i-9", "status": "waiting"}
READY = {"id": "i-9", "status": "ready"}


def in_turn(*replies: Reply) -> Answers:
    """Answers that come one after the other, the last one again and again."""
    left: Iterator[Reply] = iter(replies)
    last = [replies[-1]]

    def answers(_shop: Shop, _draft: Draft, _step: str) -> Reply:
        return next(left, last[0])

    return answers


def by_step(replies: Mapping[str, Reply]) -> Answers:
    """The answer of each step; a cup for those that are not named."""
    return lambda _shop, _draft, step: replies.get(step, answer(200, CUP))


def messages(execution: Execution) -> tuple[bool, str, str, bool]:
    """How a run ended."""
    return execution.met, execution.message, execution.unknown, execution.finished


def test_one_request_that_is_answered_well_is_met() -> None:
    """A step whose criteria hold makes a run of one step met, and its exchange is there."""
    shop = Shop(in_turn(answer(200)))

    execution = run("one", shop)

    assert messages(execution) == (True, "", "", True)
    assert [(step.step, step.met, len(step.sent)) for step in execution.steps] == [("health", True, 1)]


def test_a_criterion_that_does_not_hold_is_told_with_what_was_found() -> None:
    """Without failure actions a step that fails ends the run, and the message says what was there instead."""
    execution = run("one", Shop(in_turn(answer(503))))

    assert messages(execution) == (False, "health: expected $statusCode == 200, found $statusCode is 503", "", True)


def test_without_criteria_a_2xx_is_a_success() -> None:
    """A step without criteria succeeds with any 2xx and fails with everything else."""
    assert run("ways", Shop(in_turn(answer(204))), way="stop").met
    assert run("ways", Shop(in_turn(answer(302))), way="stop").message == (
        "start: expected a 2xx status, found status 302"
    )


def test_parameters_of_the_workflow_the_components_and_the_step_make_the_request() -> None:
    """Header, query, path and cookie parameters are sent; those of the step override those of the workflow."""
    shop = Shop(in_turn(answer(200, {"id": "a b/?", "name": "a cup"})))

    execution = run("item", shop, item="a b/?")

    assert execution.met, execution.message
    first, second = shop.drafts
    assert first.path == "/items/a%20b%2F%3F?lang=de&lang=fr"
    assert dict(first.headers) == {"accept": "application/json", "X-Trace": "run-a b/?", "cookie": "theme=dark"}
    assert (first.path_parameters, first.query) == ({"id": "a b/?"}, {"lang": "de,fr"})
    assert second.path == "/items/a%20b%2F%3F?lang=en"
    assert first.roles == {"token": "account"}


def test_outputs_that_an_answer_does_not_have_are_left_out() -> None:
    """The outputs of a run are those that have a value."""
    assert run("item", Shop(in_turn(answer(200, CUP))), item="i-1").outputs == {"name": "a cup"}


def test_a_request_that_needs_what_no_answer_gave_fails_its_step() -> None:
    """A step whose parameter is an output that is absent is not sent; that is a failure, and it says of what."""
    shop = Shop(by_step({"make": answer(201, {"no": "id"})}))

    execution = run("job", shop)

    assert shop.steps == ["make"]
    assert execution.message == (
        "poll: expected a request that can be sent, found parameter id needs $steps.make.outputs.id, which is absent"
    )


@pytest.mark.parametrize(
    "item, found",
    [
        ("", "path parameter id is empty"),
        ("x" * 9000, "parameter X-Trace has more than 8000 characters"),
        ("a\r\nX-Evil: 1", "header X-Trace has a character that may not stand in it"),
        ("snow ☃", "header X-Trace has a character that may not stand in it"),
    ],
)
def test_a_value_that_cannot_stand_where_it_should_is_not_sent(item: str, found: str) -> None:
    """No value can break out of a header or a path, whoever gave it."""
    shop = Shop(in_turn(answer(200, CUP)))

    execution = run("item", shop, item=item)

    assert shop.drafts == []
    assert execution.message == f"get: expected a request that can be sent, found {found}"


def test_inputs_that_do_not_fit_their_schema_leave_the_outcome_unknown() -> None:
    """Nothing is sent; the input and what is wrong with it are told."""
    shop = Shop(in_turn(answer(200, CUP)))

    assert run("item", shop).unknown == "input item of item: found nothing, expected a required field"
    assert run("item", shop, item=5).unknown == "input item of item: found 5, expected type string"
    assert shop.drafts == []


def test_retries_follow_the_list_of_waits() -> None:
    """Each retry action is used up before the next one is looked at: 2 s, 5 s, 15 s, 15 s, then the step fails."""
    shop = Shop(by_step({"make": answer(201, {"id": "i-9"}), "poll": answer(200, WAITING)}))

    execution = run("job", shop)

    assert shop.clock.waits == [2, 5, 15, 15]
    assert len(execution.steps[1].sent) == 5
    assert execution.message == (
        "poll: expected $response.body#/status == 'ready', found $response.body#/status is \"waiting\""
    )


def test_a_retry_that_succeeds_goes_on() -> None:
    """After a retry that succeeds the next step follows, and every attempt is kept with its step."""
    replies = [answer(201, {"id": "i-9"}), answer(200, WAITING), answer(200, READY), answer(200, {}), answer(404)]
    shop = Shop(in_turn(*replies))

    execution = run("job", shop)

    assert execution.met, execution.message
    assert shop.steps == ["make", "poll", "poll", "take", "gone"]
    assert [(step.step, len(step.sent)) for step in execution.steps] == [
        ("make", 1), ("poll", 2), ("take", 1), ("gone", 1)
    ]  # fmt: skip
    assert execution.outputs == {"id": "i-9", "status": "ready"}


@pytest.mark.parametrize(
    "value, wait",
    [("7", 7.0), ("0", None), ("soon", 2.0), ("Thu, 01 Jan 1970 00:00:00 GMT", None), ("999999999", 86_400.0)],
)
def test_retry_after_wins_over_the_workflow(value: str, wait: float | None) -> None:
    """What the target asks for is waited for, within a day; what makes no sense is not."""
    replies = [answer(201, {"id": "i-9"}), answer(200, WAITING, Retry_After=value), answer(200, READY), answer(404)]
    shop = Shop(in_turn(*replies))

    run("job", shop, until=1e6)

    assert shop.clock.waits == ([] if wait is None else [wait])


def test_a_wait_beyond_the_end_of_the_run_is_not_begun() -> None:
    """A run that would wait too long stops at once and says which step was waiting for what."""
    shop = Shop(by_step({"make": answer(201, {"id": "i-9"}), "poll": answer(200, WAITING)}))

    execution = run("job", shop, until=10.0)

    assert shop.clock.waits == [2, 5]
    assert messages(execution) == (
        False,
        (
            "poll had to wait 15 s to try again, beyond the end of the run: poll: expected"
            " $response.body#/status == 'ready', found $response.body#/status is \"waiting\""
        ),
        "",
        False,
    )
    assert len(execution.steps[-1].sent) == 3


def test_nothing_is_sent_when_the_time_is_up() -> None:
    """A step that would begin after the end of the run is not sent."""
    shop = Shop(in_turn(answer(200)), seconds=4.0)

    execution = run("ways", shop, way="none", until=8.0)

    assert messages(execution) == (False, "last was not sent: the time of the run was up", "", False)
    assert shop.steps == ["start", "middle"]


@pytest.mark.parametrize(
    "way, steps",
    [
        ("none", ["start", "middle", "last"]),
        ("skip", ["start", "last"]),
        ("stop", ["start"]),
        ("over", ["start", "item/get", "item/same"]),
    ],
)
def test_success_actions_lead_on(way: str, steps: list[str]) -> None:
    """The first action whose criteria hold leads to a step, to the end or to another workflow; else the next step."""
    shop = Shop(in_turn(answer(200, CUP)))

    execution = run("ways", shop, way=way)

    assert execution.met, execution.message
    assert shop.steps == steps
    assert execution.outputs == ({"name": "a cup"} if way == "over" else {})


def test_a_loop_is_bounded() -> None:
    """A workflow that jumps back for ever is stopped."""
    shop = Shop(in_turn(answer(200)))

    execution = run("ways", shop, way="round")

    assert len(shop.steps) == MAX_STEPS
    assert messages(execution) == (False, f"start: the run was stopped after {MAX_STEPS} steps", "", False)


@pytest.mark.parametrize(
    "way, steps, met",
    [
        ("none", ["first"], False),
        ("aside", ["first", "aside"], True),
        ("repair", ["first", "aside", "first", "middle", "aside"], True),
        ("nested", ["first", "first/one/health", "first", "middle", "aside"], True),
    ],
)
def test_failure_actions_lead_on(way: str, steps: list[str], met: bool) -> None:  # noqa: FBT001 - a parameter
    """A failure leads to another step, or to a repair before a retry, or ends the run as failed."""
    shop = Shop(in_turn(answer(500), answer(200)))

    execution = run("failing", shop, way=way)

    assert shop.steps == steps
    assert execution.met is met


def test_a_request_without_an_answer_is_a_failed_attempt() -> None:
    """A failure of the network is told in the criteria, and retried as the workflow says."""
    failure = Failure(Reason.TIMEOUT, "no answer within 5 s", "processing")
    shop = Shop(lambda _, draft, step: no_answer(draft, step, failure))

    execution = run("failing", shop, way="blind")

    assert shop.clock.waits == [3]
    assert execution.message == "first: no answer within 5 s"
    (criterion,) = execution.steps[0].criteria  # told once, however many there are
    assert (criterion.text, criterion.found) == ("a usable answer", "no answer within 5 s")


def test_what_cannot_be_sent_leaves_the_outcome_unknown() -> None:
    """The run stops where the sender cannot tell, with the reason, and what was done until then is kept."""
    shop = Shop(by_step({"same": RateLimited("the target asks for a pause of 60 s")}))

    execution = run("item", shop, item="i-1")

    assert messages(execution) == (False, "", "the target asks for a pause of 60 s", True)
    assert [(step.step, step.met, step.unknown) for step in execution.steps] == [
        ("get", True, ""),
        ("same", False, "the target asks for a pause of 60 s"),
    ]


def test_workflows_are_called_with_inputs_and_give_outputs() -> None:
    """What a workflow depends on runs first; a step can be a workflow, of another document too."""
    shop = Shop(lambda _, draft, __: answer(200, {**CUP, "price": 3} if "prices" in draft.path else CUP))

    execution = run("nested", shop, item="i-1")

    assert execution.met, execution.message
    assert shop.steps == ["one/health", "look/get", "look/same", "elsewhere/get"]
    assert execution.outputs == {"name": "a cup", "price": 3}
    assert [(step.step, len(step.sent)) for step in execution.steps if not step.sent] == [("look", 0), ("elsewhere", 0)]


@pytest.mark.parametrize(
    "failing, message, steps",
    [
        ("one/health", "nested depends on one: one/health: expected $statusCode == 200, found $statusCode is 500", 1),
        ("elsewhere/get", "elsewhere/get: expected a 2xx status, found status 500", 4),
    ],
)
def test_a_workflow_that_fails_fails_what_called_it(failing: str, message: str, steps: int) -> None:
    """A failure inside is the failure of the whole, in its own words."""
    shop = Shop(by_step({failing: answer(500)}))

    execution = run("nested", shop, item="i-1")

    assert messages(execution) == (False, message, "", True)
    assert len(shop.steps) == steps


def test_bodies_are_made_as_written() -> None:
    """Structures with replacements, JSON texts, other texts and forms become what they should be on the wire."""
    shop = Shop(in_turn(answer(201)))

    run("bodies", shop, name='a "b" & c', like={"x": [1]})

    bodies = [draft.body.decode() for draft in shop.drafts]
    assert json.loads(bodies[0]) == {
        "name": 'a "b" & c', "parts": [{"id": 1}, {"id": 3}, {"id": 4}], "note": 'for a "b" & c'
    }  # fmt: skip
    assert json.loads(bodies[1]) == {"name": 'a "b" & c', "like": {"x": [1]}}
    assert bodies[2:] == [
        'hello a "b" & c',
        "name=a+%22b%22+%26+c&tag=a&tag=b",
        "name=a+%22b%22+%26+c&x=1",
        '{ "name" : "x" }',
    ]
    types = [dict(draft.headers)["content-type"] for draft in shop.drafts]
    form = "application/x-www-form-urlencoded"
    assert types == ["application/json", "application/json", "text/plain", form, form, "application/json"]


@given(st.text(max_size=40))
def test_no_value_breaks_out_of_a_json_text(name: str) -> None:
    """Whatever text is put into a JSON text, it is that text that arrives."""
    shop = Shop(in_turn(answer(201)))

    run("bodies", shop, name=name, like={})

    assert json.loads(shop.drafts[1].body)["name"] == name


def test_refused_requests_say_so_and_go_out_in_their_roles() -> None:
    """A step that asks for a 4xx is sent as one that the documentation promises to refuse."""
    statuses = {"no-key": 401, "wrong-token": 401, "not-an-item": 422, "perhaps": 400, "either": 400}
    shop = Shop(lambda _, __, step: answer(statuses.get(step, 500), {}))

    execution = run("refusals", shop)

    assert execution.met, execution.message
    assert [draft.refused for draft in shop.drafts] == [True, True, True, False, False, False]
    assert [draft.roles for draft in shop.drafts[:2]] == [{"token": "altered"}, {"client": "account", "key": "absent"}]


def test_what_came_with_version_1_1_is_followed() -> None:
    """Timeouts of steps, selectors, parameters of actions and dependsOn of steps do what they say."""
    clock = Clock(time=50.0)
    shop = Shop(in_turn(answer(200, {**CUP, "parts": [{"id": "p-1"}, {"id": "p-2"}]})), clock)

    execution = run("modern", shop, document="modern")

    assert execution.met, execution.message
    assert shop.steps == ["get", "other/a", "other/b"]
    assert shop.untils == [51.5, 1000.0, 1000.0]
    assert shop.drafts[0].query == {"from": "https://shop.example.com/modern.arazzo.yaml"}
    assert [draft.path for draft in shop.drafts[1:]] == ["/items/p-1", "/items"]
    assert json.loads(shop.drafts[2].body) == {"name": "x", "part": "p-1"}


def test_a_request_that_never_changes_is_made_once() -> None:
    """Two runs of a workflow without expressions in its requests send the very same draft."""
    shop = Shop(in_turn(answer(401)))

    for _ in range(2):
        run("refusals", shop)

    assert shop.drafts[0] is shop.drafts[3]

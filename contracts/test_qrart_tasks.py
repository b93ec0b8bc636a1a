"""The contract of qrart-tasks: one question for a task, one for many, and the two must agree."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.contract.caller import Caller, Reply
from specwatch.contract.current import current_run

API = Caller(current_run().apis["qrart-tasks"])
claim = pytest.mark.claim


def query(*, refused: bool = False, **body: object) -> Reply:
    """Ask the one operation of this API."""
    return API.call("queryTasks", json=body, refused=refused)


retrieve = partial(query, action="retrieve")
retrieve_batch = partial(query, action="retrieve_batch")


@claim("qrart-tasks/known-task-is-found")
@claim("qrart-tasks/known-task-is-found-every-time")
@claim("qrart-tasks/task-is-the-one-asked-for")
@claim("qrart-tasks/finished-task-has-its-response")
@claim("qrart-tasks/finished-task-has-succeeded")
@claim("qrart-tasks/created-at-in-seconds")
@claim("qrart-tasks/image-url-is-that-of-the-task")
@claim("qrart-tasks/square-image-for-square-request")
def test_a_known_task_is_returned() -> None:
    """A finished task comes back as itself, with its request and its image."""
    retrieve(id=API.known("task"))


@claim("qrart-tasks/reads-are-repeatable")
def test_reading_a_task_changes_nothing() -> None:
    """Each task reads the same every time."""
    tasks = [API.known("task"), *API.known_list("tasks")]
    for turn in range(current_run().settings.profile.repeats):
        retrieve(id=tasks[turn % len(tasks)])


@claim("qrart-tasks/batch-agrees-with-single")
@claim("qrart-tasks/batch-returns-each-id-once")
@claim("qrart-tasks/count-equals-items")
def test_a_batch_shows_what_single_reads_show() -> None:
    """A batch has every task once, counts them, and agrees with what each read by itself shows."""
    tasks = API.known_list("tasks")
    retrieve_batch(ids=tasks)
    for task in tasks:
        retrieve(id=task)


@claim("qrart-tasks/items-in-order-asked")
def test_a_batch_keeps_the_order_asked() -> None:
    """The same tasks asked in both orders come back in both orders."""
    tasks = API.known_list("tasks")
    retrieve_batch(ids=tasks)
    retrieve_batch(ids=tasks[::-1])
    retrieve_batch(ids=tasks[:1])


@claim("qrart-tasks/batch-returns-only-ids-asked-for")
@given(data=st.data())
def test_a_batch_holds_only_what_was_asked_for(data: st.DataObject) -> None:
    """Any choice of known tasks, in any order, comes back without a stranger among them."""
    tasks = API.known_list("tasks")
    chosen = data.draw(st.lists(st.sampled_from(tasks), min_size=1, max_size=len(tasks), unique=True))

    retrieve_batch(ids=chosen)


@claim("qrart-tasks/unknown-action-refused")
@given(action=st.sampled_from(["remove", "list", "retrieve_all"]))
def test_an_unknown_action_is_refused(action: str) -> None:
    """Actions that the document does not know are refused with a documented code."""
    query(action=action, id=API.known("task"), refused=True)


@claim("qrart-tasks/missing-id-refused")
@claim("qrart-tasks/trace-id-is-fresh")
@claim("qrart-tasks/error-message-is-filled-in")
def test_a_single_read_needs_an_id() -> None:
    """A single read without `id` is refused, each time with a trace id of its own."""
    retrieve(refused=True)
    retrieve(refused=True)


@claim("qrart-tasks/missing-ids-refused")
def test_a_batch_read_needs_ids() -> None:
    """A batch read without `ids` is refused."""
    retrieve_batch(refused=True)


@claim("qrart-tasks/queryTasks/rejects")
@given(body=st.sampled_from([[], "retrieve", 17, None]))
def test_a_query_is_an_object(body: object) -> None:
    """A body that is no JSON object is refused."""
    API.call("queryTasks", json=body, refused=True)


@claim("qrart-tasks/non-text-id-refused")
@given(value=st.sampled_from([17, True, ["e2c65b20"], {"id": "e2c65b20"}]))
def test_an_id_is_a_text(value: object) -> None:
    """An `id` of any other type is refused."""
    retrieve(id=value, refused=True)


@claim("qrart-tasks/ids-without-list-refused")
def test_ids_are_a_list() -> None:
    """A single id in the place of the list is refused."""
    retrieve_batch(ids=API.known("task"), refused=True)


@claim("qrart-tasks/missing-action-refused")
def test_an_action_is_needed() -> None:
    """A request without `action` is refused."""
    query(id=API.known("task"), refused=True)


@claim("qrart-tasks/missing-token-refused")
def test_a_token_is_needed() -> None:
    """Without a token the answer is 401 invalid_token."""
    API.call("queryTasks", json={"action": "retrieve", "id": "none"}, credentials="absent", refused=True)


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("altered", marks=claim("qrart-tasks/wrong-token-refused")),
        pytest.param("wrong_scheme", marks=claim("qrart-tasks/wrong-scheme-refused")),
        pytest.param("expired", marks=claim("qrart-tasks/expired-token-refused")),
        pytest.param("other_api", marks=claim("qrart-tasks/other-api-token-refused")),
    ],
)
def test_a_bad_token_is_refused(role: str) -> None:
    """A wrong, misplaced, expired or foreign token gets the answer that the document names."""
    API.call("queryTasks", json={"action": "retrieve", "id": API.known("task")}, credentials=role, refused=True)

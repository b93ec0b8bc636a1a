"""The Artistic QR Tasks API of the sandbox: it knows the two tasks of the document.

Where the document is silent (`x-doubt` in the spec) it chooses: an id that no task has is answered with 400, a batch
leaves such ids out, an id that is asked for twice comes twice, and no ids give no tasks.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from specwatch.sandbox import Answer, Call, SandboxApi

Json = dict[str, Any]
ACTIONS = ("retrieve", "retrieve_batch")

api = SandboxApi("qrart-tasks")


def known_tasks(call: Call) -> dict[str, Json]:
    """The document's tasks, by id."""
    return {task["id"]: task for task in call.example(200, "retrieve_batch")["items"]}


def asked(call: Call) -> Json:
    """The body of the request; empty when it is no JSON object."""
    try:
        body = call.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def error(call: Call, status: int, code: str) -> Answer:
    """The documented error, with a trace id of its own."""
    return Answer(status, call.example(status, code) | {"trace_id": str(uuid.uuid4())})


@api.operation("queryTasks")
def query_tasks(call: Call) -> Answer:
    """One task, or several with their count."""
    tasks = known_tasks(call)
    match asked(call):
        case {"action": "retrieve", "id": str(task_id)} if task_id in tasks:
            return Answer(body=tasks[task_id])
        case {"action": "retrieve_batch", "ids": [*ids]} if all(isinstance(name, str) and name for name in ids):
            items = [tasks[task_id] for task_id in ids if task_id in tasks]
            return Answer(body={"items": items, "count": len(items)})
        case {"action": action} if action not in ACTIONS:
            return error(call, 400, "api_not_implemented")
    return error(call, 400, "token_mismatched")


@api.refusal
def refuse(call: Call, _problems: object) -> Answer:
    """A missing and a wrong token get the same answer."""
    return error(call, 401, "invalid_token")


# ------------------------------------------------------------------------------------------ what the edits are made of


def with_tasks(answer: Answer, change: Callable[[Json], None]) -> Answer:
    """The answer with every task in it changed, alone or in a batch."""
    if answer.status != 200 or not isinstance(answer.body, dict):
        return answer
    if "items" not in answer.body:
        return replace(answer, body=_changed(answer.body, change))
    return replace(answer, body=answer.body | {"items": [_changed(task, change) for task in answer.body["items"]]})


def _changed(task: Json, change: Callable[[Json], None]) -> Json:
    task = copy.deepcopy(task)
    change(task)
    return task


def with_items(answer: Answer, change: Callable[[list[Json]], list[Json]]) -> Answer:
    """A batch with other items and the count that goes with them; any other answer as it is.

    The change makes a new list and leaves the tasks as they are.
    """
    if answer.status != 200 or not isinstance(answer.body, dict) or "items" not in answer.body:
        return answer
    items = change(answer.body["items"])
    return replace(answer, body={"items": items, "count": len(items)})


def with_error(answer: Answer, status: int, **changes: str) -> Answer:
    """An error under a status with its code or message changed; any other answer as it is."""
    if answer.status != status or not isinstance(answer.body, dict):
        return answer
    return replace(answer, body=answer.body | {"error": answer.body["error"] | changes})


def other_task(call: Call, task_id: str) -> Json:
    """A known task that is not the one with this id."""
    return next(task for known, task in known_tasks(call).items() if known != task_id)


def sent_token(call: Call, role: str) -> bool:
    """Whether the sandbox's token for a role or state was sent."""
    return call.headers.get("authorization", "").endswith(f"-{role}")


# ------------------------------------------------------------------------------------------------- faults: a batch


@api.fault("order-reversed", breaks="items-in-order-asked", text="A batch comes in the reverse of the order asked.")
def _order_reversed(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items[::-1])


@api.fault("oldest-first", breaks="items-in-order-asked", text="A batch is sorted by time, whatever was asked.")
def _oldest_first(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: sorted(items, key=lambda task: str(task["_id"])))


@api.fault("item-lost", breaks="batch-returns-each-id-once", text="The last task of a batch is missing.")
def _item_lost(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items[:-1] if len(items) > 1 else items)


@api.fault("item-twice", breaks="batch-returns-only-ids-asked-for", text="The first task of a batch comes twice.")
def _item_twice(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items[:1] + items)


@api.fault(
    "item-instead", breaks="batch-returns-each-id-once", text="The first task stands in for every task of a batch."
)
def _item_instead(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items[:1] * len(items))


@api.fault("item-uncalled-for", breaks="batch-returns-only-ids-asked-for", text="A batch holds all tasks there are.")
def _item_uncalled_for(call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items + [t for t in known_tasks(call).values() if t not in items])


@api.fault("count-too-high", breaks="count-equals-items", text="The count is one more than there are tasks.")
def _count_too_high(_call: Call, answer: Answer) -> Answer:
    if answer.status == 200 and isinstance(answer.body, dict) and "count" in answer.body:
        return replace(answer, body=answer.body | {"count": answer.body["count"] + 1})
    return answer


@api.fault(
    "count-fixed", breaks="count-equals-items", text="The count is 2, as in the example, whatever the batch holds."
)
def _count_fixed(_call: Call, answer: Answer) -> Answer:
    if answer.status == 200 and isinstance(answer.body, dict) and "count" in answer.body:
        return replace(answer, body=answer.body | {"count": 2})
    return answer


@api.fault(
    "items-of-each-other", breaks="batch-agrees-with-single", text="In a batch, tasks carry each other's requests."
)
def _items_of_each_other(_call: Call, answer: Answer) -> Answer:
    def swap(items: list[Json]) -> list[Json]:
        requests = [task["request"] for task in items]
        return [task | {"request": requests[index - 1]} for index, task in enumerate(items)]

    return with_items(answer, swap)


@api.fault(
    "batch-stale", breaks="batch-agrees-with-single", text="A batch shows tasks with an older image than they have."
)
def _batch_stale(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: [task | {"response": task["response"] | {"seed": 1}} for task in items])


@api.fault(
    "batch-without-results", breaks="finished-task-has-its-response", text="Tasks in a batch lack their results."
)
def _batch_without_results(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: [{k: v for k, v in task.items() if k != "response"} for task in items])


# -------------------------------------------------------------------------------------------------- faults: a task


@api.fault("other-task", breaks="task-is-the-one-asked-for", text="A single query is answered with another task.")
def _other_task(call: Call, answer: Answer) -> Answer:
    if answer.status == 200 and isinstance(answer.body, dict) and "id" in answer.body:
        return replace(answer, body=other_task(call, answer.body["id"]))
    return answer


@api.fault(
    "other-task-for-unknown", breaks="task-is-the-one-asked-for", text="An unknown id is answered with some task."
)
def _other_task_for_unknown(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and answer.status == 400 and question.get("action") == "retrieve" and "id" in question:
        return Answer(body=other_task(call, ""))
    return answer


@api.fault("id-in-capitals", breaks="task-is-the-one-asked-for", text="Ids come back in capitals.")
def _id_in_capitals(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(id=task["id"].upper()))


@api.fault("image-of-other-task", breaks="image-url-is-that-of-the-task", text="The image is that of another task.")
def _image_of_other_task(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(other_task(call, task["id"])["response"]))


@api.fault(
    "image-url-template", breaks="image-url-is-that-of-the-task", text="The image's URL has a placeholder for the id."
)
def _image_url_template(_call: Call, answer: Answer) -> Answer:
    url = "https://platform.cdn.acedata.cloud/qrart/{id}.png"
    return with_tasks(answer, lambda task: task["response"].update(image_url=url))


@api.fault(
    "image-not-square", breaks="square-image-for-square-request", text="An image asked for as 1:1 is twice as wide."
)
def _image_not_square(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(image_width=2 * task["response"]["image_width"]))


@api.fault(
    "finished-task-failed", breaks="finished-task-has-succeeded", text="A finished task says that it has failed."
)
def _finished_task_failed(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(success=False))


@api.fault("result-forgotten", breaks="finished-task-has-its-response", text="On every third read the result is gone.")
def _result_forgotten(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(response=None)) if call.chance(3) else answer


@api.fault("seed-redrawn", breaks="reads-are-repeatable", text="Every read shows another seed.")
def _seed_redrawn(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(seed=call.number))


@api.fault("created-when-read", breaks="reads-are-repeatable", text="The time of creation is the time of the read.")
def _created_when_read(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(created_at=call.now))


@api.fault(
    "created-at-in-milliseconds", breaks="created-at-in-seconds", text="The time of creation is in milliseconds."
)
def _created_at_in_milliseconds(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(created_at=round(task["created_at"] * 1000)))


@api.fault("task-forgotten", breaks="known-task-is-found", text="On every fourth query no task is known.")
def _task_forgotten(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "token_mismatched") if answer.status == 200 and call.chance(4) else answer


# ------------------------------------------------------------------------------------- faults: requests and tokens


@api.fault(
    "unknown-action-accepted", breaks="unknown-action-refused", text="An action it does not know counts as retrieve."
)
def _unknown_action_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and answer.status == 400 and question.get("action", "retrieve") not in ACTIONS:
        return Answer(body=known_tasks(call).get(str(question.get("id"))) or other_task(call, ""))
    return answer


@api.fault("number-as-id", breaks="non-text-id-refused", text="An id that is no text is answered with a task.")
def _number_as_id(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    wrong = question.get("action") == "retrieve" and "id" in question and not isinstance(question["id"], str)
    return Answer(body=other_task(call, "")) if call.handled and wrong else answer


@api.fault("text-as-ids", breaks="ids-without-list-refused", text="A single id passes for a list of ids.")
def _text_as_ids(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    task = known_tasks(call).get(question["ids"]) if isinstance(question.get("ids"), str) else None
    return Answer(body={"items": [task], "count": 1}) if call.handled and task else answer


@api.fault(
    "missing-id-accepted", breaks="missing-id-refused", text="A query without an id is answered with the last task."
)
def _missing_id_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and question.get("action") == "retrieve" and "id" not in question:
        return Answer(body=other_task(call, ""))
    return answer


@api.fault("missing-ids-accepted", breaks="missing-ids-refused", text="A batch query without ids gives an empty batch.")
def _missing_ids_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and question.get("action") == "retrieve_batch" and "ids" not in question:
        return Answer(body={"items": [], "count": 0})
    return answer


@api.fault("missing-ids-other-code", breaks="queryTasks/code", text="Missing ids get a code that is not documented.")
def _missing_ids_other_code(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and not {"id", "ids"} & question.keys():
        return with_error(answer, 400, code="bad_request")
    return answer


@api.fault(
    "missing-action-accepted", breaks="missing-action-refused", text="A query without an action counts as retrieve."
)
def _missing_action_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and question.keys() >= {"id"} and "action" not in question:
        return Answer(body=known_tasks(call).get(str(question["id"])) or other_task(call, ""))
    return answer


@api.fault(
    "token-other-code", breaks="wrong-token-refused", text="A wrong token gets the code of a mismatch, under 401."
)
def _token_other_code(call: Call, answer: Answer) -> Answer:
    return answer if call.handled else with_error(answer, 401, code="token_mismatched")


@api.fault(
    "missing-token-400", breaks="missing-token-refused", text="A missing token is answered with a documented 400."
)
def _missing_token_400(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "token_mismatched") if call.problems.get("token") == "absent" else answer


@api.fault("batch-without-token", breaks="missing-token-refused", text="A batch query needs no token.")
def _batch_without_token(call: Call, answer: Answer) -> Answer:
    if call.problems.get("token") == "absent" and asked(call).get("action") == "retrieve_batch":
        return query_tasks(call)
    return answer


@api.fault("any-token-accepted", breaks="wrong-token-refused", text="Any token will do, as long as there is one.")
def _any_token_accepted(call: Call, answer: Answer) -> Answer:
    return query_tasks(call) if call.problems.get("token") == "unknown" else answer


@api.fault(
    "expired-token-accepted", breaks="expired-token-refused", text="A token goes on to work when it has expired."
)
def _expired_token_accepted(call: Call, answer: Answer) -> Answer:
    return query_tasks(call) if sent_token(call, "expired") else answer


@api.fault("other-api-token-accepted", breaks="other-api-token-refused", text="A token for another API works here too.")
def _other_api_token_accepted(call: Call, answer: Answer) -> Answer:
    return query_tasks(call) if sent_token(call, "other_api") else answer


@api.fault("trace-id-fixed", breaks="trace-id-is-fresh", text="Every error has the same trace id.")
def _trace_id_fixed(_call: Call, answer: Answer) -> Answer:
    if answer.status >= 400 and isinstance(answer.body, dict):
        return replace(answer, body=answer.body | {"trace_id": "2cf86e86-22a4-46e1-ac2f-032c0f2a4e89"})
    return answer


@api.fault(
    "message-template", breaks="error-message-is-filled-in", text="The message of an error has a placeholder left."
)
def _message_template(_call: Call, answer: Answer) -> Answer:
    return with_error(answer, 400, message="the parameter {name} is missing or invalid")


@api.fault("sporadic-failure", breaks="known-task-is-found-every-time", text="One query in ten fails on the server.")
def _sporadic_failure(call: Call, answer: Answer) -> Answer:
    return error(call, 500, "api_error") if call.handled and call.chance(10) else answer


@api.fault("sporadically-slow", breaks="queryTasks/time", text="One query in five takes two and a half seconds.")
def _sporadically_slow(call: Call, answer: Answer) -> Answer:
    return replace(answer, delay_seconds=2.5) if call.chance(5) else answer


# ------------------------------------------------------------------------------------ variations: all of them allowed


@api.variation("other-wording", text="Messages are worded differently.")
def _other_wording(_call: Call, answer: Answer) -> Answer:
    return with_error(answer, answer.status, message="Sorry, no.") if answer.status >= 400 else answer


@api.variation("codes-exchanged", text="The two codes of 400 are used the other way round.")
def _codes_exchanged(call: Call, answer: Answer) -> Answer:
    other = {"token_mismatched": "api_not_implemented", "api_not_implemented": "token_mismatched"}
    if call.handled and answer.status == 400 and isinstance(answer.body, dict):
        return with_error(answer, 400, code=other[answer.body["error"]["code"]])
    return answer


@api.variation("unknown-ids-refused", text="A batch with an id that no task has is refused as a whole.")
def _unknown_ids_refused(call: Call, answer: Answer) -> Answer:
    ids = asked(call).get("ids", [])
    unknown = answer.status == 200 and any(task_id not in known_tasks(call) for task_id in ids)
    return error(call, 400, "token_mismatched") if unknown else answer


@api.variation("no-ids-refused", text="A batch query with an empty list is refused.")
def _no_ids_refused(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "token_mismatched") if call.handled and asked(call).get("ids") == [] else answer


@api.variation("repeated-ids-once", text="An id that is asked for twice comes once.")
def _repeated_ids_once(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: list({task["id"]: task for task in items}.values()))


@api.variation("ids-in-any-case", text="Ids are found however they are spelled, in small letters, capitals or spaces.")
def _ids_in_any_case(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and answer.status == 400 and question.get("action") == "retrieve":
        task = known_tasks(call).get(str(question.get("id")).strip().lower())
        return Answer(body=task) if task else answer
    return answer


@api.variation("further-images", text="A result has fields that the document does not show.")
def _further_images(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(thumbnail_url="https://example.com/small.png"))

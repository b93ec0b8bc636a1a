"""The Artistic QR Tasks API of the sandbox: it knows the two tasks of the document.

Where the document is silent (`x-doubt` in the spec) it chooses: an id that no task has is answered with 400, a batch
leaves such ids out, an id that is asked for twice comes twice, and no ids give no tasks.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
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


# ------------------------------------------------------------------------------------------- faults and variations

# Each sibling builds on what is above and declares its faults or variations with `api` when it is imported. They are
# listed and applied in this order.
for _part in ("batch", "task", "access", "variations"):
    import_module(f"._qrart_tasks_{_part}", __package__)

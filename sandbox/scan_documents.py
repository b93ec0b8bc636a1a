"""Scan Documents as documented: one completed task, and problem bodies for everything else.

Where the document is silent (which ids are malformed, how a missing key is refused) this sandbox takes one of the
possible ways; the variations at the end take others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from specwatch.sandbox import Answer, Call, SandboxApi

api = SandboxApi("scan-documents")

Body = dict[str, Any]
"""A JSON object: a task or a problem."""

TaskEdit = Callable[[Call, Body], Body]
"""Gets the task that an answer carries, which it may change, and returns the one to carry instead."""

OTHER_TASK: Final = "task_other0000000000"
OTHER_FILE: Final = "file_other0000000000"

_WELL_FORMED = re.compile(r"task_[a-z0-9]+")


@api.operation("getTask")
def get_task(call: Call) -> Answer:
    """The documented task, or the problem with the id: 422 when it is malformed, 404 when no task has it."""
    task = call.example(200, "completed")
    if call.path["id"] == task["id"]:
        return Answer(body=task)
    if _WELL_FORMED.fullmatch(call.path["id"]) is None:
        return malformed(call)
    return not_found(call)


def not_found(call: Call) -> Answer:
    """The 404 with its message's template filled in."""
    problem = call.example(404, "notFound")
    problem["message"] = problem["message"].replace("{resource}", "Task").replace("{id}", call.path["id"])
    return Answer(404, problem)


def malformed(call: Call) -> Answer:
    """The 422 with its one field."""
    return Answer(422, call.example(422, "validationError") | {"errors": {"id": ["The id is not that of a task."]}})


@api.refusal
def refuse(_call: Call, _problems: Mapping[str, str]) -> Answer:
    """A missing or unknown key: undocumented, so this is a guess in the manner of the documented problems."""
    kind = "https://scan-documents.com/docs/errors/unauthorized"
    return Answer(401, {"type": kind, "title": "Unauthorized", "status": 401, "message": "Send a valid API key."})


def every(call: Call, n: int) -> bool:
    """True on every n-th reading that finds the task; for one use in an answer, since it counts."""
    call.store["readings"] = call.store.get("readings", 0) + 1
    return bool(call.store["readings"] % n == 0)


def first_file(task: Body) -> Body:
    """The first generated file of a task."""
    file: Body = task["result"]["generated_files"][0]
    return file


# ------------------------------------------------------------------------------------------- faults and variations

# Each sibling builds on what is above and declares its faults or variations with `api` when it is imported. They are
# listed and applied in this order.
for _part in ("task", "answers", "variations"):
    import_module(f"._scan_documents_{_part}", __package__)

"""Scan Documents as documented: one completed task, and problem bodies for everything else.

Where the document is silent (which ids are malformed, how a missing key is refused) this sandbox takes one of the
possible ways; the variations at the end take others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
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


# ------------------------------------------------------------------------------------------------ faults of a task


def task_fault(name: str, *, breaks: str, text: str) -> Callable[[TaskEdit], TaskEdit]:
    """Decorate a function that makes the faulty task of the honest one."""

    def register(edit: TaskEdit) -> TaskEdit:
        @api.fault(name, breaks=breaks, text=text, operation="getTask")
        def apply(call: Call, answer: Answer) -> Answer:
            if not call.handled or answer.status != 200 or not isinstance(answer.body, dict):
                return answer
            return replace(answer, body=edit(call, answer.body))

        return edit

    return register


def every(call: Call, n: int) -> bool:
    """True on every n-th reading that finds the task; for one use in an answer, since it counts."""
    call.store["readings"] = call.store.get("readings", 0) + 1
    return bool(call.store["readings"] % n == 0)


def first_file(task: Body) -> Body:
    """The first generated file of a task."""
    file: Body = task["result"]["generated_files"][0]
    return file


@task_fault("other-task", breaks="id-echoed", text="Another task is returned, complete and consistent.")
def other_task(_call: Call, task: Body) -> Body:
    """Everything is another task's."""
    first_file(task).update(id=OTHER_FILE, task_id=OTHER_TASK)
    return task | {"id": OTHER_TASK}


@task_fault("status-in-capitals", breaks="status-in-small-letters", text="The status comes in capitals.")
def status_in_capitals(_call: Call, task: Body) -> Body:
    """COMPLETED instead of completed."""
    return task | {"status": str(task["status"]).upper()}


@task_fault("id-uppercase", breaks="id-echoed", text="The id comes back in capitals.")
def id_uppercase(_call: Call, task: Body) -> Body:
    """The id in capitals."""
    return task | {"id": task["id"].upper()}


@task_fault("foreign-file", breaks="files-belong-to-task", text="A generated file belongs to another task.")
def foreign_file(_call: Call, task: Body) -> Body:
    """The file names another task."""
    first_file(task)["task_id"] = OTHER_TASK
    return task


@task_fault("file-twice", breaks="files-listed-once", text="A generated file is listed twice.")
def file_twice(_call: Call, task: Body) -> Body:
    """The list of files is doubled."""
    task["result"]["generated_files"] *= 2
    return task


@task_fault("files-missing", breaks="completed-has-files", text="A completed task has no files.")
def files_missing(_call: Call, task: Body) -> Body:
    """An empty list."""
    return task | {"result": {"generated_files": []}}


@task_fault("result-missing", breaks="getTask/200", text="A completed task has no result.")
def result_missing(_call: Call, task: Body) -> Body:
    """The result is null."""
    return task | {"result": None}


@task_fault("files-change", breaks="completed-files-fixed", text="Each reading names another file.")
def files_change(call: Call, task: Body) -> Body:
    """A new file id each time."""
    first_file(task)["id"] = f"file_{call.number:016d}"
    return task


@task_fault("file-before-task", breaks="files-not-before-task", text="A file is older than its task.")
def file_before_task(_call: Call, task: Body) -> Body:
    """The file was made the day before."""
    first_file(task)["created_at"] = "2021-04-30T12:00:00Z"
    return task


@task_fault("callback-differs", breaks="callback-url-equal", text="The two callback URLs differ.")
def callback_differs(_call: Call, task: Body) -> Body:
    """The outer one is somebody else's."""
    return task | {"callback_url": "https://example.org/other"}


@task_fault("updated-before-created", breaks="updated-not-before-created", text="The update precedes the creation.")
def updated_before_created(_call: Call, task: Body) -> Body:
    """Updated a second early."""
    return task | {"updated_at": "2021-05-01T11:59:59Z"}


@task_fault("zone-lost", breaks="updated-not-before-created", text="The update is in local time, marked as UTC.")
def zone_lost(_call: Call, task: Body) -> Body:
    """The same moment on a clock that is two hours behind."""
    return task | {"updated_at": "2021-05-01T10:00:00Z"}


@task_fault("stale-replica", breaks="updated-at-never-back", text="Every second reading is older than the first.")
def stale_replica(call: Call, task: Body) -> Body:
    """A fresh server and a stale one take turns, the fresh one first."""
    return task if every(call, 2) else task | {"updated_at": "2021-05-01T12:00:05Z"}


@task_fault("state-regresses", breaks="completed-stays-completed", text="A completed task is being processed again.")
def state_regresses(call: Call, task: Body) -> Body:
    """Every second reading is back at work."""
    return task | {"status": "processing", "result": None} if every(call, 2) else task


@task_fault("created-at-moves", breaks="creation-data-fixed", text="The time of creation changes with each reading.")
def created_at_moves(call: Call, task: Body) -> Body:
    """A second earlier each time."""
    return task | {"created_at": f"2021-05-01T11:{59 - call.number // 60 % 60:02d}:{59 - call.number % 60:02d}Z"}


@task_fault("parameters-change", breaks="creation-data-fixed", text="The parameters change with each reading.")
def parameters_change(call: Call, task: Body) -> Body:
    """Another effect every second time."""
    effect = "sepia" if every(call, 2) else "grayscale"
    return task | {"parameters": task["parameters"] | {"effect": effect}}


@task_fault("operation-changes", breaks="creation-data-fixed", text="The operation changes with each reading.")
def operation_changes(call: Call, task: Body) -> Body:
    """Another operation every second time."""
    return task | {"operation": "scan"} if every(call, 2) else task


@task_fault("epoch-milliseconds", breaks="getTask/200", text="The times are numbers.")
def epoch_milliseconds(_call: Call, task: Body) -> Body:
    """Both times as milliseconds since 1970."""
    return task | {"created_at": 1619870400000, "updated_at": 1619870400000}


@task_fault("times-without-zone", breaks="getTask/200/inferred", text="The times lack their zone.")
def times_without_zone(_call: Call, task: Body) -> Body:
    """No longer RFC 3339."""
    return task | {"created_at": "2021-05-01 12:00:00", "updated_at": "2021-05-01 12:00:00"}


@task_fault("size-as-text", breaks="getTask/200", text="The size of a file comes as a text with its unit.")
def size_as_text(_call: Call, task: Body) -> Body:
    """Made for people."""
    first_file(task)["properties"]["size"] = "1 KB"
    return task


@task_fault("result-unwrapped", breaks="getTask/200", text="The result is the list of files itself.")
def result_unwrapped(_call: Call, task: Body) -> Body:
    """One level less."""
    return task | {"result": task["result"]["generated_files"]}


@task_fault("wrapped", breaks="getTask/200", text="The task comes inside an object `data`.")
def wrapped(_call: Call, task: Body) -> Body:
    """One level more."""
    return {"data": task}


# ----------------------------------------------------------------------------------------- faults of other answers


def found(call: Call, answer: Answer) -> bool:
    """Whether the honest answer is the task."""
    return call.handled and answer.status == 200


@api.fault("sporadic-failure", breaks="known-task-found", text="One reading in ten fails with 500.")
def sporadic_failure(call: Call, answer: Answer) -> Answer:
    """A documented failure that has no business here."""
    failing = found(call, answer) and every(call, 10)
    return Answer(500, call.example(500, "internalError")) if failing else answer


@api.fault("sporadic-loss", breaks="known-task-found", text="Every fifth reading does not find the task.")
def sporadic_loss(call: Call, answer: Answer) -> Answer:
    """One server of five lacks the task."""
    return not_found(call) if found(call, answer) and every(call, 5) else answer


@api.fault("lost", breaks="known-task-found", text="No task is found any more.")
def lost(call: Call, answer: Answer) -> Answer:
    """All tasks are gone."""
    return not_found(call) if found(call, answer) else answer


@api.fault("sporadic-slowness", breaks="getTask/time", text="One answer in five takes 2.5 s longer.")
def sporadic_slowness(call: Call, answer: Answer) -> Answer:
    """Slow now and then."""
    return replace(answer, delay_seconds=answer.delay_seconds + 2.5) if call.chance(5) else answer


@api.fault("unknown-id-served", breaks="unknown-id-not-found", text="An unknown id gets a task, with that id in it.")
def unknown_id_served(call: Call, answer: Answer) -> Answer:
    """The documented task under whatever id was asked for."""
    if not call.handled or answer.status != 404:
        return answer
    task = call.example(200, "completed") | {"id": call.path["id"]}
    first_file(task)["task_id"] = call.path["id"]
    return Answer(body=task)


@api.fault("unknown-id-validated", breaks="unknown-id-not-found", text="An unknown id is called malformed.")
def unknown_id_validated(call: Call, answer: Answer) -> Answer:
    """422 where 404 is documented."""
    return malformed(call) if call.handled and answer.status == 404 else answer


@api.fault("not-found-as-success", breaks="getTask/200", text="The body of a 404 comes with status 200.")
def not_found_as_success(_call: Call, answer: Answer) -> Answer:
    """An error in disguise."""
    return replace(answer, status=200) if answer.status == 404 else answer


ProblemEdit = Callable[[Call, Body], Body]


def problem_fault(name: str, status: int, *, breaks: str, text: str) -> Callable[[ProblemEdit], ProblemEdit]:
    """Decorate a function that gets the changes to make to the problem body of a status."""

    def register(edit: ProblemEdit) -> ProblemEdit:
        @api.fault(name, breaks=breaks, text=text, operation="getTask")
        def apply(call: Call, answer: Answer) -> Answer:
            if not call.handled or answer.status != status or not isinstance(answer.body, dict):
                return answer
            return replace(answer, body=answer.body | edit(call, answer.body))

        return edit

    return register


@problem_fault("template-unfilled", 404, breaks="not-found-names-id", text="The message of a 404 is its template.")
def template_unfilled(call: Call, _problem: Body) -> Body:
    """The example of the document, as it stands."""
    return {"message": call.example(404, "notFound")["message"]}


@problem_fault("not-found-other-id", 404, breaks="not-found-names-id", text="The message of a 404 names another id.")
def not_found_other_id(_call: Call, _problem: Body) -> Body:
    """An id that nobody asked for."""
    return {"message": f"Task with id {OTHER_TASK} not found."}


@problem_fault("not-found-mute", 404, breaks="not-found-names-id", text="The message of a 404 names nothing.")
def not_found_mute(_call: Call, _problem: Body) -> Body:
    """No resource and no id."""
    return {"message": "Not found."}


@problem_fault("resource-unnamed", 404, breaks="not-found-names-resource", text="The message does not say what it is.")
def resource_unnamed(call: Call, _problem: Body) -> Body:
    """Neither task nor anything."""
    return {"message": f"Entity with id {call.path['id']} not found."}


@problem_fault("body-status-differs", 404, breaks="body-status-equals-http-status", text="Two statuses in one answer.")
def body_status_differs(_call: Call, _problem: Body) -> Body:
    """The body says 400."""
    return {"status": 400}


@problem_fault("errors-as-text", 422, breaks="malformed-id-errors-by-field", text="A field has a text for a list.")
def errors_as_text(_call: Call, problem: Body) -> Body:
    """One text for each field."""
    return {"errors": {field: texts[0] for field, texts in problem["errors"].items()}}


@problem_fault("errors-as-list", 422, breaks="getTask/422", text="The errors are a list, not sorted by field.")
def errors_as_list(_call: Call, problem: Body) -> Body:
    """A list of objects."""
    return {"errors": [{"field": field, "errors": texts} for field, texts in problem["errors"].items()]}


@problem_fault("errors-empty", 422, breaks="malformed-id-errors-by-field", text="A 422 names no field.")
def errors_empty(_call: Call, _problem: Body) -> Body:
    """No reason at all."""
    return {"errors": {}}


@problem_fault("errors-unfilled", 422, breaks="malformed-id-errors-by-field", text="The errors are their template.")
def errors_unfilled(call: Call, _problem: Body) -> Body:
    """The example of the document, as it stands."""
    return {"errors": call.example(422, "validationError")["errors"]}


# ------------------------------------------------------------------------------------------------------ variations


@api.variation("problem-json", text="Problems come as application/problem+json.")
def problem_json(_call: Call, answer: Answer) -> Answer:
    """The media type of RFC 9457."""
    return replace(answer, media_type="application/problem+json") if answer.status >= 400 else answer


@api.variation("refused-403", text="A missing or unknown key is refused with 403.")
def refused_403(call: Call, answer: Answer) -> Answer:
    """The other usual refusal."""
    return Answer(403, {"detail": "Forbidden"}) if call.problems and answer.status == 401 else answer


@api.variation("malformed-as-unknown", text="A malformed id is answered like an unknown one.")
def malformed_as_unknown(call: Call, answer: Answer) -> Answer:
    """The document does not say which ids are malformed."""
    return not_found(call) if call.handled and answer.status == 422 else answer


@api.variation("other-404-wording", text="The message of a 404 says the same in other words.")
def other_404_wording(call: Call, answer: Answer) -> Answer:
    """The resource and the id are named all the same."""
    if not call.handled or answer.status != 404 or not isinstance(answer.body, dict):
        return answer
    return replace(answer, body=answer.body | {"message": f"There is no task {call.path['id']}."})


@api.variation("no-callback", text="The task was created without a callback URL.")
def no_callback(call: Call, answer: Answer) -> Answer:
    """Null at both places."""
    if not call.handled or answer.status != 200 or not isinstance(answer.body, dict):
        return answer
    parameters = answer.body["parameters"] | {"callback_url": None}
    return replace(answer, body=answer.body | {"parameters": parameters, "callback_url": None})


@api.variation("still-working", text="The first two readings find the task unfinished, in a state of no document.")
def still_working(call: Call, answer: Answer) -> Answer:
    """An unfinished task has no result yet."""
    if not call.handled or answer.status != 200 or not isinstance(answer.body, dict):
        return answer
    every(call, 1)
    if call.store["readings"] > 2:
        return answer
    return replace(answer, body=answer.body | {"status": "in-progress", "result": None})


@api.variation("other-operation", text="The task is of an operation that the document does not show.")
def other_operation(call: Call, answer: Answer) -> Answer:
    """A file that is no image, and parameters of another shape."""
    if not call.handled or answer.status != 200 or not isinstance(answer.body, dict):
        return answer
    file = first_file(answer.body) | {"type": "application/pdf", "properties": {"size": 2048}}
    changes = {
        "operation": "make-pdf",
        "parameters": {"input": ["file_a", "file_b"]},
        "result": {"generated_files": [file]},
    }
    return replace(answer, body=answer.body | changes)

"""Faults of Scan Documents' other answers: whether a task is found, and what a problem says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .scan_documents import OTHER_TASK, Body, api, every, first_file, malformed, not_found


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


@api.fault("seldom-failure", breaks="known-task-found", text="One reading in twenty fails with 500.")
def seldom_failure(call: Call, answer: Answer) -> Answer:
    """A documented failure, seldom enough to be overlooked."""
    failing = found(call, answer) and every(call, 20)
    return Answer(500, call.example(500, "internalError")) if failing else answer


@api.fault("seldom-slow", breaks="getTask/time", text="One answer in twenty takes 2.5 s longer.")
def seldom_slow(call: Call, answer: Answer) -> Answer:
    """Slow once in a while."""
    return replace(answer, delay_seconds=answer.delay_seconds + 2.5) if call.chance(20) else answer


@api.fault("null-for-unknown", breaks="unknown-id-not-found", text="An unknown id is answered with 200 and null.")
def null_for_unknown(call: Call, answer: Answer) -> Answer:
    """No task instead of a refusal."""
    return Answer(raw=b"null") if call.handled and answer.status == 404 else answer


@api.fault("unknown-id-fails", breaks="unknown-id-not-found", text="An unknown id brings the server down.")
def unknown_id_fails(call: Call, answer: Answer) -> Answer:
    """500 where 404 is documented."""
    return Answer(500, call.example(500, "internalError")) if call.handled and answer.status == 404 else answer


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

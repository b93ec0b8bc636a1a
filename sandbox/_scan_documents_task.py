"""Faults of a task of Scan Documents: what it says of itself and of its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .scan_documents import OTHER_FILE, OTHER_TASK, Body, TaskEdit, api, every, first_file


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


@task_fault("file-lost-later", breaks="completed-files-fixed", text="Every third reading of a task lacks its file.")
def file_lost_later(call: Call, task: Body) -> Body:
    """One server of three has no files."""
    return task | {"result": {"generated_files": []}} if every(call, 3) else task


@task_fault("file-of-task-before", breaks="files-belong-to-task", text="The result is that of another task.")
def file_of_task_before(_call: Call, task: Body) -> Body:
    """Another task's result under this task's id."""
    first_file(task).update(id=OTHER_FILE, task_id=OTHER_TASK, created_at="2021-05-02T09:30:00Z")
    return task


@task_fault("callback-template", breaks="callback-url-equal", text="The callback URL has a placeholder left.")
def callback_template(_call: Call, task: Body) -> Body:
    """The URL before its template is filled in."""
    return task | {"callback_url": "https://example.com/callback/{id}"}


@task_fault("updated-when-read", breaks="updated-at-never-back", text="Times of update come from clocks that differ.")
def updated_when_read(call: Call, task: Body) -> Body:
    """Three servers, each half a minute behind the one before."""
    return task | {"updated_at": f"2021-05-01T12:0{2 - call.number % 3}:30Z"}


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

"""The contract of scan-documents: a task reads as it was created, and errors say what they are about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.contract.caller import Caller, Reply
from specwatch.contract.current import current_run

API = Caller(current_run().apis["scan-documents"])
UNKNOWN = "task_0000000000000000"
claim = pytest.mark.claim


def get(task: str, *, refused: bool = False) -> Reply:
    """Read a task."""
    return API.call("getTask", path={"id": task}, refused=refused)


@claim("scan-documents/id-echoed")
@claim("scan-documents/known-task-found")
@claim("scan-documents/updated-not-before-created")
@claim("scan-documents/completed-has-files")
@claim("scan-documents/status-in-small-letters")
@claim("scan-documents/callback-url-equal")
@claim("scan-documents/files-belong-to-task")
@claim("scan-documents/files-listed-once")
@claim("scan-documents/files-not-before-task")
def test_a_known_task_is_read() -> None:
    """A task comes back under its id, with its files and its dates in order."""
    get(API.known("task"))


@claim("scan-documents/creation-data-fixed")
@claim("scan-documents/completed-stays-completed")
@claim("scan-documents/completed-files-fixed")
@claim("scan-documents/updated-at-never-back")
def test_a_completed_task_stays_as_it_is() -> None:
    """Read again and again, a completed task stays completed, with the same files and the same beginnings."""
    for _ in range(current_run().settings.profile.repeats):
        get(API.known("task"))


@claim("scan-documents/unknown-id-not-found")
@claim("scan-documents/not-found-names-id")
@claim("scan-documents/not-found-names-resource")
@claim("scan-documents/body-status-equals-http-status")
def test_an_unknown_task_is_not_found() -> None:
    """An id that no task has is answered with a 404 that names the resource and the id."""
    get(UNKNOWN, refused=True)


@claim("scan-documents/malformed-id-errors-by-field")
@given(task=st.sampled_from(["TASK", "task-1", "1", "task_", "euyrvozb9302uwhq", "task_euyrvozb9302uwhq."]))
def test_a_malformed_id_is_explained_by_field(task: str) -> None:
    """Where an id is refused as malformed, each field has its list of errors."""
    get(task, refused=True)

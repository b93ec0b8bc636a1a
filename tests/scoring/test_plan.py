"""What a score tries, and what is found to be wrong before it begins."""

from __future__ import annotations

import pytest

from specwatch.contract.profile import PROFILES
from specwatch.errors import SandboxError, UsageError, WorkspaceError
from specwatch.scoring import Plan, make_plan
from specwatch.scoring.reasons import UNEXPLAINED, reason_for
from specwatch.workspace import Workspace


def planned(workspace: Workspace, pattern: str = "*", every: int = 1) -> Plan:
    """A plan of the smallest profile."""
    return make_plan(workspace, workspace.apis(), PROFILES["smoke"], pattern=pattern, every=every)


def test_every_fault_is_tried_and_the_honest_sandbox(workspace: Workspace) -> None:
    """Without a pattern all faults and variations are tried, the honest sandbox before them."""
    plan = planned(workspace)

    names = [task.name for task in plan.tasks]
    assert names[0] == "example-api"
    assert {"example-api/unseen", "example-api/with-more", "example-api/listRegions/200/drop/count"} <= set(names)
    assert len(set(names)) == len(names)
    assert {task.source for task in plan.tasks} == {"honest", "behaviour", "derived", "variation"}


@pytest.mark.parametrize("pattern", ["example-api/un*", "un*"])
def test_a_pattern_chooses_by_name(workspace: Workspace, pattern: str) -> None:
    """A pattern fits names with the API's id or without."""
    assert [task.name for task in planned(workspace, pattern).tasks] == ["example-api", "example-api/unseen"]


def test_each_nth_is_taken(workspace: Workspace) -> None:
    """`every` takes the first and each so manyth after it."""
    everything, some = planned(workspace).tasks[1:], planned(workspace, every=5).tasks[1:]

    assert some == everything[::5]


def test_a_pattern_that_fits_nothing_is_refused(workspace: Workspace) -> None:
    """The complaint names faults like it."""
    with pytest.raises(UsageError, match=r"fits no fault(.|\n)*did you mean .*example-api/unseen"):
        planned(workspace, "example-api/unsene")


def test_a_fault_that_cannot_be_built_says_why(workspace: Workspace) -> None:
    """Not that it is unknown: the reason is known."""
    with pytest.raises(UsageError, match=r"listRegions/401/nan cannot be, no example of it has what would be spoilt"):
        planned(workspace, "*/401/nan")


def test_a_module_that_cannot_be_built_is_refused(workspace: Workspace) -> None:
    """A sandbox module that does not load ends a score before its first run."""
    (workspace.sandbox / "example_api.py").write_text("api = 3\n", encoding="utf-8")

    with pytest.raises(SandboxError, match="example_api"):
        planned(workspace)


def test_a_miss_has_the_reason_that_the_workspace_gives(workspace: Workspace) -> None:
    """Patterns in missed.yaml say why faults are missed; of the others no reason is known."""
    text = "missed:\n  example-api/un*: >-\n    Nobody could\n    see it.\n"
    (workspace.sandbox / "missed.yaml").write_text(text, encoding="utf-8")

    plan = planned(workspace, "unseen")

    assert reason_for("example-api/unseen", plan.reasons) == "Nobody could see it."
    assert reason_for("example-api/miscounted", plan.reasons) == UNEXPLAINED


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("missed: []\n", "has no mapping `missed`"),
        ("missed:\n  example-api/unseen:\n", "the reason is None"),
        ("missed:\n  example-api/gone: It was there once.\n", "'example-api/gone' fits no fault"),
        ("missed: [\n", "missed.yaml"),
    ],
)
def test_a_wrong_file_of_reasons_is_refused(workspace: Workspace, text: str, complaint: str) -> None:
    """Reasons have to be sentences, and to speak of faults that exist."""
    (workspace.sandbox / "missed.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(WorkspaceError, match=complaint):
        planned(workspace)

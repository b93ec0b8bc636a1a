"""`specwatch lint` looks at workflows and schedule: what it counts, what it says, and which files it is asked about."""

from collections.abc import Callable
from pathlib import Path

import pytest

from specwatch.cli.init import make_workspace
from specwatch.cli.lint import summary
from specwatch.errors import Problem
from specwatch.lint import LintResult, lint_workspace
from specwatch.workspace import Workspace

WORKFLOWS = """
arazzo: 1.0.1
info: {title: Example, version: '1'}
sourceDescriptions:
  - {name: example, url: ../specs/example-api.yaml, type: openapi}
workflows:
  - workflowId: regions
    steps:
      - stepId: list
        operationId: listRegions
        successCriteria: [{condition: $statusCode == 200}]
  - workflowId: refused
    steps:
      - stepId: list
        operationId: listRegions
        x-credentials: altered
        successCriteria: [{condition: $statusCode == 401}]
"""
SCHEDULE = """
version: 1
probes:
  regions: {workflow: example-api/regions}
  refused: {workflow: example-api/refused}
  again: {workflow: example-api/regions, interval: 1h}
"""
Edit = Callable[[str, str, str], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small workspace with two workflows and three probes."""
    folder = tmp_path / "workspace"
    make_workspace(folder)
    (folder / "probes" / "example-api.arazzo.yaml").write_text(WORKFLOWS, encoding="utf-8")
    (folder / "probes" / "schedule.yaml").write_text(SCHEDULE, encoding="utf-8")
    return folder


@pytest.fixture
def edit(root: Path) -> Edit:
    """Replaces a text in a file of it."""

    def replace(name: str, old: str, new: str) -> None:
        path = root / "probes" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace


def lint(root: Path, *names: str) -> LintResult:
    """Lint the workspace, or files and folders of it."""
    return lint_workspace(Workspace(root, "the test's"), [root / name for name in names])


def test_all_is_counted(root: Path) -> None:
    """The summary names workflows and probes."""
    result = lint(root)

    assert (result.workflows, result.probes, result.problems) == (2, 3, ())
    assert summary(result).endswith(" Python modules, 2 workflows, 3 probes: no errors")


@pytest.mark.parametrize(
    "names, workflows, probes",
    [
        (["probes"], 2, 3),
        (["probes/schedule.yaml"], 0, 3),
        (["probes/example-api.arazzo.yaml"], 2, 0),
        (["specs"], 0, 0),
    ],
)
def test_only_what_is_named_is_looked_at(root: Path, edit: Edit, names: list[str], workflows: int, probes: int) -> None:
    """A mistake in a file that nobody asked about is not told."""
    edit("schedule.yaml", "interval: 1h", "intervall: 1h")

    result = lint(root, *names)

    assert (result.workflows, result.probes) == (workflows, probes)
    assert len(result.problems) == (1 if probes else 0)


def test_mistakes_of_both_are_told_at_once(root: Path, edit: Edit) -> None:
    """Each with its file and line."""
    edit(
        "example-api.arazzo.yaml", "operationId: listRegions\n        x-cred", "operationId: listRegion\n        x-cred"
    )
    edit("schedule.yaml", "interval: 1h", "interval: never")

    places = [problem.where for problem in lint(root).problems]

    assert places == [
        f"{root / 'probes' / 'example-api.arazzo.yaml'}:15",
        f"{root / 'probes' / 'schedule.yaml'}:6",
    ]


def test_a_probe_of_a_document_that_cannot_be_loaded_is_no_further_problem(root: Path, edit: Edit) -> None:
    """The document is told about once, its probes not at all."""
    edit("example-api.arazzo.yaml", "arazzo: 1.0.1", "arazzo: 7.0.0")

    result = lint(root)

    assert [problem.where.rpartition(":")[0] for problem in result.problems] == [
        str(root / "probes" / "example-api.arazzo.yaml")
    ]
    assert (result.workflows, result.probes) == (0, 3)


def test_a_source_that_is_missing_is_a_mistake(root: Path, edit: Edit) -> None:
    """Such a workflow could never run."""
    edit("example-api.arazzo.yaml", "../specs/example-api.yaml", "../specs/exmaple-api.yaml")

    assert "exmaple-api.yaml does not exist" in " ".join(problem.found for problem in lint(root, "probes").problems)


def test_a_wrong_spec_is_told_once(root: Path) -> None:
    """By the spec where that is looked at, else by the document that cannot use it."""
    path = root / "specs" / "example-api.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("x-effect: read", "x-effect: write"), encoding="utf-8")

    assert [problem.where.rpartition(":")[0] for problem in lint(root).problems] == [str(path)]
    assert "cannot be loaded" in " ".join(problem.found for problem in lint(root, "probes").problems)


def test_a_document_is_named_after_an_api(root: Path) -> None:
    """Otherwise no probe could say which API it belongs to."""
    path = root / "probes" / "exampel-api.arazzo.yaml"
    path.write_text(WORKFLOWS, encoding="utf-8")

    assert lint(root).problems == (
        Problem(
            str(path),
            "is named after no API",
            "<api>.arazzo.yaml, with the id of an API in specs/",
            "did you mean example-api.arazzo.yaml?",
        ),
    )


def test_a_field_of_ours_that_is_misspelt_is_told(root: Path, edit: Edit) -> None:
    """`x-credential` is the spec's field; on a step it would be passed over in silence."""
    edit("example-api.arazzo.yaml", "x-credentials: altered", "x-credential: altered")

    assert lint(root).problems == (
        Problem(
            f"{root / 'probes' / 'example-api.arazzo.yaml'}:16",
            "unknown field 'x-credential'",
            "x-credentials, or a field of another tool",
            "did you mean 'x-credentials'?",
        ),
    )


def test_a_workspace_without_probes_is_right(root: Path) -> None:
    """Nobody has to probe."""
    for path in (root / "probes").glob("*.yaml"):
        path.unlink()

    result = lint(root)

    assert (result.workflows, result.probes, result.problems) == (0, 0, ())

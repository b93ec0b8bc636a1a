"""The probes of a workspace: its Arazzo documents by API, and its schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from specwatch.errors import Problem, WorkspaceError
from specwatch.schedule.expense import all_steps
from specwatch.schedule.load import load_schedule
from specwatch.schedule.model import Schedule
from specwatch.spec import Api
from specwatch.workflow import Document, load_document
from specwatch.workspace import Workspace

SUFFIX: Final = ".arazzo.yaml"
SCHEDULE_FILE: Final = "schedule.yaml"


@dataclass(frozen=True, slots=True)
class Probes:
    """What a workspace has in `probes/`.

    Args:
        documents: workflows by API id, in alphabetical order.
        schedule: None where there is no schedule file.
    """

    documents: Mapping[str, Document]
    schedule: Schedule | None


def probes_folder(workspace: Workspace) -> Path:
    """The folder of the workflows and of the schedule."""
    return workspace.root / "probes"


def workflow_files(workspace: Workspace) -> dict[str, Path]:
    """API id to Arazzo document, in alphabetical order."""
    files = sorted(probes_folder(workspace).glob(f"*{SUFFIX}"))
    return {path.name.removesuffix(SUFFIX): path for path in files}


def load_probes(workspace: Workspace) -> Probes:
    """The workflows and the schedule of a workspace.

    Raises:
        WorkspaceError: they are wrong, or the specs are that they use; all problems of all files.
    """
    find = api_finder(workspace)
    wrong_specs: list[Problem] = []

    def api_at(path: Path) -> Api | None:
        try:
            return find(path)
        except WorkspaceError as error:
            wrong_specs.extend(error.problems)
            raise

    documents, problems = load_documents(workflow_files(workspace), api_at)
    problems = [*dict.fromkeys(wrong_specs), *problems]
    schedule: Schedule | None = None
    path = probes_folder(workspace) / SCHEDULE_FILE
    if path.exists():
        broken = workflow_files(workspace).keys() - documents.keys()
        try:
            schedule = load_schedule(path, documents, broken=broken)
        except WorkspaceError as error:
            problems += error.problems
        else:
            told = tuple(problem.where for problem in wrong_specs)
            problems += [problem for problem in _missing(schedule) if not any(each in problem.found for each in told)]
    if problems:
        raise WorkspaceError(*problems)
    return Probes(documents, schedule)


def _missing(schedule: Schedule) -> tuple[Problem, ...]:
    """What keeps workflows of the schedule from running although they are well-formed."""
    workflows = [probe.workflow for probe in schedule.probes]
    lame = [each for each in workflows if any(step.unresolved for step in all_steps(each))]
    return tuple(dict.fromkeys(problem for each in lame for problem in each.document.missing))


def load_documents(
    files: Mapping[str, Path], apis: Callable[[Path], Api | None]
) -> tuple[dict[str, Document], list[Problem]]:
    """Arazzo documents, and what is wrong with those that cannot be loaded.

    Args:
        files: the documents, by API id.
        apis: the API of a spec file, None where it is no spec of the workspace; raises `WorkspaceError` for one that is
            wrong, which is then missing to the documents that use it.
    """
    documents: dict[str, Document] = {}
    problems: list[Problem] = []
    for id_, path in files.items():
        try:
            documents[id_] = load_document(path, apis)
        except WorkspaceError as error:
            problems += error.problems
    return documents, problems


def api_finder(workspace: Workspace) -> Callable[[Path], Api | None]:
    """The API of a spec file of a workspace, None for any other file; raises `WorkspaceError` for a wrong one."""
    ids = {path.resolve(): id_ for id_, path in workspace.spec_files.items()}

    def api_at(path: Path) -> Api | None:
        id_ = ids.get(path.resolve())
        return None if id_ is None else workspace.api(id_)

    return api_at

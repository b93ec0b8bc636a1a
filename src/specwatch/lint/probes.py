"""Checks of the probes: their Arazzo documents, and the schedule that names them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from specwatch.errors import Problem, WorkspaceError
from specwatch.schedule import SCHEDULE_FILE, load_documents, load_schedule, workflow_files
from specwatch.schedule.workspace import SUFFIX, api_finder
from specwatch.spec import Source
from specwatch.workflow import Document
from specwatch.workspace import Workspace

FIELDS: Final = ("x-credentials",)
"""The fields of specwatch in an Arazzo document."""


@dataclass(frozen=True, slots=True)
class LintedProbes:
    """What was looked at, and what is wrong with it.

    Args:
        workflows: how many workflows the documents have that can be loaded.
        probes: how many probes the schedule has, where one was asked for that is an orderly mapping.
    """

    workflows: int = 0
    probes: int = 0
    problems: tuple[Problem, ...] = ()


def probe_files(workspace: Workspace) -> tuple[Path, ...]:
    """The files in `probes/` that are looked at: Arazzo documents and the schedule."""
    schedule = workspace.root / "probes" / SCHEDULE_FILE
    return (*workflow_files(workspace).values(), *((schedule,) if schedule.exists() else ()))


def lint_probes(workspace: Workspace, files: Sequence[Path] | None = None, told: Sequence[Path] = ()) -> LintedProbes:
    """What is wrong with workflows and schedule.

    Args:
        workspace: whose specs they use.
        files: those of `probe_files` to look at; None means all of them. A schedule is checked against the documents
            of the workspace, whether these are looked at or not.
        told: specs whose mistakes are told elsewhere, so that a document need not complain about them.
    """
    chosen = set(probe_files(workspace) if files is None else files)
    everything = workflow_files(workspace)
    looked_at = {id_: path for id_, path in everything.items() if path in chosen}
    schedule = next((path for path in chosen if path.name == SCHEDULE_FILE), None)
    find = api_finder(workspace)
    documents, _ = load_documents(everything, find)
    _, problems = load_documents(looked_at, find)
    for id_, path in looked_at.items():
        problems += _stray(workspace, id_, path)
        problems += _misspelt_fields(path)
        problems += _missing(documents[id_], told) if id_ in documents else ()
    if schedule is not None:
        problems += _schedule_problems(schedule, documents, everything)
    return LintedProbes(
        workflows=sum(len(documents[id_].workflows) for id_ in looked_at if id_ in documents),
        probes=_count(schedule),
        problems=tuple(dict.fromkeys(problems)),
    )


def _schedule_problems(path: Path, documents: Mapping[str, Document], everything: Mapping[str, Path]) -> list[Problem]:
    try:
        load_schedule(path, documents, broken=everything.keys() - documents.keys())
    except WorkspaceError as error:
        return list(error.problems)
    return []


def _count(schedule: Path | None) -> int:
    try:
        probes = Source.read(schedule).mapping().get("probes") if schedule is not None else None
    except WorkspaceError:
        return 0
    return len(probes) if isinstance(probes, Mapping) else 0


def _missing(document: Document, told: Sequence[Path]) -> Iterator[Problem]:
    """The sources that could not be resolved, but for those whose mistakes are told elsewhere."""
    folder, elsewhere = document.path.parent, {path.resolve() for path in told}
    wrong = [s for s in document.sources.values() if not s.resolved and (folder / s.url).resolve() in elsewhere]
    for problem in document.missing:
        if not any(problem.found.startswith(f"source {source.name}: {source.url} ") for source in wrong):
            yield problem


def _stray(workspace: Workspace, id_: str, path: Path) -> Iterator[Problem]:
    """A document that is named after no API, so that its probes would belong to none."""
    if id_ not in workspace.spec_files:
        near = difflib.get_close_matches(id_, workspace.spec_files, n=1)
        mend = f"did you mean {near[0]}{SUFFIX}?" if near else ""
        yield Problem(str(path), "is named after no API", f"<api>{SUFFIX}, with the id of an API in specs/", mend)


def _misspelt_fields(path: Path) -> Iterator[Problem]:
    """Fields that are nearly those of specwatch, in workflows and their steps; others may belong to other tools."""
    try:
        source = Source.read(path)
        workflows = source.mapping().get("workflows")
    except WorkspaceError:  # told by the loader
        return
    for at, node in [*_items(workflows, ("workflows",))]:
        for place, step in [(at, node), *_items(node.get("steps"), (*at, "steps"))]:
            yield from _misspelt(source, place, step)


def _items(value: object, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Mapping):
            yield (*at, index), item


def _misspelt(source: Source, at: tuple[str | int, ...], node: Mapping[str, Any]) -> Iterator[Problem]:
    for key in (key for key in node if key.startswith("x-") and key not in FIELDS):
        for name in difflib.get_close_matches(key, FIELDS, n=1, cutoff=0.75):
            expected = f"{', '.join(FIELDS)}, or a field of another tool"
            yield Problem(source.place(*at, key), f"unknown field {key!r}", expected, f"did you mean {name!r}?")

"""Reads `schedule.yaml`: all of its problems at once, or a `Schedule`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from specwatch.errors import Problem, WorkspaceError
from specwatch.schedule.crosscheck import (
    budget_problems,
    input_problems,
    objective_problems,
    time_problems,
    workflow_problem,
)
from specwatch.schedule.form import SCHEDULE_FORM, schedule_schema
from specwatch.schedule.model import DayBudget, Latency, Objective, Probe, Schedule, Window
from specwatch.schedule.reading import Entry, merged, seconds
from specwatch.schedule.windows import WrongWindow, read_window
from specwatch.spec import Source
from specwatch.spec.form import without
from specwatch.workflow import Document, Workflow

_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Windows = tuple[Window, ...]


def load_schedule(path: Path, documents: Mapping[str, Document], *, broken: Collection[str] = ()) -> Schedule:
    """The schedule of a file.

    Args:
        path: a `schedule.yaml`.
        documents: the workflows that it may name, by API id.
        broken: APIs whose document could not be loaded, so that nothing can be said about probes of theirs.

    Raises:
        WorkspaceError: the file is wrong; all problems of it, in the order of its lines.
    """
    source = Source.read(path)
    content = source.mapping()
    wrong = list(SCHEDULE_FORM.problems(source, content))
    reader = _Reader(source, without(content, [at for at, _ in wrong]), documents, broken)
    schedule = reader.schedule()
    problems = [*(problem for _, problem in wrong), *reader.problems]
    if problems:
        raise WorkspaceError(*sorted(dict.fromkeys(problems), key=_line))
    return schedule


def _line(problem: Problem) -> int:
    return int(problem.where.rpartition(":")[2])


class _Reader:
    """Builds a schedule from content that has the right form, and gathers what does not fit together."""

    def __init__(
        self, source: Source, content: Mapping[str, Any], documents: Mapping[str, Document], broken: Collection[str]
    ) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._content = content
        self._documents = documents
        self._broken = broken
        self._builtin = _builtin()

    def schedule(self) -> Schedule:
        """The schedule; incomplete where there are problems."""
        everywhere = self._windows(self._content.get("maintenance", []), ("maintenance",))
        defaults = self._content.get("defaults", {})
        inherited = self._windows(defaults.get("maintenance", []), ("defaults", "maintenance"))
        probes = []
        for id_, own in self._content.get("probes", {}).items():
            if not _ID.fullmatch(id_):
                self._add(("probes", id_), f"the id {id_!r}", "small letters, digits and hyphens, such as known-task")
            values = merged(merged(self._builtin, defaults), own)
            entry = Entry(id_, self._source, values)
            windows = inherited
            if "maintenance" in own:
                windows = self._windows(own["maintenance"], ("probes", id_, "maintenance"))
            probes.append(self._probe(entry, (*everywhere, *windows)))
        complete = tuple(probe for probe in probes if probe is not None)
        return Schedule(self._source.path, self._content.get("concurrency", _concurrency()), complete)

    def _probe(self, entry: Entry, windows: Windows) -> Probe | None:
        self.problems += time_problems(entry)
        self.problems += objective_problems(entry)
        workflow = self._workflow(entry)
        if workflow is None:
            return None
        self.problems += budget_problems(entry, workflow)
        self.problems += input_problems(entry, workflow)
        return _build(entry, workflow, windows)

    def _workflow(self, entry: Entry) -> Workflow | None:
        """The workflow that a probe names; None where there is none, or where its document could not be loaded."""
        if "workflow" not in entry.values:
            return None
        api, _, name = entry.values["workflow"].partition("/")
        document = self._documents.get(api)
        if document is not None and name in document.workflows:
            return document.workflows[name]
        if api not in self._broken:
            names = [f"{id_}/{each}" for id_, other in self._documents.items() for each in other.workflows]
            self.problems.append(workflow_problem(entry, names))
        return None

    def _windows(self, raw: list[Mapping[str, Any] | None], at: tuple[str, ...]) -> Windows:
        windows = []
        for index, window in enumerate(raw):
            if window is None:  # it is wrong, which has been said
                continue
            try:
                windows.append(read_window(window))
            except WrongWindow as wrong:
                where = (*at, str(index), wrong.key)
                self._add(where, f"{'.'.join(where[:-1])}: {wrong.problem.found}", *_rest(wrong.problem))
        return tuple(windows)

    def _add(self, at: tuple[str, ...], found: str, expected: str, mend: str = "") -> None:
        self.problems.append(Problem(self._source.place(*at), found, expected, mend))


def _rest(problem: Problem) -> Iterator[str]:
    yield from (problem.expected, problem.mend)


def _build(entry: Entry, workflow: Workflow, windows: Windows) -> Probe:
    values = entry.values
    return Probe(
        id=entry.id,
        api=values["workflow"].partition("/")[0],
        workflow=workflow,
        inputs=values["inputs"],
        interval=entry.seconds("interval"),
        timeout=entry.seconds("timeout"),
        deadline=entry.seconds("deadline"),
        confirm=values["confirm"],
        failing_interval=None if values["failing-interval"] is None else entry.seconds("failing-interval"),
        budget=DayBudget(**values["budget"]),
        allow=frozenset(values["allow"]),
        maintenance=windows,
        objective=_objective(values["objective"]),
        enabled=values["enabled"],
        place=entry.place(),
    )


def _objective(raw: Mapping[str, Any]) -> Objective:
    latency = raw["latency"]
    fast = Latency(latency["quantile"], seconds(latency["seconds"])) if latency and len(latency) > 1 else None
    return Objective(raw["availability"], fast, raw["broken-promise-counts"])


def _builtin() -> dict[str, Any]:
    """What a probe has when neither it nor the defaults say so, read off the published schema."""
    definitions = schedule_schema()["$defs"]
    values: dict[str, Any] = {"inputs": {}}
    for key in schedule_schema()["properties"]["defaults"]["properties"]:
        definition = definitions.get(key, {})
        nested = definition.get("properties", {})
        values[key] = {name: each["default"] for name, each in nested.items()} or definition.get("default", [])
    return values


def _concurrency() -> int:
    return int(schedule_schema()["properties"]["concurrency"]["default"])

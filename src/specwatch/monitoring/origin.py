"""What everything under `grafana/` is derived from: specs, workflows, schedule and settings, loaded together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from specwatch.errors import Problem, WorkspaceError
from specwatch.monitoring.settings import SETTINGS_FILE, Settings, load_settings
from specwatch.schedule import Probe, Schedule
from specwatch.schedule.workspace import SCHEDULE_FILE, load_probes, probes_folder
from specwatch.spec import Api
from specwatch.workspace import Workspace

FOLDER: Final = "grafana"


@dataclass(frozen=True, slots=True)
class Origin:
    """What everything under `grafana/` is derived from.

    Args:
        apis: in the order of the workspace.
        schedule: the probes with their objectives.
        settings: thresholds, selectors, links, receivers.
    """

    apis: tuple[Api, ...]
    schedule: Schedule
    settings: Settings

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The probes that may run; those that are switched off for good are left out."""
        return tuple(probe for probe in self.schedule.probes if probe.enabled)

    def probes_of(self, api_id: str) -> tuple[Probe, ...]:
        """The probes of one API, in the order of the schedule."""
        return tuple(probe for probe in self.probes if probe.api == api_id)

    def objectives(self) -> Iterator[tuple[Probe, str, float]]:
        """Every objective: the probe, `availability` or `latency`, and the share of runs, below 1, that it asks for."""
        for probe in self.probes:
            if probe.objective.availability is not None:
                yield probe, "availability", round(probe.objective.availability / 100, 9)
            if probe.objective.latency is not None:
                yield probe, "latency", probe.objective.latency.quantile


def load_origin(workspace: Workspace) -> Origin:
    """Specs, probes and settings of a workspace.

    Raises:
        WorkspaceError: something is wrong with them; all problems of all files.
    """
    problems: list[Problem] = []
    apis: tuple[Api, ...] = ()
    schedule: Schedule | None = None
    try:
        apis = workspace.apis()
        schedule = load_probes(workspace).schedule
    except WorkspaceError as error:
        problems += error.problems
    if schedule is None and not problems:
        place = probes_folder(workspace) / SCHEDULE_FILE
        problems.append(Problem(str(place), "does not exist", "a schedule: rules and dashboards are about its probes"))
    origin = _with_settings(workspace, apis, schedule, problems)
    if problems or origin is None:
        raise WorkspaceError(*problems)
    return origin


def _with_settings(
    workspace: Workspace, apis: tuple[Api, ...], schedule: Schedule | None, problems: list[Problem]
) -> Origin | None:
    known = {probe.id for probe in (schedule.probes if schedule else ()) if probe.objective.availability is not None}
    known |= {probe.id for probe in (schedule.probes if schedule else ()) if probe.objective.latency is not None}
    try:
        settings = load_settings(workspace.root / FOLDER / SETTINGS_FILE, known)
    except WorkspaceError as error:
        if schedule is not None:
            problems += error.problems
        else:  # without a schedule nothing can be said about the probes that the settings name
            problems += [problem for problem in error.problems if "has no objective" not in problem.found]
        return None
    return Origin(apis, schedule, settings) if schedule is not None else None

"""What everything under `grafana/` is derived from: specs, workflows, schedule and settings, loaded together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
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
    settings: Settings | None = None
    try:
        apis = workspace.apis()
        schedule = load_probes(workspace).schedule
    except WorkspaceError as error:
        problems += error.problems
    if schedule is None and not problems:
        place = probes_folder(workspace) / SCHEDULE_FILE
        problems.append(Problem(str(place), "does not exist", "a schedule: rules and dashboards are about its probes"))
    try:
        settings = load_settings(settings_file(workspace), with_objective(schedule))
    except WorkspaceError as error:
        problems += error.problems
    if problems or schedule is None or settings is None:
        raise WorkspaceError(*problems)
    return Origin(apis, schedule, settings)


def settings_file(workspace: Workspace) -> Path:
    """Where the settings of the monitoring are; they may be missing."""
    return workspace.root / FOLDER / SETTINGS_FILE


def with_objective(schedule: Schedule | None) -> frozenset[str] | None:
    """Ids of the probes that have an objective; None without a schedule."""
    if schedule is None:
        return None
    return frozenset(
        probe.id for probe in schedule.probes if (probe.objective.availability, probe.objective.latency) != (None, None)
    )

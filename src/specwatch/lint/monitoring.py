"""Checks of the settings of rules and dashboards, `grafana/settings.yaml`."""

from __future__ import annotations

from specwatch.errors import Problem, WorkspaceError
from specwatch.monitoring.origin import settings_file, with_objective
from specwatch.monitoring.settings import load_settings
from specwatch.schedule.workspace import load_probes
from specwatch.workspace import Workspace


def lint_monitoring(workspace: Workspace) -> list[Problem]:
    """What is wrong with the settings of rules and dashboards; nothing where there are none.

    Args:
        workspace: a schedule that cannot be loaded is left to others to tell.
    """
    try:
        schedule = load_probes(workspace).schedule
    except WorkspaceError:
        schedule = None
    try:
        load_settings(settings_file(workspace), with_objective(schedule))
    except WorkspaceError as error:
        return list(error.problems)
    return []

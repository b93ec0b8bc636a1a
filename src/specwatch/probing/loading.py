"""From the files of a workspace to the configuration of a prober."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from specwatch.errors import Problem, UsageError
from specwatch.probing.configuration import Configuration
from specwatch.schedule import SCHEDULE_FILE, Schedule, apis_of, load_probes
from specwatch.spec import Api
from specwatch.transport.environment import read_environment
from specwatch.workspace import Workspace, named_variables


def load_configuration(
    workspace: Workspace, folder: Path, *, only: Sequence[str] = (), needs_variables: bool = True
) -> Configuration:
    """Read specs, workflows, schedule and variables afresh.

    Args:
        workspace: where the files are.
        folder: where `.env` may lie.
        only: ids of the APIs whose probes count; none means all.
        needs_variables: whether variables are read; the embedded sandbox never sees one.

    Raises:
        WorkspaceError: files are wrong; all problems at once.
        UsageError: there is no schedule, or an API that is named has no probe in it.
    """
    fresh = Workspace(workspace.root, workspace.chosen)
    fresh.require_specs()
    schedule = load_probes(fresh).schedule
    if schedule is None:
        where, mend = str(fresh.root / "probes" / SCHEDULE_FILE), "`specwatch init DIR` makes a workspace that has one"
        raise UsageError(Problem(where, "does not exist", "what runs, how often and within which budget", mend))
    schedule = _only(schedule, only)
    apis = {api.id: api for probe in schedule.probes for api in apis_of(probe.workflow)}
    environment = read_environment(fresh.variables, folder) if needs_variables else {}
    marks = {api.id: _fingerprint(api, environment) for api in apis.values()}
    return Configuration(apis, schedule, environment, marks)


def _only(schedule: Schedule, ids: Sequence[str]) -> Schedule:
    """The schedule with the probes of these APIs only."""
    if not ids:
        return schedule
    known = list(dict.fromkeys(probe.api for probe in schedule.probes))
    for api_id in ids:
        if api_id not in known:
            expected = f"one of {', '.join(known)}"
            raise UsageError(Problem(f"--api {api_id}", f"has no probe in {schedule.path}", expected))
    return replace(schedule, probes=tuple(probe for probe in schedule.probes if probe.api in ids))


def _fingerprint(api: Api, environment: Mapping[str, str]) -> str:
    """What stands for an API's spec and the values of its variables; it never leaves the process."""
    names: Iterable[str] = sorted({name for name, _ in named_variables(api)})
    values = "\0".join(f"{name}={environment.get(name, '')}" for name in names)
    return hashlib.sha256(api.path.read_bytes() + values.encode()).hexdigest()

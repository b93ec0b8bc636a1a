"""What a score tries: which faults and variations of which APIs, each built before the first run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from specwatch.contract.profile import Profile
from specwatch.errors import Problem, SandboxError, UsageError, WorkspaceError
from specwatch.sandbox import Catalogue, Fault, SandboxApi, Underivable, load_modules
from specwatch.scoring.reasons import FILE, read_reasons, stale
from specwatch.scoring.values import Task
from specwatch.spec import Api
from specwatch.workspace import Workspace

_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the runs need.

    Args:
        apis: by id.
        modules: behaviour of the sandbox, by API id.
        tasks: the runs: for each API the honest one, then its faults and variations as the catalogue has them.
        reasons: why faults are missed, by pattern.
        underivable: what would follow from the specs but cannot be built, by name, with the reason.
        contracts: folder of the contract tests.
        to_the_end: whether a run goes on after the first detection.
        limit_seconds: a run that takes longer has come to nothing.
    """

    apis: Mapping[str, Api]
    modules: Mapping[str, SandboxApi]
    tasks: tuple[Task, ...]
    contracts: Path
    profile: Profile
    reasons: Mapping[str, str] = field(default_factory=dict)
    underivable: Mapping[str, str] = field(default_factory=dict)
    to_the_end: bool = False
    limit_seconds: float = 120.0


def make_plan(
    workspace: Workspace,
    apis: Sequence[Api],
    profile: Profile,
    *,
    pattern: str = "*",
    every: int = 1,
    to_the_end: bool = False,
) -> Plan:
    """Build all faults and choose those to try.

    Args:
        workspace: where the contract tests and the sandbox's modules lie.
        apis: the APIs.
        profile: how much each run asks.
        pattern: shell-style pattern of fault names, with or without the API's id.
        every: take only each so manyth.
        to_the_end: whether a run goes on after the first detection.

    Raises:
        UsageError: no fault fits the pattern.
        SandboxError: a module, or a fault, cannot be built.
        WorkspaceError: the file with reasons is wrong, or speaks of a fault that does not exist.
    """
    modules = load_modules(workspace.sandbox, apis)
    catalogue = Catalogue(apis, modules)
    faults = [fault for api in apis for fault in _faults(api, catalogue)]
    fitting = [fault for fault in faults if _fits(fault, pattern)]
    if not fitting:
        raise UsageError(_nothing(pattern, faults, [each for each in catalogue.underivable if _fits(each, pattern)]))
    chosen = [Task.of(fault) for fault in fitting][::every]
    ids = dict.fromkeys(task.api for task in chosen)
    tasks = [task for api in ids for task in (Task.honest(api), *(each for each in chosen if each.api == api))]
    reasons = _reasons(workspace, [fault.name for fault in faults], apis)
    return Plan(
        apis={api.id: api for api in apis},
        modules=modules,
        tasks=tuple(tasks),
        contracts=workspace.contracts,
        profile=profile,
        reasons=reasons,
        underivable={each.name: each.reason for each in catalogue.underivable if _fits(each, pattern)},
        to_the_end=to_the_end,
    )


def _faults(api: Api, catalogue: Catalogue) -> Sequence[Fault]:
    try:
        return tuple(catalogue.of(api.id).values())
    except SandboxError:
        raise
    except Exception as error:
        found = f"its faults cannot be built: {type(error).__name__}: {error}"
        raise SandboxError(Problem(f"sandbox of {api.id}", found, "a spec whose faults can be derived")) from error


def _fits(fault: Fault | Underivable, pattern: str) -> bool:
    return fnmatchcase(fault.name, pattern) or fnmatchcase(fault.name.removeprefix(f"{fault.api}/"), pattern)


def _nothing(pattern: str, faults: Sequence[Fault], underivable: Sequence[Underivable]) -> Problem:
    if underivable:
        first, *others = underivable
        more = f", and {len(others)} more cannot" if others else ""
        found = f"fits no fault that can be built: {first.name} cannot be, {first.reason}{more}"
        mend = "`specwatch sandbox --list-faults` lists these with their reasons"
        return Problem(f"--faults {pattern}", found, "a pattern that fits a fault", mend)
    near = difflib.get_close_matches(pattern, [fault.name for fault in faults], n=_NEAREST, cutoff=0.5)
    mend = f"did you mean {', '.join(near)}?" if near else "`specwatch sandbox --list-faults` shows them"
    return Problem(
        f"--faults {pattern}", "fits no fault", f"a pattern that fits one of the {len(faults):,} faults", mend
    )


def _reasons(workspace: Workspace, names: Sequence[str], apis: Sequence[Api]) -> dict[str, str]:
    path = workspace.sandbox / FILE
    reasons = read_reasons(path)
    if {api.id for api in apis} == set(workspace.spec_files):
        wrong = list(stale(reasons, names))
        if wrong:
            expected, mend = "names of faults that exist", "remove it, or correct the name"
            raise WorkspaceError(*(Problem(str(path), f"{each!r} fits no fault", expected, mend) for each in wrong))
    return reasons

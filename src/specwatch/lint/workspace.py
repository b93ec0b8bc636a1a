"""Checks of a whole workspace, or of the files of it that are named."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from specwatch.errors import Problem, UsageError, WorkspaceError
from specwatch.lint.contracts import Mark, claim_marks, lint_contracts, unplayed
from specwatch.lint.monitoring import lint_monitoring
from specwatch.lint.probes import lint_probes, probe_files
from specwatch.lint.sandbox import lint_sandbox, strangers
from specwatch.lint.settings import lint_settings
from specwatch.lint.specs import lint_spec
from specwatch.monitoring.origin import settings_file
from specwatch.spec import Api
from specwatch.workspace import SETTINGS_FILE, Workspace

SPEC_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True, slots=True)
class LintResult:
    """What was looked at, and what is wrong with it.

    Args:
        specs: how many specs.
        claims: how many claims these specs write down or imply.
        modules: how many Python modules of contracts and sandbox.
        workflows: how many workflows the Arazzo documents have.
        probes: how many probes the schedule has.
    """

    specs: int
    claims: int
    modules: int
    workflows: int
    probes: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Files:
    """The files to look at."""

    settings: tuple[Path, ...]
    monitoring: tuple[Path, ...]
    specs: tuple[Path, ...]
    contracts: tuple[Path, ...]
    probes: tuple[Path, ...]
    sandbox: tuple[Path, ...]


def lint_workspace(workspace: Workspace, paths: Sequence[Path] = ()) -> LintResult:
    """Check a workspace.

    Args:
        workspace: the workspace; what the named files refer to is looked up in it.
        paths: files or folders of it; none means all of it. A spec from elsewhere is checked by itself.
    """
    files = _chosen(workspace, paths)
    problems = [] if paths else _missing(workspace)
    problems += [problem for path in files.settings for problem in lint_settings(path)]
    variables = _variables(workspace)
    loaded: dict[Path, Api | None] = {}
    for path in files.specs:
        api, found = lint_spec(path, variables)
        loaded[path] = api
        problems += found
    apis = [api for api in loaded.values() if api is not None]
    problems += _contract_problems(workspace, files, apis)
    problems += strangers(files.sandbox, list(workspace.spec_files))
    problems += lint_sandbox(workspace.sandbox, _with_modules(workspace, files, apis))
    probes = lint_probes(workspace, files.probes, told=files.specs)
    monitoring = lint_monitoring(workspace) if files.monitoring else []
    return LintResult(
        specs=len(files.specs),
        claims=sum(len(api.claims) for api in apis),
        modules=len(files.contracts) + len(files.sandbox),
        workflows=probes.workflows,
        probes=probes.probes,
        problems=(*problems, *probes.problems, *monitoring),
    )


def _missing(workspace: Workspace) -> list[Problem]:
    """What no workspace can do without."""
    problems: list[Problem] = []
    for require in (workspace.require_specs, workspace.require_contracts):
        try:
            require()
        except (UsageError, WorkspaceError) as error:
            problems += error.problems
    return problems


def _chosen(workspace: Workspace, paths: Sequence[Path]) -> _Files:
    root = workspace.root
    everything = _Files(
        settings=(root / SETTINGS_FILE,) if (root / SETTINGS_FILE).exists() else (),
        monitoring=(settings_file(workspace),) if settings_file(workspace).exists() else (),
        specs=tuple(workspace.spec_files.values()),
        contracts=tuple(sorted(workspace.contracts.glob("*.py"))),
        probes=probe_files(workspace),
        sandbox=tuple(sorted(workspace.sandbox.glob("*.py"))),
    )
    if not paths:
        return everything
    wanted = {path.resolve() for path in paths}
    own = {path.resolve() for path in (*everything.specs, *everything.probes, *everything.monitoring)}
    others = tuple(path for path in _spec_files(paths) if path.resolve() not in own)
    return _Files(
        settings=_within(everything.settings, wanted),
        monitoring=_within(everything.monitoring, wanted),
        specs=(*_within(everything.specs, wanted), *others),
        contracts=_within(everything.contracts, wanted),
        probes=_within(everything.probes, wanted),
        sandbox=_within(everything.sandbox, wanted),
    )


def _within(files: Sequence[Path], wanted: AbstractSet[Path]) -> tuple[Path, ...]:
    return tuple(path for path in files if wanted & {path.resolve(), *path.resolve().parents})


def _spec_files(paths: Sequence[Path]) -> list[Path]:
    """Files that are named outright and may be specs."""
    return [path for path in paths if path.is_file() and path.suffix in SPEC_SUFFIXES and path.name != SETTINGS_FILE]


def _variables(workspace: Workspace) -> frozenset[str] | None:
    """The variables that specs may name; None where the settings file does not say so, which is reported elsewhere."""
    try:
        return workspace.variables
    except WorkspaceError:
        return None


def _contract_problems(workspace: Workspace, files: _Files, apis: Sequence[Api]) -> list[Problem]:
    if not files.contracts and not files.specs:
        return []
    known = dict(workspace.spec_files)
    others = [api for path in known.values() if path not in files.specs and (api := lint_spec(path)[0])]
    problems = lint_contracts(files.contracts, [*apis, *others], known)
    marks: list[Mark] = []
    for path in sorted(workspace.contracts.glob("*.py")):
        try:
            marks += claim_marks(path)
        except (OSError, SyntaxError, ValueError):  # said by lint_contracts where the file was asked for
            continue
    own = [api for api in apis if api.path in known.values()]
    return [*problems, *unplayed(own, marks, workspace.contracts)]


def _with_modules(workspace: Workspace, files: _Files, apis: Sequence[Api]) -> list[Api]:
    """The APIs whose sandbox modules are to be looked at."""
    names = {path.stem for path in files.sandbox}
    own = {api.id: api for api in apis}
    for id_, path in workspace.spec_files.items():
        if id_.replace("-", "_") in names and id_ not in own and (api := lint_spec(path)[0]):
            own[id_] = api
    return [api for api in own.values() if api.id.replace("-", "_") in names]

"""Which workspace is used, and what lies in it.

A workspace is a folder with `specs/`, `contracts/`, `probes/`, `sandbox/`, `grafana/` and `specwatch.yaml`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from specwatch.errors import Problem, UsageError, WorkspaceError
from specwatch.spec import Api, Source, load_api

SETTINGS_FILE = "specwatch.yaml"
NAMED = "named by --workspace"
EXPECTED = "a folder with specs/ and contracts/"
PACKAGED = Path(__file__).parent / "_workspace"
CHECKOUT = Path(__file__).parents[2]
"""Where the packaged workspace comes from: an editable install has it only there."""


@dataclass(frozen=True)
class Workspace:
    """A workspace on disk.

    Args:
        root: its folder.
        chosen: why this one was chosen, for the line that every command prints.
    """

    root: Path
    chosen: str
    _loaded: dict[str, Api] = field(default_factory=dict, repr=False, compare=False)

    @property
    def contracts(self) -> Path:
        """The folder of the contract tests."""
        return self.root / "contracts"

    @property
    def sandbox(self) -> Path:
        """The folder of the sandbox modules."""
        return self.root / "sandbox"

    @cached_property
    def spec_files(self) -> dict[str, Path]:
        """API id to spec file, in alphabetical order."""
        folder = self.root / "specs"
        files = [path for path in sorted(folder.glob("*")) if path.suffix in {".yaml", ".yml", ".json"}]
        return {path.stem: path for path in files}

    def require_contracts(self) -> None:
        """Pass where the folder of the contract tests exists.

        Raises:
            WorkspaceError: it does not.
        """
        if not self.contracts.is_dir():
            mend = "`specwatch init DIR` makes a workspace whose contracts/ has the tests common to all APIs: copy it"
            raise WorkspaceError(Problem(str(self.root), "has no folder contracts/", "the contract tests there", mend))

    def require_specs(self) -> None:
        """Pass where there is any spec.

        Raises:
            UsageError: there is none.
        """
        if not self.spec_files:
            found = "has no specs"
            raise UsageError(
                Problem(str(self.root / "specs"), found, "OpenAPI files", "`specwatch init DIR` makes a start")
            )

    @cached_property
    def variables(self) -> frozenset[str]:
        """Names of the environment variables that the specs may use.

        Raises:
            WorkspaceError: the settings file is wrong.
        """
        path = self.root / SETTINGS_FILE
        if not path.exists():
            return frozenset()
        source = Source.read(path)
        names = source.mapping().get("variables", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise WorkspaceError(Problem(source.place("variables"), f"variables: {names!r}", "a list of names"))
        return frozenset(names)

    def api(self, api_id: str) -> Api:
        """One API of the workspace, loaded once.

        Raises:
            UsageError: the workspace has no such API.
            WorkspaceError: its spec is wrong, or names a variable that the workspace does not list.
        """
        if api_id not in self.spec_files:
            near = difflib.get_close_matches(api_id, self.spec_files, n=1)
            raise UsageError(
                Problem(
                    f"--api {api_id}",
                    f"no such API in {self.root}",
                    f"one of {', '.join(self.spec_files) or '(the workspace has no specs)'}",
                    f"did you mean {near[0]}?" if near else "`specwatch list` shows the APIs",
                )
            )
        if api_id not in self._loaded:
            api = load_api(self.spec_files[api_id])
            problems = list(self._unlisted_variables(api))
            if problems:
                raise WorkspaceError(*problems)
            self._loaded[api_id] = api
        return self._loaded[api_id]

    def apis(self, ids: Sequence[str] = ()) -> tuple[Api, ...]:
        """The named APIs, or all of them.

        Raises:
            UsageError: a name is unknown, or the workspace has no spec.
            WorkspaceError: specs are wrong; all problems of all of them at once.
        """
        self.require_specs()
        problems: list[Problem] = []
        loaded: list[Api] = []
        for api_id in ids or self.spec_files:
            try:
                loaded.append(self.api(api_id))
            except WorkspaceError as error:
                problems += error.problems
        if problems:
            raise WorkspaceError(*problems)
        return tuple(dict.fromkeys(loaded))

    def _unlisted_variables(self, api: Api) -> Iterator[Problem]:
        unlisted = [(name, at) for name, at in named_variables(api) if name not in self.variables]
        if unlisted:
            source = Source.read(api.path)
            for name, at in unlisted:
                yield Problem(
                    source.place(*at),
                    f"names the environment variable {name}",
                    f"a variable that {self.root / SETTINGS_FILE} lists",
                    f"add {name} under `variables:` there, if this spec may read it",
                )


def named_variables(api: Api) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every variable that a spec names, with its place in the spec."""
    for scheme in api.schemes.values():
        at = ("components", "securitySchemes", scheme.name, "x-credential")
        for role, names in scheme.variables.items():
            yield from ((name, (*at, "second" if role == "second" else "env")) for name in names)
        for state in scheme.states.values():
            yield from ((name, (*at, "states", state.name, "env")) for name in state.variables)
    for known in api.known.values():
        if known.setting:
            yield known.setting, ("x-known", known.name, "setting")


def find_workspace(explicit: Path | None, start: Path) -> Workspace:
    """The workspace to use: the one that was named, else the nearest upwards, else the packaged one.

    Args:
        explicit: the value of `--workspace`.
        start: where the search upwards begins.

    Raises:
        UsageError: the named folder is no workspace, or none can be found.
    """
    if explicit is not None:
        if not (explicit / "specs").is_dir():
            kind = "is no folder" if explicit.exists() else "does not exist"
            found = "has no folder specs/" if explicit.is_dir() else kind
            name = "my-workspace" if explicit.exists() else explicit
            mend = f"`specwatch init {name}` makes one in a new folder"
            raise UsageError(Problem(f"--workspace {explicit}", found, EXPECTED, mend))
        return Workspace(explicit.resolve(), NAMED)
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / "specs").is_dir() and (folder / "contracts").is_dir():
            return Workspace(folder.resolve(), "the nearest one upwards")
    for folder in (PACKAGED, CHECKOUT):
        if (folder / "specs").is_dir():
            return Workspace(folder, "the one that comes with specwatch")
    raise UsageError(Problem(str(start), "no workspace here or above", EXPECTED, "`specwatch init DIR` makes one"))

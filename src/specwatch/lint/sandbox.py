"""Checks of the sandbox modules: each can be loaded and fits its spec."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from specwatch.errors import Problem, SandboxError
from specwatch.spec import Api


def lint_sandbox(folder: Path, apis: Sequence[Api]) -> list[Problem]:
    """What is wrong with the modules of a sandbox folder. The modules are run for it.

    Args:
        folder: the `sandbox/` of a workspace.
        apis: the APIs whose modules are looked at.
    """
    from specwatch.sandbox.discover import load_modules

    problems: list[Problem] = []
    for api in apis:
        try:
            load_modules(folder, [api])
        except SandboxError as error:
            problems += error.problems
    return list(dict.fromkeys(problems))  # a sibling that fails does so for each module that imports it


def strangers(files: Sequence[Path], known: Sequence[str]) -> Iterator[Problem]:
    """The sandbox modules that no API loads.

    Args:
        files: modules of a sandbox folder; those whose names begin with `_` are for others to import.
        known: ids of all APIs of the workspace.
    """
    names = [f"{api_id.replace('-', '_')}.py" for api_id in known]
    for path in files:
        if path.name not in names and not path.name.startswith("_"):
            near = difflib.get_close_matches(path.name, names, n=1)
            mend = f"did you mean {near[0]}?" if near else f"name it _{path.name} if other modules import it"
            yield Problem(str(path), "is the module of no API", "<api-id with underscores>.py", mend)

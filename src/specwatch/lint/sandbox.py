"""Checks of the sandbox modules: each can be loaded and fits its spec."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from specwatch.errors import Problem, SandboxError
from specwatch.sandbox.interface import Deviation
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
            modules = load_modules(folder, [api])
        except SandboxError as error:
            problems += error.problems
            continue
        for module in modules.values():
            problems += [_no_claim(folder, api, each) for each in module.deviations if not _breaks_a_claim(each, api)]
    return list(dict.fromkeys(problems))  # a sibling that fails does so for each module that imports it


def _breaks_a_claim(deviation: Deviation, api: Api) -> bool:
    """Whether a fault names a claim, or the beginning of several; a variation has none to name."""
    named = deviation.breaks
    return deviation.variation or any(claim.id == named or claim.id.startswith(f"{named}/") for claim in api.claims)


def _no_claim(folder: Path, api: Api, deviation: Deviation) -> Problem:
    near = difflib.get_close_matches(deviation.breaks, [claim.id for claim in api.claims], n=1, cutoff=0.5)
    return Problem(
        _place(folder, api, deviation.breaks),
        f"fault {deviation.name!r} breaks {deviation.breaks!r}, which is no claim of {api.path.name}",
        "the id of a claim, written or derived, or the beginning of several, such as getOrder/404",
        f"did you mean {near[0]!r}?" if near else "`specwatch list --claims` shows all of them",
    )


def _place(folder: Path, api: Api, text: str) -> str:
    """Where a text is written out in an API's module, or in one beside it; the module itself where it is nowhere."""
    own = folder / f"{api.id.replace('-', '_')}.py"
    for path in (own, *sorted(set(folder.glob("*.py")) - {own})):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value == text:
                return f"{path}:{node.lineno}"
    return str(own)


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

"""Checks of the sandbox modules: each can be loaded and fits its spec."""

from __future__ import annotations

from collections.abc import Sequence
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

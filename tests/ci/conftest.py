"""What stands for the runner of a CI: its variables, its files, its shell, and a Python that needs no network."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from specwatch.cli.init import make_workspace

ROOT = Path(__file__).resolve().parents[2]
EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")
STOP = re.compile(r"^::stop-commands::(\w+)$\n.*?^::\1::$\n?", re.MULTILINE | re.DOTALL)

PYTHON = """#!/bin/sh
# Stands for a Python that has not got specwatch yet: it notes what would be downloaded, and has the rest done.
case "$*" in
*"-m venv "*)
    for folder; do :; done
    mkdir -p "$folder/bin"
    cp "$0" "$folder/bin/python"
    printf '#!/bin/sh\\nexec %s -I -m specwatch "$@"\\n' {python} >"$folder/bin/specwatch"
    chmod +x "$folder/bin/specwatch"
    ;;
*"-m pip "*) printf '%s\\n' "$*" >>{log} ;;
*) exec {python} "$@" ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter that installs nothing.

    Args:
        path: of the executable.
        log: the arguments of each call of pip, a line each.
    """

    path: Path
    log: Path

    def installed(self) -> list[str]:
        """What pip was asked for."""
        return self.log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """An interpreter that installs nothing, in a folder of its own."""
    folder = tmp_path / "python"
    folder.mkdir()
    python = Python(folder / "python", folder / "log")
    text = PYTHON.format(python=shlex.quote(sys.executable), log=shlex.quote(str(python.log)))
    python.path.write_text(text, encoding="utf-8")
    python.path.chmod(0o755)
    return python


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a workspace, as a runner has checked it out."""
    folder = tmp_path / "checkout of a repository"
    make_workspace(folder)
    (folder / ".git").mkdir()
    return folder


Shell = Callable[[str, Path, Mapping[str, str]], subprocess.CompletedProcess[str]]


def bash(script: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as both CIs do: it ends with the first command that fails."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False)
    print(f"{done.stdout}{done.stderr}")  # noqa: T201 - pytest shows it on failure
    return done


@pytest.fixture
def shell() -> Shell:
    """Runs scripts as a CI does."""
    return bash


@dataclass
class Outcome:
    """What a use of the action came to.

    Args:
        code: exit code of the step that failed, else 0.
        log: all that was printed.
        outputs: of the action.
        summary: of the job.
        used: the other actions that would have been used, with what they were given.
    """

    code: int = 0
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    used: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def commands(self) -> list[str]:
        """The lines that the runner takes for commands."""
        return [line for line in STOP.sub("", self.log).splitlines() if line.lstrip().startswith("::")]


class Job:
    """Carries out the steps of action.yml as GitHub's runner does.

    Args:
        action: the parsed file.
        checkout: where the steps begin.
        temporary: RUNNER_TEMP.
        python: what actions/setup-python would have set up.
    """

    def __init__(self, action: Mapping[str, Any], checkout: Path, temporary: Path, python: Python) -> None:
        self._action = action
        self._checkout = checkout
        self._temporary = temporary
        self._values = {"steps.python.outputs.python-path": str(python.path)}

    def run(self, **given: str) -> Outcome:
        """Use the action with these inputs (with `_` for `-`); the ones that are not given have their defaults."""
        inputs = {name: each.get("default", "") for name, each in self._action["inputs"].items()}
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        assert set(inputs) == set(self._action["inputs"])
        self._values |= {f"inputs.{name}": value for name, value in inputs.items()}
        outcome = Outcome()
        for step in self._action["runs"]["steps"]:
            if outcome.code == 0 and self._wanted(step.get("if", "")):
                self._carry_out(step, outcome)
        outputs = self._action["outputs"].items()
        outcome.outputs = {name: self._filled_in(each["value"]) for name, each in outputs}
        return outcome

    def _carry_out(self, step: Mapping[str, Any], outcome: Outcome) -> None:
        if "uses" in step:
            outcome.used[step["uses"]] = {k: self._filled_in(str(v)) for k, v in step["with"].items()}
            return
        assert step["shell"] == "bash"
        files = {name: self._temporary / f"{name}.{step['name']}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.touch()
        environment = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "RUNNER_TEMP": str(self._temporary),
            "CI": "true",
            **{name: str(path) for name, path in files.items()},
            **{name: self._filled_in(value) for name, value in step.get("env", {}).items()},
        }
        done = bash(step["run"], self._checkout, environment)
        outcome.code = done.returncode
        outcome.log += done.stdout + done.stderr
        outcome.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        for line in files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            self._values[f"steps.{step.get('id')}.outputs.{name}"] = value

    def _wanted(self, condition: str) -> bool:
        """Whether a step is carried out; the conditions are comparisons with an empty text."""
        parts = [part.split(" != ") for part in condition.split(" && ")] if condition else []
        assert all(right == "''" for _, right in parts)
        return all(self._values.get(left, "") for left, _ in parts)

    def _filled_in(self, text: str) -> str:
        return EXPRESSION.sub(lambda match: self._values.get(match[1], ""), text)


@pytest.fixture(scope="session")
def action() -> Any:
    """The action of this repository."""
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture
def job(action: Mapping[str, Any], checkout: Path, tmp_path: Path, python: Python) -> Callable[..., Outcome]:
    """Uses the action in a repository with a workspace."""
    temporary = tmp_path / "temporary files of a runner"
    temporary.mkdir()
    return Job(action, checkout, temporary, python).run

"""What the tests of the pytest plugin share: real sessions of pytest, in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from specwatch.cli.init import make_workspace

Session = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace as `specwatch init` makes it."""
    folder = tmp_path / "workspace"
    make_workspace(folder)
    return folder


@pytest.fixture
def session(workspace: Path) -> Session:
    """Runs pytest in the workspace, as a user types it."""
    hidden = {"PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "CI", "PYTEST_CURRENT_TEST"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}

    def run(*arguments: str, folder: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        env = {**environment, "COLUMNS": "200", "NO_COLOR": "1", **variables}
        place = folder or workspace
        return subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=100, check=False)

    return run


def outcomes(out: str) -> Counter[str]:
    """How many tests had each outcome, as the last line says."""
    last = out.strip().splitlines()[-1]
    return Counter(
        {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|deselected)", last)}
    )

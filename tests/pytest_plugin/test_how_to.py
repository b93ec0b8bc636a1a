"""The page about pytest shows commands that do something."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "run-with-pytest.md"
EXPRESSIONS = re.findall(r"^pytest .* -k ('[^']*'|\S+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_selects_tests(expression: str) -> None:
    """What a command of the page names by -k is there."""
    (words,) = shlex.split(expression)
    command = [sys.executable, "-m", "pytest", "contracts", "-k", words, "--collect-only", "-q"]
    hidden = {"PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::test_" in done.stdout


def test_there_are_expressions() -> None:
    """The page shows how tests are chosen by name."""
    assert EXPRESSIONS

"""The rules of tests/conftest.py, each seen at work in a small run of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ABSENT_TOOL = '''
import pytest

@pytest.mark.needs("promtool")
def test_rules():
    """Would run promtool."""
'''

MISSPELT_TOOL = ABSENT_TOOL.replace("promtool", "promtol")

ENVIRONMENT = '''
import os

def test_environment():
    """Sees no proxy and no credential."""
    assert "HTTPS_PROXY" not in os.environ
    assert "http_proxy" not in os.environ
    assert "ACEDATA_TOKEN" not in os.environ
'''


LEFT_BEHIND = '''
import os
import sys

import hypothesis

def test_environment():
    """Leaves a variable to whoever comes next."""
    os.environ["LEFT"] = "1"

def test_folder(tmp_path):
    """Leaves them in another folder."""
    os.chdir(tmp_path)

def test_path(tmp_path):
    """Leaves them other modules."""
    sys.path.append(str(tmp_path))

def test_profile():
    """Leaves them other settings."""
    hypothesis.settings.load_profile("default")

def test_nothing(monkeypatch):
    """Puts everything back."""
    monkeypatch.setenv("LEFT", "2")
'''


def run(folder: Path, test: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one made-up test file under a copy of our conftest, on a path that holds no tools."""
    (folder / "tests").mkdir()
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = needs(tool)\n", encoding="utf-8")
    (folder / "tests" / "test_it.py").write_text(test, encoding="utf-8")
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "tests")
    shutil.copy(ROOT / "specwatch.yaml", folder)
    kept = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", *arguments],
        cwd=folder,
        env=kept | {"PATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_missing_tool_is_named_at_the_end(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """A machine without a tool passes, and is told what was left out and how to get it."""
    result = run(tmp_path, ABSENT_TOOL, *workers)
    assert result.returncode == 0
    assert "1 skipped" in result.stdout
    assert "promtool: 1 skipped. Debian and Ubuntu: apt-get install prometheus" in result.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_missing_tool_fails_in_ci(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """With CI=true the same skip is a failure."""
    result = run(tmp_path, ABSENT_TOOL, *workers, CI="true")
    assert result.returncode == 1
    assert ".ci/run has to install promtool" in result.stdout


def test_a_misspelt_tool_is_an_error(tmp_path: Path) -> None:
    """A tool that nobody knows how to get is not silently skipped for ever."""
    result = run(tmp_path, MISSPELT_TOOL)
    assert result.returncode != 0
    assert "needs 'promtol', but tests/conftest.py knows only" in result.stdout + result.stderr


def test_what_a_test_leaves_behind_is_its_own_error(tmp_path: Path) -> None:
    """Not a failure of the tests that come after it, in whatever order they come."""
    result = run(tmp_path, LEFT_BEHIND)
    assert result.returncode == 1
    assert "5 passed, 4 errors" in result.stdout
    for name in ("environment", "working folder", "sys.path", "profile of Hypothesis"):
        assert result.stdout.count(f"assert {{'{name}'}} == set()") == 1


def test_no_test_sees_proxies_or_credentials(tmp_path: Path) -> None:
    """Variables that lead outside are gone before the first test."""
    outside = {"HTTPS_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "ACEDATA_TOKEN": "made-up"}
    result = run(tmp_path, ENVIRONMENT, **outside)
    assert result.returncode == 0, result.stdout

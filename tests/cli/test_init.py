"""`specwatch init`: a workspace that works as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]


def test_new_workspace(specwatch: Command, tmp_path: Path) -> None:
    """All folders and the settings are there, and the next three commands are told."""
    folder = tmp_path / "mine"
    finished = specwatch("init", folder)
    assert (finished.returncode, finished.stderr) == (0, f"workspace: {folder} (made now)\n")
    assert finished.stdout == (
        f"Made {folder}/ with one example API. Next:\n\n"
        f"  specwatch --workspace {folder} lint\n"
        f"  specwatch --workspace {folder} check\n"
        f"  specwatch --workspace {folder} watch\n"
        f"  specwatch --workspace {folder} build\n"
    )
    assert {path.name for path in (folder / "contracts").glob("*.py")} == {"test_access.py", "test_conformance.py"}
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert made >= {
        ".env.example",
        "contracts/README.md",
        "contracts/test_access.py",
        "contracts/test_conformance.py",
        "grafana/README.md",
        "probes/README.md",
        "sandbox/README.md",
        "specs/example-api.yaml",
        "specwatch.yaml",
    }


def test_it_lints_and_passes(specwatch: Command, tmp_path: Path) -> None:
    """The two commands that are told succeed, with every claim verified."""
    specwatch("init", tmp_path / "mine")
    assert specwatch("--workspace", tmp_path / "mine", "lint").returncode == 0
    assert specwatch("--workspace", tmp_path / "mine", "check", "--strict", "--fail-on-unknown").returncode == 0


@pytest.mark.parametrize("name", ["full", "file"])
def test_nothing_is_overwritten(specwatch: Command, tmp_path: Path, name: str) -> None:
    """A folder that holds anything, and a file, are refused."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    (tmp_path / "file").touch()
    finished = specwatch("init", tmp_path / name)
    assert finished.returncode == 2
    assert finished.stderr.startswith(f"error: {tmp_path / name}: is ")
    assert "  expected: a new or an empty folder\n" in finished.stderr
    assert list((tmp_path / "full").iterdir()) == [tmp_path / "full" / "mine.txt"]

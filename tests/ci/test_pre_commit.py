"""The hook for pre-commit: a definition that pre-commit takes, and an entry that refuses a bad spec."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def hook() -> Any:
    """The one hook of this repository."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return hook


def test_the_hook_is_one_that_pre_commit_takes(hook: Any) -> None:
    """It has what a hook must have, and looks at the workspace instead of at single files."""
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("specwatch-lint", "python", False)


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("specs/a.yaml", True),
        ("apis/specs/a.yaml", True),
        ("contracts/test_a.py", True),
        ("probes/schedule.yaml", True),
        ("sandbox/a.py", True),
        ("specwatch.yaml", True),
        ("grafana/settings.yaml", True),
        ("README.md", False),
        ("specs.md", False),
        ("myspecs/a.yaml", False),
        ("grafana/dashboards/api.json", False),
    ],
)
def test_files_of_a_workspace_set_it_off(hook: Any, name: str, wanted: bool) -> None:  # noqa: FBT001 - a table
    """A commit of any file that lint looks at runs the hook, and no other."""
    assert bool(re.search(hook["files"], name)) is wanted


@pytest.mark.needs("git")
def test_a_bad_spec_is_refused(hook: Any, checkout: Path, tmp_path: Path) -> None:
    """As the hook of a repository its entry lets a good workspace pass, and stops the commit of a bad one."""
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "specwatch").symlink_to(Path(sys.executable).parent / "specwatch")
    (checkout / ".git").rmdir()
    git(checkout, "init", "-q")
    script = checkout / ".git" / "hooks" / "pre-commit"
    entry = shlex.join(shlex.split(hook["entry"]))
    script.write_text(f"#!/bin/sh\nPATH={shlex.quote(str(commands))}:$PATH exec {entry}\n", encoding="utf-8")
    script.chmod(0o755)

    good = commit(checkout)
    spec = checkout / "specs" / "example-api.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("x-effect: read", "x-effect: look"), encoding="utf-8")
    bad = commit(checkout)

    assert (good.returncode, bad.returncode) == (0, 1)
    assert re.search(r"specs/example-api\.yaml:\d+: .*look", bad.stdout + bad.stderr)
    assert git(checkout, "log", "--oneline").stdout.count("\n") == 1


@pytest.mark.needs("git")
def test_the_hook_of_a_checkout_finds_its_own_specwatch(checkout: Path) -> None:
    """The script that the how-to shows runs what lies in .venv, though the path of the shell does not lead there."""
    page = (ROOT / "docs" / "how-to" / "lint-before-commit.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```sh\n(#!/bin/sh\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    commands = checkout / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "specwatch").symlink_to(Path(sys.executable).parent / "specwatch")
    hook = checkout / "hook"
    hook.write_text(script, encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", hook], cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no errors" in done.stdout


def commit(folder: Path) -> subprocess.CompletedProcess[str]:
    """Commit all that there is, unless the hook is against it."""
    git(folder, "add", ".")
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    return git(folder, *author, "commit", "-q", "-m", "change")


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in a folder."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)

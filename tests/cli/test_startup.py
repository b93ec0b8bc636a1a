"""What the command line imports before it knows what it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from specwatch.cli.app import COMMANDS, group

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "schemathesis",
    "hypothesis",
    "pytest",
    "httpx",
    "pydantic",
    "jsonschema_rs",
    "jsonschema",
    "rich",
    "yaml",
    "starlette",
)


@pytest.mark.parametrize(
    "arguments, allowed",
    [(["--help"], set()), (["--version"], set()), (["check", "--help"], set()), (["list"], {"jsonschema_rs", "yaml"})],
    ids=["help", "version", "check help", "list"],
)
def test_imports_nothing_heavy(arguments: list[str], allowed: set[str]) -> None:
    """Help imports none of the heavy libraries, the list only what it takes to read specs."""
    code = (
        "import sys; from specwatch.cli import run; "
        f"run({arguments!r}); print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(result.stderr.splitlines()[-1].split()) == allowed


@pytest.mark.parametrize("name", COMMANDS)
def test_table_agrees_with_the_commands(name: str) -> None:
    """The one line that --help shows is the first sentence of the command's own help."""
    context = group.make_context("specwatch", ["list"])
    command = group.get_command(context, name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").split("\n\n")[0] == COMMANDS[name][1]

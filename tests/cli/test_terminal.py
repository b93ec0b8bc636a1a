"""The console for people: plain where nobody looks, coloured where somebody does."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

SHOW = "from specwatch.cli.terminal import Terminal; Terminal().print('[red]words[/red]')"
ESCAPE = b"\x1b["


def shown(**variables: str) -> bytes:
    """What a terminal gets, with these variables and no others that colours depend on."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **variables}
    subprocess.run([sys.executable, "-c", SHOW], stdout=theirs, env=environment, check=True)
    os.close(theirs)
    text = os.read(ours, 1000)
    os.close(ours)
    assert b"words" in text
    return text


@pytest.mark.parametrize(
    "variables, coloured",
    [
        ({}, True),
        ({"CI": "true"}, False),
        ({"CI": "false"}, True),
        ({"CI": "true", "FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_people(variables: dict[str, str], *, coloured: bool) -> None:
    """In CI a terminal gets plain text, unless FORCE_COLOR asks for colours."""
    assert (ESCAPE in shown(**variables)) is coloured

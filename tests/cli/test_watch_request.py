"""Options of a watch that cannot be meant are refused before anything is asked."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize("name", ["http://x/", "x:80", "x/y", "a b", "", ".", "a..b", "*", "[::1]", "-x", "a" * 64])
def test_a_web_name_is_a_host_name(specwatch: Command, workspace: Path, name: str) -> None:
    """A URL, a port or a wildcard would match no request, and nobody would know why."""
    finished = specwatch("watch", "--workspace", workspace, "--for", "1ms", f"--web-name={name}")

    assert finished.returncode == 2
    assert f"--web-name {name!r}: is no host name" in finished.stderr


@pytest.mark.parametrize("name", ["probes", "Probes.example.com", "probes.example.com.", "my_service", "10.0.0.1"])
def test_a_host_name_is_a_web_name(specwatch: Command, workspace: Path, name: str) -> None:
    """Names of services have no dots, or underscores, and that is fine."""
    finished = specwatch("watch", "--workspace", workspace, "--for", "x", f"--web-name={name}")

    assert "--web-name" not in finished.stderr

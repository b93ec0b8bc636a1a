"""`specwatch sandbox`: started as a process of its own, used, and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from specwatch.cli.sandbox import greeting
from specwatch.spec import load_api

Command = Callable[..., CompletedProcess[str]]

DROPPED = "example-api/listRegions/200/drop/count"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_it_is_stopped(specwatch: Command, workspace: Path, end: signal.Signals) -> None:
    """What it prints is enough to run a check against it; Ctrl-C ends it at once with 0."""
    command = [
        sys.executable,
        "-m",
        "specwatch",
        "sandbox",
        "--workspace",
        str(workspace),
        "--port",
        "0",
        "--fault",
        DROPPED,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        told: list[str] = []
        while "Ctrl-C stops it.\n" not in told:
            told.append(process.stdout.readline())
        url = told[0].split()[1]
        assert "".join(told) == (
            f"sandbox: {url} serves example-api\n"
            f"control: {url}/_sandbox/ shows and changes faults, worker speed and state\n"
            f"faults: {DROPPED}\n"
            "\nIn another terminal:\n\n"
            "  export EXAMPLE_API_TOKEN=specwatch-sandbox-account\n"
            f"  specwatch check --target {url} --allow create,consume,paid\n"
            f"  specwatch watch --target {url} --interval 5s\n"
            "\nCtrl-C stops it.\n"
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("EXAMPLE_API_TOKEN", "specwatch-sandbox-account")
            checked = specwatch("check", "--workspace", workspace, "--target", url)
        with urllib.request.urlopen(f"{url}/_sandbox/") as answer:  # noqa: S310 - our own sandbox
            state = json.load(answer)
        process.send_signal(end)
        code = process.wait(60)
        assert (code, process.stderr.read()) == (0, f"workspace: {workspace} (named by --workspace)\n")
    assert state["faults"] == [DROPPED]
    assert checked.returncode == 1
    assert "example-api/listRegions/200  broken promise" in checked.stdout


def test_port_in_use(specwatch: Command, workspace: Path) -> None:
    """A port that is taken is named with a way out."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finished = specwatch("sandbox", "--workspace", workspace, "--port", taken.getsockname()[1])
    assert finished.returncode == 2
    assert "cannot listen on 127.0.0.1 port" in finished.stderr
    assert "--port 0 takes a free one" in finished.stderr


def test_other_hosts_warn(specwatch: Command, workspace: Path) -> None:
    """An address that others can reach works only when it is named, and warns."""
    finished = specwatch("sandbox", "--workspace", workspace, "--host", "192.0.2.1")
    assert (
        "warning: 192.0.2.1 is no loopback address: whoever reaches this machine can use the sandbox\n"
        in finished.stderr
    )
    assert finished.returncode == 2


def test_a_variable_that_is_asked_later_is_told(workspace: Path) -> None:
    """Of two variables for one credential the first is printed, and the other one named beside it."""
    spec = workspace / "specs" / "example-api.yaml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("[EXAMPLE_API_TOKEN]", "[EXAMPLE_API_TOKEN, EXAMPLE_TOKEN]"), encoding="utf-8")

    lines = list(greeting("http://127.0.0.1:1", [load_api(spec)]))

    assert "  export EXAMPLE_API_TOKEN=specwatch-sandbox-account" in lines
    assert "EXAMPLE_TOKEN serves as well where EXAMPLE_API_TOKEN is not set." in lines


def test_faults_are_listed(specwatch: Command, workspace: Path) -> None:
    """--list-faults shows name, kind, level, the claim that it breaks, and what deviates."""
    finished = specwatch("sandbox", "--workspace", workspace, "--list-faults", "*/200/drop/count")
    assert (finished.returncode, finished.stdout) == (
        0,
        f"{DROPPED}  (derived, promise; breaks listRegions/200)\n    In a 200, count is missing.\n",
    )


def test_all_faults_are_listed_without_a_pattern(specwatch: Command, workspace: Path) -> None:
    """Without a pattern it lists faults and variations alike."""
    listed = specwatch("sandbox", "--workspace", workspace, "--list-faults").stdout
    assert DROPPED in listed
    assert "example-api/variation/extra-fields  (variation; allowed, must raise nothing)\n" in listed
    assert "allowed, must raise nothing" in listed
    assert os.linesep in listed

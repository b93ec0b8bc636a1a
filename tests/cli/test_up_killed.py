"""`specwatch up` that is killed: the system ends what it can, and the next one names what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.cli.up_scene import NAMES, TOKEN, stand_in, up
from tests.integration.processes import Processes, until
from tests.integration.prometheus import free_port

from specwatch.cli.up import leftovers
from specwatch.cli.up.child import LAUNCHER
from specwatch.cli.up.programs import Place
from specwatch.state.lockfile import LockFile

Command = Callable[..., CompletedProcess[str]]
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")


@needs_linux
def test_killed_leaves_nothing_running(tmp_path: Path, workspace: Path) -> None:
    """When it is killed with no chance to end anything, the system ends prober and programs; the next one starts."""
    stand_in(tmp_path / "home" / "bin", "prometheus")
    with Processes(tmp_path) as processes:
        scene = up(processes, tmp_path, "--workspace", workspace, SPECWATCH_WEB_TOKEN=TOKEN)
        scene.process.wait_for("Ctrl-C stops all of it")
        assert {each["name"] for each in recorded(scene.data)} == {"watch", "prometheus"}
        scene.process.send(signal.SIGKILL)
        scene.process.wait()
        until("nobody listens", lambda: not any(map(scene.answers, NAMES)))
        until("all are gone", lambda: not any(map(is_alive, recorded(scene.data))))
        assert (scene.data / "token").exists()
        again = up(processes, tmp_path, "--workspace", workspace)
        again.process.wait_for("Ctrl-C stops all of it")
        assert not (scene.data / "token").exists()
        again.process.send(signal.SIGTERM)
        assert again.process.wait() == 0
        assert not (scene.data / leftovers.RECORD).exists()


@needs_linux
def test_leftovers_are_named(
    tmp_path: Path, workspace: Path, specwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What survives is named by the next one with how to end it, not taken for Debian's; its token is removed."""
    binary = stand_in(tmp_path / "home" / "bin", "prometheus")
    binary.with_name("prometheus.stubborn").touch()
    monkeypatch.setenv("PATH", str(binary.parent))
    with Processes(tmp_path) as processes:
        scene = up(processes, tmp_path, "--workspace", workspace, SPECWATCH_WEB_TOKEN=TOKEN)
        scene.process.wait_for("Ctrl-C stops all of it")
        number, port = scene.started("prometheus")["id"], scene.ports["prometheus"]
        scene.process.send(signal.SIGKILL)
        scene.process.wait()
        try:
            until("the prober is gone", lambda: not is_alive(recorded(scene.data)[0]))
            options = ("--data", scene.data, f"--watch-port={free_port()}", f"--prometheus-port={port}")
            said = specwatch("up", "--workspace", workspace, *options)
            assert said.returncode == 2
            assert f"still runs: Prometheus (process {number}, port {port})" in said.stderr
            assert f"`kill {number}` ends them" in said.stderr
            assert "systemctl" not in said.stderr
            assert not (scene.data / "token").exists()
        finally:
            os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        '{"name": "watch"}',
        '[{"name": "watch"}]',
        '[{"name": "watch", "id": 1, "port": 1, "started": ""}]',
        '[{"name": "watch", "id": 99999999999999999999, "port": 1, "started": ""}]',
        '[{"name": "watch", "id": OURS, "port": 1, "started": "a time that it was not started at"}]',
    ],
)
def test_no_stranger_is_a_leftover(tmp_path: Path, text: str) -> None:
    """A note that is damaged, or about a process whose number another one has now, names nobody, and is removed."""
    (tmp_path / leftovers.RECORD).write_text(text.replace("OURS", str(os.getpid())), encoding="utf-8")
    assert leftovers.left_over(Place(tmp_path, dict.fromkeys(NAMES, 1))) == ()
    assert not (tmp_path / leftovers.RECORD).exists()


def test_notes_of_one_that_runs_stay(tmp_path: Path) -> None:
    """What another one that runs has noted is neither a leftover nor removed, nor is its token."""
    place = Place(tmp_path, dict.fromkeys(NAMES, 1))
    leftovers.record(place, [("watch", os.getpid())])
    place.token_file.touch()
    lock = LockFile(tmp_path / "lock", tmp_path)
    lock.acquire()
    assert leftovers.left_over(place) == ()
    assert place.token_file.exists()
    lock.release()
    assert [each.id for each in leftovers.left_over(place)] == [os.getpid()]
    assert not place.token_file.exists()


def recorded(data: Path) -> list[dict[str, Any]]:
    """What is noted to run."""
    found: list[dict[str, Any]] = json.loads((data / leftovers.RECORD).read_text(encoding="utf-8"))
    return found


def is_alive(noted: dict[str, Any]) -> bool:
    """Whether a process runs; one that nobody has buried does not."""
    try:
        return " Z " not in Path(f"/proc/{noted['id']}/stat").read_text(encoding="utf-8")
    except OSError:
        return False


@needs_linux
def test_launcher_becomes_the_program(tmp_path: Path) -> None:
    """A program that is not there is named; without the parent it was started by, nothing is started."""
    launch = (sys.executable, "-I", "-S", str(LAUNCHER))
    here, nobody = str(os.getpid()), "1"

    def run(*arguments: str) -> CompletedProcess[str]:
        return subprocess.run([*launch, *arguments], capture_output=True, text=True, check=False)

    assert run(here, "/bin/sh", "-c", "exit 5").returncode == 5
    lost = run(here, str(tmp_path / "none"))
    assert (lost.returncode, lost.stderr) == (127, f"{tmp_path / 'none'}: No such file or directory\n")
    assert run(nobody, "/bin/sh", "-c", "exit 5").returncode == 127

"""`specwatch watch` as a process: served, reloaded, stopped, and what it exits with."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Self

import httpx
import pytest
from tests.loopback import refused_port

from specwatch.state import SqliteStore

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]

DROPPED = "example-api/listRegions/200/drop/count"
PATIENCE = 50.0


@dataclass
class Process:
    """A watch in a process of its own, whose log is read as it comes."""

    arguments: tuple[str, ...]
    folder: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start it."""
        command = [sys.executable, "-m", "specwatch", "watch", *self.arguments]
        self._came = threading.Condition()
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.folder
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                entry = json.loads(line) if line.startswith("{") else {"event": "text", "message": line.rstrip()}
                with self._came:
                    self.lines.append(entry)
                    self._came.notify_all()

    def wait_for(self, event: str, after: int = 0) -> dict[str, Any]:
        """The first log entry of a kind, when it has come."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.lines[after:] if line["event"] == event), None)

        with self._came:
            assert self._came.wait_for(lambda: found() is not None, PATIENCE), self.lines
        entry = found()
        assert entry is not None
        return entry

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        answer = httpx.get(f"{self.wait_for('serving')['url']}{path}", timeout=PATIENCE)
        return answer.status_code, answer.text

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of a sample."""
        for line in self.get("/metrics")[1].splitlines():
            matched = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
            if matched and all(f'{key}="{value}"' in (matched[1] or "") for key, value in labels.items()):
                return float(matched[2])
        return None

    def until(self, true: Callable[[], object]) -> None:
        """Return when something is true of its pages."""
        begin = time.monotonic()
        pause = threading.Event()
        while not true():
            assert time.monotonic() - begin < PATIENCE, self.lines
            pause.wait(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Its exit code, when it has ended."""
        return self._process.wait(PATIENCE)


@pytest.fixture
def start(workspace: Path, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts watches of the workspace on the embedded sandbox, every probe once a second; ends them after the test."""
    with contextlib.ExitStack() as stack:

        def run(*arguments: str | Path) -> Process:
            given = ("--workspace", workspace, "--listen", "127.0.0.1:0", "--log-format", "json", *arguments)
            texts = tuple(str(argument) for argument in (*given, "--interval", "1s"))
            return stack.enter_context(Process(texts, tmp_path))

        yield run


unix = pytest.mark.skipif(os.name == "nt", reason="has no such signals")


@unix
def test_a_watch_serves_and_stops(start: Callable[..., Process]) -> None:
    """Ready, metrics with true values, a page, a probe by hand; SIGTERM ends it with 0 within seconds."""
    watch = start("--location", "here")
    assert watch.get("/-/healthy")[0] == watch.get("/-/ready")[0] == 200
    watch.until(lambda: watch.metric("specwatch_probe_runs_total", probe="example-regions", verdict="pass"))
    assert watch.metric("specwatch_probe_success", probe="example-regions", location="here") == 1
    assert watch.metric("specwatch_probe_runs_total", probe="example-regions", verdict="fail") == 0
    assert watch.metric("specwatch_responses_total", operation="listRegions", status="200") in {1, 2, 3, 4, 5}
    status, page = watch.get("/")
    assert (status, "example-regions" in page, "here" in page) == (200, True, True)
    assert 'probe_success{location="here"} 1.0' in watch.get("/probe?probe=example-regions")[1]
    assert watch.get("/probe?probe=example-region")[0] == 404

    watch.signal(signal.SIGTERM)
    assert watch.exit_code() == 0
    assert watch.lines[0]["event"] == "workspace"
    assert watch.lines[-1]["event"] == "stopped"
    assert "text" not in {line["event"] for line in watch.lines}


@unix
def test_a_watch_reads_its_files_again(start: Callable[..., Process], workspace: Path, edit: Edit) -> None:
    """SIGHUP: right files are swapped, wrong ones refused with file and line, and mended ones taken again."""
    watch = start()
    schedule = workspace / "probes" / "schedule.yaml"
    watch.until(lambda: watch.metric("specwatch_probe_runs_total", probe="example-regions", verdict="pass"))

    edit(schedule, "example-bad-token:", "example-other:")
    watch.signal(signal.SIGHUP)
    watch.wait_for("reloaded")
    watch.until(lambda: watch.metric("specwatch_probe_runs_total", probe="example-other", verdict="pass"))
    assert watch.metric("specwatch_probe_runs_total", probe="example-bad-token", verdict="pass") is None

    line = edit(
        schedule,
        "example-other:\n    workflow: example-api/bad-token",
        "example-other:\n    workflow: example-api/bd-token",
    )
    watch.signal(signal.SIGHUP)
    watch.wait_for("reload_failed")
    problem = watch.wait_for("problem")["message"]
    assert f"schedule.yaml:{line + 1}" in problem
    assert "bad-token" in problem
    assert watch.metric("specwatch_config_last_reload_successful") == 0
    assert "the one before it is in use" in watch.get("/")[1]
    before = watch.metric("specwatch_probe_runs_total", probe="example-other", verdict="pass") or 0
    watch.until(
        lambda: (watch.metric("specwatch_probe_runs_total", probe="example-other", verdict="pass") or 0) > before
    )

    edit(schedule, "bd-token", "bad-token")
    after = len(watch.lines)
    watch.signal(signal.SIGHUP)
    watch.wait_for("reloaded", after)
    assert watch.metric("specwatch_config_last_reload_successful") == 1
    watch.signal(signal.SIGINT)
    assert watch.exit_code() == 0


@unix
def test_no_tick_is_missed_by_reloads(start: Callable[..., Process]) -> None:
    """However often the files are read again, several times a second, an unchanged probe goes on running."""
    watch = start()
    watch.wait_for("serving")

    def has_run_again() -> bool:
        watch.signal(signal.SIGHUP)
        threading.Event().wait(0.1)
        return (watch.metric("specwatch_probe_runs_total", probe="example-regions", verdict="pass") or 0) >= 3

    watch.until(has_run_again)
    assert len([line for line in watch.lines if line["event"] == "reloaded"]) >= 3
    watch.signal(signal.SIGTERM)
    assert watch.exit_code() == 0


def run_for(specwatch: Command, workspace: Path, *more: str | Path) -> CompletedProcess[str]:
    """A watch of some seconds, in this process."""
    options = ("--workspace", workspace, "--listen", "127.0.0.1:0", "--for", "1500ms", *more)
    return specwatch("watch", *options)


def test_all_probes_passing_is_0(specwatch: Command, workspace: Path) -> None:
    """With --for it sums up: runs, verdicts, and how each probe stands."""
    finished = run_for(specwatch, workspace, "--interval", "1s")
    assert finished.returncode == 0
    assert re.search(r"✓ +example-regions +[12] +[\d.]+ m?s", finished.stderr)
    assert re.search(r"✓ pass  \d runs of 2 probes", finished.stderr)


def test_a_probe_failing_is_1(specwatch: Command, workspace: Path) -> None:
    """And the log says why, both looks."""
    finished = run_for(specwatch, workspace, "--interval", "1s", "--fault", DROPPED)
    assert finished.returncode == 1
    assert "verdict=fail reason=contract" in finished.stderr
    assert 'next="looks again at once"' in finished.stderr
    assert re.search(r"✗ +example-regions", finished.stderr)


def test_a_probe_that_could_not_be_established_is_3(specwatch: Command, workspace: Path, edit: Edit) -> None:
    """A missing credential is visible, and keeps nothing from running."""
    edit(workspace / "probes" / "schedule.yaml", "interval: 5m", "interval: 1s")
    edit(workspace / "probes" / "schedule.yaml", "failing-interval: 1m", "failing-interval: 1s")
    edit(workspace / "probes" / "schedule.yaml", "requests: 1000", "requests: 1000000")
    finished = run_for(specwatch, workspace, "--target", f"http://127.0.0.1:{refused_port()}")
    assert finished.returncode == 3
    assert "EXAMPLE_API_TOKEN is not set" in finished.stderr


def test_what_could_not_be_written_is_3(specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All probes pass, but what they found is gone: the last line is an error with how much, and says nothing else."""
    monkeypatch.setattr(SqliteStore, "lost", 1234, raising=False)
    finished = run_for(specwatch, workspace, "--interval", "1s")
    assert finished.returncode == 3
    assert "error   stopped lost=1234 stopped; 1,234 could not be written" in finished.stderr
    assert "all that ran is written" not in finished.stderr
    failing = run_for(specwatch, workspace, "--interval", "1s", "--fault", DROPPED)
    assert failing.returncode == 1


def test_a_watch_in_which_nothing_ran_is_3(specwatch: Command, workspace: Path, edit: Edit) -> None:
    """Nobody knows how the target is."""
    edit(workspace / "probes" / "schedule.yaml", "interval: 5m", "interval: 30d")
    edit(workspace / "probes" / "schedule.yaml", "interval: 1h", "interval: 30d")
    finished = run_for(specwatch, workspace)
    assert finished.returncode == 3
    assert "not due: it runs every" in finished.stderr


def test_a_port_in_use_is_said(specwatch: Command, workspace: Path) -> None:
    """2, and how to have another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        finished = specwatch("watch", "--workspace", workspace, "--listen", place)
    assert finished.returncode == 2
    assert f"--listen {place}: cannot listen there: Address already in use" in finished.stderr
    assert "port 0 takes a free one" in finished.stderr


def test_all_wrong_options_are_said_at_once(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """2, one problem for each, with what would be right."""
    wrong = {
        "--for": "soon",
        "--interval": "0s",
        "--listen": "nowhere",
        "--location": "not a name",
        "--log-format": "jsn",
        "--resolve": "x",
        "--ca": str(tmp_path / "no.pem"),
        "--web-key": "key.pem",
        "--api": "exmaple-api",
        "--target": "ftp://x",
    }
    finished = specwatch("watch", "--workspace", workspace, *(text for pair in wrong.items() for text in pair))
    assert finished.returncode == 2
    for option in wrong:
        expected = "no.pem" if option == "--ca" else option
        assert f"error: {expected}" in finished.stderr or f"{expected}" in finished.stderr, option
    assert "did you mean json?" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_an_interval_is_for_the_sandbox_only(specwatch: Command, workspace: Path) -> None:
    """No option may ask somebody's server at a pace that no schedule names."""
    finished = specwatch("watch", "--workspace", workspace, "--target", "live", "--interval", "1s")
    assert finished.returncode == 2
    assert "change probes/schedule.yaml instead" in finished.stderr


def test_a_state_that_cannot_be_written_is_said(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """2, and nothing runs."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    finished = run_for(specwatch, workspace, "--state", tmp_path / "file" / "state.sqlite")
    assert finished.returncode == 2
    assert "its folder cannot be made" in finished.stderr


def test_a_workspace_without_a_schedule_is_said(specwatch: Command, workspace: Path) -> None:
    """2, and where one comes from."""
    (workspace / "probes" / "schedule.yaml").unlink()
    finished = run_for(specwatch, workspace)
    assert finished.returncode == 2
    assert "schedule.yaml: does not exist" in finished.stderr
    assert "specwatch init" in finished.stderr


def test_wrong_files_are_said_at_once(specwatch: Command, workspace: Path, edit: Edit) -> None:
    """2: every problem of schedule and workflows with its line."""
    schedule, workflows = workspace / "probes" / "schedule.yaml", workspace / "probes" / "example-api.arazzo.yaml"
    lines = [edit(schedule, "interval: 5m", "interval: often"), edit(schedule, "confirm: 2", "confirms: 2")]
    place = edit(workflows, "$statusCode == 401", "$statusCod == 401")
    finished = run_for(specwatch, workspace)
    assert finished.returncode == 2
    assert f"{workflows}:{place}" in finished.stderr
    assert all(f"{schedule}:{line}" in finished.stderr for line in lines) or "arazzo" in finished.stderr

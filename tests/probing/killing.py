"""A watch that is killed at moments that the server decides: a recording proxy, a process, a look into its state."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
CREDENTIALS = {
    "EXAROUTES_CLIENT_ID": "specwatch-sandbox-account",
    "EXAROUTES_API_KEY": "specwatch-sandbox-account",
}
SCHEDULE = """
version: 1
defaults: {interval: 1s, deadline: 60s, confirm: 1}
probes:
  trip:
    workflow: exaroutes-bulk/round-trip
    allow: [create, consume]
"""
PATIENCE = 60.0


def make_workspace(folder: Path) -> Path:
    """A workspace whose one probe makes a batch every second, and does not wait long for it."""
    for name in ("specs/exaroutes-bulk.yaml", "specwatch.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "probes").mkdir()
    text = (ROOT / "probes" / "exaroutes-bulk.arazzo.yaml").read_text(encoding="utf-8")
    text = text.replace("retryAfter: 2\n            retryLimit: 1\n", "retryAfter: 0.2\n            retryLimit: 200\n")
    (folder / "probes" / "exaroutes-bulk.arazzo.yaml").write_text(text, encoding="utf-8")
    (folder / "probes" / "schedule.yaml").write_text(SCHEDULE, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Passed:
    """A request that went through the proxy.

    Args:
        kind: `submit`, `status` or `result`.
        batch: its id, for a submission as the answer has it.
        status: of the answer; 0 where the server was not asked.
        told: whether the whole answer was handed to the client.
        body: of the answer.
    """

    kind: str
    batch: str
    status: int = 0
    told: bool = False
    body: bytes = b""


@dataclass
class Gate:
    """The moment at which somebody is to be told, once.

    Args:
        kind: of the request.
        moment: `asked` before the server is asked, `done` before its answer is handed on, `half` in the middle of
            that, `told` after it.
        status: that the answer has, or 0 for any.
    """

    kind: str
    moment: str
    status: int = 0
    then: Callable[[Passed], None] = lambda _passed: None
    reached: threading.Event = field(default_factory=threading.Event)


class Proxy:
    """Passes requests on to a server, remembers them, and stops at the gate."""

    def __init__(self, target: str) -> None:
        self._target = (urlsplit(target).hostname, urlsplit(target).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.passed: list[Passed] = []
        self.gate: Gate | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def of(self, kind: str, status: int = 0) -> list[Passed]:
        """The requests of a kind whose answer had that status."""
        return [each for each in self.passed if each.kind == kind and status in {0, each.status}]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            request = read_message(client)
            if request:
                self._pass(client, request)

    def _pass(self, client: socket.socket, request: bytes) -> None:
        method, path, *_ = request.split(b"\r\n", 1)[0].decode().split()
        kind = "submit" if method == "POST" else "result" if path.endswith("/result") else "status"
        passed = Passed(kind, "" if kind == "submit" else path.split("/")[4])
        position = self._note(passed)
        if self._stopped("asked", passed):
            return
        answer = self._ask(request)
        head, _, body = answer.partition(b"\r\n\r\n")
        batch = passed.batch or body.decode().strip('"')
        passed = Passed(kind, batch, int(head.split()[1]), body=body)
        self._note(passed, position)
        if self._stopped("done", passed):
            return
        client.sendall(answer[: len(answer) // 2])
        if self._stopped("half", passed):
            return
        client.sendall(answer[len(answer) // 2 :])
        passed = Passed(kind, batch, passed.status, told=True, body=body)
        self._note(passed, position)
        self._stopped("told", passed)

    def _note(self, passed: Passed, position: int | None = None) -> int:
        with self._lock:
            if position is None:
                self.passed.append(passed)
                return len(self.passed) - 1
            self.passed[position] = passed
            return position

    def _stopped(self, moment: str, passed: Passed) -> bool:
        with self._lock:
            gate = self.gate
            if (
                gate is None
                or (gate.kind, gate.moment) != (passed.kind, moment)
                or gate.status not in {0, passed.status}
            ):
                return False
            self.gate = None
        gate.then(passed)
        gate.reached.set()
        return True

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection(self._target, timeout=PATIENCE) as server:
            server.sendall(request)
            return read_message(server)


@dataclass
class Watching:
    """A watch in a process of its own.

    Args:
        workspace: what it runs.
        state: its state file.
        target: where it sends to.
    """

    workspace: Path
    state: Path
    target: str
    process: subprocess.Popen[str] | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)

    def start(self) -> None:
        """Start it, and return at once."""
        options = ["--state", str(self.state), "--listen", "127.0.0.1:0", "--log-format", "json"]
        command = [sys.executable, "-m", "specwatch", "watch", "--target", self.target, *options]
        environment = {**os.environ, **CREDENTIALS}
        self.process = subprocess.Popen(
            [*command, "--workspace", str(self.workspace)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env=environment,
            cwd=self.state.parent,
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                self.lines.append(json.loads(line) if line.startswith("{") else {"event": "text", "message": line})

    def kill(self) -> None:
        """Kill it, and return when it is gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        """Ask it to stop; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def rows(state: Path, query: str) -> list[tuple[Any, ...]]:
    """What the state file holds; nothing while there is none."""
    if not state.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=10)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def wait_for(true: Callable[[], object], what: str) -> None:
    """Return when something is true.

    Raises:
        AssertionError: it was not within a minute.
    """
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.005)):
        if true():
            return
        pause.wait(0.005)
    raise AssertionError(what)


def read_message(peer: socket.socket) -> bytes:
    """A request or an answer with its announced body; what came until then where the peer hangs up."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = peer.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while missing > 0 and (piece := peer.recv(65536)):
        data, missing = data + piece, missing - len(piece)
    return data


@contextlib.contextmanager
def proxied(target: str) -> Iterator[Proxy]:
    """A proxy for as long as the block lasts."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()

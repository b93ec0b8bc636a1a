"""What the benchmarks of probing share: processes that are stopped whatever happens, and what /proc says of them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self
from urllib.request import urlopen

import trustme

ROOT: Final = Path(__file__).resolve().parents[2]
BLACKBOX: Final = "prometheus-blackbox-exporter"
PROMETHEUS: Final = "prometheus"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

Core = int | None


class Child:
    """A process of ours. It is stopped when the block ends, by its id.

    Args:
        command: its command line.
        core: the only core that it may use; None for all.
        talks: whether it speaks the lines of `benchmarks.probing.line`: JSON once it is ready, and per question.
    """

    def __init__(self, command: Sequence[str], core: Core = None, *, talks: bool = True) -> None:
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        self._talks = talks
        self._process = subprocess.Popen(
            [*pinned, *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if talks else subprocess.DEVNULL,
            stderr=None if talks else subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the benchmark, which then stops its children one by one
        )
        self.pid = self._process.pid
        try:
            self.hello: dict[str, Any] = self._read() if talks else {}
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def ask(self, question: str) -> dict[str, Any]:
        """The answer to a question."""
        if self._process.stdin is None:
            raise RuntimeError("this process cannot be asked")
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return self._read()

    def stop(self) -> None:
        """End the process: by the end of its input where it listens to that, else by a signal."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if not self._talks:
            self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise RuntimeError(f"{self._process.args!r} has gone")
        found: dict[str, Any] = json.loads(line)
        return found


@contextlib.contextmanager
def bench() -> Iterator[Path]:
    """A folder for a benchmark. SIGTERM ends the block as Ctrl-C does, so that all children are stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with TemporaryDirectory(prefix="probing-") as folder:
        try:
            yield Path(folder)
        except KeyboardInterrupt:
            sys.exit(130)


def python(module: str, work: Mapping[str, object]) -> list[str]:
    """The command line of one of our own processes."""
    return [sys.executable, "-m", f"benchmarks.probing.{module}", json.dumps(work)]


def target(core: Core = None, *, delay: float = 0.0, pair: Path | None = None) -> Child:
    """The server that is probed; its answer is there after `delay` seconds."""
    work = {"delay": delay, "pair": str(pair or "")}
    return Child(python("target", work), core)


@dataclass(frozen=True)
class Certificates:
    """Files in PEM.

    Args:
        authority: what has to be trusted.
        pair: certificate of 127.0.0.1 with its key.
    """

    authority: Path
    pair: Path


def certificates(folder: Path) -> Certificates:
    """An authority and a certificate of 127.0.0.1 by it: ECDSA with P-256."""
    authority = trustme.CA()
    made = Certificates(folder / "authority.pem", folder / "pair.pem")
    authority.cert_pem.write_to_path(str(made.authority))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(made.pair))
    return made


@contextlib.contextmanager
def blackbox(folder: Path, authority: Path | None = None, core: Core = None) -> Iterator[tuple[Child, int]]:
    """The blackbox exporter and its port. Its module wants a 2xx, sends our key, and looks at no body."""
    module: dict[str, object] = {"preferred_ip_protocol": "ip4", "headers": {"x-api-key": "key-of-the-benchmark"}}
    if authority is not None:
        module["tls_config"] = {"ca_file": str(authority)}
    config = folder / "blackbox.json"  # which is YAML, too
    config.write_text(json.dumps({"modules": {"ok": {"prober": "http", "timeout": "5s", "http": module}}}))
    port = free_port()
    command = [BLACKBOX, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with Child(command, core, talks=False) as child:
        wait_for(f"http://127.0.0.1:{port}/-/healthy")
        yield child, port


def wait_for(url: str, seconds: float = 20.0) -> None:
    """Return when something answers there."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urlopen(url, timeout=1):  # noqa: S310 - http on loopback
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def scrape(url: str, seconds: float = 10.0) -> list[str] | None:
    """The lines of `/metrics` below a base URL; None where they did not come in time, as Prometheus would have it."""
    try:
        with urlopen(f"{url}/metrics", timeout=seconds) as answer:  # noqa: S310 - http on loopback
            text: str = answer.read().decode()
    except TimeoutError:
        return None
    return text.splitlines()


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, in user and kernel mode (proc(5), `stat`, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> float:
    """MB that a process has in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6


def peak_memory(pid: int) -> float:
    """The most MB that a process ever had in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; not a number where there is none."""
    ordered = sorted(values)
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1] if ordered else math.nan


def headline() -> str:
    """Date, machine and versions: what figures have to be read with."""
    total = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    mine = ", ".join(f"{name} {version(name)}" for name in ("specwatch", "httpx", "uvloop"))
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {total:.0f} GB, Python {platform.python_version()}, "
        f"{mine}, {program_version(BLACKBOX)}; load before: {load:.1f}"
    )


def program_version(program: str) -> str:
    """Name and version of a Go program of Prometheus's family."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    except OSError:
        return f"{program} missing"
    words = (done.stdout or done.stderr).split()
    return f"{words[0].rstrip(',')} {words[2].rstrip(',')}"

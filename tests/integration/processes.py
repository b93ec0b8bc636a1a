"""What integration tests share: real processes that end with the test, and conditions that are waited for."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds after which a condition is taken for one that never comes true; the machine may be busy with other tests."""

LOOK_EVERY = 0.05


def until(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """The first result of `look` that is neither None nor false nor empty.

    Raises:
        AssertionError: there is none in time; it tells the last result.
    """
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not so within {patience:g} s; at last {found!r}")
        pause.wait(LOOK_EVERY)
    return found


class Process:
    """A process whose output goes to two files, and which is stopped by its id.

    Args:
        arguments: the command line.
        folder: where it runs.
        name: of the files that take its output, `NAME.out` and `NAME.err`.
        output: the folder of these files.
        environment: all of it.
    """

    def __init__(
        self, arguments: Sequence[str | Path], *, folder: Path, name: str, output: Path, environment: Mapping[str, str]
    ) -> None:
        self.out, self.err = output / f"{name}.out", output / f"{name}.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self._process = subprocess.Popen(
                [str(argument) for argument in arguments],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def id(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._process.poll() is not None

    def said(self) -> str:
        """All that it has written."""
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in (self.out, self.err))

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first place in its output that the pattern matches."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.said())
            assert found or not self.ended, f"ended with {self._process.returncode}: {self.said()}"
            return found

        return until(f"{pattern!r} in {self.err.name}", look)

    def send(self, what: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(what)

    def wait(self, patience: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(patience)

    def stop(self) -> int:
        """End it, kindly at first."""
        if not self.ended:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class Processes(ExitStack):
    """Starts processes that end with the block, whatever happens in it.

    Args:
        folder: where they run.
        output: where what they say goes.
    """

    def __init__(self, folder: Path, output: Path | None = None) -> None:
        super().__init__()
        self._folder = folder
        self._output = output or folder
        self._output.mkdir(parents=True, exist_ok=True)

    def start(
        self, arguments: Sequence[str | Path], name: str, environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start a process.

        Args:
            arguments: its command line.
            name: of its output.
            environment: what it gets beyond the path.
        """
        process = Process(
            arguments,
            folder=self._folder,
            name=name,
            output=self._output,
            environment={"PATH": os.environ["PATH"], "COLUMNS": "300", "NO_COLOR": "1", **(environment or {})},
        )
        self.callback(process.stop)
        return process

    def specwatch(self, *arguments: str | Path, name: str, environment: Mapping[str, str] | None = None) -> Process:
        """Start `specwatch` with these arguments."""
        return self.start([sys.executable, "-m", "specwatch", *arguments], name, environment)


def url_of(process: Process, pattern: str = r"url=\"?(http[^ \"]+)") -> str:
    """Where a process serves, once it says so."""
    return process.wait_for(pattern)[1]


def copied_workspace(folder: Path) -> Path:
    """The workspace of this repository in a folder of its own, with neither contracts nor schedule."""
    for part in ("specs", "sandbox", "probes"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "specwatch.yaml", folder)
    (folder / "probes" / "schedule.yaml").unlink()
    return folder


@contextmanager
def stopped(process: Process) -> Iterator[None]:
    """Let a process stand still for as long as the block lasts."""
    process.send(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send(signal.SIGCONT)

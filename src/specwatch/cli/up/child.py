"""A program that runs: its log, whether it answers, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from specwatch.cli.up.programs import Program

TAIL_BYTES: Final = 8192
TAIL_LINES: Final = 8
ANSWER_SECONDS: Final = 2.0
LAUNCHER: Final = Path(__file__).with_name("launch.py")


class Child:
    """A program in a process group of its own, so that a Ctrl-C reaches it through us only, and its children with it.

    On Linux it is asked to end when we end without a word; elsewhere it stays, and `leftovers` names it.

    Args:
        program: what to start.
        log: the file that takes what it says; written anew.
        token: the bearer token that it may ask for.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, program: Program, log: Path, token: str = "") -> None:
        self.program = program
        self.log = log
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        with log.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 - found on PATH, with arguments of ours
                _tied(program.arguments),
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def id(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; below 0 the signal that ended it; None while it runs."""
        return self._process.poll()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.code is not None

    def answers(self) -> bool:
        """Whether it is ready."""
        try:
            url = f"{self.program.url}{self.program.ready}"
            answer = httpx.get(url, headers=self._headers, timeout=ANSWER_SECONDS, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def last_lines(self) -> list[str]:
        """The end of its log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                return file.read().decode("utf-8", "replace").splitlines()[-TAIL_LINES:]
        except OSError:
            return []

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and whatever is left of its process group."""
        self._send(getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.wait()

    def _send(self, what: int) -> None:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, of a group that has ended
                os.killpg(self._process.pid, what)
        elif self.code is None:
            self._process.terminate()


def _tied(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The command line, tied to our own life where the system can do that."""
    # -I -S: the environment is the program's, and nothing of it changes what the launcher imports
    launcher = (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()))
    return (*launcher, *arguments) if sys.platform == "linux" else arguments

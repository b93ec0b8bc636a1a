"""One process per state file: a lock that the operating system takes back when its process ends, however it ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from specwatch.errors import Problem, UsageError

FAR_OFF = 1 << 30
"""Where the byte lies that is locked on Windows: locks are mandatory there, and the process id must stay readable."""


class LockFile:
    """An exclusive lock on a file beside the state file. The file itself stays, since removing it would race.

    Args:
        path: of the lock file.
        state: the state file that it stands for, to name in errors.
    """

    def __init__(self, path: Path, state: Path) -> None:
        self._path = path
        self._state = state
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock and leave our process id in the file.

        Raises:
            UsageError: another process has it; the error says which.
            OSError: the file cannot be created.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock(descriptor)
        except OSError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise UsageError(
                Problem(
                    where=str(self._state),
                    found=f"{holder} is using this state file",
                    expected="one specwatch per state file",
                    mend="stop that process, or name another file with --state",
                )
            ) from None
        self._descriptor = descriptor
        # On a full disk the lock holds all the same; only the number is missing.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    return f"process {text}" if text.isdigit() else "another process"


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, FAR_OFF, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

"""One process per state file: a lock that the operating system takes back when its process ends, however it ends."""

from __future__ import annotations

import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path

from specwatch.errors import Problem, UsageError

CONTENT = re.compile(r"(\d+)( specwatch)?\n?")
"""Whose the lock is. Only one that carries our name shows that what lies beside it is ours."""

FAR_OFF = 1 << 30
"""Where the byte lies that is locked on Windows: locks are mandatory there, and the process id must stay readable."""


def is_lock_of_ours(path: Path) -> bool:
    """Whether a specwatch once locked this file, whether or not it still does."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            content = CONTENT.fullmatch(file.read(64).decode("ascii", "replace"))
    except OSError:
        return False
    return content is not None and content[2] is not None


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
        """Take the lock and leave our process id in the file; nothing happens while it is `held`.

        Raises:
            UsageError: another process has it, and the error says which; or the file is no lock, and is left alone.
            OSError: the file cannot be created.
        """
        if self.held:
            return
        self.release()
        self._descriptor = self._locked()
        # On a full disk the lock holds all the same; only the number is missing.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()} specwatch\n".encode(), 0)

    @property
    def held(self) -> bool:
        """Whether we have the lock, and others who look for it find that very file."""
        if self._descriptor is None:
            return False
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # it cannot be told, and nothing could be done about it
            return True
        return os.path.samestat(found, os.fstat(self._descriptor))

    def _locked(self) -> int:
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
        if not _may_be_written_over(descriptor):
            os.close(descriptor)
            raise UsageError(
                Problem(
                    where=str(self._path),
                    found="this file of another program lies where the lock of the state file has to be",
                    expected="a name of a state file whose lock is free",
                    mend="name another file with --state; nothing was changed",
                )
            )
        return descriptor

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _content(descriptor: int) -> str:
    return os.pread(descriptor, 64, 0).decode("ascii", "replace")


def _holder(descriptor: int) -> str:
    content = CONTENT.fullmatch(_content(descriptor))
    return f"process {content[1]}" if content else "another process"


def _may_be_written_over(descriptor: int) -> bool:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    content = _content(descriptor)
    return not content or CONTENT.fullmatch(content) is not None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, FAR_OFF, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

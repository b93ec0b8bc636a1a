"""Text files of a workspace, read only where reading them is certain to end."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Final

from specwatch.errors import Problem, WorkspaceError

MAX_BYTES: Final = 16 * 1024 * 1024
"""A file that is larger is not read."""

_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFSOCK: "a socket",
}


def read_text(path: Path) -> str:
    """The text of a file, its lines ended by line feeds.

    Raises:
        WorkspaceError: the file is missing, unreadable, no regular file, larger than `MAX_BYTES`, or not UTF-8.
    """
    try:
        data = _read(path)
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is not UTF-8"
        raise WorkspaceError(Problem(str(path), found, "text in UTF-8", "save the file as UTF-8")) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WorkspaceError(Problem(str(path), f"cannot be read: {reason}", "a readable YAML file")) from error
    return io.IncrementalNewlineDecoder(None, translate=True).decode(text, final=True)


def _read(path: Path) -> bytes:
    with os.fdopen(_opened(path), "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:  # it grew, or is of a kind whose size is told as 0
        raise _too_large(path)
    return data


def _opened(path: Path) -> int:
    # Without O_NONBLOCK, opening a FIFO would wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _check(path, os.fstat(descriptor))
    except WorkspaceError:
        os.close(descriptor)
        raise
    return descriptor


def _check(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        found = f"is {_KINDS.get(stat.S_IFMT(facts.st_mode), 'something else')}, and no file"
        raise WorkspaceError(Problem(str(path), found, "a YAML file"))
    if facts.st_size > MAX_BYTES:
        raise _too_large(path)


def _too_large(path: Path) -> WorkspaceError:
    return WorkspaceError(Problem(str(path), "is too large", f"{MAX_BYTES // 1024**2} MiB at most"))

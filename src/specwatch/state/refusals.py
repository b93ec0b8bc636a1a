"""What is no place for a state file, and is left as it is; and how that is said."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from specwatch.errors import Problem, UsageError
from specwatch.state.lockfile import is_lock_of_ours
from specwatch.state.schema import VERSION

MAGIC = b"SQLite format 3\0"
"""How every database begins (https://www.sqlite.org/fileformat2.html, section 1.3)."""

WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
"""How every write-ahead log begins (https://www.sqlite.org/fileformat2.html, section 4.1)."""

ANOTHER = "name another file with --state; nothing was changed"
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def resolved(path: Path) -> Path:
    """The file that a path means, through every symbolic link; a loop of them is left to fail on its first use."""
    return Path(os.path.realpath(path))


def beside(path: Path, ending: str) -> Path:
    """The file of that name with something appended."""
    return path.with_name(path.name + ending)


def begins_like_a_database(path: Path) -> bool:
    """Whether a file begins with the header of SQLite.

    Raises:
        OSError: it cannot be read.
    """
    return _beginning(path, len(MAGIC)) == MAGIC


def refuse_what_is_not_ours(path: Path) -> None:
    """Return where a state file may be begun or gone on with. Creates and changes nothing.

    What begins like a database is looked into later. Anything else in a file is somebody's, unless what lies beside it
    shows that it was a state file: then it is a broken one.

    Raises:
        UsageError: it is something else than a file, or a file with other content.
        OSError: it cannot be looked at.
    """
    try:
        about = path.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(about.st_mode):
        raise _no_file(path, next((name for test, name in KINDS if test(about.st_mode)), "something else"))
    # The companions first: closing the database file takes SQLite's locks from a connection in this very process
    # (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    if about.st_size and not _has_companion(path) and not begins_like_a_database(path):
        raise _no_database(path)


def _has_companion(path: Path) -> bool:
    if is_lock_of_ours(beside(path, ".lock")):
        return True
    log = beside(path, "-wal")
    try:
        return log.is_file() and _beginning(log, len(WAL_MAGIC[0])) in WAL_MAGIC
    except OSError:
        return False


def _beginning(path: Path, length: int) -> bytes:
    with path.open("rb") as file:
        return file.read(length)


def _no_file(path: Path, kind: str) -> UsageError:
    return UsageError(Problem(str(path), f"this is {kind}", "a file, or a name that is free", ANOTHER))


def _no_database(path: Path) -> UsageError:
    found = "this file is no state file of specwatch: it does not begin like a SQLite database"
    return UsageError(Problem(str(path), found, "a state file of specwatch, or a new name", ANOTHER))


def foreign(path: Path) -> UsageError:
    """A database without any of our tables."""
    found = "this is a database of another program"
    return UsageError(Problem(str(path), found, "a state file of specwatch, or a new name", ANOTHER))


def newer(path: Path, version: int) -> UsageError:
    """A state file of a version that we do not know."""
    return UsageError(
        Problem(
            where=str(path),
            found=f"the state file has version {version}",
            expected=f"at most version {VERSION}, the newest that this specwatch knows",
            mend="start the newer specwatch that wrote it, or name another file with --state; nothing was changed",
        )
    )


def held(path: Path) -> UsageError:
    """A state file on which some program holds SQLite's own lock."""
    return UsageError(
        Problem(
            where=str(path),
            found="another program holds a lock on this state file",
            mend="close that program, or name another file with --state",
        )
    )


def cannot_write(path: Path, error: OSError) -> UsageError:
    """A place where the operating system lets nothing be written."""
    return UsageError(
        Problem(
            where=str(path),
            found=f"the state file cannot be written there: {error.strerror}",
            expected="a file in a folder that this user can write",
            mend="name another file with --state, or mend the permissions",
        )
    )

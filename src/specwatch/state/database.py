"""The state file: opened, looked through, locked, and set aside where it is broken. Used by one thread only."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from specwatch.errors import UsageError
from specwatch.probing.ports import Job
from specwatch.state import queries
from specwatch.state.limits import MIB, HistoryLimits, Pace
from specwatch.state.lockfile import LockFile
from specwatch.state.refusals import (
    begins_like_a_database,
    beside,
    cannot_write,
    foreign,
    held,
    newer,
    refuse_what_is_not_ours,
)
from specwatch.state.rows import Document
from specwatch.state.schema import TABLES, VERSION, as_expected, migrate, tables_of, version_of

QUICK_FROM = 64 * MIB
"""Files from this size on get the quick check on opening: it looks at everything but the order of indexes."""

PAGE_BYTES = 4096
SMALLEST_FILE = 512
"""Bytes of the smallest page (https://www.sqlite.org/fileformat2.html, section 1.3)."""

WAL_BYTES = 4 * MIB

ERROR_CODES = {"locked": {5, 6}, "broken": {11, 26}, "full": {7, 10, 13, 14}}
"""Primary result codes: BUSY, LOCKED; CORRUPT, NOTADB; NOMEM, IOERR, FULL, CANTOPEN
(https://www.sqlite.org/rescode.html)."""

OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EMFILE, errno.ENFILE}


class BrokenError(Exception):
    """The file is no whole database of ours."""


@dataclass(slots=True)
class Loaded:
    """What was found on opening.

    Args:
        memories: by kind and key.
        jobs: the open ones.
        salvaged: whether that comes out of a broken file, so that it has to be written again.
        trouble: what went wrong, or empty.
    """

    memories: dict[tuple[str, str], Document] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    salvaged: bool = False
    trouble: str = ""


def is_kind(error: Exception, kind: str) -> bool:
    """Whether an error of SQLite is of a kind of `ERROR_CODES`."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in ERROR_CODES[kind]


class Database:
    """The connection to the state file.

    Args:
        path: of the file, without symbolic links; None for one in memory.
    """

    def __init__(self, path: Path | None, limits: HistoryLimits, pace: Pace) -> None:
        self._path = path
        self._limits = limits
        self._pace = pace
        self._connection: sqlite3.Connection | None = None
        self._lock = LockFile(beside(path, ".lock"), path) if path else None
        self._identity: tuple[int, int] | None = None
        self._another = False  # whether there is a new file that lacks what the old one held

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection.

        Raises:
            sqlite3.OperationalError: the file could not be opened so far.
        """
        if self._connection is None:
            raise sqlite3.OperationalError("the state file could not be opened")
        return self._connection

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction; a durable one is on the disk itself when it ends, not only with the operating system."""
        connection = self.connection
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.rollback()
            raise

    # ---------------------------------------------------------------------------------------------------- opening

    def open(self, now: float) -> Loaded:
        """Open the file and load what is in it; a broken one is set aside, and what can be read of it is taken along.

        Raises:
            UsageError: of a newer version, somebody else's, no file, in use, or where nothing can be written.
        """
        if self._path is None:
            self._connection = self._connect(":memory:")
            migrate(self._connection)
            return Loaded()
        try:
            self._prepare(self._path)
            return self._load_or_begin_anew(self._path, now)
        except (UsageError, OSError) as error:
            self.close()
            if isinstance(error, OSError) and error.errno not in OUT_OF_SPACE:
                raise cannot_write(self._path, error) from None
            if isinstance(error, OSError):
                return Loaded(trouble=f"{self._path} cannot be opened: {error.strerror}; the state is in memory only")
            raise

    def _prepare(self, path: Path) -> None:
        # Before there is a lock, which would be taken for a sign that the file is ours.
        refuse_what_is_not_ours(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._lock:
            self._lock.acquire()
        _touch(path)

    def _load_or_begin_anew(self, path: Path, now: float) -> Loaded:
        try:
            try:
                return self._load(path)
            except BrokenError as error:
                return self._begin_anew(path, now, str(error))
        except sqlite3.Error as error:
            if is_kind(error, "locked"):
                raise held(path) from None
            self._disconnect()
            return Loaded(trouble=f"{path} cannot be opened: {error}; the state is in memory until it can")

    def _begin_anew(self, path: Path, now: float, why: str) -> Loaded:
        found = self._salvage()
        aside = self.set_aside(now)
        found.trouble = (
            f"{path} was no whole state file ({why}) and is now {aside.name}; a new one was begun with the "
            f"{len(found.memories)} memories and {len(found.jobs)} open jobs that could be read"
        )
        try:
            self._load(path)
        except (sqlite3.Error, BrokenError) as error:
            self._disconnect()
            found.trouble += f"; that cannot be written so far: {error}"
        return found

    def _load(self, path: Path) -> Loaded:
        try:
            self._connection = self._examined(path)
            return Loaded(queries.memories(self._connection), queries.open_jobs(self._connection))
        except sqlite3.Error as error:
            if is_kind(error, "locked") or is_kind(error, "full"):
                raise
            raise BrokenError(str(error)) from None
        except UnicodeDecodeError as error:  # SQLite names a garbled table in its own error
            raise BrokenError("its layout is garbled") from error

    def _examined(self, path: Path) -> sqlite3.Connection:
        about = path.stat()
        self._identity = (about.st_dev, about.st_ino)
        if about.st_size and not _looks_right(path, about.st_size):
            raise BrokenError("it is no SQLite file")
        connection = self._connection = self._connect(str(path))
        version, tables = version_of(connection), tables_of(connection)
        if version > VERSION:
            raise newer(path, version)
        check = "quick_check" if about.st_size >= QUICK_FROM else "integrity_check"
        (verdict,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
        if verdict != "ok":
            raise BrokenError(str(verdict).replace("\n", " "))
        if tables and not tables & TABLES:
            raise foreign(path)
        if not tables:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection)
        if not as_expected(connection):
            raise BrokenError("its tables are not those of its version")
        self._try_to_write()
        return connection

    def _try_to_write(self) -> None:
        """Only a write shows whether the file can be written: a flipped bit may have made it read-only for SQLite."""
        try:
            with self.transaction() as connection:
                connection.execute(f"PRAGMA user_version = {VERSION}")
        except sqlite3.Error as error:
            # A full disk and a lock pass; what can be read by then is worth having.
            if not is_kind(error, "full") and not is_kind(error, "locked"):
                raise

    def _connect(self, name: str) -> sqlite3.Connection:
        connection = sqlite3.connect(name, timeout=self._pace.busy, isolation_level=None, check_same_thread=False)
        connection.text_factory = queries.readable
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        if self._limits.database_bytes is not None:
            connection.execute(f"PRAGMA max_page_count = {max(1, self._limits.database_bytes // PAGE_BYTES)}")
        return connection

    # ---------------------------------------------------------------------------------------------------- mending

    def _salvage(self) -> Loaded:
        found = Loaded(salvaged=True)
        if self._connection is not None:
            with suppress(sqlite3.Error, UnicodeDecodeError):
                found.jobs = queries.open_jobs(self._connection)
            with suppress(sqlite3.Error, UnicodeDecodeError):
                found.memories = queries.memories(self._connection)
        return found

    def set_aside(self, now: float) -> Path:
        """Rename the file, with its side files, and return its new place.

        Raises:
            OSError: it cannot be renamed.
        """
        self._disconnect()
        if self._path is None:
            return Path()
        stamp = datetime.fromtimestamp(max(0.0, now), UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = beside(self._path, f".corrupt-{stamp}")
        number = 1
        while aside.exists():
            number += 1
            aside = beside(self._path, f".corrupt-{stamp}-{number}")
        self._path.replace(aside)
        for ending in ("-wal", "-shm"):
            with suppress(OSError):
                beside(self._path, ending).replace(beside(aside, ending))
        _touch(self._path)
        return aside

    def reopen(self) -> bool:
        """Connect again, after trouble that a connection may not recover from; whether it is another file now.

        Raises:
            sqlite3.Error, OSError: it still cannot be opened.
            BrokenError: what is there is no whole database any more.
            UsageError: somebody has put another one there, or has locked it since our lock was removed.
        """
        if self._path is None:
            return False
        before = self._identity
        self._another = self._another or self.moved  # a new file may get the old one's inode
        self._disconnect()
        self._prepare(self._path)
        try:
            self._load(self._path)
        except BaseException:
            self._disconnect()
            raise
        finally:
            self._another = self._another or before != self._identity
        another, self._another = self._another, False
        return another

    @property
    def lost(self) -> bool:
        """Whether there is no connection at all."""
        return self._connection is None

    @property
    def moved(self) -> bool:
        """Whether file or lock was removed or replaced under us, so that what is written would not be ours alone."""
        if self._path is None or self._connection is None:
            return False
        if self._lock and not self._lock.held:
            return True
        try:
            about = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return (about.st_dev, about.st_ino) != self._identity

    def tidy(self) -> None:
        """Give free pages back, some at a time, and move the journal into the file."""
        self.connection.execute("PRAGMA incremental_vacuum(2000)").fetchall()
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close the file and give its lock back."""
        self._disconnect()
        if self._lock:
            self._lock.release()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error), closing(self._connection):
                self._connection.rollback()
            self._connection = None


def _looks_right(path: Path, size: int) -> bool:
    """Whether it begins like a database: SQLite takes a file of a few bytes for an empty one and writes over it."""
    return size >= SMALLEST_FILE and begins_like_a_database(path)


def _touch(path: Path) -> None:
    """Create the file for its owner only; SQLite gives its side files the same permissions."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))

"""Readings of the state, for pages and commands."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from specwatch.errors import Problem, UsageError
from specwatch.probing.ports import Job
from specwatch.state.rows import Document, loads, read_job
from specwatch.state.schema import TABLES, VERSION, tables_of, version_of


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as the journal has it.

    Args:
        job: how far it came.
        noted_at: epoch seconds of the last note.
        ended_at: epoch seconds, or None while it is open.
        verdict: of its end, or empty.
        message: of its end, or empty.
    """

    job: Job
    noted_at: float
    ended_at: float | None
    verdict: str
    message: str

    def age(self, now: float) -> float:
        """Seconds since it began."""
        return max(0.0, now - self.job.started_at)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the state holds.

    Args:
        runs: by probe and verdict.
        open_jobs: jobs that did not end.
        ended_jobs: jobs that did.
        memories: remembered documents by kind.
        bytes: of the history.
    """

    runs: Mapping[str, Mapping[str, int]]
    open_jobs: int
    ended_jobs: int
    memories: Mapping[str, int]
    bytes: int


def history(connection: sqlite3.Connection, probe: str, limit: int) -> list[Document]:
    """The newest runs of a probe, newest first, in the form of `encode`; those without detail lack `steps`."""
    rows = connection.execute(
        "SELECT summary, detail FROM runs WHERE probe = ? ORDER BY started_at DESC, seq DESC LIMIT ?", (probe, limit)
    )
    return _documents(rows)


def run(connection: sqlite3.Connection, run_id: str) -> Document | None:
    """The run of that id, in the form of `history`; None where it is not kept."""
    found = _documents(connection.execute("SELECT summary, detail FROM runs WHERE id = ?", (run_id,)))
    return found[0] if found else None


def failures(connection: sqlite3.Connection, limit: int) -> list[Document]:
    """The newest failures of all probes, newest first."""
    rows = connection.execute(
        "SELECT summary, detail FROM runs WHERE failed = 1 ORDER BY started_at DESC, seq DESC LIMIT ?", (limit,)
    )
    return _documents(rows)


def _documents(rows: sqlite3.Cursor) -> list[Document]:
    found = []
    for summary, detail in rows:
        document = loads(summary)
        if document is not None:  # a bit may have flipped
            found.append({**document, **(loads(detail) or {})})
    return found


def jobs(connection: sqlite3.Connection, limit: int) -> list[JobView]:
    """Open jobs, oldest first, then ended ones, the last first."""
    rows = connection.execute(
        "SELECT id, document, noted_at, ended_at, verdict, message FROM jobs "
        "ORDER BY ended_at IS NOT NULL, ended_at DESC, noted_at LIMIT ?",
        (limit,),
    )
    found = []
    for job_id, document, noted_at, ended_at, verdict, message in rows:
        job = read_job(job_id, document)
        if job is not None:
            found.append(JobView(job, noted_at, ended_at, verdict or "", message or ""))
    return found


def counts(connection: sqlite3.Connection) -> Counts:
    """How much of everything there is."""
    runs: dict[str, dict[str, int]] = {}
    for probe, verdict, number in connection.execute("SELECT probe, verdict, count(*) FROM runs GROUP BY 1, 2"):
        runs.setdefault(probe, {})[verdict] = number
    of_jobs = dict(connection.execute("SELECT ended_at IS NULL, count(*) FROM jobs GROUP BY 1").fetchall())
    memories = dict(connection.execute("SELECT kind, count(*) FROM memory GROUP BY 1").fetchall())
    (size,) = connection.execute("SELECT coalesce(sum(size), 0) FROM runs").fetchone()
    return Counts(runs, of_jobs.get(1, 0), of_jobs.get(0, 0), memories, size)


def open_jobs(connection: sqlite3.Connection) -> list[Job]:
    """The jobs that did not end, oldest first."""
    rows = connection.execute("SELECT id, document FROM jobs WHERE ended_at IS NULL ORDER BY noted_at")
    return [job for row in rows if (job := read_job(*row)) is not None]


def memories(connection: sqlite3.Connection) -> dict[tuple[str, str], Document]:
    """Everything that was remembered."""
    found: dict[tuple[str, str], Document] = {}
    for kind, key, value in connection.execute("SELECT kind, key, value FROM memory"):
        document = loads(value)
        if document is not None and isinstance(kind, str) and isinstance(key, str):
            found[kind, key] = document
    return found


class Reader:
    """Reads a state file that another process may be writing; changes nothing in it.

    Args:
        path: of the state file.

    Raises:
        UsageError: there is no such file, or it is no state file of this version.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            mend = "start `specwatch watch` with it first, or name another file with --state"
            raise UsageError(Problem(where=str(path), found="there is no such state file", mend=mend))
        self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)
        self._connection.text_factory = readable
        try:
            version, whole = version_of(self._connection), tables_of(self._connection) >= TABLES
        except sqlite3.Error as error:
            self._connection.close()
            raise UsageError(Problem(where=str(path), found=f"it cannot be read: {error}")) from None
        if version != VERSION or not whole:
            self._connection.close()
            raise UsageError(
                Problem(
                    where=str(path),
                    found=f"it has version {version} of the state" if whole else "it is no state file",
                    expected=f"a state file of version {VERSION}",
                    mend="read it with the specwatch that writes it",
                )
            )

    def history(self, probe: str, limit: int = 50) -> list[Document]:
        """The newest runs of a probe, newest first."""
        return history(self._connection, probe, limit)

    def failures(self, limit: int = 50) -> list[Document]:
        """The newest failures of all probes, newest first."""
        return failures(self._connection, limit)

    def jobs(self, limit: int = 100) -> list[JobView]:
        """Open jobs, oldest first, then ended ones, the last first."""
        return jobs(self._connection, limit)

    def memories(self, kind: str) -> dict[str, Document]:
        """What was remembered of that kind, by key."""
        found = memories(self._connection)
        return {key: document for (of, key), document in found.items() if of == kind}

    def counts(self) -> Counts:
        """How much of everything there is."""
        return counts(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with closing(self._connection):
            pass


def readable(data: bytes) -> str:
    """Text of the database, also where a bit flipped."""
    return data.decode("utf-8", "replace")

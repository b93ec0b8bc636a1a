"""The tables of the state, and how older files come to have them."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Final

MIGRATIONS: Final = (
    """
    CREATE TABLE memory (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key))
        WITHOUT ROWID;
    CREATE TABLE jobs (id TEXT PRIMARY KEY, document TEXT NOT NULL, noted_at REAL NOT NULL,
        ended_at REAL, verdict TEXT, message TEXT);
    CREATE INDEX jobs_ended ON jobs (ended_at);
    CREATE TABLE runs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, probe TEXT NOT NULL, failed INTEGER NOT NULL,
        verdict TEXT NOT NULL, started_at REAL NOT NULL, size INTEGER NOT NULL, summary TEXT NOT NULL, detail TEXT);
    CREATE INDEX runs_kept ON runs (probe, failed, started_at, size);
    CREATE INDEX runs_detailed ON runs (probe, failed, started_at) WHERE detail IS NOT NULL;
    CREATE INDEX runs_failed ON runs (started_at) WHERE failed = 1;
    CREATE INDEX runs_counted ON runs (probe, verdict);
    """,
)
"""One script per version; the version of a file, in `PRAGMA user_version`, is how many of them it has been through."""

VERSION: Final = len(MIGRATIONS)
TABLES: Final = frozenset({"memory", "jobs", "runs"})


def version_of(connection: sqlite3.Connection) -> int:
    """How many migrations the file has been through."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def tables_of(connection: sqlite3.Connection) -> set[str]:
    """Names of the tables that somebody created."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {str(name) for (name,) in rows}


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest version, each step in a transaction of its own.

    Raises:
        sqlite3.Error: a step failed; the file has the version before it.
    """
    for number, script in enumerate(MIGRATIONS[version_of(connection) :], start=version_of(connection) + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            raise


def as_expected(connection: sqlite3.Connection) -> bool:
    """Whether tables and indexes are those that the migrations make: a flipped bit may have renamed a column."""
    return _layout(connection) == _expected()


@cache
def _expected() -> frozenset[tuple[object, ...]]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection)
        return _layout(connection)
    finally:
        connection.close()


def _layout(connection: sqlite3.Connection) -> frozenset[tuple[object, ...]]:
    return frozenset(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))

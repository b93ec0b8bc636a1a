"""Keeping the history within its caps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from specwatch.state.limits import HistoryLimits, Keep
from specwatch.state.rows import RunRow

SLACK = 20
"""A probe is pruned to a twentieth below its caps, and then left alone until that twentieth may be used up."""

TOO_OLD = "DELETE FROM runs WHERE probe = ? AND failed = ? AND started_at < ?"
TOO_MANY = """
    DELETE FROM runs WHERE seq IN (
        SELECT seq FROM runs WHERE probe = ? AND failed = ? ORDER BY started_at DESC, seq DESC LIMIT -1 OFFSET ?
    )"""
TOO_DETAILED = """
    UPDATE runs SET detail = NULL, size = length(summary) WHERE seq IN (
        SELECT seq FROM runs WHERE probe = ? AND failed = ? AND detail IS NOT NULL
        ORDER BY started_at DESC, seq DESC LIMIT -1 OFFSET ?
    )"""
BYTES = "SELECT sum(size) FROM runs WHERE probe = ? AND failed = ?"
TOO_LARGE = """
    DELETE FROM runs WHERE seq IN (
        SELECT seq FROM (
            SELECT seq, sum(size) OVER (ORDER BY started_at DESC, seq DESC) AS so_far
            FROM runs WHERE probe = ? AND failed = ?
        ) WHERE so_far > ?
    )"""
TOO_LARGE_IN_ALL = """
    DELETE FROM runs WHERE seq IN (
        SELECT seq FROM (
            SELECT seq, sum(size) OVER (ORDER BY failed DESC, started_at DESC, seq DESC) AS so_far FROM runs
        ) WHERE so_far > ?
    )"""
JOBS = """
    DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT -1 OFFSET ?
    )"""


class Grown:
    """How much was added to each probe's runs since they were pruned: pruning costs more than adding.

    Args:
        limits: the caps, which are never exceeded.
    """

    def __init__(self, limits: HistoryLimits) -> None:
        self._limits = limits
        self._since: dict[tuple[str, bool], tuple[int, int, int]] = {}
        self.goal = replace(limits, passes=_lower(limits.passes), failures=_lower(limits.failures))

    def add(self, rows: Iterable[RunRow]) -> set[tuple[str, bool]]:
        """Count rows; returns what may exceed its caps now, or was never looked at."""
        due = set()
        for row in rows:
            key = (row.probe, row.failed)
            keep = self._limits.failures if row.failed else self._limits.passes
            before = self._since.get(key)
            number, details, size = before or (0, 0, 0)
            now = (number + 1, details + (row.detail is not None), size + row.size)
            self._since[key] = now
            if before is None or any(
                a > b // SLACK for a, b in zip(now, (keep.rows, keep.details, keep.bytes), strict=True)
            ):
                due.add(key)
        return due

    def pruned(self, keys: Iterable[tuple[str, bool]]) -> None:
        """Begin to count anew."""
        for key in keys:
            self._since[key] = (0, 0, 0)


def _lower(keep: Keep) -> Keep:
    return replace(
        keep,
        rows=keep.rows - keep.rows // SLACK,
        details=keep.details - keep.details // SLACK,
        bytes=keep.bytes - keep.bytes // SLACK,
    )


def prune_probes(
    connection: sqlite3.Connection, touched: Iterable[tuple[str, bool]], limits: HistoryLimits, now: float
) -> None:
    """Bring probes, each with whether it is about failures, back within their caps."""
    for probe, failed in touched:
        _prune(connection, (probe, int(failed)), limits.failures if failed else limits.passes, now)


def _prune(connection: sqlite3.Connection, of: tuple[str, int], keep: Keep, now: float) -> None:
    connection.execute(TOO_OLD, (*of, now - keep.seconds))
    connection.execute(TOO_MANY, (*of, keep.rows))
    connection.execute(TOO_DETAILED, (*of, keep.details))
    (size,) = connection.execute(BYTES, of).fetchone()
    if size is not None and size > keep.bytes:
        connection.execute(TOO_LARGE, (*of, keep.bytes))


def sweep(connection: sqlite3.Connection, limits: HistoryLimits, now: float) -> None:
    """Bring everything back within its caps, also what belongs to probes that no longer run."""
    touched = connection.execute("SELECT DISTINCT probe, failed FROM runs").fetchall()
    prune_probes(connection, touched, limits, now)
    (size,) = connection.execute("SELECT sum(size) FROM runs").fetchone()
    if size is not None and size > limits.total_bytes:
        connection.execute(TOO_LARGE_IN_ALL, (limits.total_bytes,))
    connection.execute(JOBS, (limits.ended_jobs,))

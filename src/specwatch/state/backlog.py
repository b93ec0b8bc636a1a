"""What has to be on disk and is not yet, and what would have to be written again to a new file. One thread only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

from specwatch.probing.ports import Job, Json
from specwatch.state.database import Database
from specwatch.state.inbox import Bounded, Ending
from specwatch.state.limits import MIB, HistoryLimits, Pace
from specwatch.state.prune import Grown, prune_probes
from specwatch.state.rows import JobRow, RunRow, clean, exact, job_row, run_row
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation

Report = Callable[[str, str, int], None]

MEMORY_BYTES = MIB
UNWRITABLE = (ValueError, TypeError, RecursionError, AttributeError, OverflowError)

ADD_RUN = (
    "INSERT OR REPLACE INTO runs (id, probe, failed, verdict, started_at, size, summary, detail) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_JOB = "INSERT OR REPLACE INTO jobs (id, document, noted_at, ended_at, verdict, message) VALUES (?, ?, ?, ?, ?, ?)"
ADD_MEMORY = "INSERT OR REPLACE INTO memory (kind, key, value) VALUES (?, ?, ?)"
FORGET = "DELETE FROM memory WHERE kind = ? AND key = ?"


class Backlog:
    """Keeps the newest value of every memory and every open job, and the runs that wait.

    The values stay after they are written, so that a file that breaks can be replaced by one that holds them all.

    Args:
        report: is told an operation, a sentence and a number.
    """

    def __init__(self, database: Database, limits: HistoryLimits, pace: Pace, report: Report) -> None:
        self._database = database
        self._limits = limits
        self._pace = pace
        self._report = report
        self._memories: dict[tuple[str, str], str | None] = {}
        self._memory_bytes = 0
        self._new_memories: set[tuple[str, str]] = set()
        self._jobs: dict[str, JobRow] = {}
        self._new_jobs: set[str] = set()
        self._runs: Bounded[RunRow] = Bounded(pace.waiting_runs, pace.waiting_bytes)
        self._grown = Grown(limits)
        self._whole_pass: dict[str, float] = {}  # when the last pass with its answers was, while passes follow passes

    # ---------------------------------------------------------------------------------------------------- taking

    def load(self, memories: Iterable[tuple[tuple[str, str], Json]], jobs: Iterable[Job], now: float) -> None:
        """Know what the file holds."""
        for (kind, key), value in memories:
            self.remember(kind, key, value)
        self._new_memories.clear()
        for job in jobs:
            self._jobs[job.id] = job_row(job, job.progress, now)

    def remember(self, kind: str, key: str, value: Json | None) -> None:
        """Take the newest value of a memory."""
        kind, key = clean(kind), clean(key)
        try:
            text = None if value is None else exact(value)
        except UNWRITABLE as error:
            self._report("remember", f"{kind} {key!r} cannot be written as JSON: {error}", 1)
            return
        size = self._memory_bytes + len(text or "") - len(self._memories.get((kind, key)) or "")
        too_many = (kind, key) not in self._memories and len(self._memories) >= self._pace.waiting_keys
        if text is not None and (len(text) > MEMORY_BYTES or size > self._pace.waiting_bytes or too_many):
            self._report("remember", f"{kind} {key!r}, {len(text)} bytes, is too much to remember", 1)
            return
        self._memories[kind, key] = text
        self._memory_bytes = size
        self._new_memories.add((kind, key))

    def add(self, observation: Observation) -> None:
        """Take a run."""
        detailed = self._wants_detail(observation)
        try:
            row = run_row(observation, self._limits, detailed=detailed)
        except UNWRITABLE as error:
            self._report("record", f"a run of {observation.probe} cannot be written whole: {error!r}", 1)
            try:
                row = run_row(observation, self._limits, detailed=False)
            except UNWRITABLE:
                return
        self._queue(row)

    def _queue(self, row: RunRow) -> None:
        if dropped := self._runs.add(row, size=row.size, precious=row.failed):
            self._report("record", "a run was dropped, since too many wait for the disk", dropped)

    def _wants_detail(self, observation: Observation) -> bool:
        if observation.verdict is not Verdict.PASS:
            self._whole_pass.pop(observation.probe, None)
            return True
        last = self._whole_pass.get(observation.probe)
        if last is not None and 0 <= observation.started_at - last < self._limits.pass_every:
            return False
        if len(self._whole_pass) >= self._pace.waiting_keys:
            self._whole_pass.clear()
        self._whole_pass[observation.probe] = observation.started_at
        return True

    def end(self, job_id: str, ending: Ending) -> None:
        """Take how a job ended; nothing happens when there is none."""
        row = self._jobs.get(job_id)
        if row is not None:
            self._jobs[job_id] = JobRow(
                row.job, row.document, row.noted_at, ending.at, clean(ending.verdict), clean(ending.message)
            )
            self._new_jobs.add(job_id)

    def note(self, row: JobRow, *, must: bool) -> None:
        """Write how far a job came, durably and at once.

        Args:
            row: the job.
            must: whether it is as if it had never been said when that fails; else it is written later.

        Raises:
            sqlite3.Error: it is not on disk.
        """
        if not must:
            self._jobs[row.job.id] = row
            self._new_jobs.add(row.job.id)
        with self._database.transaction(durable=True) as connection:
            connection.execute(ADD_JOB, _bound(row))
        self._jobs[row.job.id] = row
        self._new_jobs.discard(row.job.id)

    def rewrite(self) -> None:
        """Write everything again: the file is a new one."""
        self._new_memories.update(self._memories)
        self._new_jobs.update(self._jobs)

    # ---------------------------------------------------------------------------------------------------- giving

    @property
    def waiting(self) -> tuple[int, int, int]:
        """How many jobs, memories and runs wait."""
        return len(self._new_jobs), len(self._new_memories), len(self._runs)

    def write_jobs(self) -> None:
        """Write the jobs that wait, durably.

        Raises:
            sqlite3.Error: they still wait.
        """
        rows = [self._jobs[job_id] for job_id in self._new_jobs]
        if rows:
            with self._database.transaction(durable=True) as connection:
                connection.executemany(ADD_JOB, map(_bound, rows))
            for row in rows:
                if row.ended_at is not None:
                    del self._jobs[row.job.id]
            self._new_jobs.clear()

    def write_memories(self) -> None:
        """Write the memories that wait.

        Raises:
            sqlite3.Error: they still wait.
        """
        values = [(key, self._memories[key]) for key in self._new_memories]
        if values:
            with self._database.transaction() as connection:
                connection.executemany(ADD_MEMORY, [(*key, text) for key, text in values if text is not None])
                connection.executemany(FORGET, [key for key, text in values if text is None])
            for key, text in values:
                if text is None:
                    del self._memories[key]
            self._new_memories.clear()

    def write_runs(self, now: float) -> None:
        """Write the runs that wait, and keep their probes within their caps.

        Raises:
            sqlite3.Error: they still wait.
        """
        rows = self._runs.drain()
        if not rows:
            return
        try:
            with self._database.transaction() as connection:
                connection.executemany(
                    ADD_RUN,
                    [
                        (r.id, r.probe, int(r.failed), r.verdict, r.started_at, r.size, r.summary, r.detail)
                        for r in rows
                    ],
                )
                due = self._grown.add(rows)
                prune_probes(connection, due, self._grown.goal, now)
            self._grown.pruned(due)
        except sqlite3.Error:
            for row in rows:
                self._queue(row)
            raise


def _bound(row: JobRow) -> tuple[object, ...]:
    return (clean(row.job.id), row.document, row.noted_at, row.ended_at, row.verdict, row.message)

"""The one thread that owns the database."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from specwatch.errors import SpecwatchError, UsageError
from specwatch.probing.ports import Job, Progress
from specwatch.state.archives import Keeper
from specwatch.state.backlog import Backlog
from specwatch.state.database import BrokenError, Database, Loaded, is_kind
from specwatch.state.inbox import Batch, Inbox
from specwatch.state.limits import HistoryLimits, Pace
from specwatch.state.prune import sweep
from specwatch.state.queries import open_jobs
from specwatch.state.rows import job_row
from specwatch.state.troubles import Troubles

T = TypeVar("T")


class Backoff:
    """When something that failed is tried again: the pause doubles with each failure, up to a bound."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.failures = 0
        self.at = 0.0

    def fail(self) -> None:
        """Put the next try off."""
        pause = min(self._pace.last_retry, self._pace.first_retry * 2 ** min(self.failures, 10))
        self.failures += 1
        self.at = time.monotonic() + pause

    def clear(self) -> None:
        """It worked."""
        self.failures = 0
        self.at = 0.0


class Writer:
    """Writes what the inbox brings, in batches, and tries again, ever more seldom, what could not be written.

    Args:
        inbox: where work comes from.
        archives: those whose failed writes are tried again with everything else.
        troubles: where trouble is told.
    """

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        archives: Keeper,
        troubles: Troubles,
        limits: HistoryLimits,
        pace: Pace,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._archives = archives
        self._troubles = troubles
        self._limits = limits
        self._pace = pace
        self._backlog = Backlog(database, limits, pace, troubles.report)
        self._again = Backoff(pace)
        self._archives_again = Backoff(pace)
        self._doubtful = False  # whether the connection itself may be what is wrong
        self._sweep_at = math.inf  # until the file is open
        self._gone = False  # whether the file went while it was in use, which has not been told
        self._replaced = False
        self._open = False
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="specwatch-state", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    # ------------------------------------------------------------------------- called by the inbox, in the thread

    def open(self) -> Loaded:
        """Open the file, and know what it holds.

        Raises:
            UsageError: see `Database.open`.
        """
        try:
            found = self._database.open(self._inbox.now)
        except BaseException:
            self._stopped = True
            raise
        self._backlog.load(found.memories.items(), found.jobs, self._inbox.now)
        if found.trouble:
            self._troubles.report("open", found.trouble)
            self._backlog.rewrite()
        for path in self._archives.salvage():
            self._troubles.report("archive", f"{path.name} was being written when specwatch ended; it may not be whole")
        self._sweep_at = time.monotonic()
        self._open = True
        return found

    def note(self, job: Job, progress: Progress, now: float, *, must: bool) -> None:
        """Write how far a job came.

        Raises:
            sqlite3.Error: it is not on disk.
            ValueError, TypeError, RecursionError: it cannot be written as JSON.
        """
        row = job_row(job, progress, now)
        if self._moved():
            self._reopened()  # else what is told as being on disk would be in a file that nobody finds again
        try:
            self._backlog.note(row, must=must)
        except sqlite3.Error as error:
            if not self._mended(error):
                self._failed("journal", error)
                raise
            self._backlog.note(row, must=must)

    @property
    def lost(self) -> int:
        """How many jobs, memories, runs and archives would be lost if this was the end."""
        return sum(self._backlog.waiting) + self._archives.bodies + self._inbox.waiting

    def stop(self) -> int:
        """Close the file; what could not be written is told, and how much that is returned."""
        jobs, memories, runs = self._backlog.waiting
        if runs:
            self._troubles.report("record", "a run could not be written before the end", runs)
        if memories:
            self._troubles.report("remember", "a memory could not be written before the end", memories)
        if jobs:
            self._troubles.report("journal", "a job could not be written before the end", jobs)
        if self._archives.parked:
            self._troubles.report("archive", f"{self._archives.parked} bytes of archives could not be written")
        self._database.close()
        self._troubles.settle(all_of_it=True)
        self._stopped = True
        return self.lost

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read from the database.

        Raises:
            sqlite3.Error: it cannot be read.
        """
        try:
            return work(self._database.connection)
        except UnicodeDecodeError as error:  # SQLite names a garbled table in its own error
            raise sqlite3.DatabaseError("the layout of the state file is garbled") from error

    # ------------------------------------------------------------------------------------------------- the thread

    def _work(self) -> None:
        while not self._stopped:
            batch = self._inbox.take(self._pause())
            try:
                self._handle(batch)
            except Exception as error:  # noqa: BLE001 - a defect here must not end all writing, nor stay unseen
                self._troubles.report("record", f"the writer stumbled: {error!r}")
                self._again.fail()

    def _pause(self) -> float | None:
        now = time.monotonic()
        if not self._open:
            return None
        pauses = [max(self._sweep_at, self._again.at) - now]
        if any(self._backlog.waiting):
            pauses.append(self._again.at - now)
        if self._archives.parked:
            pauses.append(self._archives_again.at - now)
        if (due := self._troubles.next_due()) is not None:
            pauses.append(due)
        return max(0.0, min(pauses))

    def _handle(self, batch: Batch) -> None:
        for call in batch.calls:
            if not call.after_writes:
                call.run()
        for (kind, key), value in batch.memories.items():
            self._backlog.remember(kind, key, value)
        for job_id, ending in batch.endings.items():
            self._backlog.end(job_id, ending)
        for observation in batch.runs:
            self._backlog.add(observation)
            time.sleep(0)  # let the event loop have the interpreter between two runs
        waiting_for_it = [call for call in batch.calls if call.after_writes]
        if self._open and not self._stopped:
            self._write(forced=bool(waiting_for_it))
        for call in waiting_for_it:
            call.run()
        self._troubles.settle()

    def _write(self, *, forced: bool) -> None:
        now = time.monotonic()
        if self._archives.parked and (forced or now >= self._archives_again.at):
            self._write_archives()
        if forced or now >= self._again.at:
            self._write_database()

    def _write_archives(self) -> None:
        try:
            self._archives.retry()
            self._archives_again.clear()
        except OSError as error:
            self._troubles.report("archive", f"{self._archives.parked} bytes still cannot be kept: {error}")
            self._archives_again.fail()

    def _write_database(self) -> None:
        if (self._moved() or self._doubtful or self._database.lost) and not self._reopened():
            return
        now = self._inbox.now
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("journal", self._backlog.write_jobs),
            ("remember", self._backlog.write_memories),
            ("record", lambda: self._backlog.write_runs(now)),
            ("record", self._sweep),
        )
        if all([self._done(operation, step) for operation, step in steps]):  # noqa: C419 - each of them is tried
            self._again.clear()

    def _done(self, operation: str, step: Callable[[], None]) -> bool:
        try:
            step()
        except UnicodeDecodeError:  # SQLite names a garbled table in its own error
            self._doubtful = True
            return self._reopened() and self._done(operation, step)
        except sqlite3.Error as error:
            if self._mended(error):
                return self._done(operation, step)
            self._failed(operation, error)
            return False
        return True

    def _sweep(self) -> None:
        if time.monotonic() < self._sweep_at:
            return
        self._sweep_at = time.monotonic() + self._pace.sweep
        with self._database.transaction() as connection:
            sweep(connection, self._limits, self._inbox.now)
        self._database.tidy()
        # The age of a file is told by the machine's clock, whatever clock the engine goes by.
        self._archives.prune([job.id for job in open_jobs(self._database.connection)], time.time())

    # ---------------------------------------------------------------------------------------------------- trouble

    def _moved(self) -> bool:
        if not self._database.moved:
            return False
        self._gone = self._doubtful = True
        return True

    def _failed(self, operation: str, error: Exception) -> None:
        what = f"the state cannot be written: {error}"
        if isinstance(error, UsageError):
            what = f"the state is in memory only: {error.problems[0].found}"
        self._troubles.report(operation, f"{what}; it is tried again")
        self._again.fail()
        # A lock passes by itself; after anything else a second failure asks for another look at the file.
        self._doubtful = self._again.failures > 1 and not is_kind(error, "locked")

    def _reopened(self) -> bool:
        try:
            if self._database.reopen():
                self._backlog.rewrite()
        except BrokenError as error:
            return self._replace(str(error))
        except (sqlite3.Error, OSError, SpecwatchError) as error:
            self._failed("open", error)
            return False
        if self._gone:
            message = "the state file or its lock was removed or replaced; all that is known is written again"
            self._troubles.report("open", message)
        self._gone = self._doubtful = False
        return True

    def _mended(self, error: sqlite3.Error) -> bool:
        return is_kind(error, "broken") and self._replace(str(error))

    def _replace(self, why: str) -> bool:
        """Begin a new file, once: on a disk that breaks every file, another one is no help."""
        if self._replaced:
            return False
        self._replaced = True
        try:
            aside = self._database.set_aside(self._inbox.now)
            self._database.reopen()
        except (sqlite3.Error, OSError, SpecwatchError, BrokenError) as error:
            self._failed("open", error)
            return False
        self._gone = self._doubtful = False
        self._troubles.report("open", f"the state file broke ({why}) and is now {aside.name}; a new one was begun")
        self._backlog.rewrite()
        return True

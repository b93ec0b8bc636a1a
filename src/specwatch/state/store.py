"""The store: what survives a restart."""

from __future__ import annotations

import asyncio
import errno
import functools
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from specwatch.errors import CannotTell
from specwatch.probing.ports import Job, Json, Progress
from specwatch.state import queries
from specwatch.state.archives import Archive, FileArchives, Keeper, MemoryArchives
from specwatch.state.database import Database
from specwatch.state.inbox import Call, Ending, Inbox
from specwatch.state.limits import HistoryLimits, Pace
from specwatch.state.queries import Counts, JobView
from specwatch.state.refusals import beside, resolved
from specwatch.state.rows import Document
from specwatch.state.troubles import Troubles
from specwatch.state.writer import Writer
from specwatch.values.observation import Observation

T = TypeVar("T")


class Now(Protocol):
    """The part of a clock that is needed here. It is only asked in the event loop's thread."""

    def now(self) -> float:
        """Epoch seconds."""


class SqliteStore:
    """`probing.ports.Store` on a SQLite file, or in memory.

    `remember`, `record` and `finish` cost the caller microseconds: they queue, and one thread encodes and writes, in
    batches. Values handed over must not be changed afterwards. What cannot be written is tried again, ever more
    seldom, while memory stays bounded; what has to be dropped is counted and told. The journal is durable.

    Args:
        path: of the file; None keeps everything in memory. Beside it lie `<path>.lock`, and `<path>.archives/`.
        clock: for the ages of things.
        on_trouble: is told an operation of `StateTrouble` and a sentence, in the event loop's thread, at once and then
            at most once a minute for each operation, with a count.
        limits: what is kept.
        pace: how the writer works.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Now,
        on_trouble: Callable[[str, str], None],
        limits: HistoryLimits | None = None,
        *,
        pace: Pace | None = None,
    ) -> None:
        limits, pace = limits or HistoryLimits(), pace or Pace()
        path = None if path is None else resolved(path)
        self._clock = clock
        self._on_trouble = on_trouble
        self._pace = pace
        self._loop: asyncio.AbstractEventLoop | None = None
        self._troubles = Troubles(self._tell)
        self._inbox = Inbox(pace, 0.0)
        self._archives = _archives(path, limits, pace, self._troubles)
        self._writer = Writer(Database(path, limits, pace), self._inbox, self._archives, self._troubles, limits, pace)
        self._files = ThreadPoolExecutor(2, "specwatch-archive")
        self._memories: dict[str, dict[str, Json]] = {}
        self._open_jobs: tuple[Job, ...] = ()
        self._running = False
        self._lost = 0

    # ---------------------------------------------------------------------------------------------- start and end

    async def start(self) -> None:
        """Open the file, and load what was remembered.

        A file that is broken is set aside and a new one begun; on a full disk the store begins in memory. Both is told.

        Raises:
            UsageError: the file is of a newer version, of another program, no state file at all, in use by another
                process, or cannot be written where it is. Nothing was changed then.
        """
        self._loop = asyncio.get_running_loop()
        self._inbox.now = self._clock.now()
        self._writer.start()
        found = await self._ask(self._writer.open)
        self._running = True
        self._open_jobs = tuple(found.jobs)
        for (kind, key), value in found.memories.items():
            self._memories.setdefault(kind, {})[key] = value

    async def flush(self) -> None:
        """Return when everything handed over so far was written, or tried to be, whatever pause there was."""
        if self._running:
            with suppress(TimeoutError):
                await self._bounded(lambda: None, self._pace.answer, after_writes=True)

    async def close(self) -> None:
        """Write what waits, within `Pace.closing` seconds, and close; what could not be written is told, and `lost`."""
        if not self._running:
            return
        self._running = False
        self._inbox.now = self._clock.now()
        try:
            self._lost = await self._bounded(self._writer.stop, self._pace.closing, after_writes=True)
        except TimeoutError:
            self._lost = max(1, self._writer.lost)  # the writer holds something, or it would have closed
            self._ask(self._writer.stop, after_writes=True)  # should the disk come back while the process lives
            self._troubles.report("open", "the state could not be closed in time; what waited may be lost")
        self._files.shutdown(wait=False)
        self._troubles.settle(all_of_it=True)
        await asyncio.sleep(0)  # troubles reported from here are told by the loop, too

    @property
    def lost(self) -> int:
        """How many jobs, memories, runs and archives were not on disk when the store was closed; 0 before that."""
        return self._lost

    # ------------------------------------------------------------------------------------------------- remembering

    def memories(self, kind: str) -> Mapping[str, Json]:
        """What was remembered when the store was opened, by key."""
        return self._memories.get(kind, {})

    def remember(self, kind: str, key: str, value: Json | None) -> None:
        """Remember a small document under a key soon; None forgets it. The newest value wins."""
        if self._inbox.memory(kind, key, value):
            self._troubles.report("remember", f"{kind} {key!r} was dropped, since too many wait for the disk")

    def record(self, observation: Observation) -> None:
        """Add a run to the history soon."""
        self._inbox.now = self._clock.now()
        if dropped := self._inbox.run(observation):
            self._troubles.report("record", "a run was dropped, since too many wait for the disk", dropped)

    # ----------------------------------------------------------------------------------------------------- journal

    def journal(self, job: Job) -> JobJournal:
        """The journal of one run. The job exists once something was noted in it."""
        return JobJournal(self, job)

    def open_jobs(self) -> tuple[Job, ...]:
        """The jobs that were not finished when the store was opened."""
        return self._open_jobs

    def finish(self, job_id: str, verdict: str, message: str) -> None:
        """Note how a job ended, soon; nothing happens where the journal has no such job."""
        if self._inbox.ending(job_id, Ending(verdict, message, self._clock.now())):
            self._troubles.report("journal", f"the end of job {job_id!r} was dropped, since too many wait for the disk")

    async def _note(self, job: Job, progress: Progress, *, must: bool) -> str:
        """Write a note durably; returns what kept it from being written, or nothing."""
        if not self._running:
            return "the state is closed"
        now = self._clock.now()
        try:
            await self._bounded(lambda: self._writer.note(job, progress, now, must=must), self._pace.answer)
        except TimeoutError:
            self._troubles.report("journal", f"a note took longer than {self._pace.answer:g} seconds")
            return f"writing took longer than {self._pace.answer:g} seconds"
        except sqlite3.Error as error:
            return str(error)
        except (ValueError, TypeError, RecursionError) as error:
            self._troubles.report("journal", f"the progress of job {job.id!r} cannot be written as JSON: {error}")
            return str(error)
        return ""

    async def _keep(self, job_id: str, step: str, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        if not self._running:
            raise OSError(errno.ESHUTDOWN, "the state is closed")
        try:
            await loop.run_in_executor(self._files, self._archives.keep, job_id, step, body)
        except OSError as error:
            self._troubles.report("archive", f"a body of {len(body)} bytes cannot be kept: {error}; it is tried again")
            self._inbox.call(Call(lambda: None, after_writes=False))  # the writer learns that something waits
            raise

    # ----------------------------------------------------------------------------------------------------- reading

    async def history(self, probe: str, limit: int = 50) -> list[Document]:
        """The newest runs of a probe, newest first, as `encode.to_json` writes them.

        Runs that are kept without their answers lack `steps` and `outputs`. Empty when it cannot be read, which is
        told.
        """
        return await self._read(lambda connection: queries.history(connection, probe, limit), [])

    async def run(self, run_id: str) -> Document | None:
        """One run, in the form of `history`; None where it is not kept, or cannot be read, which is told."""
        found: Document | None = await self._read(lambda connection: queries.run(connection, run_id), None)
        return found

    async def failures(self, limit: int = 50) -> list[Document]:
        """The newest failures of all probes, newest first, in the form of `history`."""
        return await self._read(lambda connection: queries.failures(connection, limit), [])

    async def jobs(self, limit: int = 100) -> list[JobView]:
        """Open jobs, oldest first, then ended ones, the last first."""
        return await self._read(lambda connection: queries.jobs(connection, limit), [])

    async def counts(self) -> Counts:
        """How much of everything there is."""
        return await self._read(queries.counts, Counts({}, 0, 0, {}, 0))

    async def archives(self, job_id: str) -> tuple[Archive, ...]:
        """The archives of a job, by name."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._files, self._archives.listed, job_id) if self._running else ()

    async def _read(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        if self._running:
            try:
                return await self._bounded(lambda: self._writer.read(work), self._pace.answer, after_writes=True)
            except TimeoutError:
                self._troubles.report("record", f"reading the state took longer than {self._pace.answer:g} seconds")
            except sqlite3.Error as error:
                self._troubles.report("record", f"the state cannot be read: {error}")
        return otherwise

    # ------------------------------------------------------------------------------------------- the writer's thread

    def _ask(self, work: Callable[[], T], *, after_writes: bool = False) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            if future.done():  # nobody waits any more
                return
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - whoever waits gets it
                _in_loop(loop, _fail, future, error)
            else:
                _in_loop(loop, _resolve, future, result)

        self._inbox.call(Call(run, after_writes))
        return future

    async def _bounded(self, work: Callable[[], T], seconds: float, *, after_writes: bool = False) -> T:
        """Wait for the writer, but only so long.

        The bound is one of the machine's clock: a loop that carries a time of its own may leap over it at once.
        """
        future = self._ask(work, after_writes=after_writes)
        loop = asyncio.get_running_loop()
        timer = threading.Timer(seconds, _in_loop, (loop, _fail, future, TimeoutError()))
        timer.daemon = True
        timer.start()
        try:
            return await future
        finally:
            timer.cancel()

    def _tell(self, operation: str, message: str) -> None:
        if self._loop is None:
            self._on_trouble(operation, message)
        else:
            _in_loop(self._loop, self._on_trouble, operation, message)


class JobJournal:
    """`probing.ports.Journal` of one run."""

    def __init__(self, store: SqliteStore, job: Job) -> None:
        self._store = store
        self._job = job

    async def intend(self, progress: Progress) -> None:
        """Note that `progress.in_doubt` is about to be sent; on disk when this returns.

        Raises:
            CannotTell: that cannot be written, so it must not be sent.
        """
        if trouble := await self._store._note(self._job, progress, must=True):  # noqa: SLF001 - one thing in two classes
            raise CannotTell(f"the journal cannot be written, so that {progress.in_doubt} was not sent: {trouble}")

    async def keep(self, step: str, body: bytes) -> None:
        """Keep a body that cannot be had again; a whole file on disk when this returns.

        Raises:
            OSError: it could not be written. It is held in memory, within bounds, and tried again.
        """
        await self._store._keep(self._job.id, step, body)  # noqa: SLF001

    async def done(self, progress: Progress) -> None:
        """Note that a step is done. What cannot be written is told, and tried again."""
        await self._store._note(self._job, progress, must=False)  # noqa: SLF001


def _archives(path: Path | None, limits: HistoryLimits, pace: Pace, troubles: Troubles) -> Keeper:
    if path is None:
        return MemoryArchives(pace.parked_bytes)
    dropped = functools.partial(troubles.report, "archive")
    return FileArchives(beside(path, ".archives"), limits, pace.parked_bytes, dropped)


def _in_loop(loop: asyncio.AbstractEventLoop, work: Callable[..., object], *arguments: object) -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
        loop.call_soon_threadsafe(work, *arguments)


def _resolve(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)

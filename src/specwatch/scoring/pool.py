"""Several APIs, or several runs of one, at a time: who works on what, and what is kept when it is cut short."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final, cast

from specwatch.errors import Problem, UsageError
from specwatch.scoring.plan import Plan
from specwatch.scoring.session import came_to_nothing, serve, warm_up
from specwatch.scoring.values import Outcome, Score, Task

Listener = Callable[[Outcome], None]

_DIED: Final = "the process that had its API ready ended"

_GIVEN_UP: Final = "not tried: the processes that had its API ready ended again and again"

_DEATHS_IN_A_ROW: Final = 3
"""After so many processes of one API have died with no outcome between them, its other runs are not tried any more."""

_MOST_DEATHS: Final = 12
"""Nor are they after so many in all: making an API ready takes longer than a run."""


def measure(plan: Plan, jobs: int, listener: Listener = lambda _outcome: None) -> Score:
    """Carry out all runs of a plan.

    Ctrl-C ends it early: runs that are finished are kept, and how many are not is counted.

    Args:
        plan: what to run.
        jobs: how many runs at a time.
        listener: told about each outcome as it comes.

    Raises:
        UsageError: this platform cannot fork a process.
    """
    if not hasattr(os, "fork"):
        expected = "Linux, macOS or another system with fork(2); a container will do"
        raise UsageError(Problem("specwatch score", "this platform cannot fork a process", expected))
    warm_up()
    started_at, started = time.time(), time.monotonic()
    order = {task.name: number for number, task in enumerate(plan.tasks)}
    outcomes: list[Outcome] = []
    with _interruptions() as bell:
        pool = _Pool(plan, jobs, bell)
        try:
            for outcome in pool.outcomes():
                outcomes.append(outcome)
                listener(outcome)
        finally:
            pool.stop()
    outcomes.sort(key=lambda outcome: order[outcome.task.name])
    not_run = len(plan.tasks) - len(outcomes)
    seconds = time.monotonic() - started
    return Score(plan.profile.name, tuple(outcomes), not_run, started_at, seconds, jobs)


@contextmanager
def _interruptions() -> Iterator[int]:
    """A descriptor that can be read once somebody pressed Ctrl-C or sent SIGTERM.

    An exception out of nowhere would be lost where Python forks, which it does all the time here.
    """
    ear, mouth = os.pipe()
    before: dict[int, object] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda _number, _frame: os.write(mouth, b"!") and None)
    try:
        yield ear
    finally:
        for each, handler in before.items():
            signal.signal(each, cast("signal.Handlers", handler))
        os.close(ear)
        os.close(mouth)


@dataclass
class _Worker:
    """A process that has one API ready."""

    api: str
    process: BaseProcess
    port: Connection
    task: Task | None = None

    def stop(self) -> None:
        """End it with whatever it has forked."""
        if self.process.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.port.close()


class _Pool:
    """Workers, and the tasks that are left for each API."""

    def __init__(self, plan: Plan, jobs: int, bell: int) -> None:
        self._plan = plan
        self._jobs = jobs
        self._bell = bell
        self._left: dict[str, deque[Task]] = {}
        for task in sorted(plan.tasks, key=lambda each: not each.allowed):  # those that go to the end take longest
            self._left.setdefault(task.api, deque()).append(task)
        self._workers: list[_Worker] = []
        self._deaths: Counter[str] = Counter()
        self._in_a_row: Counter[str] = Counter()
        self._given_up: deque[Task] = deque()

    def outcomes(self) -> Iterator[Outcome]:
        """The outcomes as they come, until there are no more or the bell rings."""
        self._fill()
        while self._workers:
            ready = wait([self._bell, *(worker.port for worker in self._workers)])
            if self._bell in ready:
                return
            for worker in [each for each in self._workers if each.port in ready]:
                outcome = self._received(worker)
                if outcome is not None:
                    yield outcome
            while self._given_up:
                yield came_to_nothing(self._given_up.popleft(), _GIVEN_UP)
            self._fill()

    def stop(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def _received(self, worker: _Worker) -> Outcome | None:
        """The outcome that a worker sent; it gets its next task, or the word that there is none."""
        try:
            outcome = cast("Outcome", worker.port.recv())
        except (EOFError, OSError):
            return self._lost(worker)
        self._in_a_row[worker.api] = 0
        self._give(worker)
        return outcome

    def _lost(self, worker: _Worker) -> Outcome | None:
        """The outcome of a task whose worker went away; one that had none simply came to its end."""
        self._workers.remove(worker)
        task = worker.task
        worker.stop()
        if task is None:
            return None
        api = worker.api
        self._deaths[api] += 1
        self._in_a_row[api] += 1
        if self._in_a_row[api] >= _DEATHS_IN_A_ROW or self._deaths[api] >= _MOST_DEATHS:
            self._given_up += self._left.pop(api, ())
        return came_to_nothing(task, _DIED)

    def _give(self, worker: _Worker) -> None:
        left = self._left.get(worker.api)
        worker.task = left.popleft() if left else None
        with suppress(OSError):  # it is gone, which the next look at its port shows
            worker.port.send(worker.task)

    def _fill(self) -> None:
        """Start workers while there is work for them: for the API with the most runs left per worker."""
        while len(self._workers) < self._jobs:
            busy = {api: sum(each.api == api for each in self._workers) for api in self._left}
            shares = {api: len(tasks) / (busy[api] + 1) for api, tasks in self._left.items() if tasks}
            if not shares:
                return
            self._start(max(shares, key=lambda api: shares[api]))

    def _start(self, api: str) -> None:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        others = [worker.port for worker in self._workers]
        process = context.Process(target=_work, args=(self._plan, api, theirs, [ours, *others]), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(api, process, ours)
        self._workers.append(worker)
        self._give(worker)


def _work(plan: Plan, api: str, port: Connection, not_mine: list[Connection]) -> None:
    """The body of a worker: in a process group of its own, so that Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgid(0, 0)
    for other in not_mine:
        other.close()
    with suppress(EOFError, BrokenPipeError):
        try:
            serve(plan, api, port)
        except Exception as error:  # noqa: BLE001 - whatever it is, each of its runs says so
            reason = f"the API could not be prepared: {type(error).__name__}: {error}"
            for task in iter(port.recv, None):
                port.send(came_to_nothing(task, reason))

"""Where the event loop leaves what is to be written: constant, small cost, bounded memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Generic, TypeVar

from specwatch.probing.ports import Json
from specwatch.state.limits import Pace
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation

T = TypeVar("T")

SENT_BYTES = 2_000
"""What a request with its headers and findings takes, about, apart from its bodies."""


class Bounded(Generic[T]):
    """A queue that drops its oldest when it is full: the plain ones first, then the precious.

    Args:
        items: how many it holds.
        size: the sum of sizes that it holds.
    """

    def __init__(self, items: int, size: int) -> None:
        self._items = items
        self._most = size
        self._plain: deque[tuple[int, int, T]] = deque()
        self._precious: deque[tuple[int, int, T]] = deque()
        self._size = 0
        self._count = 0

    def add(self, item: T, *, size: int, precious: bool) -> int:
        """Add one; returns how many had to go for it, which may include itself."""
        self._count += 1
        (self._precious if precious else self._plain).append((self._count, size, item))
        self._size += size
        dropped = 0
        while len(self) > self._items or self._size > self._most:
            self._size -= (self._plain or self._precious).popleft()[1]
            dropped += 1
        return dropped

    def drain(self) -> list[T]:
        """Everything in the order in which it came; the queue is empty afterwards."""
        entries = sorted((*self._plain, *self._precious), key=itemgetter(0))
        self._plain.clear()
        self._precious.clear()
        self._size = 0
        return [item for _, _, item in entries]

    def __len__(self) -> int:
        return len(self._plain) + len(self._precious)


def weight(observation: Observation) -> int:
    """Bytes that an observation holds in memory, near enough, in a microsecond or two."""
    total = SENT_BYTES
    for step in observation.steps:
        for sent in step.sent:
            total += SENT_BYTES
            if sent.exchange is not None:
                total += len(sent.exchange.request.body) + len(sent.exchange.response.body)
    return total


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended."""

    verdict: str
    message: str
    at: float


@dataclass(frozen=True, slots=True)
class Call:
    """Something that somebody waits for.

    Args:
        run: does it, in the writer's thread.
        after_writes: whether everything handed over before has to be written first.
    """

    run: Callable[[], None]
    after_writes: bool


@dataclass(slots=True)
class Batch:
    """What was handed over since the last one."""

    runs: list[Observation]
    memories: dict[tuple[str, str], Json | None] = field(default_factory=dict)
    endings: dict[str, Ending] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)


class Inbox:
    """Takes from the event loop, gives to the writer's thread.

    Args:
        pace: bounds and gathering.
        now: epoch seconds to begin with; each `stamp` moves it on. The writer must not ask a clock that belongs to
            the loop.
    """

    def __init__(self, pace: Pace, now: float) -> None:
        self.now = now
        self._pace = pace
        self._ready = threading.Condition()
        self._runs: Bounded[Observation] = Bounded(pace.waiting_runs, pace.waiting_bytes)
        self._batch = Batch(runs=[])
        self._waiting = False  # for the first item: the only one, but for a full batch, that has to wake the writer

    def run(self, observation: Observation) -> int:
        """Hand over a run; returns how many were dropped for it."""
        size = weight(observation)
        with self._ready:
            dropped = self._runs.add(observation, size=size, precious=observation.verdict is Verdict.FAIL)
            if self._waiting or len(self._runs) == self._pace.batch_items:
                self._wake()
        return dropped

    def memory(self, kind: str, key: str, value: Json | None) -> int:
        """Hand over a memory, which replaces one that waits; returns 1 when there was no room for a new key."""
        with self._ready:
            if (kind, key) not in self._batch.memories and len(self._batch.memories) >= self._pace.waiting_keys:
                return 1
            self._batch.memories[kind, key] = value
            if self._waiting:
                self._wake()
        return 0

    def ending(self, job_id: str, ending: Ending) -> int:
        """Hand over how a job ended; returns 1 when there was no room."""
        with self._ready:
            if len(self._batch.endings) >= self._pace.waiting_keys:
                return 1
            self._batch.endings[job_id] = ending
            if self._waiting:
                self._wake()
        return 0

    @property
    def waiting(self) -> int:
        """How many runs, memories and endings the writer has not taken."""
        with self._ready:
            return len(self._runs) + len(self._batch.memories) + len(self._batch.endings)

    def call(self, call: Call) -> None:
        """Hand over something that somebody waits for; the writer turns to it at once."""
        with self._ready:
            self._batch.calls.append(call)
            self._wake()

    def take(self, timeout: float | None) -> Batch:
        """Wait for something, let more of it gather, and take it; empty when the timeout passed first."""
        with self._ready:
            if not self._filled():
                self._waiting = True
                self._ready.wait(timeout)
                self._waiting = False
            if self._filled():
                self._ready.wait_for(self._urgent, self._pace.batch_seconds)
            batch, self._batch = self._batch, Batch(runs=[])
            batch.runs = self._runs.drain()
        return batch

    def _wake(self) -> None:
        self._waiting = False
        self._ready.notify()

    def _filled(self) -> bool:
        return bool(len(self._runs) or self._batch.memories or self._batch.endings or self._batch.calls)

    def _urgent(self) -> bool:
        return bool(self._batch.calls) or len(self._runs) >= self._pace.batch_items

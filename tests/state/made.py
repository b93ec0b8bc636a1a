"""Observations, jobs and stores to test with."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st

from specwatch.probing.ports import Job, Progress
from specwatch.state import HistoryLimits, Pace, SqliteStore
from specwatch.values.claim import Level, Verdict
from specwatch.values.exchange import Exchange, Request, Response, Timings
from specwatch.values.failure import PHASES, Certificate, Failure, Reason
from specwatch.values.observation import Criterion, Observation, Sent, StepResult
from specwatch.values.violation import Drift, Violation

NOW = 1_800_000_000.0
T = TypeVar("T")
BRISK = Pace(batch_seconds=0.001, first_retry=0.01, last_retry=0.05, busy=0.05, closing=20.0, answer=20.0)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def now(self) -> float:
        """Epoch seconds."""
        return self.at


class Told(list[tuple[str, str]]):
    """The troubles that a store told of."""

    def __call__(self, operation: str, message: str) -> None:
        """Take one."""
        self.append((operation, message))

    def of(self, operation: str) -> list[str]:
        """The sentences about an operation."""
        return [message for told, message in self if told == operation]


@asynccontextmanager
async def opened(
    path: Path | None,
    told: Callable[[str, str], None] | None = None,
    *,
    limits: HistoryLimits | None = None,
    pace: Pace = BRISK,
    clock: Clock | None = None,
) -> AsyncIterator[SqliteStore]:
    """A store that was started, and is closed at the end."""
    store = SqliteStore(path, clock or Clock(), Told() if told is None else told, limits, pace=pace)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def with_store(path: Path | None, work: Callable[[SqliteStore], Awaitable[T]], told: Told | None = None) -> T:
    """Run something on a store that is opened for it and closed after it."""

    async def run() -> T:
        async with opened(path, told) as store:
            return await work(store)

    return asyncio.run(run())


def observation(
    number: int = 0,
    probe: str = "shop/read",
    verdict: Verdict = Verdict.PASS,
    at: float = NOW,
    body: bytes = b'{"price": 1}',
) -> Observation:
    """A run of one request."""
    return Observation(
        id=f"{probe}-{at}-{number}",
        api="shop",
        probe=probe,
        workflow="read",
        target="sandbox",
        verdict=verdict,
        reason=Reason.CONTRACT if verdict is Verdict.FAIL else None,
        message="" if verdict is Verdict.PASS else "the price is gone",
        started_at=at,
        seconds=0.2,
        steps=(StepResult("read", met=True, sent=(Sent("read", "readThing", exchange(body)),)),),
        requests=1,
    )


def exchange(body: bytes = b"") -> Exchange:
    """A request and its answer."""
    return Exchange(
        id="1",
        api="shop",
        operation="readThing",
        target="http://127.0.0.1",
        request=Request("GET", "http://127.0.0.1/things/1", (("accept", "*/*"),), b""),
        response=Response(200, (("content-type", "application/json"),), body),
        timings=Timings(NOW, 0.1, {"connect": 0.01}),
    )


def job(name: str = "job-1") -> Job:
    """A run that creates something."""
    return Job(name, "shop/buy", "buy", "sandbox", NOW, Progress())


async def wait_for_trouble(told: Told, operation: str) -> None:
    """Return when an operation was told of; the test's own limit ends a wait for nothing."""
    while not told.of(operation):  # noqa: ASYNC110 - the store calls a list
        await asyncio.sleep(0)


def os_error() -> OSError:
    """What a full disk says."""
    return OSError(errno.ENOSPC, "No space left on device")


texts = st.text(max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
headers = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
phases = st.dictionaries(st.sampled_from(PHASES), numbers, max_size=3)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
mappings = st.dictionaries(texts, documents, max_size=4)
certificates = st.none() | st.builds(Certificate, texts, numbers, texts, st.booleans(), texts)
exchanges = st.builds(
    Exchange,
    id=texts,
    api=texts,
    operation=texts,
    target=texts,
    request=st.builds(Request, texts, texts, headers, st.binary(max_size=40)),
    response=st.builds(Response, st.integers(100, 599), headers, st.binary(max_size=40), texts, texts),
    timings=st.builds(Timings, numbers, numbers, phases),
    credentials=st.dictionaries(texts, texts, max_size=2),
    path_parameters=st.dictionaries(texts, texts, max_size=2),
    query=st.dictionaries(texts, texts, max_size=2),
    vouched=st.booleans(),
    about_us=st.booleans(),
    attempts=st.integers(1, 9),
    certificate=certificates,
)
sents = st.builds(
    Sent,
    texts,
    texts,
    st.none() | exchanges,
    st.none()
    | st.builds(
        Failure, st.sampled_from(Reason), texts, texts, numbers, numbers, phases, certificates, local=st.booleans()
    ),
    texts,
    st.lists(
        st.builds(Violation, texts, texts, st.sampled_from(Level), texts, texts, texts, texts, texts, texts), max_size=2
    ).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
    st.lists(st.builds(Drift, texts, texts, texts, texts), max_size=2).map(tuple),
)
steps = st.builds(
    StepResult,
    texts,
    st.booleans(),
    st.lists(st.builds(Criterion, texts, st.booleans(), texts), max_size=2).map(tuple),
    st.lists(sents, max_size=2).map(tuple),
    texts,
)
observations = st.builds(
    Observation,
    id=texts,
    api=texts,
    probe=texts,
    workflow=texts,
    target=texts,
    verdict=st.sampled_from(Verdict),
    reason=st.none() | st.sampled_from(Reason),
    message=texts,
    started_at=numbers,
    seconds=numbers,
    steps=st.lists(steps, max_size=3).map(tuple),
    requests=st.integers(0, 99),
    cost=numbers,
    job_seconds=st.none() | numbers,
    attempt=st.integers(1, 3),
    saturated=st.booleans(),
    outputs=mappings,
)

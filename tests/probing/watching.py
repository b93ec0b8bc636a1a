"""A watch in virtual time: a wire that answers from memory, a store that outlives it, and a diary of what happened."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from tests.virtual import VirtualLoop

from specwatch.probing.configuration import Configuration, Options
from specwatch.probing.events import Event, Ran, Skipped
from specwatch.probing.ports import Job, Json, Progress
from specwatch.probing.watch import Machinery, Watch
from specwatch.schedule import Probe, Schedule, apis_of
from specwatch.spec import load_api
from specwatch.transport.clock import LoopClock
from specwatch.transport.target import Kind, Target
from specwatch.transport.wire import Answer, Outgoing, Wire, WireError
from specwatch.values import Response, Timings
from specwatch.values.failure import Failure, Reason
from specwatch.values.observation import Observation
from specwatch.workflow import Document, load_document

T = TypeVar("T")

DOCUMENT = Path(__file__).with_name("data") / "shop.arazzo.yaml"
SPEC = Path(__file__).resolve().parents[1] / "shop.yaml"
MIDNIGHT = 1_700_006_400.0
"""Epoch seconds of the beginning of a day of UTC, at which the virtual time begins."""

HOUR = 3_600.0
DAY = 24 * HOUR

VARIABLES = {
    "SHOP_TOKEN": "tok-alpha-0001",
    "SHOP_CLIENT": "client-0003",
    "SHOP_KEY": "key-0004",
    "SHOP_ITEM": "i-7",
    "SHOP_ITEMS": "i-8,i-9",
}
LIVE = Options(Target(Kind.LIVE))
Reply = Response | Failure | Exception
Answers = Callable[[Outgoing], Reply]


def reply(status: int = 200, body: object = None, **headers: str) -> Response:
    """A JSON answer."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status, (("content-type", "application/json"), *more), content)


def honest(outgoing: Outgoing) -> Reply:
    """What a shop answers in which all is well."""
    path = outgoing.target.decode().partition("?")[0]
    if path == "/v1/health":
        return reply(200, {})
    if path.startswith("/v1/items/"):
        return reply(200, {"id": path.rpartition("/")[2], "name": "a cup"})
    return reply(200, {})


def down(_outgoing: Outgoing) -> Reply:
    """What a shop answers that has a bad day."""
    return reply(503)


@cache
def document() -> Document:
    """The workflows of the shop."""
    return load_document(DOCUMENT, load_api)


def kiosk(folder: Path, host: str = "shop.example.com") -> Document:
    """The same workflows of a second API, which has the credential of the shop, and its origin unless told so."""
    spec = SPEC.read_text(encoding="utf-8").replace("shop.example.com", host)
    (folder / "kiosk.yaml").write_text(spec, encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8").replace("../../shop.yaml", "kiosk.yaml")
    (folder / "kiosk.arazzo.yaml").write_text(text, encoding="utf-8")
    return load_document(folder / "kiosk.arazzo.yaml", load_api)


def probe(workflow: str = "health", probe_id: str = "p", *, of: Document | None = None, **more: Any) -> Probe:
    """A probe once a minute, which looks once."""
    found = (of or document()).workflow(workflow)
    made = Probe(probe_id, apis_of(found)[0].id, found, interval=60.0, confirm=1)
    return replace(made, **more)


def configured(*probes: Probe, **variables: str) -> Configuration:
    """A configuration with these probes."""
    apis = {api.id: api for each in probes for api in apis_of(each.workflow)}
    schedule = Schedule(Path("schedule.yaml"), 10, probes)
    marks = dict.fromkeys(apis, "the same")
    return Configuration(apis, schedule, {name: v for name, v in (VARIABLES | variables).items() if v}, marks)


@dataclass
class FakeWire:
    """Answers from memory after some virtual seconds, and notes what was sent when."""

    answers: Answers
    seconds: float = 0.05
    sent: list[tuple[float, Outgoing]] = field(default_factory=list)
    closed: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, outgoing: Outgoing, *, seconds: float) -> Answer:
        """Answer a request."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.sent.append((started, outgoing))
        self.asked.set()
        await asyncio.sleep(min(self.seconds, seconds))
        if self.seconds > seconds:
            raise WireError(Failure(Reason.TIMEOUT, f"no answer within {seconds:g} s", "processing"))
        found = self.answers(outgoing)
        if isinstance(found, Failure):
            raise WireError(found)
        if isinstance(found, Exception):
            raise found
        timings = Timings(MIDNIGHT + started, self.seconds, {"connect": 0.01, "processing": self.seconds})
        return Answer(found, timings, None, len(found.body))

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed += 1

    @property
    def times(self) -> list[float]:
        """When requests were sent."""
        return [at for at, _ in self.sent]

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [outgoing.target.decode() for _, outgoing in self.sent]


@dataclass(frozen=True)
class Box:
    """An archive."""

    path: Path


@dataclass
class Shelf:
    """A store in memory that outlives the watch: what is opened again is what was written."""

    documents: dict[str, dict[str, Json]] = field(default_factory=dict)
    runs: list[Observation] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)
    kept: dict[tuple[str, str], bytes] = field(default_factory=dict)
    open: int = 0

    async def start(self) -> None:
        """Open."""
        self.open += 1

    def memories(self, kind: str) -> Mapping[str, Json]:
        """What was remembered."""
        return dict(self.documents.get(kind, {}))

    def remember(self, kind: str, key: str, value: Json | None) -> None:
        """Remember a document, which has to be JSON."""
        own = self.documents.setdefault(kind, {})
        if value is None:
            own.pop(key, None)
        else:
            own[key] = cast("Json", json.loads(json.dumps(value)))

    def record(self, observation: Observation) -> None:
        """Add a run."""
        self.runs.append(observation)

    def journal(self, job: Job) -> Notes:
        """The journal of a run."""
        return Notes(self, job)

    def open_jobs(self) -> tuple[Job, ...]:
        """Those that were not finished."""
        return tuple(job for job in self.jobs.values() if job.id not in self.ended)

    def finish(self, job_id: str, verdict: str, message: str) -> None:
        """Note how a job ended."""
        if job_id in self.jobs:
            self.ended[job_id] = verdict, message

    async def archives(self, job_id: str) -> list[Box]:
        """What a job brought."""
        return [Box(Path("archives") / f"{job}.{step}.bin") for job, step in self.kept if job == job_id]

    async def close(self) -> None:
        """Close."""
        self.open -= 1


@dataclass
class Notes:
    """The journal of one run."""

    shelf: Shelf
    job: Job

    async def intend(self, progress: Progress) -> None:
        """Note what is about to be sent."""
        self.shelf.jobs[self.job.id] = replace(self.job, progress=progress)

    async def keep(self, step: str, body: bytes) -> None:
        """Keep a body."""
        self.shelf.kept[self.job.id, step] = body

    async def done(self, progress: Progress) -> None:
        """Note what is done."""
        self.shelf.jobs[self.job.id] = replace(self.job, progress=progress)


@dataclass
class Diary:
    """What a watch did, and when in virtual seconds."""

    watch: Watch
    wire: FakeWire
    shelf: Shelf
    told: list[tuple[float, Event]] = field(default_factory=list)
    loop_errors: list[Mapping[str, object]] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        """All that was told."""
        return [event for _, event in self.told]

    def ran(self, probe_id: str = "p") -> list[Ran]:
        """The runs of a probe."""
        return [event for event in self.events if isinstance(event, Ran) and event.observation.probe == probe_id]

    def seen(self, probe_id: str = "p") -> list[Observation]:
        """What they found."""
        return [event.observation for event in self.ran(probe_id)]

    def times(self, probe_id: str = "p") -> list[float]:
        """When they began."""
        return [observation.started_at - MIDNIGHT for observation in self.seen(probe_id)]

    def skips(self, probe_id: str = "p") -> Counter[str]:
        """How many of its ticks were skipped, by reason."""
        return Counter(event.reason for event in self.events if isinstance(event, Skipped) and event.probe == probe_id)


class _AtOnce(ThreadPoolExecutor):
    """Does what others give to a thread at once: virtual time would not wait for a thread."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - handed on, as a thread would
            future.set_exception(error)
        return future


Meanwhile = Callable[[Diary], Awaitable[None]]


def play(  # noqa: PLR0913 - what a test may want to be otherwise
    probes: Sequence[Probe],
    duration: float,
    answers: Answers = honest,
    *,
    shelf: Shelf | None = None,
    options: Options = LIVE,
    load: Callable[[], Configuration] | None = None,
    meanwhile: Meanwhile | None = None,
    start: float = 0.0,
    seconds: float = 0.05,
    **variables: str,
) -> Diary:
    """Let a watch run for some virtual seconds."""
    configuration = configured(*probes, **variables)
    wire, kept = FakeWire(answers, seconds), shelf or Shelf()

    async def main() -> Diary:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_AtOnce())
        told: list[tuple[float, Event]] = []
        machinery = Machinery(
            make_wire=lambda _configuration, _options: cast("Wire", wire),
            store=kept,
            clock=LoopClock(MIDNIGHT),
            load=load or (lambda: configuration),
            listeners=[lambda event: told.append((loop.time(), event))],
        )
        diary = Diary(Watch(configuration, options, machinery), wire, kept, told)
        loop.set_exception_handler(lambda _loop, context: diary.loop_errors.append(context))
        await diary.watch.start()
        stop = asyncio.Event()
        loop.call_later(duration, stop.set)
        async with asyncio.TaskGroup() as group:
            group.create_task(diary.watch.serve(stop))
            if meanwhile is not None:
                group.create_task(cast("Any", meanwhile(diary)))
        return diary

    with asyncio.Runner(loop_factory=lambda: _from(start)) as runner:
        diary = runner.run(main())
    assert diary.loop_errors == []
    return diary


def _from(start: float) -> VirtualLoop:
    loop = VirtualLoop()
    loop.jumping.now = start
    return loop

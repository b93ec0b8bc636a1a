"""The prober itself in a process of its own: a real `Watch` with generated probes, on uvloop.

What it stands on is what `specwatch watch` uses: the wire, the store (in memory), metrics as a listener, the web.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path

import uvloop
from benchmarks.probing.line import answer_until_the_end, say
from benchmarks.probing.loader import path

from specwatch.cli.place import CAPS
from specwatch.cli.watch.session import spare_the_collector
from specwatch.cli.watch.status import WatchStatus
from specwatch.metrics import Metrics
from specwatch.probing.configuration import Configuration, Options
from specwatch.probing.events import Event, Listener, Ran, Saturated, Skipped, StateTrouble
from specwatch.probing.prober import Run, run_id
from specwatch.probing.watch import Machinery, Watch
from specwatch.schedule import Probe, Schedule
from specwatch.spec import Api, load_api
from specwatch.state import SqliteStore
from specwatch.transport.budget import DailyBudget
from specwatch.transport.clock import LoopClock
from specwatch.transport.courier import Terms
from specwatch.transport.draft import Draft, build_roles, default_headers
from specwatch.transport.permission import Permission
from specwatch.transport.target import parse_target
from specwatch.transport.wire import Network, Outgoing, Wire, configured, tls_context
from specwatch.web import Listen, WebSettings, create_web, serve
from specwatch.workflow import load_document

FOLDER = Path(__file__).parent
NEVER = 1e6
"""An interval that lets no tick happen during a benchmark."""

Step = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Work:
    """What to do.

    Args:
        url: base URL of the target.
        authority: file of the authority to trust; empty for the usual ones.
        probes: how many.
        interval: seconds between ticks of a probe.
        concurrency: how many run at the same time.
        timeout: seconds of one request.
        lanes: so many probes are kept in flight without a pause, each lane starting the next as soon as one is done;
            0 leaves it to the schedule.
        stage: how much of the prober takes part; one of `STAGES`.
        web: whether metrics are served.
        keeps_times: whether the time of each request is kept.
    """

    url: str
    authority: str = ""
    probes: int = 64
    interval: float = NEVER
    concurrency: int = 64
    timeout: float = 5.0
    lanes: int = 0
    stage: str = "all"
    web: bool = False
    keeps_times: bool = False


STAGES = {
    "wire": "the wire alone, phases and caps",
    "sent": "+ permission, budget, credentials",
    "judged": "+ schema and headers",
    "claims": "+ claims",
    "run": "+ workflow, criteria, verdict, redaction",
    "watch": "+ watch: scheduler, memory, store",
    "all": "+ metrics",
}


@dataclass
class Counts:
    """A listener that counts what happens."""

    keeps_times: bool = False
    runs: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)
    saturated: list[bool] = field(default_factory=list)
    took: dict[str, list[float]] = field(default_factory=dict)
    ran: dict[str, list[float]] = field(default_factory=dict)
    example: str = ""
    troubles: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Count."""
        if isinstance(event, Ran):
            self._ran(event)
        elif isinstance(event, Skipped):
            self.skips[event.reason] += 1
        elif isinstance(event, Saturated):
            self.saturated.append(event.on)
        elif isinstance(event, StateTrouble):
            self.troubles.append(f"{event.operation}: {event.message}")

    def _ran(self, event: Ran) -> None:
        observation = event.observation
        self.runs += 1
        self.verdicts[observation.verdict.value] += 1
        if observation.reason is not None:
            self.reasons[observation.reason.value] += 1
            self.example = self.example or observation.message
        sent = observation.sent
        if self.keeps_times and sent and sent[0].exchange is not None:
            where = path(int(observation.probe[1:]))
            self.took.setdefault(where, []).append(sent[0].exchange.timings.total_seconds)
            self.ran.setdefault(where, []).append(observation.seconds)

    def report(self) -> dict[str, object]:
        """Numbers only."""
        return {
            "runs": self.runs,
            "failed": self.runs - self.verdicts["pass"],
            "verdicts": self.verdicts,
            "reasons": self.reasons,
            "skips": self.skips,
            "saturated": self.saturated,
            "example": self.example,
            "troubles": self.troubles,
        }


class Driver:
    """Puts a watch together and keeps it going."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.clock = LoopClock()
        self.counts = Counts(work.keeps_times)
        self.api = _api(work.stage)
        self.configuration = _configuration(work, self.api)
        probes = self.configuration.schedule.probes
        self.metrics = Metrics(self.configuration.apis.values(), probes, self.clock)
        own: list[Listener] = [self.metrics] if work.stage == "all" else []
        self.store = store = SqliteStore(None, self.clock, lambda *trouble: self.watch.emit(StateTrouble(*trouble)))
        machinery = Machinery(self._wire, store, self.clock, lambda: self.configuration, [*own, self.counts])
        self.watch = Watch(self.configuration, Options(parse_target(work.url)), machinery)

    def _wire(self, _configuration: Configuration, _options: Options) -> Wire:
        context = tls_context(self.work.authority) if self.work.authority else None
        return Wire(Network(tls=context, allowed=configured([self.work.url])), CAPS)

    async def run(self) -> None:
        """Go on until the input ends."""
        await self.watch.start()
        spare_the_collector()
        stop = asyncio.Event()
        async with self._web() as url, asyncio.TaskGroup() as group:
            serving = group.create_task(self.watch.serve(stop))
            lanes = [group.create_task(self._lane(first)) for first in range(self.work.lanes)]
            say({"url": url})
            await answer_until_the_end(
                {"report": self.counts.report, "took": lambda: self.counts.took, "ran": lambda: self.counts.ran}
            )
            for lane in lanes:
                lane.cancel()
            stop.set()
            await serving

    @contextlib.asynccontextmanager
    async def _web(self) -> AsyncIterator[str]:
        if not self.work.web:
            yield ""
            return
        settings = WebSettings(Listen("127.0.0.1", 0))
        view = WatchStatus(self.watch, self.store, self.clock)
        async with serve(create_web(view, self.metrics, settings), settings) as url:
            yield url

    async def _lane(self, first: int) -> None:
        await asyncio.sleep(0.05)  # until the watch serves
        step = self._step()
        for number in cycle(range(first, self.work.probes, self.work.lanes)):
            await step(number)

    def _step(self) -> Step:
        """One probe, as far as the stage goes."""
        if self.work.stage in {"watch", "all"}:
            return self._trigger
        return getattr(_Stage(self), self.work.stage)  # type: ignore[no-any-return]

    async def _trigger(self, number: int) -> None:
        task = self.watch.scheduler.trigger(f"p{number}")
        if task is not None:
            await task


class _Stage:
    """The parts of the prober, each including those before it."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._prober = driver.watch.prober
        self._desk = self._prober.desks[driver.api.id]
        self._wire = driver._wire(driver.configuration, driver.watch.options)  # noqa: SLF001 - two classes of one thing
        self._terms = Terms(DailyBudget(driver.clock.now, None, None), Permission(frozenset(), False, set()))  # noqa: FBT003
        operation = driver.api.operations[0]
        self._drafts = [_draft(driver.api, number) for number in range(driver.work.probes)]
        host, _, port = driver.work.url.rpartition("://")[2].partition(":")
        scheme = driver.work.url.partition(":")[0]
        headers = ((b"accept", b"application/json"), (b"x-api-key", b"key-of-the-benchmark"))
        self._outgoing = [
            Outgoing(operation.method, scheme, host, int(port), path(number).encode(), headers)
            for number in range(driver.work.probes)
        ]

    def _count(self) -> None:
        self._driver.counts.runs += 1
        self._driver.counts.verdicts["pass"] += 1

    async def wire(self, number: int) -> None:
        answer = await self._wire.fetch(self._outgoing[number], seconds=5.0)
        if answer.response.status == 200:
            self._count()

    async def sent(self, number: int) -> None:
        exchange = await self._desk.courier.deliver(self._drafts[number], self._terms, 5.0)
        if exchange.response.status == 200:
            self._count()

    async def judged(self, number: int) -> None:
        sent = await self._desk.send(self._drafts[number], "read", self._terms, 5.0)
        if not sent.violations and sent.exchange is not None:
            self._count()

    async def claims(self, number: int) -> None:
        await self.judged(number)

    async def run(self, number: int) -> None:
        probe = self._driver.configuration.schedule.probes[number]
        run = Run(run_id(probe, self._driver.clock.now()))
        observation = await self._prober.run(probe, self._terms, run)
        self._driver.counts(Ran(observation))


def _draft(api: Api, number: int) -> Draft:
    operation = api.operations[0]
    return Draft(
        operation,
        path(number),
        default_headers(operation, (), has_body=False),
        roles=build_roles(operation, "account"),
        path_parameters={"id": path(number).rpartition("/")[2]},
    )


def _api(stage: str) -> Api:
    api = load_api(FOLDER / "shipments.yaml")
    return replace(api, claims=()) if stage in {"wire", "sent", "judged"} else api


def _configuration(work: Work, api: Api) -> Configuration:
    document = load_document(FOLDER / "shipments.arazzo.yaml", {api.path: api})
    workflow = document.workflows["known-shipment"]
    probes = tuple(
        Probe(
            f"p{number}",
            api.id,
            workflow,
            inputs={"shipment": path(number).rpartition("/")[2]},
            interval=work.interval,
            timeout=work.timeout,
            deadline=work.timeout,
            confirm=1,
        )
        for number in range(work.probes)
    )
    schedule = Schedule(FOLDER / "schedule.yaml", work.concurrency, probes)
    return Configuration({api.id: api}, schedule, {"SHIPMENTS_KEY": "key-of-the-benchmark"})


if __name__ == "__main__":
    uvloop.run(Driver(Work(**json.loads(sys.argv[1]))).run())

"""A sender and a clock in memory, and a journal that remembers, for the tests of the executor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from specwatch.probing.execute import Execution, execute
from specwatch.probing.ports import Progress
from specwatch.spec import load_api
from specwatch.transport.draft import Draft
from specwatch.values import Exchange, Failure, Request, Response, Timings
from specwatch.values.observation import Sent
from specwatch.workflow import Document, load_document

DATA = Path(__file__).resolve().parents[1] / "workflow" / "data"
JSON = (("content-type", "application/json"),)
CUP = {"id": "i-1", "name": "a cup"}

Reply = Sent | Response | Exception
Answers = Callable[["Shop", Draft, str], Reply]


@cache
def shop(name: str = "shop") -> Document:
    """A document of the test data."""
    return load_document(DATA / f"{name}.arazzo.yaml", load_api)


def answer(status: int = 200, body: object = None, **headers: str) -> Response:
    """A JSON answer."""
    content = b"" if body is None else json.dumps(body).encode()
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status, (*JSON, *more), content)


def no_answer(draft: Draft, step: str, failure: Failure) -> Sent:
    """A request that led to no usable answer."""
    return Sent(step, draft.operation.id, failure=failure)


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    time: float = 0.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Epoch seconds."""
        return 1_000_000.0 + self.time

    def monotonic(self) -> float:
        """Seconds."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)
        self.time += seconds


@dataclass
class Shop:
    """Answers requests from memory, in virtual time, and notes what happens in which order."""

    answers: Answers
    clock: Clock = field(default_factory=Clock)
    seconds: float = 0.0
    drafts: list[Draft] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    untils: list[float] = field(default_factory=list)

    async def send(self, draft: Draft, step: str, until: float) -> Sent:
        """Answer a request."""
        await asyncio.sleep(0)
        self.drafts.append(draft)
        self.log.append(f"send {step}")
        self.untils.append(until)
        self.clock.time += self.seconds
        reply = self.answers(self, draft, step)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Sent) else Sent(step, draft.operation.id, exchange_of(draft, reply))

    @property
    def steps(self) -> list[str]:
        """The steps that were sent, in order."""
        return [entry.removeprefix("send ") for entry in self.log if entry.startswith("send ")]


def exchange_of(draft: Draft, response: Response) -> Exchange:
    """The exchange of a draft and its answer."""
    return Exchange(
        id="1",
        api=draft.operation.api,
        operation=draft.operation.id,
        target="https://shop.example.com/v1",
        request=Request(draft.operation.method, f"https://shop.example.com/v1{draft.path}", draft.headers, draft.body),
        response=response,
        timings=Timings(0.0, 0.1),
        path_parameters=draft.path_parameters,
        query=draft.query,
    )


@dataclass
class Paper:
    """A journal in memory; what it is told goes into the log of the shop too."""

    log: list[str]
    broken: Mapping[str, Exception] = field(default_factory=dict)
    intended: list[Progress] = field(default_factory=list)
    ended: list[Progress] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)

    async def intend(self, progress: Progress) -> None:
        """Note what is about to be sent."""
        self._note("intend", progress.in_doubt)
        self.intended.append(progress)

    async def keep(self, step: str, body: bytes) -> None:
        """Keep a body."""
        self._note("keep", step)
        self.kept[step] = body

    async def done(self, progress: Progress) -> None:
        """Note what is done."""
        self._note("done", progress.following or "(end)")
        self.ended.append(progress)

    def _note(self, what: str, name: str) -> None:
        if what in self.broken:
            raise self.broken[what]
        self.log.append(f"{what} {name}")


def run(
    workflow: str,
    sender: Shop,
    *,
    document: str = "shop",
    until: float = 1_000.0,
    journal: Paper | None = None,
    progress: Progress | None = None,
    **inputs: object,
) -> Execution:
    """Run a workflow of the test data to its end."""
    target = shop(document).workflow(workflow)
    clock = sender.clock
    return asyncio.run(execute(target, inputs, sender, clock, until=until, journal=journal, progress=progress))

"""What tests of notifications share: runs, a memory in place of a store, and receivers that do what they are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tests.virtual import EPOCH, virtual_clock

from specwatch.notify import Notifier, Outlook, Pace
from specwatch.notify.webhook import Answer
from specwatch.probing.events import Event, Notified, Planned, Ran
from specwatch.probing.ports import Json, Store
from specwatch.values import Observation, Reason, Verdict

WELL = Answer(delivered=True)


def run_of(
    verdict: Verdict, probe: str = "shop-items", at: float = EPOCH, reason: Reason | None = None, message: str = ""
) -> Observation:
    """A run of a probe; its API is what comes before the dash."""
    if verdict is Verdict.FAIL:
        reason, message = reason or Reason.TIMEOUT, message or "no answer within 10 s"
    api = probe.partition("-")[0]
    return Observation(f"{probe}-1", api, probe, "w", "live", verdict, reason, message, at, 0.5)


def planned(*probes: str, off: frozenset[str] = frozenset()) -> Planned:
    """A schedule of these probes; more than their ids is not looked at."""

    @dataclass(frozen=True)
    class Named:
        id: str

    return Planned((), cast("Any", tuple(Named(probe) for probe in probes)), off)


@dataclass
class Remembered:
    """The part of a store that is needed here; it outlives a notifier."""

    known: dict[str, dict[str, Json]] = field(default_factory=dict)

    def memories(self, kind: str) -> Mapping[str, Json]:
        """What was remembered, through JSON as a real store has it."""
        return cast("Mapping[str, Json]", json.loads(json.dumps(self.known.get(kind, {}))))

    def remember(self, kind: str, key: str, value: Json | None) -> None:
        """Remember or forget."""
        kept = self.known.setdefault(kind, {})
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value


@dataclass
class Told:
    """A receiver that gives the answers of a script, the last one again and again, and keeps what arrived."""

    script: list[Answer] = field(default_factory=lambda: [WELL])
    shown: str = "http://hook.example.com"
    messages: list[dict[str, Any]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    hold: asyncio.Event | None = None
    closed: bool = False

    async def post(self, body: bytes) -> Answer:
        """The next answer, once nothing holds it."""
        self.messages.append(json.loads(body))
        self.at.append(asyncio.get_running_loop().time())
        if self.hold is not None:
            await self.hold.wait()
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    async def aclose(self) -> None:
        """Note that it was let go."""
        self.closed = True

    def alerts(self) -> list[tuple[str, str, str]]:
        """Status, name and probe of all alerts of all messages."""
        return [
            (alert["status"], alert["labels"]["alertname"], alert["labels"]["probe"])
            for message in self.messages
            for alert in message["alerts"]
        ]


@dataclass
class Scene:
    """A notifier with everything around it."""

    receiver: Told = field(default_factory=Told)
    store: Remembered = field(default_factory=Remembered)
    pace: Pace = field(default_factory=Pace)
    began: dict[str, float] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=list)
    log: list[tuple[str, str, str, Mapping[str, object]]] = field(default_factory=list)
    now: Callable[[], float] = field(default_factory=lambda: virtual_clock().now)

    def make(self) -> Notifier:
        """A notifier, as a process that begins has it."""

        def emit(event: Event) -> None:
            assert isinstance(event, Notified)
            self.outcomes.append(event.outcome)

        def say(level: str, event: str, message: str, fields: Mapping[str, object]) -> None:
            self.log.append((level, event, message, fields))

        store = cast("Store", self.store)
        return Notifier(self.receiver, Outlook(store, self.now, self.began.get, emit, say, "here"), self.pace)


@pytest.fixture
def scene() -> Scene:
    """A notifier's surroundings."""
    return Scene()


@pytest.fixture
def ran() -> Callable[..., Ran]:
    """Makes the event of a settled run."""

    def make(verdict: Verdict, probe: str = "shop-items", at: float = EPOCH, **more: Any) -> Ran:
        return Ran(run_of(verdict, probe, at, **more))

    return make


@pytest.fixture
def plan() -> Callable[..., Planned]:
    """Makes the event of a schedule."""
    return planned

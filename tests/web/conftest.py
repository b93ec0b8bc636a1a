"""What tests of the web part share: a prober that is not there, and a real server in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from specwatch.metrics import Metrics
from specwatch.probing.events import Reloaded
from specwatch.transport.clock import LoopClock
from specwatch.values import Certificate, Exchange, Observation, Request, Response, Sent, StepResult, Timings, Verdict
from specwatch.web import ApiStatus, Listen, ProbeStatus, Status, WebSettings, create_web, serve

NOW = 1_700_000_000.0
Use = Callable[[httpx.AsyncClient], Awaitable[object]]


def run_of(verdict: Verdict = Verdict.PASS) -> Observation:
    """A run of two requests."""
    exchange = Exchange(
        "e",
        "shop",
        "getItem",
        "live",
        Request("GET", "https://shop.example.com", (), b""),
        Response(204, (), b""),
        Timings(NOW, 0.5, {"resolve": 0.01, "request": 0.02, "processing": 0.03}),
        certificate=Certificate("shop.example.com", NOW + 5, "CN=CA", verified=True),
    )
    sent = (Sent("s", "getItem", exchange), Sent("s", "getItem", exchange))
    step = StepResult("s", met=True, sent=sent)
    return Observation("run-1", "shop", "read-item", "w", "live", verdict, None, "", NOW, 1.25, (step,), 2)


@dataclass
class FakeView:
    """A prober that does what a test says, and remembers what it was asked."""

    ready: bool = True
    answer: Status = field(
        default_factory=lambda: Status(NOW, NOW - 60, (ApiStatus("shop", "Shop", "live", (ProbeStatus("read-item"),)),))
    )
    result: Observation | Exception | None = field(default_factory=run_of)
    reloaded: Reloaded = field(default_factory=lambda: Reloaded(ok=True, at=NOW))
    asked: list[tuple[str, float | None]] = field(default_factory=list)
    reloads: int = 0

    def status(self) -> Status:
        """What the test says."""
        return self.answer

    async def run_probe(self, probe_id: str, timeout_seconds: float | None) -> Observation | None:
        """What the test says, for the one probe that there is."""
        self.asked.append((probe_id, timeout_seconds))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result if probe_id == "read-item" else None

    async def runs(self, probe_id: str, limit: int) -> Sequence[Mapping[str, object]] | None:
        """As many runs as may be shown, of the one probe that there is."""
        return [{"id": f"{probe_id}-{number}"} for number in range(limit)] if probe_id == "read-item" else None

    async def run(self, run_id: str) -> Mapping[str, object] | None:
        """The one run that is kept."""
        return {"id": run_id, "probe": "read-item"} if run_id == "read-item-7" else None

    async def reload(self) -> Reloaded:
        """What the test says."""
        self.reloads += 1
        return self.reloaded


@pytest.fixture
def view() -> FakeView:
    """A prober."""
    return FakeView()


@pytest.fixture
def run() -> Callable[..., Observation]:
    """Makes a run."""
    return run_of


@pytest.fixture
def browse(view: FakeView) -> Callable[..., None]:
    """Serves on a free port for as long as a test talks to it."""

    def start(
        use: Use,
        *,
        token: str = "",
        names: frozenset[str] = frozenset(),
        certificate: Path | None = None,
        key: Path | None = None,
        trust: object = True,
        host: str = "127.0.0.1",
    ) -> None:
        settings = WebSettings(Listen(host, 0), names, token, certificate, key)

        async def main() -> None:
            app = create_web(view, Metrics([], [], LoopClock(), "here"), settings)
            async with (
                serve(app, settings) as url,
                httpx.AsyncClient(base_url=url, trust_env=False, verify=trust) as client,  # type: ignore[arg-type]
            ):
                await use(client)

        asyncio.run(main())

    return start

"""What tests of metrics share: the shop's metrics, and observations made from the parts that matter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from specwatch.metrics import Metrics
from specwatch.schedule import Probe
from specwatch.spec import Api, Operation, load_api
from specwatch.values import (
    Certificate,
    Exchange,
    Failure,
    Observation,
    Reason,
    Request,
    Response,
    Sent,
    StepResult,
    Timings,
    Verdict,
)
from specwatch.workflow.model import Document, Step, Workflow

NOW = 1_700_000_000.0


class StillClock:
    """A clock that stands still."""

    def now(self) -> float:
        """Epoch seconds."""
        return NOW

    def monotonic(self) -> float:
        """The same seconds."""
        return NOW

    async def sleep(self, _seconds: float) -> None:
        """Let others go on."""
        await asyncio.sleep(0)


def make_workflow(name: str, *operations: Operation) -> Workflow:
    """A workflow that calls operations one after the other."""
    steps = tuple(Step(each.id, each, None, None, (), None, (), (), (), {}) for each in operations)
    document = Document(Path("shop.arazzo.yaml"), "1.0.1", "Shop", {}, {})
    return Workflow(name, "", None, (), frozenset(), {}, (), steps, (), (), {}, (), document)


@pytest.fixture(scope="session")
def shop() -> Api:
    """A small API that has everything the engine distinguishes."""
    return load_api(Path(__file__).parents[1] / "shop.yaml")


@pytest.fixture
def make_probe(shop: Api) -> Callable[..., Probe]:
    """Makes probes of the shop."""

    def make(probe_id: str = "read", operation: str = "getItem") -> Probe:
        return Probe(probe_id, "shop", make_workflow(probe_id, shop.operation(operation)))

    return make


@pytest.fixture
def make_metrics(shop: Api, make_probe: Callable[..., Probe]) -> Callable[..., Metrics]:
    """Makes the metrics of two probes of the shop: one reads, the other makes."""

    def make(location: str = "") -> Metrics:
        return Metrics([shop], [make_probe(), make_probe("make", "makeItem")], StillClock(), location)

    return make


@pytest.fixture
def metrics(make_metrics: Callable[..., Metrics]) -> Metrics:
    """Metrics in which nothing has happened."""
    return make_metrics()


def make_sent(
    status: int | None = 200,
    *,
    operation: str = "getItem",
    seconds: float = 0.2,
    code: str = "",
    reason: Reason | None = None,
    certificate: Certificate | None = None,
) -> Sent:
    """A request with an answer, or without one where the status is None."""
    exchange = Exchange(
        "e-1",
        "shop",
        operation,
        "live",
        Request("GET", "https://shop.example.com/v1/items/i-1", (), b""),
        Response(status or 0, (), b"{}"),
        Timings(NOW, seconds, {"connect": 0.01, "processing": seconds}),
        certificate=certificate,
    )
    failure = None if reason is None else Failure(reason, "it went wrong", "connect", NOW, 0.5, {"resolve": 0.1})
    if failure and status is None:
        failure = replace(failure, certificate=certificate)
    return Sent(operation, operation, exchange if status else None, failure, code)


def make_observation(
    *sent: Sent,
    verdict: Verdict = Verdict.PASS,
    reason: Reason | None = None,
    probe: str = "read",
    api: str = "shop",
    run: str = "read-1",
    seconds: float = 0.3,
    job_seconds: float | None = None,
    cost: float = 0.0,
) -> Observation:
    """A run of one step with these requests."""
    step = StepResult("step", verdict is Verdict.PASS, (), sent)
    return Observation(
        id=run,
        api=api,
        probe=probe,
        workflow="w",
        target="live",
        verdict=verdict,
        reason=reason,
        message="",
        started_at=NOW,
        seconds=seconds,
        steps=(step,),
        requests=len(sent),
        cost=cost,
        job_seconds=job_seconds,
    )


def text_of(metrics: Metrics, accept: str = "") -> str:
    """What a scrape gets."""
    return b"".join(asyncio.run(metrics.render(accept)).chunks).decode()


def lines_of(metrics: Metrics, name: str, accept: str = "") -> list[str]:
    """The samples of one metric, by the beginning of their lines."""
    return [line for line in text_of(metrics, accept).splitlines() if line.startswith((f"{name}{{", f"{name} "))]


@pytest.fixture
def sent() -> Callable[..., Sent]:
    """Makes requests."""
    return make_sent


@pytest.fixture
def observation() -> Callable[..., Observation]:
    """Makes runs."""
    return make_observation


@pytest.fixture
def text() -> Callable[..., str]:
    """Scrapes."""
    return text_of


@pytest.fixture
def lines() -> Callable[..., list[str]]:
    """Scrapes one metric."""
    return lines_of

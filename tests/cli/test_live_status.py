"""What the pages are told of a running watch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from specwatch.cli.watch.status import WatchStatus
from specwatch.schedule import Probe
from specwatch.transport.target import Kind, Target

NOW = 1_700_000_000.0
PROBE = Probe("read", "shop", cast("Any", None), interval=60.0)


def next_run(*, due: float | None, pause: float | None = None, off: str = "") -> float | None:
    """When the only probe of a watch is said to run next."""
    watch = SimpleNamespace(
        reloaded=SimpleNamespace(at=0.0),
        options=SimpleNamespace(location="", target=Target(Kind.SANDBOX, "http://127.0.0.1")),
        scheduler=SimpleNamespace(saturated=False, next_due=lambda _probe: due),
        configuration=SimpleNamespace(
            apis={"shop": SimpleNamespace(title="Shop")}, schedule=SimpleNamespace(probes=(PROBE,))
        ),
        memory=SimpleNamespace(streaks={}),
        jobs=tuple,
        paused_until=lambda _probe: pause,
        budgets=lambda _api: [],
        last=lambda _probe: None,
        why_off=lambda _probe: off,
    )
    status = WatchStatus(cast("Any", watch), cast("Any", None), cast("Any", SimpleNamespace(now=lambda: NOW))).status()
    return status.apis[0].probes[0].next_run


@pytest.mark.parametrize(
    "due, pause, expected",
    [(2.0, None, NOW + 2), (2.0, NOW + 26, NOW + 26), (40.0, NOW + 26, NOW + 40), (None, NOW + 26, None)],
)
def test_a_paused_probe_runs_after_its_pause(due: float | None, pause: float | None, expected: float | None) -> None:
    """The ticks of a pause are skipped, so its end is the next run, unless the next tick comes later."""
    assert next_run(due=due, pause=pause) == expected


def test_a_probe_that_is_off_has_no_next_run() -> None:
    """Whatever the schedule says."""
    assert next_run(due=2.0, off="switched off") is None

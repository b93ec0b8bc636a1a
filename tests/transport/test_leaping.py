"""The clock that leaps over waits."""

from __future__ import annotations

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from specwatch.transport.clock import LeapingClock


@given(waits=st.lists(st.floats(0, 1e6), max_size=10))
def test_waits_add_up_without_taking_time(waits: list[float]) -> None:
    """Both readings are ahead by everything that was slept."""
    clock = LeapingClock()

    for seconds in waits:
        clock.sleep(seconds)

    for leaping, machine in ((clock.now, time.time), (clock.monotonic, time.perf_counter)):
        earliest, found, latest = machine(), leaping(), machine()
        assert earliest - 0.001 <= found - sum(waits) <= latest + 0.001


def test_it_never_runs_backwards() -> None:
    """A wait of less than nothing is none."""
    clock = LeapingClock()
    before = clock.monotonic()

    clock.sleep(-5.0)

    assert clock.monotonic() >= before


def test_asynchronous_code_leaps_as_well() -> None:
    """What is held back in the sandbox is late by the same clock."""
    clock = LeapingClock()
    before = clock.now()

    asyncio.run(clock.hold(3.0))

    assert clock.now() - before >= 3.0

"""Where the time of an exchange went."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.reports.html.exchange import duration, waterfall
from specwatch.values import Timings
from specwatch.values.failure import PHASES

seconds = st.floats(0, 100)


@given(phases=st.dictionaries(st.sampled_from(PHASES), seconds), total=seconds)
def test_bars_lie_within_the_whole(phases: dict[str, float], total: float) -> None:
    """In the order of the phases, none before the one ahead of it, none outside."""
    bars = waterfall(Timings(0.0, total, phases)).phases
    begins = [bar.left for bar in bars]
    assert begins == sorted(begins)
    assert all(0 <= bar.left <= 100 and bar.left + bar.width <= 101 for bar in bars)
    assert len(bars) - len(phases) in {0, 1}


def test_time_that_no_phase_accounts_for_is_shown() -> None:
    """It has a bar of its own, so that the bars add up to the whole."""
    bars = waterfall(Timings(0.0, 1.0, {"connect": 0.25, "processing": 0.25})).phases
    assert [(bar.name, bar.left, bar.width, bar.time) for bar in bars] == [
        ("connect", 0.0, 25.0, "250 ms"),
        ("wait", 25.0, 25.0, "250 ms"),
        ("not told apart", 50.0, 50.0, "500 ms"),
    ]


def test_phases_that_nobody_took_make_no_bars() -> None:
    """As in recorded traffic."""
    assert waterfall(Timings(0.0, 1.0)).phases == ()


@pytest.mark.parametrize("value, told", [(0.0004, "0.4 ms"), (0.25, "250 ms"), (1.0, "1.00 s"), (1234.5, "1,234.50 s")])
def test_durations_read_well(value: float, told: str) -> None:
    """In the unit that suits them."""
    assert duration(value) == told

"""The history that tests give a Prometheus is one that a prober could have left behind."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.story.history import FAILING_INTERVAL, LENGTH, Past, moments, openmetrics

END = 1_800_000_000.0

outages = st.tuples(st.floats(0, LENGTH), st.floats(0, LENGTH)).map(lambda pair: (max(pair), min(pair)))


SAMPLE = re.compile(r"(?P<series>\w+\{[^}]*\}) (?P<value>\S+) \S+")


def values(past: Past) -> dict[str, list[float]]:
    """The samples of each series, in order."""
    found: dict[str, list[float]] = {}
    for line in openmetrics([past], END).splitlines():
        if not line.startswith("#"):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            found.setdefault(sample["series"], []).append(float(sample["value"]))
    return found


@settings(max_examples=10, deadline=None)
@given(outages, st.floats(0, 1))
def test_counters_never_go_down(outage: tuple[float, float], slow: float) -> None:
    """Whatever happened, each series has all moments, and each value is the one before it or more."""
    series = values(Past({"probe": "x"}, (outage,), slow))
    assert len(series) == 19
    assert all(len(each) == len(moments()) for each in series.values())
    assert all(each == sorted(each) for each in series.values())


@settings(max_examples=10, deadline=None)
@given(outages)
def test_passed_and_failed_time_are_all_time(outage: tuple[float, float]) -> None:
    """In the end, the probe has failed for as long as its outage lasted, and passed for the rest of the time."""
    series = values(Past({"probe": "x"}, (outage,)))
    seconds = 'specwatch_probe_verdict_seconds_total{{probe="x",verdict="{}"}}'
    assert series[seconds.format("fail")][-1] == pytest.approx(outage[0] - outage[1])
    assert series[seconds.format("pass")][-1] + series[seconds.format("fail")][-1] == pytest.approx(LENGTH)
    failed = series['specwatch_probe_runs_total{probe="x",verdict="fail"}'][-1]
    assert failed == (outage[0] - outage[1]) // FAILING_INTERVAL


def test_moments_are_in_order_and_end_now() -> None:
    """From thirty days ago until the end, ever closer."""
    assert moments()[0] == LENGTH
    assert moments()[-1] == 0
    assert moments() == sorted(set(moments()), reverse=True)

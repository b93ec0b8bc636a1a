"""Which windows and which bucket suit a probe, and what is said where none does."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.monitoring.promtool import repository_origin
from tests.monitoring.rules.objectives.made import each_rule, made_origin, made_probe, made_settings

from specwatch.metrics.families import PROBE_BUCKETS
from specwatch.monitoring.rules.burn import RUNS, Pair, pace, pairs, short_window
from specwatch.monitoring.rules.latency import judged_by, spellings
from specwatch.monitoring.rules.model import Alert
from specwatch.monitoring.rules.objectives import notes, objective_groups

PAIRS = pairs(made_settings())
HOUR = 3600.0


@given(st.sampled_from(PAIRS), st.floats(0.1, 1e7), st.booleans())
def test_a_short_window_holds_two_runs_or_there_is_none(
    pair: Pair,
    apart: float,
    slowest: bool,  # noqa: FBT001 - drawn
) -> None:
    """It is never shorter than the pair has it, and shorter than the long one unless the pair must be kept."""
    window = short_window(pair, apart, slowest=slowest)
    if window is None:
        assert not slowest
    elif window != pair.long:
        assert pair.short.seconds <= window.seconds < pair.long.seconds
        assert window.seconds >= RUNS * apart
    else:
        assert slowest


@given(st.sampled_from(PAIRS), st.floats(0.1, 1e7), st.floats(0.1, 1e7))
def test_a_rarer_probe_never_has_a_shorter_window(pair: Pair, one: float, other: float) -> None:
    """The short window grows with the time between two runs."""
    often, rarely = sorted((one, other))
    first, second = short_window(pair, often, slowest=True), short_window(pair, rarely, slowest=True)
    assert first is not None
    assert second is not None
    assert first.seconds <= second.seconds


@pytest.mark.parametrize(
    "interval,failing,expected",
    [
        (300, 60, ["5m", "30m", "2h", "6h"]),
        (HOUR, 60, ["5m", "30m", "2h", "6h"]),
        (900, None, ["30m", "30m", "2h", "6h"]),
        (HOUR, 1800, [None, "1h", "2h", "6h"]),
        (HOUR, None, [None, "2h", "2h", "6h"]),
        (24 * HOUR, 6 * HOUR, [None, None, None, "1d"]),
        (48 * HOUR, None, [None, None, None, "3d"]),
    ],
)
def test_the_windows_of_usual_probes(interval: float, failing: float | None, expected: list[str | None]) -> None:
    """Those that look often while they fail have all four pairs; others the slower ones, and always one."""
    probe = made_probe("p", interval, failing, availability=99)
    chosen = [short_window(pair, pace(probe, "availability"), slowest=pair == PAIRS[-1]) for pair in PAIRS]
    assert [window and window.name for window in chosen] == expected


def test_a_slow_probe_looks_no_oftener() -> None:
    """Slow runs pass, so that the interval of a failing probe says nothing about its latency."""
    probe = made_probe("p", HOUR, 60, availability=99, latency=(0.9, 1))
    assert (pace(probe, "availability"), pace(probe, "latency")) == (60, HOUR)


def test_a_failing_interval_above_the_interval_does_not_count() -> None:
    """The scheduler takes the smaller one too."""
    assert pace(made_probe("p", 60, 300, availability=99), "availability") == 60


def test_pairs_follow_the_settings() -> None:
    """Another burn rate in the settings is another label, threshold and text."""
    origin = made_origin(made_probe("p", 60, availability=99), burn_page_fast=10.0)
    burns = [
        rule
        for rule in each_rule(objective_groups(origin))
        if isinstance(rule, Alert) and rule.name == "SpecwatchErrorBudgetBurn"
    ]
    assert [(rule.labels["burn_rate"], rule.severity) for rule in burns] == [
        ("10", "page"),
        ("6", "page"),
        ("3", "ticket"),
        ("1", "ticket"),
    ]
    assert "above 10, at which a budget of 30 days lasts 3d" in burns[0].description


@given(st.floats(0.001, 1e5))
def test_a_run_slower_than_the_objective_is_never_taken_for_a_fast_one(seconds: float) -> None:
    """The bound is one of the histogram's and at most the objective, as long as any is."""
    bound = judged_by(seconds)
    assert bound in PROBE_BUCKETS
    assert bound <= seconds or bound == PROBE_BUCKETS[0]
    assert not [better for better in PROBE_BUCKETS if bound < better <= seconds]


@pytest.mark.parametrize("bound,expected", [(5.0, ("5", "5.0")), (0.05, ("0.05",)), (60.0, ("60", "60.0"))])
def test_a_bound_is_found_however_it_is_spelled(bound: float, expected: tuple[str, ...]) -> None:
    """Clients write whole bounds with and without a fraction."""
    assert spellings(bound) == expected


def test_notes_say_what_cannot_be_watched_as_written() -> None:
    """A bound that is no bucket, a probe too rare for a pair, a budget too large for one."""
    origin = made_origin(
        made_probe("long", 60, latency=(0.99, 90)),
        made_probe("dash", 60, latency=(0.99, 0.01)),
        made_probe("rare", HOUR, 1800, availability=99),
        made_probe("lax", 60, availability=80),
    )
    assert "\n".join(notes(origin)) == dedent(
        """\
        long: long shall take 90 s at most; no bucket ends there, so that it is judged by 60 s, which is stricter
        dash: dash shall take 0.01 s at most; the smallest bucket ends at 0.05 s, so that only slower runs count as slow
        burn rate 14.4 of availability is not watched for rare: too few runs in 1h
        lax: availability of lax has a budget so large that it never burns 14.4, 6 times too fast: 5 is the most"""
    )


def test_notes_have_nothing_to_say_about_a_usual_schedule() -> None:
    """Silence means that all is watched as written."""
    assert notes(made_origin(made_probe("p", 60, availability=99.5, latency=(0.95, 5)))) == []


def test_every_objective_of_this_repository_is_judged_by_its_own_seconds() -> None:
    """The buckets of the prober end where the schedule's objectives do."""
    assert not [note for note in notes(repository_origin()) if "bucket" in note]

"""Rate limits that outlive a run: how long a place is left alone, and how much slower it is asked afterwards."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.errors import RateLimited
from specwatch.transport.rate_limit import (
    CLEAR,
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    SLOWEST,
    Limit,
    RateLimits,
)

HERE = "https://api.example.com authorization=$TOKEN"


class Hand:
    """The hand of a clock, moved by the test."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def __call__(self) -> float:
        """Epoch seconds."""
        return self.at


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("7", 7.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2000 22:13:50 GMT", SHORTEST_SECONDS),
        ("soon", DEFAULT_SECONDS),
        ("", DEFAULT_SECONDS),
        (None, DEFAULT_SECONDS),
        ("-5", SHORTEST_SECONDS),
        ("0", SHORTEST_SECONDS),
        ("999999999999", LONGEST_SECONDS),
        ("1e999", LONGEST_SECONDS),
        ("nan", DEFAULT_SECONDS),
    ],
)
def test_the_pause_is_what_was_asked_for_within_bounds(header: str | None, seconds: float) -> None:
    """Seconds, a date, nonsense, nothing and the absurd each lead to a pause from a second to an hour."""
    now = Hand()
    until = RateLimits(now).note(HERE, header)
    assert until - now() == pytest.approx(seconds)


@given(header=st.one_of(st.none(), st.text(), st.integers().map(str), st.floats().map(str)))
def test_no_header_leads_out_of_bounds(header: str | None) -> None:
    """Whatever a target writes into Retry-After, it is left alone for a bounded time."""
    now = Hand()
    wait = RateLimits(now).note(HERE, header) - now()
    assert SHORTEST_SECONDS - 1e-3 <= wait <= LONGEST_SECONDS + 1e-3
    assert math.isfinite(wait)


def test_a_pause_stops_requests_until_it_is_over() -> None:
    """While the pause lasts nothing is sent to that place, and other places are not concerned."""
    now = Hand()
    limits = RateLimits(now)
    limits.note(HERE, "60")
    with pytest.raises(RateLimited, match="another 60 s"):
        limits.check(HERE)
    limits.check("https://elsewhere.example.com")
    now.at += 60
    limits.check(HERE)
    assert limits.paused(HERE) is None


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    """Two answers that were under way together: the longer wait counts."""
    now = Hand()
    limits = RateLimits(now)
    limits.note(HERE, "600")
    assert limits.note(HERE, "1") - now() == pytest.approx(600)


def test_the_schedule_slows_down_and_recovers() -> None:
    """Each limit doubles the distance between runs up to a bound, each answer takes half of that back."""
    now = Hand()
    limits = RateLimits(now)
    for _ in range(10):
        limits.note(HERE, "1")
    assert limits.limit(HERE).slowdown == SLOWEST
    now.at += 10
    seen = []
    for _ in range(3):
        limits.answered(HERE)
        seen.append(limits.limit(HERE).slowdown)
    assert seen == [4.0, 2.0, 1.0]
    assert limits.limit(HERE) == CLEAR


def test_an_answer_that_was_under_way_does_not_end_the_pause() -> None:
    """A good answer that arrives after the refusal of another request changes nothing."""
    now = Hand()
    limits = RateLimits(now)
    limits.note(HERE, "60")
    limits.answered(HERE)
    assert limits.paused(HERE) == now() + 60


def test_what_is_known_from_before_counts() -> None:
    """After a restart the pause that was in force still is, and every change is told."""
    now = Hand()
    told: list[tuple[str, Limit]] = []
    limits = RateLimits(now, lambda place, limit: told.append((place, limit)), {HERE: Limit(now() + 5, 2.0)})
    with pytest.raises(RateLimited):
        limits.check(HERE)
    now.at += 6
    limits.answered(HERE)
    assert told == [(HERE, CLEAR)]

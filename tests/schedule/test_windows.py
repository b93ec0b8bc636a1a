"""Maintenance windows: once, or every week by the clocks on somebody's wall."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.schedule import Schedule, Span, Weekly

Load = Callable[[str], Schedule]
BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
MINUTES = st.integers(0, 24 * 60 - 1)


def epoch(text: str) -> float:
    """Epoch seconds of a moment."""
    return datetime.fromisoformat(text).timestamp()


def window(load: Load, text: str) -> Span | Weekly:
    """The only window of a schedule."""
    (found,) = (
        load(f"version: 1\nprobes: {{a: {{workflow: shop/health, maintenance: [{text}]}}}}").probe("a").maintenance
    )
    return found


def test_a_window_that_happens_once(load: Load) -> None:
    """It covers its beginning and not its end, whatever the zones in which they are written."""
    found = window(load, "{from: 2026-11-22T23:00:00+01:00, to: 2026-11-22T23:00:00Z, text: new disks}")

    assert found == Span(epoch("2026-11-22T22:00:00Z"), epoch("2026-11-22T23:00:00Z"), "new disks")
    assert not found.covers(found.begin - 1)
    assert found.covers(found.begin)
    assert found.covers(found.end - 1)
    assert not found.covers(found.end)


@pytest.mark.parametrize("times", ['from: "22:00", to: "23:30"', "from: 22:00, to: 23:30"])
def test_times_of_day_need_no_quotes(load: Load, times: str) -> None:
    """YAML 1.1 reads 22:00 as a number in base 60, and that is what is meant."""
    found = window(load, f"{{days: [sun], {times}, zone: UTC}}")

    assert found == Weekly(frozenset({6}), 22 * 60, 23 * 60 + 30, UTC)


def test_a_window_may_cross_midnight(load: Load) -> None:
    """It belongs to the day on which it begins."""
    found = window(load, '{days: [sun], from: "22:00", to: "02:00", zone: Europe/Berlin}')

    assert found.covers(epoch("2026-11-22T22:00:00+01:00"))
    assert found.covers(epoch("2026-11-23T01:59:59+01:00"))
    assert not found.covers(epoch("2026-11-23T02:00:00+01:00"))
    assert not found.covers(epoch("2026-11-22T01:00:00+01:00"))


def test_a_whole_day(load: Load) -> None:
    """From midnight to 24:00 every moment of the day is covered, and none of another."""
    found = window(load, '{days: [mon], from: "00:00", to: "24:00", zone: UTC}')

    assert found.covers(epoch("2026-11-23T00:00:00Z"))
    assert found.covers(epoch("2026-11-23T23:59:59Z"))
    assert not found.covers(epoch("2026-11-24T00:00:00Z"))


def test_windows_keep_to_the_clock_on_the_wall(load: Load) -> None:
    """After the change to summer time the window begins an hour earlier in UTC, as people's nights do."""
    found = window(load, '{days: [wed], from: "03:00", to: "04:00", zone: Europe/Berlin}')

    assert found.covers(epoch("2026-03-25T02:30:00Z"))
    assert found.covers(epoch("2026-04-01T01:30:00Z"))
    assert not found.covers(epoch("2026-04-01T02:30:00Z"))


def test_windows_of_all_probes_are_added_to_those_of_one(load: Load) -> None:
    """A probe's own windows replace those of the defaults, never those of the whole schedule."""
    loaded = load(
        """
        version: 1
        maintenance: [{from: 2026-11-22T10:00:00Z, to: 2026-11-22T11:00:00Z}]
        defaults:
          maintenance: [{from: 2026-11-22T12:00:00Z, to: 2026-11-22T13:00:00Z}]
        probes:
          plain: {workflow: shop/health}
          own: {workflow: shop/health, maintenance: [{from: 2026-11-22T14:00:00Z, to: 2026-11-22T15:00:00Z}]}
        """
    )

    hours = {
        probe.id: [hour for hour in range(24) if probe.in_maintenance(epoch(f"2026-11-22T{hour:02}:30:00Z"))]
        for probe in loaded.probes
    }
    assert hours == {"plain": [10, 12], "own": [10, 14]}


@given(MOMENTS, st.frozensets(st.integers(0, 6)), MINUTES, MINUTES)
def test_a_week_later_a_window_is_the_same(moment: datetime, days: frozenset[int], begin: int, end: int) -> None:
    """In a zone without summer time, what is covered now is covered in a week."""
    found = Weekly(days, begin, end, UTC)

    assert found.covers(moment.timestamp()) == found.covers((moment + timedelta(days=7)).timestamp())


@given(MOMENTS, MINUTES, MINUTES)
def test_a_window_and_its_complement_cover_everything_once(moment: datetime, begin: int, end: int) -> None:
    """On every day of the week, from `begin` to `end` and from `end` to `begin` make up all of the time."""
    if begin == end:
        return
    every = frozenset(range(7))
    there, back = Weekly(every, begin, end, BERLIN), Weekly(every, end, begin, BERLIN)

    assert there.covers(moment.timestamp()) != back.covers(moment.timestamp())

"""What time a settled verdict stands for: shares of it are shares of time, however often a probe runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.probing.watching import HOUR, MIDNIGHT, Answers, Diary, Reply, Shelf, down, honest, play, probe, reply
from tests.virtual import VirtualLoop

from specwatch.probing.events import Ran
from specwatch.schedule import DayBudget, Span
from specwatch.transport.wire import Outgoing
from specwatch.values import Verdict


def stood(diary: Diary) -> dict[Verdict, float]:
    """Seconds by verdict."""
    found = dict.fromkeys(Verdict, 0.0)
    for ran in diary.ran():
        found[ran.observation.verdict] += ran.stands_for
    return found


def settled(diary: Diary) -> list[Ran]:
    """The runs that settled a verdict."""
    return [ran for ran in diary.ran() if ran.settled]


def elapsed(diary: Diary) -> float:
    """Seconds from the beginning of the first settled run to that of the last."""
    found = [ran.observation.started_at for ran in settled(diary)]
    return found[-1] - found[0]


def failing_within(*spans: tuple[float, float]) -> Callable[[Callable[[], float]], Answers]:
    """Answers of a shop that is down from some virtual second to another, and well otherwise."""

    def with_time(time: Callable[[], float]) -> Answers:
        def answers(outgoing: Outgoing) -> Reply:
            return (down if any(begin <= time() < end for begin, end in spans) else honest)(outgoing)

        return answers

    return with_time


def now() -> float:
    """Virtual seconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.time()


def test_an_undisturbed_probe_accounts_for_all_the_time() -> None:
    """From the first run on each run stands for the interval before it; the first one for none."""
    diary = play([probe(interval=60.0)], HOUR)
    assert [ran.stands_for for ran in diary.ran()] == [0.0, *[pytest.approx(60.0)] * 59]


def test_a_look_that_settles_nothing_stands_for_nothing() -> None:
    """Of two looks at a failure only the second one counts, with the time since the last settled run."""
    diary = play([probe(interval=60.0, confirm=2)], 600.0, down)
    assert {ran.stands_for for ran in diary.ran() if not ran.settled} == {0.0}
    assert [ran.stands_for for ran in settled(diary)][1:] == [pytest.approx(60.0, abs=0.1)] * 9


@pytest.mark.parametrize("failing_interval", [None, 150.0, 60.0, 15.0])
def test_the_share_of_an_outage_does_not_depend_on_how_often_a_failing_probe_runs(
    failing_interval: float | None,
) -> None:
    """An hour down of ten is an hour of failing up to one interval; of the runs it is a tenth to two thirds."""
    outage = failing_within((4 * HOUR, 5 * HOUR))(now)
    diary = play([probe(interval=300.0, failing_interval=failing_interval)], 10 * HOUR, outage)
    time = stood(diary)
    assert time[Verdict.FAIL] == pytest.approx(HOUR, abs=300.0)
    assert time[Verdict.PASS] == pytest.approx(9 * HOUR, abs=600.0)
    runs = Counter(ran.observation.verdict for ran in diary.ran())
    of_runs = {None: 0.1, 150.0: 0.18, 60.0: 0.36, 15.0: 0.69}[failing_interval]
    assert runs[Verdict.FAIL] / runs.total() == pytest.approx(of_runs, abs=0.01)


def test_what_nobody_saw_is_no_time() -> None:
    """Maintenance of an hour leaves a gap of which one interval at most is told."""
    window = Span(MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR)
    diary = play([probe(interval=300.0, maintenance=(window,))], 3 * HOUR)
    assert max(ran.stands_for for ran in diary.ran()) == pytest.approx(300.0)
    assert sum(stood(diary).values()) == pytest.approx(elapsed(diary) - HOUR, abs=300.0)


def test_a_pause_is_no_time() -> None:
    """While a target wants to be left alone nothing is known; the verdict of the request that told is unknown."""

    def limited(outgoing: Outgoing) -> Reply:
        return reply(429, retry_after="3000") if 600.0 <= now() < 660.0 else honest(outgoing)

    diary = play([probe(interval=60.0)], 2 * HOUR, limited)
    time = stood(diary)
    assert time[Verdict.UNKNOWN] == pytest.approx(60.0)
    assert time[Verdict.FAIL] == 0
    assert sum(time.values()) < elapsed(diary) - 2700.0


def test_a_budget_that_slows_a_probe_down_loses_no_time() -> None:
    """Who has to last until midnight runs less often, and each run stands for more than its interval."""
    diary = play([probe(interval=300.0, budget=DayBudget(requests=24))], 20 * HOUR)
    assert len(diary.ran()) <= 24
    assert sum(stood(diary).values()) == pytest.approx(elapsed(diary), abs=1.0)


def test_a_restart_loses_nothing() -> None:
    """The first run of a process stands for the time since the last one of the process before."""
    kept, one = Shelf(), probe(interval=300.0)
    play([one], HOUR, shelf=kept)
    again = play([one], HOUR, shelf=kept, start=HOUR + 1)
    assert again.ran()[0].stands_for == pytest.approx(300.0)


def test_a_process_that_was_away_for_long_begins_with_one_interval() -> None:
    """Of hours in which no prober ran, an interval at most is told."""
    kept, one = Shelf(), probe(interval=300.0)
    play([one], HOUR, shelf=kept)
    assert play([one], HOUR, shelf=kept, start=9 * HOUR).ran()[0].stands_for == pytest.approx(300.0)


def test_a_clock_that_was_set_back_takes_no_time_away() -> None:
    """A run that began before the one before it stands for nothing, not for less."""
    kept, one = Shelf(), probe(interval=300.0)
    play([one], HOUR, shelf=kept, start=5 * HOUR)
    assert play([one], 400.0, shelf=kept).ran()[0].stands_for == 0.0


outages = st.lists(st.tuples(st.floats(0, 6 * HOUR), st.floats(1, 2 * HOUR)), max_size=3)


@settings(max_examples=40, deadline=None)
@given(
    outages=outages,
    interval=st.sampled_from([60.0, 300.0, 900.0]),
    faster=st.sampled_from([None, 30.0, 60.0]),
    confirm=st.integers(1, 3),
    away=st.booleans(),
)
def test_verdicts_stand_for_no_more_time_than_passed(
    outages: list[tuple[float, float]], interval: float, faster: float | None, confirm: int, *, away: bool
) -> None:
    """Whatever happens the sum is at most what passed, and all but an interval of it where nothing was skipped."""
    spans = [(begin, begin + length) for begin, length in outages]
    window = Span(MIDNIGHT + 2 * HOUR, MIDNIGHT + 3 * HOUR)
    one = probe(interval=interval, failing_interval=faster, confirm=confirm)
    one = replace(one, maintenance=(window,)) if away else one
    diary = play([one], 6 * HOUR, failing_within(*spans)(now))
    total, passed = sum(stood(diary).values()), elapsed(diary)
    assert all(0.0 <= ran.stands_for <= interval for ran in diary.ran())
    assert total <= passed + 1e-3
    assert total >= passed - interval - (HOUR if away else 0.0)

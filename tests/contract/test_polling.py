"""Waiting for background work, on a clock that is turned."""

from __future__ import annotations

from itertools import islice

from tests.contract.conftest import MakeRun, Serve
from tests.loopback import TurnedClock, answer

from specwatch.contract.caller import Caller
from specwatch.contract.polling import intervals, wait_until

ANYWHERE = "http://127.0.0.1:1"


def test_the_spec_says_how_often(start: MakeRun) -> None:
    """`x-polling` of the operation, its last interval for ever; where there is none, a usual sequence."""
    run = start(ANYWHERE)

    assert list(islice(intervals(run, "getItem"), 5)) == [1, 3, 9, 9, 9]
    assert list(islice(intervals(run, "getHealth"), 6)) == [2, 5, 15, 30, 30, 30]


def test_polls_keep_to_the_sequence(start: MakeRun, clock: TurnedClock) -> None:
    """It looks after each pause, and stops at the first look that finds the work done."""
    looks = iter([False, False, False, True])

    wait_until(start(ANYWHERE), "getItem", lambda: next(looks))

    assert clock.slept == [1, 3, 9, 9]


def test_time_that_has_passed_counts(serve: Serve, start: MakeRun, clock: TurnedClock) -> None:
    """An earlier look begins the first pause, so what was done meanwhile is not waited for again."""
    run = start(serve(lambda _: answer(404)).url)
    looks = iter([False, True])
    since = Caller(run).call("getItem", path={"id": "i"})
    clock.turn(0.75)

    wait_until(run, "getItem", lambda: next(looks), since)

    assert clock.slept == [0.25, 3]


def test_waiting_has_an_end(start: MakeRun, clock: TurnedClock) -> None:
    """After a minute nobody waits any longer."""
    assert wait_until(start(ANYWHERE), "getHealth", lambda: False) is False

    assert clock.slept == [2, 5, 15, 30, 30]

"""Since when jobs are open: told when one begins or is taken over, and when it has ended."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probing.test_jobs import MADE, NO_ROUTE, job, job_probe, maker, resumed, shelf
from tests.probing.watching import HOUR, MIDNIGHT, Diary, Reply, Shelf, configured, down, play, probe, reply

from specwatch.probing.events import BudgetLeft, Event, JobOpen, Planned, Ran
from specwatch.probing.openings import Openings
from specwatch.probing.ports import Job, Progress
from specwatch.schedule import DayBudget
from specwatch.transport.wire import Outgoing


def told(diary: Diary) -> list[JobOpen]:
    """What was told about open jobs."""
    return [event for event in diary.events if isinstance(event, JobOpen)]


def test_a_job_is_open_from_its_first_entry_to_its_end() -> None:
    """A run that makes something tells when it began, and after its end that nothing is open."""
    diary = play([job_probe()], HOUR, maker)
    began = diary.seen("makes")[0].started_at
    assert told(diary) == [JobOpen("shop", "makes", began), JobOpen("shop", "makes", None)]
    order = [event for event in diary.events if isinstance(event, JobOpen | Ran)]
    assert [type(event) for event in order] == [JobOpen, Ran, JobOpen]


@pytest.mark.parametrize("trouble", [reply(401, {}), NO_ROUTE], ids=["refused", "not reached"])
def test_a_creation_that_failed_leaves_nothing_open(trouble: Reply) -> None:
    """It was intended and made nothing: open while it was tried, and no longer."""
    diary = play([job_probe()], HOUR, lambda _outgoing: trouble)
    assert [event.since is None for event in told(diary)] == [False, True]


def test_a_probe_that_reads_has_no_jobs() -> None:
    """Nothing is told of what leaves nothing behind, however it fails."""
    assert told(play([probe()], HOUR, down)) == []


def test_what_was_left_is_open_from_the_start() -> None:
    """The oldest of two jobs of earlier processes counts, until both have ended."""
    older = job(Progress(outputs=MADE, following="poll"), id="makes-1-0", started_at=MIDNIGHT - 900)
    newer = job(Progress(outputs=MADE, following="poll"), id="makes-1-1", started_at=MIDNIGHT - 60)
    found = told(resumed(shelf(newer, older)))
    assert found[0] == JobOpen("shop", "makes", MIDNIGHT - 900)
    assert found[-1] == JobOpen("shop", "makes", None)


def test_a_job_that_cannot_go_on_stays_open() -> None:
    """What was made is there and the network is down: the job is left, and is as old as when it began."""

    def gone(outgoing: Outgoing) -> Reply:
        return reply(201, {"id": "i-42"}) if outgoing.method == "POST" else NO_ROUTE

    diary = play([job_probe()], HOUR, gone)
    (stays,) = diary.watch.jobs()
    assert told(diary) == [JobOpen("shop", "makes", stays.started_at)]


def test_a_job_that_nothing_can_go_on_with_stays_open() -> None:
    """Its workflow was changed: somebody has to look after it."""
    stuck = job(Progress(outputs=MADE, following="no-such-step"))
    assert told(resumed(shelf(stuck))) == [JobOpen("shop", "makes", MIDNIGHT - 60)]


@pytest.mark.parametrize("odd", [{"target": "https://elsewhere.example"}, {"probe": "gone"}], ids=str)
def test_what_is_none_of_ours_is_not_told(odd: dict[str, str]) -> None:
    """A job of another target, or of a probe that the schedule does not have, has no API to be told under."""
    assert told(resumed(shelf(job(Progress(outputs=MADE, following="poll"), **odd)))) == []


def test_a_probe_that_comes_back_brings_its_jobs_along() -> None:
    """After a reload all that is open is told again, after the plan that it belongs to."""
    stuck = job(Progress(outputs=MADE, following="no-such-step"))

    async def reload(diary: Diary) -> None:
        await asyncio.sleep(10)
        await diary.watch.reload()

    after = configured(job_probe(interval=24 * HOUR))
    diary = play([probe()], 60.0, shelf=shelf(stuck), load=lambda: after, meanwhile=reload)
    order = [event for event in diary.events if isinstance(event, JobOpen | Planned)]
    assert [type(event) for event in order] == [Planned, Planned, JobOpen]


def test_budgets_and_their_limits_are_told_before_anything_is_spent() -> None:
    """At the start and after each reload, and what is left never exceeds the limit."""

    async def reload(diary: Diary) -> None:
        await asyncio.sleep(1)
        await diary.watch.reload()

    before, after = (probe(budget=DayBudget(requests=number), interval=24 * HOUR) for number in (10, 5))
    diary = play([before], 2.0, shelf=Shelf(), load=lambda: configured(after), meanwhile=reload)
    found = [event for event in diary.events if isinstance(event, BudgetLeft)]
    assert found == [BudgetLeft("shop", "requests", 10.0, 10.0), BudgetLeft("shop", "requests", 5.0, 5.0)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.floats(0, 100)), max_size=30))
def test_what_was_told_last_is_the_oldest(moves: list[tuple[bool, int, float]]) -> None:
    """However jobs begin and end, the last event names the oldest that is open, and no event tells nothing new."""
    events: list[Event] = []
    openings = Openings(events.append, "live")
    openings.plan([probe()])
    alive: dict[str, float] = {}
    for begins, number, at in moves:
        name, count = f"j{number}", len(events)
        before = min(alive.values(), default=None)
        if begins:
            alive.setdefault(name, at)
            openings.begin(Job(name, "p", "w", "live", at, Progress()))
        else:
            alive.pop(name, None)
            openings.end(name, "p")
        oldest = min(alive.values(), default=None)
        if oldest != before:
            assert events[-1] == JobOpen("shop", "p", oldest)
        assert len(events) <= count + 1

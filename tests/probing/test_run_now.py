"""A run that somebody asks for: shared while it is young, joined while it is under way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.probing.watching import HOUR, MIDNIGHT, Diary, Shelf, down, honest, play, probe, reply

from specwatch.errors import CannotTell
from specwatch.schedule import Span
from specwatch.values import Verdict
from specwatch.values.observation import Observation

Found = list[Observation | str | None]


def asked(*moments: float, seconds: float = 0.05, timeout: float | None = 10.0, **more: Any) -> tuple[Diary, Found]:
    """What those get who ask for the hourly probe `p` at these moments, each on its own."""
    found: Found = [None] * len(moments)

    async def ask(diary: Diary) -> None:
        async def one(index: int, at: float) -> None:
            await asyncio.sleep(at)
            try:
                found[index] = await diary.watch.run_now("p", timeout)
            except CannotTell as error:
                found[index] = error.reason

        async with asyncio.TaskGroup() as group:
            for index, at in enumerate(moments):
                group.create_task(one(index, at))

    made = probe(interval=1000 * HOUR, **more)
    return play([made], HOUR, honest, meanwhile=ask, seconds=seconds), found


def test_it_runs_at_once_where_there_is_no_result() -> None:
    """The first who asks gets a run of now, and it counts like any other."""
    diary, (found,) = asked(5.0)
    assert isinstance(found, Observation)
    assert found.verdict is Verdict.PASS
    assert found.started_at == pytest.approx(MIDNIGHT + 5)
    assert diary.ran()[0].settled


def test_a_young_result_is_shared() -> None:
    """Whoever asks within the interval gets the same run, so that two servers do not double the cost."""
    diary, (first, second) = asked(5.0, 3000.0)
    assert first is second
    assert len(diary.wire.sent) == 1


def test_an_old_result_is_not_shared() -> None:
    """Beyond the interval it runs again."""

    async def ask(diary: Diary) -> None:
        await asyncio.sleep(100)
        await diary.watch.run_now("p", 10.0)
        first = diary.watch.last("p")
        await asyncio.sleep(61)
        assert await diary.watch.run_now("p", 10.0) is not first

    play([probe(interval=60.0)], 300, meanwhile=ask)


def test_a_run_under_way_is_joined() -> None:
    """Two who ask while it runs wait for the same run."""
    diary, (first, second) = asked(5.0, 6.0, seconds=4.0)
    assert isinstance(first, Observation)
    assert first is second
    assert len(diary.wire.sent) == 1


def test_who_does_not_want_to_wait_is_told_so() -> None:
    """Beyond the timeout there is no result; the run goes on."""
    diary, (found,) = asked(5.0, seconds=4.0, timeout=1.0)
    assert found == "p was not done within 1 s"
    assert len(diary.seen()) == 1


def test_a_prober_that_does_not_run_says_so() -> None:
    """Without a timeout, too, the words say what is the matter: told to stop, it begins nothing."""

    async def ask(diary: Diary) -> None:
        await asyncio.sleep(2)  # stopped a second ago, while the first run is under way
        with pytest.raises(CannotTell, match=r"^q was not run: the prober does not run$"):
            await diary.watch.run_now("q", None)

    play([probe(interval=1.0), probe(probe_id="q", interval=24 * HOUR)], 1, meanwhile=ask, seconds=3.0)


def test_a_run_without_a_result_is_no_matter_of_time() -> None:
    """A probe that is taken out while it runs, asked for without a timeout."""

    async def ask(diary: Diary) -> None:
        await asyncio.sleep(1)
        diary.watch.scheduler._run = nothing
        with pytest.raises(CannotTell, match=r"^p ran without a result$"):
            await diary.watch.run_now("p", None)

    async def nothing(_probe: object, _saturated: object) -> None:
        pass

    play([probe(interval=24 * HOUR)], 10, meanwhile=ask)


def test_a_probe_that_may_not_run_says_why() -> None:
    """In maintenance, or switched off, with no result to share."""
    _, (maintenance,) = asked(5.0, maintenance=(Span(MIDNIGHT, MIDNIGHT + HOUR),))
    assert maintenance == "p may not run now: maintenance"
    _, (off,) = asked(5.0, enabled=False)
    assert off == "p may not run now: switched off in the schedule"


def test_a_probe_that_does_not_exist_is_nothing() -> None:
    """None, so that the caller can say which there are."""

    async def ask(diary: Diary) -> None:
        assert await diary.watch.run_now("nobody", 1.0) is None

    play([probe()], 10, meanwhile=ask)


def test_a_failure_is_looked_at_again_before_it_is_told() -> None:
    """Who asks gets the settled verdict."""

    async def ask(diary: Diary) -> None:
        await asyncio.sleep(1)
        found = await diary.watch.run_now("p", 10.0)
        assert found is not None
        assert (found.verdict, found.attempt) == (Verdict.FAIL, 2)

    play([probe(interval=24 * HOUR, confirm=2)], 60, down, meanwhile=ask)


def test_a_paused_target_is_not_asked_by_hand_either() -> None:
    """The last result is shared, however old; nothing is sent."""

    async def ask(diary: Diary) -> None:
        await asyncio.sleep(1)
        first = await diary.watch.run_now("p", 10.0)
        await asyncio.sleep(120)
        assert await diary.watch.run_now("p", 10.0) is first

    diary = play(
        [probe("item", interval=100.0)], 130, lambda _outgoing: reply(429, {}, retry_after="3000"), meanwhile=ask
    )
    assert len(diary.wire.sent) == 1


def test_a_run_by_hand_says_why_it_is_off() -> None:
    """`specwatch probe` shows an unknown verdict with the reason."""

    async def ask(diary: Diary) -> None:
        observation = await diary.watch.run_by_hand(off)
        assert observation.verdict is Verdict.UNKNOWN
        assert observation.message == "makes needs `allow: [consume, create]` in the schedule"

    off = probe("job", "makes")
    assert play([off], 10, meanwhile=ask, shelf=Shelf()).wire.sent == []

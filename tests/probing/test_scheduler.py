"""When probes run: the grid, its phase, overlap, shedding, and what happens while probes fail."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.virtual import EPOCH, VirtualLoop, run_virtual, virtual_clock

from specwatch.probing.events import Event, Saturated, Skipped, Ticked
from specwatch.probing.scheduler import CALM_SECONDS, Pace, Scheduler, phase
from specwatch.schedule import Probe

HOUR = 3600.0


def probe(probe_id: str = "p", interval: float = 60.0, **more: Any) -> Probe:
    """A probe whose workflow is never looked at."""
    return replace(Probe(probe_id, "shop", cast("Any", None), interval=interval), **more)


@dataclass
class Diary:
    """What a scheduler did."""

    runs: list[tuple[float, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    saturated: list[bool] = field(default_factory=list)

    def times(self, probe_id: str = "p") -> list[float]:
        """When a probe ran, in virtual seconds."""
        return [at for at, name in self.runs if name == probe_id]

    def skips(self) -> Counter[str]:
        """How many ticks were skipped, by reason."""
        return Counter(event.reason for event in self.events if isinstance(event, Skipped))


Work = Callable[[Probe], Awaitable[None]]


async def nothing(_probe: Probe) -> None:
    """A run that takes no time."""


def seconds(duration: float) -> Work:
    """A run that takes so long."""

    async def work(_probe: Probe) -> None:
        await asyncio.sleep(duration)

    return work


def play(
    probes: list[Probe],
    duration: float,
    *,
    work: Work = nothing,
    concurrency: int = 10,
    pace: Callable[[Probe], Pace] = lambda _probe: Pace(),
    meanwhile: Callable[[Scheduler, Diary], Awaitable[None]] | None = None,
) -> Diary:
    """Let a scheduler run for some virtual seconds."""
    diary = Diary()

    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def run(each: Probe, saturated: bool) -> None:  # noqa: FBT001 - the scheduler's callback
            diary.runs.append((loop.time(), each.id))
            diary.saturated.append(saturated)
            await work(each)

        scheduler = Scheduler(virtual_clock(), run, diary.events.append, pace)
        scheduler.plan(probes, concurrency)
        stop = asyncio.Event()
        loop.call_later(duration, stop.set)
        async with asyncio.TaskGroup() as group:
            group.create_task(scheduler.serve(stop, 5.0))
            if meanwhile is not None:
                group.create_task(cast("Any", meanwhile(scheduler, diary)))

    run_virtual(main())
    return diary


def test_a_day_of_ticks_has_no_drift() -> None:
    """After a day of ticks once a minute the last one lies exactly on the grid of the first."""
    times = play([probe()], 24 * HOUR).times()
    assert len(times) == 1440
    assert times[-1] - times[0] == pytest.approx(1439 * 60, abs=1e-6)


def test_how_long_a_run_takes_does_not_move_the_next() -> None:
    """Ticks come at a fixed rate, not at a fixed distance from the end of a run."""
    times = play([probe(interval=10)], HOUR, work=seconds(9.9)).times()
    assert len(times) == 360
    assert {round(later - earlier, 6) for earlier, later in pairwise(times)} == {10.0}


@given(name=st.text(min_size=1, max_size=30), interval=st.floats(min_value=0.5, max_value=90_000))
def test_the_grid_is_found_again_after_a_restart(name: str, interval: float) -> None:
    """The first tick lies where the probe's name and the epoch put it, whenever the process begins."""
    times = play([probe(name, interval)], interval * 1.5).times(name)
    offset = (EPOCH + times[0]) % interval
    assert min(abs(offset - phase(f"/{name}") * interval), interval - abs(offset - phase(f"/{name}") * interval)) < 1e-3


def test_phases_spread() -> None:
    """A thousand probes of one minute do not start at once: no second has more than forty of them."""
    seconds_of_start = Counter(int(phase(f"/probe-{n}") * 60) for n in range(1000))
    assert max(seconds_of_start.values()) <= 40
    assert len(seconds_of_start) == 60


def test_a_probe_does_not_overlap_with_itself() -> None:
    """A tick that finds the probe still running is skipped and counted."""
    diary = play([probe(interval=10)], 100, work=seconds(25))
    assert len(diary.times()) == 4
    assert diary.skips() == {"overlap": 6}


def test_what_exceeds_the_concurrency_is_shed() -> None:
    """With more runs due than may be in flight, the rest is skipped, counted, and said; samples are marked."""
    diary = play([probe(f"p{n}", 10) for n in range(20)], 60, work=seconds(9), concurrency=5)
    assert diary.skips()["saturated"] > 20
    assert max(Counter(int(at // 10) for at, _ in diary.runs).values()) <= 6
    assert Saturated(on=True) in diary.events
    assert any(diary.saturated)


def test_calm_returns() -> None:
    """Some seconds after the last shed tick the prober counts as well again."""

    async def relieve(scheduler: Scheduler, _diary: Diary) -> None:
        await asyncio.sleep(30)
        scheduler.plan([probe("p0", 10)], 5)

    diary = play([probe(f"p{n}", 10) for n in range(20)], 100, work=seconds(9), concurrency=5, meanwhile=relieve)
    states = [event.on for event in diary.events if isinstance(event, Saturated)]
    assert states == [True, False]
    assert CALM_SECONDS <= 30
    assert diary.saturated[-1] is False


@pytest.mark.parametrize("stall", [0.5, 4.0, 11.0, 45.0])
def test_calm_does_not_come_with_a_stall(stall: float) -> None:
    """However long the prober stands still, again and again, it is told once, and calm only after a quiet time."""
    told: list[tuple[float, bool]] = []

    async def main() -> None:
        loop = cast("VirtualLoop", asyncio.get_running_loop())

        def emit(event: Event) -> None:
            if isinstance(event, Saturated):
                told.append((loop.time(), event.on))

        async def run(_probe: Probe, _saturated: bool) -> None:  # noqa: FBT001 - the scheduler's callback
            pass

        async def stand_still() -> None:
            for _ in range(30):
                loop.jumping.now += stall
                await asyncio.sleep(CALM_SECONDS - 0.001)
            stalled.append(loop.time())
            await asyncio.sleep(60)
            stop.set()

        stalled: list[float] = []
        stop = asyncio.Event()
        scheduler = Scheduler(virtual_clock(), run, emit)
        scheduler.plan([probe(f"p{n}", 1.0) for n in range(20)], 100)
        async with asyncio.TaskGroup() as group:
            group.create_task(scheduler.serve(stop, 5.0))
            group.create_task(stand_still())
        assert [on for _, on in told] == [True, False]
        assert stalled[0] < told[1][0] < stalled[0] + CALM_SECONDS + 1

    run_virtual(main())


def test_every_tick_tells_its_lag() -> None:
    """Each tick is told with how late it was noticed; in virtual time that is nothing."""
    lags = [event.lag for event in play([probe()], HOUR).events if isinstance(event, Ticked)]
    assert len(lags) == 60
    assert max(lags) < 1e-6


def test_a_failing_probe_is_looked_at_more_often() -> None:
    """While a probe fails its failing interval counts; then it is back on its grid."""

    async def fail_for_a_while(scheduler: Scheduler, _diary: Diary) -> None:
        await asyncio.sleep(600)
        scheduler.set_failing("p", failing=True)
        await asyncio.sleep(600)
        scheduler.set_failing("p", failing=False)

    times = play([probe(interval=300, failing_interval=30.0)], 3000, meanwhile=fail_for_a_while).times()
    during = [at for at in times if 600 < at <= 1200]
    after = [at for at in times if at > 1200]
    assert len(during) == 20
    assert len(after) == 6
    assert (after[-1] - times[0]) % 300 == pytest.approx(0, abs=1e-6)


def test_a_pace_skips_and_stretches() -> None:
    """What the pace says counts: ticks are skipped for its reason, or come further apart."""
    assert play([probe()], HOUR, pace=lambda _probe: Pace("maintenance")).skips() == {"maintenance": 60}
    assert len(play([probe()], HOUR, pace=lambda _probe: Pace(stretch=4.0)).times()) == 15


def test_a_new_plan_misses_no_tick_of_what_stays() -> None:
    """Swapping the plan leaves the ticks of unchanged probes where they are, ends those of others, begins new ones."""

    async def swap(scheduler: Scheduler, _diary: Diary) -> None:
        for n in range(50):
            await asyncio.sleep(7)
            others = [probe(f"new-{n}", 20)]
            scheduler.plan([probe("p", 10), *others], 5)

    diary = play([probe("p", 10), probe("old", 10)], 350, meanwhile=swap)
    times = diary.times("p")
    assert len(times) == 35
    assert {round(later - earlier, 6) for earlier, later in pairwise(times)} == {10.0}
    assert max(diary.times("old")) < 7


def test_a_run_in_flight_finishes_within_the_grace() -> None:
    """Told to stop, the scheduler starts nothing more and waits for what runs."""
    ended: list[str] = []

    async def work(each: Probe) -> None:
        await asyncio.sleep(3)
        ended.append(each.id)

    diary = play([probe(interval=10)], 31, work=work)
    assert len(ended) == len(diary.runs)


def test_a_run_that_outlasts_the_grace_is_cancelled() -> None:
    """What does not end within the grace is cancelled, so that stopping takes a bounded time."""
    cancelled: list[str] = []

    async def work(each: Probe) -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            cancelled.append(each.id)
            raise

    play([probe(interval=10)], 25, work=work)
    assert cancelled == ["p"]


def test_a_probe_can_be_triggered() -> None:
    """A run asked for by hand begins at once, and is shared by whoever asks while it runs."""

    async def ask(scheduler: Scheduler, _diary: Diary) -> None:
        await asyncio.sleep(1)
        first, second = scheduler.trigger("p"), scheduler.trigger("p")
        assert first is not None
        assert first is second
        await first
        assert scheduler.trigger("nobody") is None

    diary = play([probe(interval=HOUR)], 100, work=seconds(5), meanwhile=ask)
    assert len([at for at in diary.times() if at == 1.0]) == 1

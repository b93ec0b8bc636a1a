"""The prober as a whole, in virtual time: second looks, pauses, budgets, reloads, stops, and what a defect may do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.probing.watching import (
    DAY,
    HOUR,
    MIDNIGHT,
    Answers,
    Diary,
    Reply,
    Shelf,
    configured,
    down,
    honest,
    kiosk,
    play,
    probe,
    reply,
)

from specwatch.cli.init import make_workspace
from specwatch.errors import Problem, WorkspaceError
from specwatch.probing.configuration import Configuration, Options, Secrets
from specwatch.probing.events import BudgetLeft, Paused, Planned, Ran, Reloaded
from specwatch.probing.loading import load_configuration
from specwatch.schedule import DayBudget, Span
from specwatch.transport.target import Kind, Target
from specwatch.transport.wallet import Wallet
from specwatch.transport.wire import Outgoing
from specwatch.values import Failure, Reason, Verdict
from specwatch.workspace import find_workspace


def in_turn(*replies: Reply) -> Answers:
    """Answers that come one after the other, the last one again and again."""
    left = list(replies)
    return lambda _outgoing: left.pop(0) if len(left) > 1 else left[0]


def verdicts(diary: Diary, probe_id: str = "p") -> list[str]:
    """The verdicts of a probe's runs, in order."""
    return [observation.verdict.value for observation in diary.seen(probe_id)]


def gaps(times: list[float]) -> set[float]:
    """The distances between moments."""
    return {round(later - earlier, 3) for earlier, later in pairwise(times)}


# ----------------------------------------------------------------------------------------------------- second looks


def test_a_failure_is_looked_at_again_at_once() -> None:
    """With `confirm: 2` a run that fails is followed by another; both are counted, only the second settles."""
    diary = play([probe(confirm=2)], 60, down)
    first, second = diary.ran()
    assert (first.settled, second.settled) == (False, True)
    assert [each.observation.attempt for each in (first, second)] == [1, 2]
    assert second.observation.started_at - first.observation.started_at < 0.1
    assert len(diary.shelf.runs) == 2
    assert diary.watch.memory.streaks["p"].runs == 1


def test_a_second_look_that_succeeds_takes_it_back() -> None:
    """A single failure between two successes is counted, but the probe is not down."""
    diary = play([probe(confirm=2)], 60, in_turn(reply(503), reply(200, {})))
    assert verdicts(diary) == ["fail", "pass"]
    assert diary.watch.memory.streaks["p"].verdict is Verdict.PASS


def test_a_success_is_not_looked_at_again() -> None:
    """Nothing is confirmed about a pass."""
    assert len(play([probe(confirm=3)], 60).seen()) == 1


def test_a_second_look_does_not_overspend_the_budget() -> None:
    """Where today's budget does not cover another run, the first look settles."""
    diary = play([probe(confirm=2, budget=DayBudget(requests=1))], 60, down)
    assert [ran.settled for ran in diary.ran()] == [True]
    assert len(diary.wire.sent) == 1


def test_a_second_look_respects_a_pause() -> None:
    """A target that asks for a pause in the first look is not asked again at once."""
    diary = play([probe("item", confirm=2)], 60, lambda _outgoing: reply(429, {}, retry_after="30"))
    assert [ran.settled for ran in diary.ran()] == [True]
    assert len(diary.wire.sent) == 1


def test_a_failing_probe_is_looked_at_more_often() -> None:
    """While it fails the failing interval counts; when it is well again, its own."""
    bad = {"on": True}

    async def heal(_diary: Diary) -> None:
        await asyncio.sleep(HOUR)
        bad["on"] = False

    def answers(outgoing: Outgoing) -> Reply:
        return down(outgoing) if bad["on"] else honest(outgoing)

    diary = play([probe(interval=600.0, failing_interval=60.0)], 2 * HOUR, answers, meanwhile=heal)
    counted = Counter(verdicts(diary))
    assert 50 <= counted["fail"] <= 60
    assert counted["pass"] in {6, 7}


# ------------------------------------------------------------------------------------------------------------ pauses


def test_a_rate_limit_pauses_everything_at_its_place(tmp_path: Path) -> None:
    """429: all probes of that origin and credential stay away for Retry-After, those of another API included."""
    limited = {"once": True}

    def answers(outgoing: Outgoing) -> Reply:
        if limited.pop("once", False):
            return reply(429, {}, retry_after="600")
        return honest(outgoing)

    probes = [
        probe("item", "p", interval=60.0),
        probe("item", "q", interval=60.0),
        probe("item", "r", interval=60.0, of=kiosk(tmp_path)),
        probe("health", "free", interval=60.0),
    ]
    diary = play(probes, HOUR, answers)
    first = diary.wire.times[min(index for index, path in enumerate(diary.wire.paths) if "items" in path)]
    items = [at for at, path in zip(diary.wire.times, diary.wire.paths, strict=True) if "items" in path]
    assert min(at for at in items if at > first) >= first + 600
    assert all(diary.skips(each)["rate_limited"] > 0 for each in "pqr")
    assert diary.skips("free") == {}
    paused = {event.api: event.until for event in diary.events if isinstance(event, Paused) and event.until}
    assert set(paused) == {"shop", "kiosk"}
    assert paused["shop"] == pytest.approx(MIDNIGHT + first + 600.05, abs=0.1)


def test_a_rate_limit_of_a_wrong_credential_pauses_who_sends_it() -> None:
    """429 to an altered token: its probe's ticks are skipped, not unknown; those with the right one go on."""

    def answers(outgoing: Outgoing) -> Reply:
        wrong = dict(outgoing.headers)[b"authorization"] != b"Bearer tok-alpha-0001"
        return reply(429, {}, retry_after="600") if wrong else honest(outgoing)

    diary = play([probe("wrong-token", "wrong"), probe("item", "p")], 600, answers)
    assert verdicts(diary, "wrong") == ["unknown"]
    assert set(diary.skips("wrong")) == {"rate_limited"}
    assert len(diary.seen("p")) == 10
    assert diary.skips("p") == {}


def test_an_api_is_paused_while_any_of_its_places_is() -> None:
    """The end of one of two pauses is not the end of both."""

    def answers(outgoing: Outgoing) -> Reply:
        wrong = dict(outgoing.headers)[b"authorization"] != b"Bearer tok-alpha-0001"
        return reply(429, {}, retry_after="120" if wrong else "600")

    diary = play([probe("wrong-token", "wrong"), probe("item", "p")], 500, answers)
    ends = [at for at, event in diary.told if isinstance(event, Paused) and event.until is None]
    assert ends == []


def test_the_end_of_a_pause_is_told() -> None:
    """When the pause is over everybody is told so, though nothing was sent."""
    answers = in_turn(reply(429, {}, retry_after="300"), reply(200, {"id": "i-7", "name": "a cup"}))
    diary = play([probe("item", interval=1200.0)], HOUR, answers)
    moments = [(round(at), event.until is not None) for at, event in diary.told if isinstance(event, Paused)]
    begin = next(at for at, on in moments if on)
    assert (begin + 300, False) in moments


def test_a_rate_limit_is_no_failure() -> None:
    """The run that met it is unknown and says so."""
    found = play([probe("item")], 60, lambda _outgoing: reply(429, {})).seen()[0]
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, Reason.RATE_LIMITED)


def test_a_restart_finds_the_pause_again() -> None:
    """A second watch on the same state does not send before the pause is over, and shows that it is paused."""
    shelf = Shelf()
    before = play([probe("item")], 60, lambda _outgoing: reply(429, {}, retry_after="900"), shelf=shelf)
    over = before.wire.times[0] + 900
    after = play([probe("item")], HOUR, shelf=shelf, start=60)
    assert min(after.wire.times) >= over
    assert after.skips()["rate_limited"] > 0
    assert isinstance(next(event for event in after.events if isinstance(event, Paused)).until, float)


def test_a_rate_limit_slows_the_schedule() -> None:
    """After a pause ticks come further apart for a while, and then as before."""
    answers = in_turn(*[reply(429, {}, retry_after="60")] * 3, reply(200, {"id": "i-7", "name": "a cup"}))
    times = play([probe("item")], 2 * HOUR, answers).times()
    assert max(gaps(times)) > 60
    assert gaps(times[-20:]) == {60.0}


# ----------------------------------------------------------------------------------------------------------- budgets


@pytest.mark.parametrize("bad", [False, True])
def test_a_budget_paces_the_whole_day(*, bad: bool) -> None:
    """A hundred requests for 1,440 ticks: at most a hundred are sent, spread over the day, also while it fails."""
    budget = DayBudget(requests=100)
    diary = play([probe(budget=budget, failing_interval=10.0)], DAY, down if bad else honest)
    times = diary.wire.times
    assert 80 <= len(times) <= 100
    per_quarter = Counter(int(at // (DAY / 4)) for at in times)
    assert all(15 <= per_quarter[quarter] <= 35 for quarter in range(4))


@settings(max_examples=12, deadline=None)
@given(requests=st.integers(1, 60), bad=st.lists(st.booleans(), min_size=1, max_size=7), looks=st.integers(1, 3))
def test_no_day_spends_more_than_its_budget(requests: int, bad: list[bool], looks: int) -> None:
    """Whatever the target does, and however often it is looked at again."""
    turn = cycle(bad)

    def answers(outgoing: Outgoing) -> Reply:
        return down(outgoing) if next(turn) else honest(outgoing)

    flapping = probe(budget=DayBudget(requests=requests), interval=600.0, failing_interval=60.0, confirm=looks)
    diary = play([flapping], 1.5 * DAY, answers)
    assert max(Counter((MIDNIGHT + at) // DAY for at in diary.wire.times).values()) <= requests
    assert len(diary.wire.times) >= min(requests, 100) * 0.7


def test_a_budget_is_full_again_at_midnight() -> None:
    """On the next day of UTC there is another budget."""
    diary = play([probe(budget=DayBudget(requests=24), interval=600.0)], 2 * DAY)
    days = Counter(int(at // DAY) for at in diary.wire.times)
    assert days[0] <= 24
    assert 20 <= days[1] <= 24


def test_a_budget_survives_a_restart() -> None:
    """What was spent today is spent, whoever starts again."""
    shelf = Shelf()
    for hour in range(4):
        play([probe(budget=DayBudget(requests=5))], HOUR, shelf=shelf, start=hour * HOUR)
    assert len(shelf.runs) <= 5


def test_what_is_spent_is_remembered_while_it_is_spent() -> None:
    """A process that is killed in the middle of a run has written what it sent, but for the last half second."""
    kept = Shelf()
    seen: list[tuple[float, object]] = []

    async def look(diary: Diary) -> None:
        await diary.wire.asked.wait()
        await asyncio.sleep(0)
        seen.append((0, dict(kept.documents["budget"]["p"])["requests"]))
        await asyncio.sleep(2.8)  # another was sent after 2 s
        seen.append((1, dict(kept.documents["budget"]["p"])["requests"]))
        assert diary.ran() == []

    def answers(outgoing: Outgoing) -> Reply:
        made = outgoing.method == "POST"
        return reply(201, {"id": "i-1"}) if made else reply(200, {"id": "i-1", "name": "not yet"})

    makes = probe("job", "p", allow=frozenset({"create", "consume"}), budget=DayBudget(requests=90))
    play([makes], 60, answers, shelf=kept, meanwhile=look)
    assert seen == [(0, 1), (1, 3)]


def test_a_probe_without_a_budget_is_not_written_about() -> None:
    """Nothing is remembered of what has no end."""
    assert "budget" not in play([probe()], 600).shelf.documents


def test_a_cost_budget_counts_what_calls_cost() -> None:
    """At 0.1 credits a call a budget of 1 credit is ten calls a day, and what is left is told."""
    priced = probe("price", budget=DayBudget(cost=1.0), allow=frozenset({"paid"}), interval=600.0)
    diary = play([priced], DAY)
    assert 8 <= len(diary.wire.sent) <= 10
    left = [event.remaining for event in diary.events if isinstance(event, BudgetLeft)]
    assert left[0] == 1.0
    assert left[-1] == pytest.approx(1.0 - 0.1 * len(diary.wire.sent))
    assert {event.unit for event in diary.events if isinstance(event, BudgetLeft)} == {"credit"}


# ------------------------------------------------------------------------------------------------- what does not run


def test_nothing_runs_in_maintenance() -> None:
    """Ticks within a window are skipped and counted."""
    window = Span(MIDNIGHT + 600, MIDNIGHT + 1200)
    diary = play([probe(maintenance=(window,))], HOUR)
    assert diary.skips() == {"maintenance": 10}
    assert not [at for at in diary.times() if 600 <= at < 1200]


def test_a_probe_that_is_off_says_why() -> None:
    """Without its `allow` a probe that creates does not run on a live target; one switched off runs nowhere."""
    diary = play([probe("job", "makes"), probe("health", "idle", enabled=False), probe("health", "p")], 600)
    assert (diary.skips("makes"), diary.skips("idle")) == ({"off": 10}, {"off": 10})
    assert diary.watch.why_off("makes") == "needs `allow: [consume, create]` in the schedule"
    assert diary.watch.why_off("idle") == "switched off in the schedule"
    assert [event.off for event in diary.events if isinstance(event, Planned)] == [{"makes", "idle"}]
    assert len(diary.seen("p")) == 10


def test_a_missing_credential_is_unknown_and_the_rest_goes_on() -> None:
    """A probe without its variable is visibly unknown at each tick and sends nothing; others run."""
    diary = play([probe("item", "needs"), probe("health", "p")], 600, SHOP_TOKEN="")
    assert set(verdicts(diary, "needs")) == {"unknown"}
    assert "SHOP_TOKEN" in diary.seen("needs")[0].message
    assert len(diary.seen("needs")) == len(diary.seen("p")) == 10
    assert set(diary.wire.paths) == {"/v1/health"}


# ----------------------------------------------------------------------------------------------------------- reloads


def reloading(at: float, load: Callable[[], Configuration], **more: Any) -> Diary:
    """Two probes, and at some moment a reload."""

    async def reload(diary: Diary) -> None:
        await asyncio.sleep(at)
        await diary.watch.reload()

    probes = [probe("health", "p"), probe("item", "q")]
    return play(probes, HOUR, load=load, meanwhile=reload, **more)


def test_a_reload_misses_no_tick_of_what_stays() -> None:
    """Swapped: the unchanged probe has all its ticks, the one that is gone none, the new one its own."""
    diary = reloading(1830.5, lambda: configured(probe("health", "p"), probe("item", "new", interval=120.0)))
    assert len(diary.times("p")) == 60
    assert gaps(diary.times("p")) == {60.0}
    assert max(diary.times("q")) < 1830.5 < min(diary.times("new"))
    assert len(diary.times("new")) in {14, 15}
    assert [event.ok for event in diary.events if isinstance(event, Reloaded)] == [True]
    assert len([event for event in diary.events if isinstance(event, Planned)]) == 2
    assert diary.wire.closed == 2


def refuse() -> Configuration:
    """Load files that are wrong."""
    raise WorkspaceError(Problem("schedule.yaml:3", "interval is -1"), Problem("schedule.yaml:4", "no such key"))


def stumble() -> Configuration:
    """Load files with code that has a defect."""
    raise ZeroDivisionError("oops")


def test_a_wrong_configuration_changes_nothing() -> None:
    """The old one goes on, and every problem of the new one is told."""
    diary = reloading(1830.5, refuse)
    reloaded = diary.watch.reloaded
    assert (reloaded.ok, len(reloaded.problems)) == (False, 2)
    assert reloaded in diary.events
    assert (len(diary.times("p")), len(diary.times("q"))) == (60, 60)


def test_a_defect_while_loading_changes_nothing() -> None:
    """A reload must not end the prober, whatever goes wrong in it."""
    diary = reloading(1830.5, stumble)
    assert [problem.found for problem in diary.watch.reloaded.problems] == ["defect: ZeroDivisionError: oops"]
    assert len(diary.times("p")) == 60


def test_a_right_configuration_after_a_wrong_one_is_taken() -> None:
    """A mistake that is mended is forgotten."""
    loads: list[Callable[[], Configuration]] = [refuse, lambda: configured(probe("health", "p"))]

    def load() -> Configuration:
        return loads.pop(0)()

    async def reload(diary: Diary) -> None:
        for _ in range(2):
            await asyncio.sleep(600)
            await diary.watch.reload()

    diary = play([probe("health", "p")], HOUR, load=load, meanwhile=reload)
    assert [event.ok for event in diary.events if isinstance(event, Reloaded)] == [False, True]
    assert diary.watch.reloaded.ok


@pytest.mark.parametrize("replies", [honest, down])
def test_a_run_in_flight_outlives_its_probe(replies: Answers) -> None:
    """A reload that removes a probe, and its API, while it runs: the run ends as it would, and the rest goes on."""

    def answers(outgoing: Outgoing) -> Reply:
        return replies(outgoing) if b"items" in outgoing.target else honest(outgoing)

    async def reload(diary: Diary) -> None:
        await diary.wire.asked.wait()
        await diary.watch.reload()

    slow = [probe("item", "p", confirm=2)]
    elsewhere = replace(probe("health", "other"))
    diary = play(slow, HOUR, answers, load=lambda: configured(elsewhere), meanwhile=reload, seconds=5.0)
    assert len(diary.seen("other")) >= 58
    assert diary.ran("p")[-1].settled


def test_a_run_in_flight_outlives_its_api(tmp_path: Path) -> None:
    """The same where the whole API is gone."""

    async def reload(diary: Diary) -> None:
        await diary.wire.asked.wait()
        await diary.watch.reload()

    gone = probe("item", "p", confirm=2, of=kiosk(tmp_path))
    diary = play([gone], HOUR, down, load=lambda: configured(probe("health", "other")), meanwhile=reload, seconds=5.0)
    assert len(diary.seen("other")) >= 58
    assert diary.ran("p")[-1].settled


# ------------------------------------------------------------------------------------------------- stops and defects


def test_a_run_in_flight_finishes_when_the_prober_stops() -> None:
    """Told to stop, it waits for the run, writes it, and closes the store and the wire."""
    diary = play([probe()], 60.0, seconds=8.0)
    assert verdicts(diary) == ["pass"]
    assert (diary.shelf.open, diary.wire.closed) == (0, 1)
    assert len(diary.shelf.runs) == 1


def test_a_defect_in_a_run_does_not_stop_the_others() -> None:
    """An exception inside of a run is an unknown verdict that says it is a defect; everything else goes on."""

    def answers(outgoing: Outgoing) -> Reply:
        return ZeroDivisionError("oops tok-alpha-0001") if b"items" in outgoing.target else honest(outgoing)

    diary = play([probe("item", "p"), probe("health", "q")], 600, answers)
    assert len(diary.seen("q")) == len(diary.seen("p")) == 10
    found = diary.seen("p")[0]
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, Reason.INTERNAL)
    assert found.message == "defect in specwatch: ZeroDivisionError: oops [secret]"


def test_a_local_symptom_is_ours_until_a_neighbour_answers(tmp_path: Path) -> None:
    """No route to the shop is our trouble, until another origin answers through the same network."""
    elsewhere = kiosk(tmp_path, host="kiosk.example.com")

    def answers(outgoing: Outgoing) -> Reply:
        lost = Failure(Reason.CONNECT, "no route", "connect", local=True)
        return lost if "shop" in outgoing.host else honest(outgoing)

    alone = play([probe("health", "p")], 300, answers)
    beside = play([probe("health", "p"), probe("health", "n", of=elsewhere)], 300, answers)
    assert set(verdicts(alone)) == {"unknown"}
    assert verdicts(beside)[-1] == "fail"


def test_a_secret_that_was_replaced_is_still_one() -> None:
    """After a reload with another token the target echoes the old one: it is shown as little as the new one."""
    new = {"SHOP_TOKEN": "tok-beta-0002"}

    async def reload(diary: Diary) -> None:
        await asyncio.sleep(300)
        await diary.watch.reload()

    def echo(_outgoing: Outgoing) -> Reply:
        return reply(200, {"id": "i-7", "name": "tok-alpha-0001 and tok-beta-0002"})

    diary = play([probe("item")], 600, echo, load=lambda: configured(probe("item"), **new), meanwhile=reload)
    assert "tok-beta-0002" in str(diary.seen()[0])  # not a secret yet
    last = diary.seen()[-1]
    assert "tok-" not in str(last)
    assert "[secret] and [secret]" in last.message


def test_old_secrets_are_bounded() -> None:
    """Of those that are no secrets any more the last hundred are known, whatever is reloaded; the current ones all."""
    secrets = Secrets()
    current: list[str] = []

    class Purse:
        def secrets(self) -> list[str]:
            return current

    for numbers in (range(35), range(35, 70), range(70, 105), range(105, 106)):
        current[:] = [f"token-number-{number:03}" for number in numbers]
        redactor = secrets.redactor([cast("Wallet", Purse())], Options(Target(Kind.LIVE)))
    known = [number for number in range(106) if "number" not in redactor.text(f"token-number-{number:03}")]
    assert known == list(range(5, 106))


def test_real_files_are_reloaded(tmp_path: Path) -> None:
    """A workspace on disk: wrong files keep the old plan and name file and line, mended ones are taken."""
    make_workspace(tmp_path / "workspace")
    workspace = find_workspace(tmp_path / "workspace", tmp_path)
    schedule = workspace.root / "probes" / "schedule.yaml"
    text = schedule.read_text(encoding="utf-8").replace("interval: 5m", "interval: 3m")

    def load() -> Configuration:
        return load_configuration(workspace, tmp_path, needs_variables=False)

    async def edit(diary: Diary) -> None:
        for version in (text.replace("confirm: 2", "confirm: -1\n  confirn: 2"), text):
            await asyncio.sleep(HOUR)
            schedule.write_text(version, encoding="utf-8")
            await diary.watch.reload()

    first = load()
    sandbox = Options(Target(Kind.SANDBOX, "http://127.0.0.1:1"))
    diary = play(
        first.schedule.probes, 3 * HOUR, lambda _outgoing: reply(200, {}), load=load, meanwhile=edit, options=sandbox
    )
    refused, taken = [event for event in diary.events if isinstance(event, Reloaded)]
    assert (refused.ok, taken.ok) == (False, True)
    assert len(refused.problems) == 2
    assert all(str(schedule) in problem.where for problem in refused.problems)
    assert "did you mean confirm?" in str(refused.problems) or "confirm" in str(refused.problems)
    ticks = [at for at, event in diary.told if isinstance(event, Ran) and event.settled]
    assert len([at for at in ticks if at < 2 * HOUR]) >= 24
    assert diary.watch.configuration.schedule.probe("example-regions").interval == 180

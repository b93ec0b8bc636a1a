"""Jobs in flight: what a start on the state of an earlier process makes of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.probing.watching import (
    DAY,
    HOUR,
    LIVE,
    MIDNIGHT,
    Answers,
    Diary,
    Reply,
    Shelf,
    configured,
    document,
    honest,
    play,
    probe,
    reply,
)

from specwatch.probing.events import JobLeft, Resumed
from specwatch.probing.ports import Job, Progress
from specwatch.probing.scheduler import phase
from specwatch.schedule import DayBudget
from specwatch.transport.wire import Outgoing
from specwatch.values import Failure, Reason, Verdict
from specwatch.workflow import WorkflowRef

ALLOWED = frozenset({"create", "consume"})
MADE = {"make": {"id": "i-42"}}
PLACE = "https://shop.example.com authorization=Bearer $SHOP_TOKEN"


def job_probe(**more: Any) -> Any:
    """The probe that makes, waits for and takes an item, once an hour."""
    return probe("job", "makes", **{"allow": ALLOWED, "interval": HOUR, **more})


def job(progress: Progress, **more: Any) -> Job:
    """A job that an earlier process began."""
    return replace(Job("makes-1-1", "makes", "job", "live", MIDNIGHT - 60, progress), **more)


def shelf(*jobs: Job) -> Shelf:
    """A store that holds these jobs."""
    return Shelf(jobs={each.id: each for each in jobs})


def left(diary: Diary) -> list[JobLeft]:
    """What was told about jobs that stay open."""
    return [event for event in diary.events if isinstance(event, JobLeft)]


def maker(outgoing: Outgoing) -> Reply:
    """A shop that makes items, which are ready at once."""
    if outgoing.method == "POST" and outgoing.target == b"/v1/items":
        return reply(201, {"id": "i-42"})
    if outgoing.method == "POST":
        return reply(200, b"the cup itself")
    item = outgoing.target.decode().rpartition("/")[2]
    return reply(200, {"id": item, "name": "ready"}) if b"items" in outgoing.target else honest(outgoing)


def resumed(kept: Shelf, answers: Answers = maker, **more: Any) -> Diary:
    """A start on a state, for a minute in which the schedule has nothing of its own to do."""
    quiet = more.pop("probe", None) or job_probe(interval=24 * HOUR)
    return play([quiet, *more.pop("beside", ())], more.pop("duration", 60.0), answers, shelf=kept, **more)


def test_a_job_goes_on_where_it_stood() -> None:
    """Noted as made: it is not made again, but waited for, taken, and its end is written."""
    kept = shelf(job(Progress(outputs=MADE, following="poll")))
    diary = resumed(kept)
    assert diary.wire.paths == ["/v1/items/i-42", "/v1/items/i-42/take"]
    assert kept.ended == {"makes-1-1": ("pass", "")}
    assert kept.kept == {("makes-1-1", "take"): b"the cup itself"}
    assert [(ran.observation.id, ran.settled) for ran in diary.ran("makes")] == [("makes-1-1", True)]
    assert diary.watch.jobs() == ()


def test_what_may_have_been_made_is_not_made_again() -> None:
    """In doubt about a creation: nothing is sent, and the end says that the provider has to be asked."""
    kept = shelf(job(Progress(following="make", in_doubt="make")))
    diary = resumed(kept)
    assert diary.wire.sent == []
    verdict, message = kept.ended["makes-1-1"]
    assert verdict == "unknown"
    assert message == "whether make took effect is not known, so it was not sent again: ask the provider"
    assert diary.seen("makes")[0].message == message


def test_what_may_have_been_used_up_is_looked_at_first() -> None:
    """In doubt about a consumption: the status is asked again, and only what it still allows is done."""
    kept = shelf(job(Progress(outputs=MADE, following="take", in_doubt="take")))
    assert resumed(kept).wire.paths == ["/v1/items/i-42", "/v1/items/i-42/take"]


def test_what_was_used_up_by_us_is_not_the_targets_fault() -> None:
    """In doubt about a consumption that took effect: unknown, not a failure of the target."""

    def taken(outgoing: Outgoing) -> Reply:
        return reply(404) if b"items" in outgoing.target else honest(outgoing)

    diary = resumed(shelf(job(Progress(outputs=MADE, following="take", in_doubt="take"))), taken)
    found = diary.seen("makes")[0]
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, Reason.INTERNAL)
    assert found.message.startswith("the run was interrupted while take was under way, which may have taken effect; ")
    assert diary.wire.paths == ["/v1/items/i-42"]


def test_a_server_error_is_the_targets_fault_whatever_was_in_doubt() -> None:
    """No interruption of ours makes a target answer 500."""
    kept = shelf(job(Progress(outputs=MADE, following="take", in_doubt="take")))
    assert resumed(kept, lambda _outgoing: reply(500)).seen("makes")[0].reason is Reason.SERVER_ERROR


def test_a_job_that_had_ended_says_so() -> None:
    """All was done but its end not written: it is not repeated, and reported."""
    kept = shelf(job(Progress(outputs=MADE)))
    diary = resumed(kept)
    assert diary.wire.sent == []
    assert kept.ended["makes-1-1"] == ("unknown", "job had ended, but its verdict was not written")


@pytest.mark.parametrize(
    "odd",
    [
        {"target": "https://elsewhere.example"},
        {"probe": "gone"},
        {"workflow": "another"},
        {"progress": Progress(outputs=MADE, following="no-such-step")},
    ],
    ids=lambda odd: next(iter(odd)),
)
def test_a_job_that_nobody_can_go_on_with_is_reported(odd: dict[str, Any]) -> None:
    """Another target, a probe that is gone or was changed: it is told at each start, and stays in the journal."""
    kept = shelf(job(Progress(outputs=MADE, following="poll"), **odd) if "progress" not in odd else job(**odd))
    beside = [probe("health", "p", interval=10.0)]
    diary = resumed(kept, beside=beside)
    (told,) = left(diary)
    assert (told.job.id, told.again_at) == ("makes-1-1", None)
    assert "is not finished and nothing here can go on with it" in told.reason
    assert diary.seen("makes") == []
    assert kept.ended == {}
    assert [each.id for each in kept.open_jobs()] == ["makes-1-1"]
    assert diary.wire.paths == ["/v1/health"] * 6


def test_the_schedule_leaves_a_probe_alone_while_its_job_goes_on() -> None:
    """No probe overlaps with itself: its ticks are skipped until the job has ended."""
    kept = shelf(job(Progress(outputs=MADE, following="poll")))
    kept.remember("limit", PLACE, {"until": MIDNIGHT + 130, "slowdown": 1.0})
    diary = play([job_probe(interval=20.0)], 200.0, maker, shelf=kept)
    assert set(diary.skips("makes")) == {"overlap"}
    assert diary.skips("makes")["overlap"] in {6, 7}
    assert diary.seen("makes")[0].id == "makes-1-1"
    assert {verdict for verdict, _ in kept.ended.values()} == {"pass"}


def test_several_jobs_go_on_side_by_side() -> None:
    """One that cannot go on keeps no other from it."""
    jobs = [
        job(
            Progress(outputs={"make": {"id": f"i-{n}"}}, following="poll"),
            id=f"makes-{n}",
            probe="makes" if n else "gone",
        )
        for n in range(4)
    ]
    kept = shelf(*jobs)
    resumed(kept)
    assert {name: verdict for name, (verdict, _) in kept.ended.items()} == dict.fromkeys(
        ["makes-1", "makes-2", "makes-3"], "pass"
    )


def test_a_job_waits_for_the_end_of_a_pause() -> None:
    """A restart while the target asks to be left alone: the job is not given up, but goes on when the pause is over."""
    kept = shelf(job(Progress(outputs=MADE, following="poll")))
    kept.remember("limit", PLACE, {"until": MIDNIGHT + 30, "slowdown": 2.0})
    diary = resumed(kept, duration=120.0)
    assert kept.ended == {"makes-1-1": ("pass", "")}
    assert min(diary.wire.times) >= 30


def test_a_job_that_is_interrupted_again_stays_open() -> None:
    """Stopped while it waits: it is still in the journal, as far as it came."""

    def waiting(outgoing: Outgoing) -> Reply:
        return reply(200, {"id": "i-42", "name": "not yet"}) if b"items" in outgoing.target else honest(outgoing)

    kept = shelf(job(Progress(outputs=MADE, following="poll")))
    diary = resumed(kept, waiting, duration=1.0, options=replace(LIVE, grace_seconds=1.0))
    assert kept.ended == {}
    assert diary.seen("makes") == []


def test_a_job_that_goes_on_gets_the_grace_of_the_others() -> None:
    """Stopped while its answer is on the way: it finishes within the bound, so that nothing is left in doubt."""
    kept = shelf(job(Progress(outputs=MADE, following="poll")))
    resumed(kept, duration=1.0, seconds=4.0)
    assert kept.ended == {"makes-1-1": ("pass", "")}


def test_a_run_that_makes_leaves_its_tracks() -> None:
    """From the schedule: noted before it is sent, kept before it is told, ended at last."""
    kept = Shelf()
    diary = play([job_probe(interval=60.0)], 60.0, maker, shelf=kept)
    assert [verdict for verdict, _ in kept.ended.values()] == ["pass"]
    found = diary.seen("makes")[0]
    assert found.job_seconds == pytest.approx(0.15)
    assert list(kept.kept.values()) == [b"the cup itself"]


def test_a_run_that_is_cut_off_by_the_grace_can_be_resumed() -> None:
    """Stopped in the middle of a job: the next start goes on with it, and makes nothing twice."""

    def slow(outgoing: Outgoing) -> Reply:
        found = maker(outgoing)
        ready = outgoing.method == "POST" or ticks["now"] > 1
        ticks["now"] += outgoing.method == "GET"
        return found if ready else reply(200, {"id": "i-42", "name": "not yet"})

    ticks = {"now": -100}
    kept = Shelf()
    options = replace(LIVE, grace_seconds=1.0)
    begin = phase("/makes") * 60
    first = play([job_probe(interval=60.0)], begin + 1, slow, shelf=kept, options=options)
    assert kept.ended == {}
    assert [path for path in first.wire.paths if path == "/v1/items"] == ["/v1/items"]
    second = resumed(kept, maker, start=120)
    assert [verdict for verdict, _ in kept.ended.values()] == ["pass"]
    assert "/v1/items" not in second.wire.paths


# ---------------------------------------------------------------------------------- jobs that trouble of ours holds up


POLLING = Progress(outputs=MADE, following="poll")


def always(answer: Reply) -> Answers:
    """A shop that answers everything in the same way."""
    return lambda _outgoing: answer


def until(moment: float, trouble: Reply, status: Reply | None = None) -> Answers:
    """A shop that is not reached until a virtual moment."""

    def answers(outgoing: Outgoing) -> Reply:
        if asyncio.get_running_loop().time() < moment:
            return trouble if status is None or outgoing.method == "POST" else status
        return maker(outgoing)

    return answers


NO_ROUTE = Failure(Reason.CONNECT, "no route", "connect", local=True)


@pytest.mark.parametrize(
    "trouble",
    [NO_ROUTE, reply(429, {}, retry_after="300"), reply(401, {}), reply(402, {})],
    ids=["network", "rate limit", "credential", "balance"],
)
def test_trouble_of_ours_ends_no_job(trouble: Reply) -> None:
    """A job that was begun is told once, stays open, and is tried again until it ends."""
    kept = shelf(job(POLLING))
    diary = resumed(kept, until(1000, trouble), duration=2 * HOUR)
    assert kept.ended == {"makes-1-1": ("pass", "")}
    assert kept.kept == {("makes-1-1", "take"): b"the cup itself"}
    assert [event.job.id for event in left(diary)] == ["makes-1-1"]
    assert left(diary)[0].again_at is not None
    assert "/v1/items" not in diary.wire.paths
    assert len(diary.wire.sent) < 12
    assert 1000 <= diary.wire.times[-1] < 2000


def test_a_download_that_our_network_lost_is_looked_up_before_it_is_tried_again() -> None:
    """In doubt about a consumption in this very process: the status comes first, as after a restart."""
    lost = Failure(Reason.RESET, "reset", "processing")
    kept = shelf(job(POLLING))
    diary = resumed(kept, until(10, lost, reply(200, {"id": "i-42", "name": "ready"})), duration=HOUR)
    assert kept.ended == {"makes-1-1": ("pass", "")}
    assert diary.wire.paths == ["/v1/items/i-42", "/v1/items/i-42/take"] * 2
    assert [seen.verdict for seen in diary.seen("makes")] == [Verdict.FAIL, Verdict.PASS]


def test_a_job_that_stays_open_is_shown_and_found_by_the_next_start() -> None:
    """Stopped before it could go on: nothing is written about an end, and the next process has it."""
    kept = shelf(job(POLLING))
    first = resumed(kept, lambda _outgoing: NO_ROUTE)
    assert kept.ended == {}
    assert [each.id for each in first.watch.jobs()] == ["makes-1-1"]
    assert next((seen.verdict, seen.message) for seen in first.seen("makes")) == (Verdict.UNKNOWN, "poll: no route")
    second = resumed(kept, start=100)
    assert kept.ended == {"makes-1-1": ("pass", "")}
    assert second.watch.jobs() == ()


def test_a_missing_credential_keeps_a_job_open_until_it_is_there() -> None:
    """A restart without the variable loses nothing; the reload that brings it goes on."""
    kept = shelf(job(POLLING))
    assert resumed(kept, SHOP_TOKEN="").wire.sent == []
    assert kept.ended == {}

    async def reload(diary: Diary) -> None:
        await asyncio.sleep(600)
        await diary.watch.reload()

    whole = configured(job_probe(interval=24 * HOUR))
    resumed(kept, start=100, duration=HOUR, SHOP_TOKEN="", load=lambda: whole, meanwhile=reload)
    assert kept.ended == {"makes-1-1": ("pass", "")}


def test_a_spent_budget_keeps_a_job_open_until_there_is_another() -> None:
    """It goes on when the next day has come, and not before."""
    kept = shelf(job(POLLING))
    kept.remember("budget", "makes", {"day": int(MIDNIGHT // DAY), "requests": 3, "cost": 0.0})
    poor = job_probe(budget=DayBudget(requests=3), interval=100 * DAY)
    diary = play([poor], 26 * HOUR, maker, shelf=kept, start=20 * HOUR)
    assert kept.ended == {"makes-1-1": ("pass", "")}
    assert min(diary.wire.times) >= DAY


def test_a_new_job_that_is_held_up_goes_on_in_the_same_process() -> None:
    """Made by the schedule, then the network is gone: what was made is waited for later, and not made twice."""
    kept = Shelf()
    begin = phase("/makes") * HOUR
    seen: list[str] = []

    def answers(outgoing: Outgoing) -> Reply:
        seen.append(outgoing.method)
        away = len(seen) > 1 and asyncio.get_running_loop().time() < begin + 60
        return NO_ROUTE if away else maker(outgoing)

    diary = play([job_probe()], begin + 600, answers, shelf=kept)
    assert {verdict for verdict, _ in kept.ended.values()} == {"pass"}
    assert diary.wire.paths.count("/v1/items") == 1
    assert next(seen.verdict for seen in diary.seen("makes")) is Verdict.UNKNOWN
    (done,) = [event for event in diary.events if isinstance(event, Resumed)]
    assert done.observation.verdict is Verdict.PASS
    assert done.archives == (str(Path("archives") / f"{done.job.id}.take.bin"),)


def test_a_defect_of_ours_ends_no_job() -> None:
    """Whatever breaks in here while a job is waited for, what it made is not lost."""
    kept = shelf(job(POLLING))
    diary = resumed(kept, until(100, reply(200), ZeroDivisionError("oops")), duration=HOUR)
    assert diary.seen("makes")[0].reason is Reason.INTERNAL
    assert kept.ended == {"makes-1-1": ("pass", "")}


def test_a_job_that_is_held_up_does_not_keep_the_schedule() -> None:
    """Between two tries the probe runs as planned, and its newer runs decide how it is."""
    kept = shelf(job(POLLING))

    def answers(outgoing: Outgoing) -> Reply:
        late = outgoing.target == b"/v1/items/i-42" and asyncio.get_running_loop().time() < HOUR
        if late:
            return reply(200, {"id": "i-42", "name": "not yet"})
        return reply(201, {"id": "i-43"}) if outgoing.target == b"/v1/items" else maker(outgoing)

    diary = play([job_probe(interval=600.0, deadline=5.0)], 2 * HOUR, answers, shelf=kept)
    assert 11 <= len([path for path in diary.wire.paths if path == "/v1/items"]) <= 12
    ends = [ran for ran in diary.ran("makes") if ran.observation.id == "makes-1-1"]
    assert [ran.settled for ran in ends if ran.observation.verdict is Verdict.PASS] == [False]
    assert {verdict for verdict, _ in kept.ended.values()} == {"pass"}


def test_nothing_made_leaves_nothing_open() -> None:
    """A creation that was refused to us, or never reached the target, holds nothing: the next tick begins anew."""
    for trouble in (reply(401, {}), reply(429, {}), NO_ROUTE):
        kept = Shelf()
        diary = play([job_probe(interval=60.0)], 60, always(trouble), shelf=kept)
        assert [verdict for verdict, _ in kept.ended.values()] == ["unknown"]
        assert left(diary) == []


def test_a_job_that_a_worker_still_works_at_is_waited_for() -> None:
    """The time of the run is up: told as a failure, but what was made is not lost, and the schedule goes on."""

    def answers(outgoing: Outgoing) -> Reply:
        if outgoing.method == "GET" and asyncio.get_running_loop().time() < HOUR:
            return reply(200, {"id": "i-42", "name": "not yet"})
        return maker(outgoing)

    kept = shelf(job(POLLING))
    diary = resumed(kept, answers, duration=3 * HOUR, probe=job_probe(interval=24 * HOUR, deadline=5.0))
    assert next((seen.verdict, seen.reason) for seen in diary.seen("makes")) == (Verdict.FAIL, Reason.TIMEOUT)
    assert len(left(diary)) == 1
    assert kept.ended == {"makes-1-1": ("pass", "")}


def test_a_job_is_given_up_after_a_day() -> None:
    """A worker that never ends: tried seldom, then finished and reported, with what it waited for."""

    def answers(outgoing: Outgoing) -> Reply:
        return reply(200, {"id": "i-42", "name": "not yet"}) if outgoing.method == "GET" else maker(outgoing)

    kept = shelf(job(POLLING))
    short = job_probe(interval=100 * DAY, deadline=5.0)
    diary = resumed(kept, answers, duration=2 * DAY, probe=short)
    verdict, message = kept.ended["makes-1-1"]
    assert verdict == "fail"
    assert message.startswith("given up after 24 h, at poll: poll had to wait")
    assert len(diary.wire.sent) < 200
    assert diary.watch.jobs() == ()
    assert max(diary.wire.times) < DAY + HOUR


def test_a_failure_of_the_target_ends_a_job() -> None:
    """What the target answers is an end, told as its failure."""
    kept = shelf(job(POLLING))
    resumed(kept, lambda _outgoing: reply(500))
    assert kept.ended["makes-1-1"][0] == "fail"
    assert left(resumed(shelf(job(POLLING)), lambda _outgoing: reply(404))) == []


def test_the_end_of_a_job_that_went_on_is_told() -> None:
    """Which job, how it ended, and where its archive is."""
    diary = resumed(shelf(job(POLLING)))
    (done,) = [event for event in diary.events if isinstance(event, Resumed)]
    assert (done.job.id, done.observation.verdict) == ("makes-1-1", Verdict.PASS)
    assert done.archives == (str(Path("archives") / "makes-1-1.take.bin"),)


def test_a_job_that_stands_in_a_dependency_is_gone_on_with() -> None:
    """In doubt within a workflow that comes first: it is known to the probe, and the end says that it is in doubt."""
    chain = document().workflow("job")
    later = document().workflow("health")
    both = replace(later, depends_on=(WorkflowRef("job", {"job": chain}, "job"),))
    dependent = replace(job_probe(), workflow=both, interval=24 * HOUR)
    kept = shelf(job(Progress(following="$workflows.job", in_doubt="$workflows.job"), workflow="health"))
    resumed(kept, probe=dependent)
    assert "whether the workflow job took effect is not known" in kept.ended["makes-1-1"][1]
    past = Progress(outputs={"$workflows.job": {"inputs": {}, "outputs": {}}}, following="ask")
    kept = shelf(job(past, workflow="health"))
    assert resumed(kept, probe=dependent).wire.paths == ["/v1/health"]
    assert kept.ended == {"makes-1-1": ("pass", "")}


# --------------------------------------------------------------------------------------------------- second looks


@pytest.mark.parametrize("status", [201, 503])
def test_what_may_have_made_something_is_not_looked_at_again(status: int) -> None:
    """A second look would make a second one: a run whose creation was answered settles at once."""

    def answers(outgoing: Outgoing) -> Reply:
        made = outgoing.method == "POST"
        return reply(status, {"id": "i-42"}) if made else reply(500)

    diary = play([job_probe(interval=60.0, confirm=3)], 60, answers)
    assert [(ran.observation.verdict, ran.settled) for ran in diary.ran("makes")] == [(Verdict.FAIL, True)]
    assert diary.wire.paths.count("/v1/items") == 1


def test_a_creation_that_never_reached_the_target_is_looked_at_again() -> None:
    """Refused at the connection, so nothing was made."""
    refused = Failure(Reason.REFUSED, "connection refused", "connect")
    diary = play([job_probe(interval=60.0, confirm=2)], 60, lambda _outgoing: refused)
    assert [ran.settled for ran in diary.ran("makes")] == [False, True]


def test_a_creation_without_an_answer_is_not_looked_at_again() -> None:
    """It may have taken effect."""
    lost = Failure(Reason.RESET, "reset", "processing")
    diary = play([job_probe(interval=60.0, confirm=2)], 60, lambda _outgoing: lost)
    assert [ran.settled for ran in diary.ran("makes")] == [True]


# --------------------------------------------------------------------------------------------------------- budgets


def test_a_crash_while_something_is_made_has_spent_it() -> None:
    """What is about to be made is in the remembered budget before it is sent, so no crash makes it free."""
    kept = Shelf()
    spent: list[object] = []

    def answers(outgoing: Outgoing) -> Reply:
        if outgoing.method == "POST":
            spent.append(dict(kept.documents["budget"]["makes"])["requests"])
        return maker(outgoing)

    play([job_probe(interval=60.0, budget=DayBudget(requests=100))], 60, answers, shelf=kept)
    assert spent == [1, 3]
    assert kept.documents["budget"]["makes"]["requests"] == 3

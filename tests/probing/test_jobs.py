"""Jobs in flight: what a start on the state of an earlier process makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.probing.watching import HOUR, LIVE, MIDNIGHT, Answers, Diary, Reply, Shelf, honest, play, probe, reply

from specwatch.probing.events import Ran
from specwatch.probing.ports import Job, Progress
from specwatch.probing.scheduler import phase
from specwatch.transport.wire import Outgoing
from specwatch.values import Failure, Reason, Verdict

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
    quiet = job_probe(interval=24 * HOUR)
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
    told = [event for event in diary.events if isinstance(event, Ran) and event.observation.id == "makes-1-1"]
    assert [(ran.observation.verdict, ran.settled) for ran in told] == [(Verdict.UNKNOWN, False)]
    assert "is not finished and nothing here can go on with it" in told[0].observation.message
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


def test_a_network_that_is_down_at_the_start_ends_no_job_as_a_pass() -> None:
    """What cannot be asked is reported as unknown, with the reason."""

    def nothing(_outgoing: Outgoing) -> Reply:
        return Failure(Reason.DNS, "no resolver", "resolve", local=True)

    kept = shelf(job(Progress(outputs=MADE, following="poll")))
    resumed(kept, nothing)
    assert kept.ended["makes-1-1"] == ("unknown", "poll: no resolver")

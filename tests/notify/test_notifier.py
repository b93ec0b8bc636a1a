"""When something is told, in virtual time: what fires and resolves, how failures are met, what a restart keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.virtual import EPOCH, run_virtual

from specwatch.notify import Links, Notifier, Pace
from specwatch.notify.story import FAILING, UNKNOWN
from specwatch.notify.webhook import Answer
from specwatch.values import Reason, Verdict

FAIL, PASS, WHO_KNOWS = Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN
LINKS = Links("http://127.0.0.1:9464")
Made = Callable[..., Any]

DOWN = Answer(why="cannot be reached: refused")
MAYBE = Answer(doubtful=True, why="did not answer")
NEVER = Answer(again=False, why="answered 404")


def tell(scene: Any, *rounds: list[Any], gap: float = 600.0) -> None:
    """Start a notifier, give it rounds of events with a pause after each, and end it."""

    async def main() -> None:
        notifier = scene.make()
        notifier.start(LINKS)
        for events in rounds:
            for event in events:
                notifier(event)
            await asyncio.sleep(gap)
        await notifier.close()

    run_virtual(main())


def test_a_failure_fires_once_and_a_pass_resolves_it(scene: Any, ran: Made, plan: Made) -> None:
    """However often it fails in between; first looks, which do not count, tell nothing."""
    first_look = replace(ran(FAIL), settled=False)
    tell(scene, [plan("shop-items"), ran(PASS)], [first_look], [ran(FAIL)], [ran(FAIL)], [ran(PASS)], [ran(PASS)])
    assert scene.receiver.alerts() == [("firing", FAILING, "shop-items"), ("resolved", FAILING, "shop-items")]
    assert scene.outcomes == ["sent", "sent"]
    assert [(level, event) for level, event, _, _ in scene.log] == [("info", "notified")] * 2
    assert scene.receiver.closed


def test_an_unknown_verdict_changes_nothing(scene: Any, ran: Made) -> None:
    """Trouble of ours is no outage of theirs, and no end of one: what fires goes on and is not told twice."""
    tell(scene, [ran(WHO_KNOWS)], [ran(FAIL)], [ran(WHO_KNOWS)], [ran(FAIL)], [ran(WHO_KNOWS)], [ran(PASS)])
    assert [status for status, _, _ in scene.receiver.alerts()] == ["firing", "resolved"]


@pytest.mark.parametrize("after, ends", [(PASS, [FAILING, UNKNOWN]), (FAIL, [UNKNOWN])])
def test_long_unknown_is_an_alert_of_its_own(scene: Any, ran: Made, after: Verdict, ends: list[str]) -> None:
    """After an hour without a verdict nobody is watching; whoever holds the account has to look, unless it is us."""
    scene.began["shop-items"] = EPOCH
    unknown = [ran(WHO_KNOWS, at=EPOCH + at, reason=Reason.AUTH, message="401") for at in (0, 3599, 3600, 7200)]
    tell(scene, [ran(FAIL)], *([each] for each in unknown), [ran(after)])
    found = scene.receiver.alerts()
    assert found[:2] == [("firing", FAILING, "shop-items"), ("firing", UNKNOWN, "shop-items")]
    assert sorted(name for status, name, _ in found[2:]) == ends
    assert {status for status, _, _ in found[2:]} == {"resolved"}
    labels = scene.receiver.messages[1]["alerts"][0]["labels"]
    assert (labels["suspect"], labels["reason"]) == ("account", "auth")


def test_a_flap_that_was_not_told_is_not_told(scene: Any, ran: Made) -> None:
    """What fails and passes again before anything was sent needs nobody."""
    tell(scene, [ran(FAIL), ran(PASS)], [ran(FAIL), ran(PASS), ran(FAIL)], [ran(PASS), ran(FAIL)])
    assert scene.receiver.alerts() == [("firing", FAILING, "shop-items")]


def test_what_waits_is_told_together(scene: Any, ran: Made) -> None:
    """One message for each API, with what fails together, and with what goes on when another recovers."""
    probes = [f"shop-{number}" for number in range(3)] + ["bank-1"]
    tell(scene, [ran(FAIL, probe) for probe in probes], [ran(PASS, "shop-1")])
    shop, bank, second = scene.receiver.messages
    assert (shop["groupKey"], len(shop["alerts"])) == ('{}:{alertname="SpecwatchProbeFailing", api="shop"}', 3)
    assert [alert["labels"]["probe"] for alert in bank["alerts"]] == ["bank-1"]
    assert [(alert["labels"]["probe"], alert["status"]) for alert in second["alerts"]] == [
        ("shop-1", "resolved"),
        ("shop-0", "firing"),
        ("shop-2", "firing"),
    ]
    assert second["status"] == "firing"
    assert scene.outcomes == ["sent"] * 5


def test_a_message_has_at_most_a_hundred_alerts(scene: Any, ran: Made) -> None:
    """More than that comes in several; what goes on and has no room is counted."""
    tell(scene, [ran(FAIL, f"shop-{number}") for number in range(250)])
    sizes = [(len(each["alerts"]), each["truncatedAlerts"]) for each in scene.receiver.messages]
    assert sizes == [(100, 0), (100, 100), (100, 150)]
    assert scene.outcomes == ["sent"] * 250


def test_the_labels_of_an_alert_stay_as_they_were(scene: Any, ran: Made) -> None:
    """An alert whose reason changes while it fires is resolved under the name by which it was told."""
    tell(scene, [ran(FAIL, reason=Reason.DNS)], [ran(FAIL, reason=Reason.STATUS)], [ran(PASS)])
    fired, resolved = (message["alerts"][0] for message in scene.receiver.messages)
    assert fired["labels"] == resolved["labels"]
    assert (fired["labels"]["reason"], fired["labels"]["suspect"], fired["labels"]["location"]) == (
        "dns",
        "network",
        "here",
    )
    assert fired["fingerprint"] == resolved["fingerprint"]


# ------------------------------------------------------------------------------------------------------------ failures


def test_a_failed_attempt_is_repeated_ever_more_seldom(scene: Any, ran: Made) -> None:
    """The pause doubles, with a random part taken off, until it is delivered; then it was sent once."""
    scene.receiver.script = [DOWN, DOWN, DOWN, Answer(delivered=True)]
    tell(scene, [ran(FAIL)])
    pauses = [later - sooner for sooner, later in zip(scene.receiver.at, scene.receiver.at[1:], strict=False)]
    assert all(low <= pause <= 2 * low for pause, low in zip(pauses, (0.5, 1.0, 2.0), strict=True)), pauses
    assert scene.outcomes == ["sent"]


@pytest.mark.parametrize("asked, least, most", [(30.0, 30.0, 30.1), (86_400.0, 300.0, 300.1), (0.0, 0.5, 1.0)])
def test_retry_after_is_honoured_within_a_bound(scene: Any, ran: Made, asked: float, least: float, most: float) -> None:
    """As long as it says, but not for a day, and not at once."""
    scene.receiver.script = [replace(DOWN, after=asked), Answer(delivered=True)]
    tell(scene, [ran(FAIL)])
    first, second = scene.receiver.at
    assert least <= second - first <= most


def test_the_newest_state_is_what_a_repetition_tells(scene: Any, ran: Made) -> None:
    """A probe that recovers while nobody can be reached was never told as firing, so nothing is told."""
    scene.receiver.script = [DOWN]
    tell(scene, [ran(FAIL)], [ran(PASS)], gap=2.0)
    assert {status for status, _, _ in scene.receiver.alerts()} == {"firing"}
    assert scene.outcomes == []


def test_a_doubtful_firing_is_resolved(scene: Any, ran: Made) -> None:
    """A receiver that hung may have taken it: one end too many does no harm, one too few leaves an alert open."""
    scene.receiver.script = [MAYBE, Answer(delivered=True)]
    tell(scene, [ran(FAIL)], [ran(PASS)], gap=0.3)
    assert [status for status, _, _ in scene.receiver.alerts()] == ["firing", "resolved"]


def test_it_gives_up_after_a_bound_and_tries_again_after_a_rest(scene: Any, ran: Made) -> None:
    """What could not be told is counted and said; a probe that still fails later is told then."""
    scene.receiver.script = [DOWN] * 6 + [Answer(delivered=True)]
    tell(scene, [ran(FAIL)], [ran(FAIL)], [ran(FAIL)], gap=200.0)
    assert scene.outcomes == ["failed", "sent"]
    assert len(scene.receiver.at) == 7
    level, event, message, fields = scene.log[0]
    assert (level, event) == ("error", "notify_failed")
    assert message == "given up: http://hook.example.com cannot be reached: refused"
    assert fields == {"alert": FAILING, "status": "firing", "api": "shop", "probe": "shop-items"}


def test_what_is_refused_for_good_is_not_repeated(scene: Any, ran: Made) -> None:
    """A 404 or a redirect is given up at once, and other messages go on."""
    scene.receiver.script = [NEVER, Answer(delivered=True)]
    tell(scene, [ran(FAIL, "shop-items"), ran(FAIL, "bank-items")], gap=1.0)
    assert scene.outcomes == ["failed", "sent"]
    assert len(scene.receiver.messages) == 2


def test_one_message_that_fails_holds_up_no_other(scene: Any, ran: Made) -> None:
    """After a failed attempt the groups that were not tried yet have their turn."""
    scene.receiver.script = [MAYBE, Answer(delivered=True), Answer(delivered=True), MAYBE, Answer(delivered=True)]
    tell(scene, [ran(FAIL, f"{api}-items") for api in ("shop", "bank", "mail")])
    probes = [probe for _, _, probe in scene.receiver.alerts()]
    assert probes == ["shop-items", "bank-items", "mail-items", "shop-items", "shop-items"]
    assert scene.outcomes == ["sent"] * 3


def test_groups_take_turns_while_nobody_can_be_reached(scene: Any, ran: Made) -> None:
    """One after the other, in the order in which they came."""
    scene.receiver.script = [DOWN]
    tell(scene, [ran(FAIL, f"{api}-items") for api in ("shop", "bank", "mail")])
    probes = [probe for _, _, probe in scene.receiver.alerts()]
    assert probes[:6] == ["shop-items", "bank-items", "mail-items"] * 2
    assert scene.outcomes[:3] == ["failed"] * 3


def test_a_defect_of_the_sender_is_told_by_its_class_only(scene: Any, ran: Made) -> None:
    """What an unexpected error says may hold the address."""

    async def defect(_: bytes) -> Answer:
        raise RuntimeError("http://hook.example.com/T0PS3CRET")

    scene.receiver.post = defect
    tell(scene, [ran(FAIL)], gap=1.0)
    assert ("error", "notify_defect", "the sender stumbled: RuntimeError", {}) in scene.log
    assert "T0PS3CRET" not in str(scene.log)


def test_too_much_that_waits_is_dropped_oldest_first(scene: Any, ran: Made) -> None:
    """Memory stays bounded however many probes fail while nobody can be reached, and each loss is counted."""
    scene.pace = Pace(waiting=10)
    scene.receiver.script = [DOWN, Answer(delivered=True)]
    tell(scene, [ran(FAIL, f"shop-{number}") for number in range(25)])
    assert scene.outcomes == ["dropped"] * 15 + ["sent"] * 10
    assert {probe for _, _, probe in scene.receiver.alerts()} == {f"shop-{number}" for number in range(15, 25)}


# ------------------------------------------------------------------------------------------- probing is not touched


def test_probing_is_not_delayed_by_a_receiver_that_hangs(scene: Any, ran: Made) -> None:
    """Taking in a run costs microseconds and waits for nothing, whatever the receiver does."""

    async def main() -> tuple[float, float]:
        scene.receiver.hold = asyncio.Event()
        notifier = scene.make()
        notifier.start(LINKS)
        loop = asyncio.get_running_loop()
        notifier(ran(FAIL))
        await asyncio.sleep(1.0)
        assert len(scene.receiver.messages) == 1  # it hangs now
        began, virtual = time.thread_time(), loop.time()
        for number in range(1000):
            notifier(ran(FAIL if number % 2 else PASS, f"shop-{number % 100}"))
        taken = time.thread_time() - began
        assert loop.time() == virtual
        ticks = 0
        for _ in range(100):
            await asyncio.sleep(1.0)
            ticks += 1
        assert (ticks, loop.time() - virtual) == (100, 100.0)
        await notifier.close()
        return taken, loop.time() - virtual - 100.0

    taken, closing = run_virtual(main())
    assert taken < 1.0
    assert closing == pytest.approx(5.0)  # it was given its few seconds, and no more


def test_a_listener_never_raises(scene: Any, ran: Made) -> None:
    """A defect here is a line in the log, not the end of a probe's run."""

    def broken(_: str) -> float:
        raise RuntimeError("defect")

    scene.began = type("Broken", (dict,), {"get": lambda _, probe: broken(probe)})()
    notifier: Notifier = scene.make()
    notifier(ran(FAIL))
    assert scene.log == [("error", "notify_defect", "a run was not taken in: RuntimeError", {})]


# ----------------------------------------------------------------------------------------------------- end and restart


def test_the_end_leaves_a_few_seconds(scene: Any, ran: Made) -> None:
    """What waits is sent once more at the end; what cannot be is given up, counted and said."""

    async def main(receiver_works: bool) -> None:  # noqa: FBT001 - two scenes
        scene.receiver.script = [DOWN, Answer(delivered=True)] if receiver_works else [DOWN]
        notifier = scene.make()
        notifier.start(LINKS)
        notifier(ran(FAIL))
        await asyncio.sleep(0.3)
        await notifier.close()
        await notifier.close()

    run_virtual(main(receiver_works=True))
    assert scene.outcomes == ["sent"]
    scene.outcomes.clear()
    scene.store.known.clear()
    run_virtual(main(receiver_works=False))
    assert scene.outcomes == ["failed"]
    assert scene.log[-1][1] == "notify_failed"


def test_a_watch_that_never_served_says_what_it_could_not_send(scene: Any, ran: Made) -> None:
    """An end before the beginning hangs nowhere."""

    async def main() -> None:
        notifier = scene.make()
        notifier(ran(FAIL))
        await notifier.close()

    run_virtual(main())
    assert scene.outcomes == ["failed"]


def test_a_restart_repeats_nothing_and_tells_the_recovery(scene: Any, ran: Made, plan: Made) -> None:
    """What was told as firing is remembered: no second message while it fails, and one when it has recovered."""
    tell(scene, [plan("shop-items"), ran(FAIL)])
    tell(scene, [plan("shop-items"), ran(FAIL, reason=Reason.STATUS)])
    assert [status for status, _, _ in scene.receiver.alerts()] == ["firing"]
    tell(scene, [plan("shop-items"), ran(PASS)])
    fired, resolved = (message["alerts"][0] for message in scene.receiver.messages)
    assert resolved["status"] == "resolved"
    assert resolved["labels"] == fired["labels"]
    assert resolved["startsAt"] == fired["startsAt"]
    tell(scene, [plan("shop-items"), ran(PASS)])
    assert len(scene.receiver.messages) == 2


def test_what_was_not_told_before_a_restart_is_told_after_it(scene: Any, ran: Made, plan: Made) -> None:
    """A receiver that was down until the end learns of the failure from the next process."""
    scene.receiver.script = [DOWN]
    tell(scene, [plan("shop-items"), ran(FAIL)], gap=0.3)
    scene.receiver.script = [Answer(delivered=True)]
    tell(scene, [plan("shop-items"), ran(FAIL)])
    assert scene.outcomes == ["failed", "sent"]


@pytest.mark.parametrize("off", [True, False])
def test_a_probe_that_is_no_longer_watched_is_resolved(scene: Any, ran: Made, plan: Made, off: bool) -> None:  # noqa: FBT001
    """Switched off or gone from the schedule: nobody would ever resolve it, and the text does not call it well."""
    after = plan("shop-items", off=frozenset({"shop-items"})) if off else plan("shop-other")
    tell(scene, [plan("shop-items"), ran(FAIL)], [after])
    alert = scene.receiver.messages[-1]["alerts"][0]
    assert alert["status"] == "resolved"
    assert "not watched any more" in alert["annotations"]["description"]


def test_memories_of_another_form_are_left_out(scene: Any, ran: Made, plan: Made) -> None:
    """A state file that somebody edited costs an alert at most, not the start."""
    odd = [{}, {"labels": 1}, {"labels": {"alertname": "X"}, "annotations": {}, "starts_at": "soon"}]
    scene.store.known["notified"] = {f"odd/{number}": each for number, each in enumerate(odd)}
    tell(scene, [plan("shop-items"), ran(FAIL)])
    assert scene.outcomes == ["sent"]

"""Runs with one fault each: detected, missed, or come to nothing, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter

import pytest
from tests.scoring.plans import plan_of

from specwatch.errors import UsageError
from specwatch.scoring import Outcome, Result, Score, measure
from specwatch.workspace import Workspace


def outcome(score: Score, name: str) -> Outcome:
    """What came of the run with a fault."""
    return next(each for each in score.outcomes if each.task.name == f"example-api/{name}")


def test_each_run_has_its_own_outcome(workspace: Workspace) -> None:
    """Detected, missed, quiet, a false alarm and come to nothing are told apart, and none spoils the next run."""
    names = ["miscounted", "unseen", "dies", "raises", "with-more", "told-allowed", "listRegions/200/drop/count"]

    score = measure(plan_of(workspace, *names), jobs=1)

    assert [each.result for each in score.outcomes] == [
        Result.QUIET,
        Result.DETECTED,
        Result.MISSED,
        Result.UNKNOWN,
        Result.UNKNOWN,
        Result.QUIET,
        Result.FALSE_ALARM,
        Result.DETECTED,
    ]
    assert outcome(score, "miscounted").by == ("count-equals-regions",)
    assert outcome(score, "dies").reason == "its process ended with exit code 3"
    assert outcome(score, "raises").reason.endswith("RuntimeError: no such luck")
    assert score.not_run == 0


def test_a_run_that_hangs_comes_to_nothing(workspace: Workspace) -> None:
    """A run that takes longer than it may is ended, and the next one begins."""
    plan = plan_of(workspace, "hangs", "miscounted", limit_seconds=6.0)

    score = measure(plan, jobs=1)

    assert outcome(score, "hangs").reason == "it did not end within 6 s"
    assert outcome(score, "hangs").result is Result.UNKNOWN
    assert outcome(score, "miscounted").result is Result.DETECTED


def test_the_first_detection_ends_a_run(workspace: Workspace) -> None:
    """A run sends no more once something was detected, unless it is to go on to the end."""
    short = measure(plan_of(workspace, "miscounted"), jobs=1)
    long = measure(plan_of(workspace, "miscounted", to_the_end=True), jobs=1)

    assert outcome(short, "miscounted").requests < outcome(long, "miscounted").requests
    assert outcome(long, "miscounted").requests >= long.outcomes[0].requests  # what failed is tried again


TWICE = """

@api.variation("alarming-twice", text="A variation that is none, in what is served and in what is refused.")
def alarming_twice(_call: Call, answer: Answer) -> Answer:
    if answer.status == 200:
        return replace(answer, body={**answer.body, "count": 7})
    return replace(answer, status=200, body={"count": 0, "regions": []})
"""
"""Breaks two claims, each of which another contract test shows."""


def test_the_first_alarm_ends_no_run(workspace: Workspace) -> None:
    """What is allowed is tried to the end, so that every alarm is told."""
    module = workspace.sandbox / "example_api.py"
    module.write_text(f"{module.read_text(encoding='utf-8')}{TWICE}", encoding="utf-8")

    usual = measure(plan_of(workspace, "alarming-twice"), jobs=1)
    whole = measure(plan_of(workspace, "alarming-twice", to_the_end=True), jobs=1)

    alarms, to_the_end = outcome(usual, "alarming-twice"), outcome(whole, "alarming-twice")
    assert alarms.result is Result.FALSE_ALARM
    assert {"count-equals-regions", "listRegions/credentials"} <= set(alarms.by)
    assert (alarms.by, alarms.requests) == (to_the_end.by, to_the_end.requests)


def test_two_at_a_time_find_the_same(workspace: Workspace) -> None:
    """However many runs go on at a time, each has the outcome that it has by itself."""
    plan = plan_of(workspace, "miscounted", "unseen", "with-more")

    one, two = measure(plan, jobs=1), measure(plan, jobs=2)

    assert [(o.task, o.result, o.by, o.requests) for o in one.outcomes] == [
        (o.task, o.result, o.by, o.requests) for o in two.outcomes
    ]


def test_an_interruption_keeps_what_is_finished(workspace: Workspace) -> None:
    """Ctrl-C ends the score at once; finished runs are kept, the others counted, and no process is left."""
    plan = plan_of(workspace, "miscounted", "unseen", "with-more")
    heard: list[Outcome] = []

    def interrupt(finished: Outcome) -> None:
        heard.append(finished)
        if len(heard) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    score = measure(plan, jobs=1, listener=interrupt)

    assert score.interrupted
    assert (len(score.outcomes), score.not_run) == (2, 2)
    assert set(heard) == set(score.outcomes)
    assert multiprocessing.active_children() == []


def test_the_process_of_an_api_is_started_again(workspace: Workspace) -> None:
    """However often it is killed between outcomes, only the runs under way are lost."""
    derived = [f"listRegions/200/{change}/count" for change in ("drop", "type", "null", "negative")]
    names = ["miscounted", "unseen", "with-more", *derived]
    heard: list[Outcome] = []

    def kill(finished: Outcome) -> None:
        heard.append(finished)
        if finished.result is not Result.UNKNOWN:
            for process in multiprocessing.active_children():
                process.kill()

    score = measure(plan_of(workspace, *names), jobs=1, listener=kill)

    assert len(score.outcomes) == len(names) + 1
    assert len(score.having(Result.UNKNOWN)) <= len(names) // 2 + 1
    assert {each.reason for each in score.having(Result.UNKNOWN)} == {"the process that had its API ready ended"}


def test_a_process_that_cannot_live_is_given_up(workspace: Workspace) -> None:
    """Where each process dies before its first outcome, the runs that are left are not tried for ever."""
    (workspace.contracts / "test_wrong.py").write_text("import os\n\nos.kill(os.getpid(), 9)\n", encoding="utf-8")

    score = measure(plan_of(workspace, "miscounted", "unseen", "with-more"), jobs=1)

    reasons = Counter(each.reason.partition(":")[0] for each in score.outcomes)
    assert reasons == {"the process that had its API ready ended": 3, "not tried": 1}


def test_a_contract_module_that_ends_the_process_is_a_defect(workspace: Workspace) -> None:
    """`os._exit` of a contract test does not end the process that had its API ready; file and line are told."""
    (workspace.contracts / "test_wrong.py").write_text("import os\n\nos._exit(0)\n", encoding="utf-8")

    score = measure(plan_of(workspace, "miscounted"), jobs=1)

    assert {each.result for each in score.outcomes} == {Result.UNKNOWN}
    assert "os._exit(0) at test_wrong.py:3" in score.outcomes[0].reason


def test_a_platform_without_fork_is_told_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where processes cannot be forked nothing is run, and the complaint says where it can be."""
    monkeypatch.delattr(os, "fork")

    with pytest.raises(UsageError, match=r"cannot fork a process(.|\n)*Linux"):
        measure(plan_of(workspace, "unseen"), jobs=1)


def test_contract_tests_that_cannot_be_collected_tell_nothing(workspace: Workspace) -> None:
    """Where the contract tests do not even import, every run comes to nothing and says why."""
    (workspace.contracts / "test_wrong.py").write_text("import no_such_module\n", encoding="utf-8")

    score = measure(plan_of(workspace, "miscounted"), jobs=1)

    assert {each.result for each in score.outcomes} == {Result.UNKNOWN}
    assert "no_such_module" in score.outcomes[0].reason


def test_a_contract_test_with_a_defect_is_no_detection(workspace: Workspace) -> None:
    """A contract test that fails for a reason of its own makes its run unknown where nothing else was found."""
    text = "def test_wrong():\n    raise KeyError('count')\n"
    (workspace.contracts / "test_of_a_defect.py").write_text(text, encoding="utf-8")

    score = measure(plan_of(workspace, "unseen"), jobs=1)

    assert {each.result for each in score.outcomes} == {Result.UNKNOWN}
    assert "a contract test failed" in score.outcomes[1].reason

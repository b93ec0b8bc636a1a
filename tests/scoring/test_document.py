"""The document `specwatch.score/1`, and what people read."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console
from tests.scoring.plans import plan_of

from specwatch.scoring import Finding, Outcome, Score, Task
from specwatch.scoring.console import Progress, print_score
from specwatch.scoring.document import schema, to_document
from specwatch.values import Concern, Level
from specwatch.workspace import Workspace

FINDING = Finding("count-equals", Level.PROMISE, "listRegions", "claim", "Not so.", "2", "3")


def task(name: str, source: str = "derived", level: Level = Level.PROMISE) -> Task:
    """A run."""
    allowed = source in {"variation", "honest"}
    return Task(name, "shop", Concern.SCHEMA, source, level, "" if allowed else "getOrder/200", "It is so.", allowed)


SCORE = Score(
    "standard",
    (
        Outcome(task("shop", "honest"), requests=40),
        Outcome(task("shop/a"), (FINDING,), requests=3, seconds=0.5, cpu_seconds=0.25),
        Outcome(task("shop/b", level=Level.INFERENCE), (FINDING,), requests=8),
        Outcome(task("shop/c"), requests=40),
        Outcome(task("shop/d"), reason="its process ended with signal 9", broken=True),
        Outcome(task("shop/e", "variation"), (FINDING,), requests=40),
    ),
    not_run=2,
    started_at=1.0,
    seconds=12.5,
    jobs=2,
)


def shown(score: Score) -> str:
    """What is printed of a score."""
    console = Console(file=io.StringIO(), width=200, no_color=True)
    print_score(console, score, {"shop/c": "Nobody looks there."})
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_document_is_as_its_schema_says() -> None:
    """Every sort of outcome is allowed by the schema, and the counts are those of the runs."""
    document = to_document(SCORE, {"shop/c": "Nobody looks there."}, {"shop/f": "No example shows it."})

    Draft202012Validator.check_schema(dict(schema()))
    Draft202012Validator(dict(schema())).validate(document)
    assert document["totals"] == {
        "faults": {
            "all": 4,
            "detected": 2,
            "missed": 1,
            "unknown": 1,
            "median_requests": 3,
            "largest_requests": 8,
        },
        "promises": {
            "all": 3,
            "detected": 1,
            "missed": 1,
            "unknown": 1,
            "median_requests": 3,
            "largest_requests": 3,
        },
        "allowed": 2,
        "false_alarms": 1,
        "unknown": 1,
    }
    runs = document["runs"]
    assert isinstance(runs, list)
    assert [run["result"] for run in runs] == ["quiet", "detected", "detected", "missed", "unknown", "false_alarm"]
    assert runs[3]["reason"] == "Nobody looks there."
    assert runs[1]["reason"] is None
    assert document["underivable"] == [{"name": "shop/f", "reason": "No example shows it."}]


def test_people_read_what_is_to_be_done() -> None:
    """Misses come with what they break and why, false alarms with their claim, unknown runs with their reason."""
    text = shown(SCORE)

    for line in (
        "missed: 1 fault, the to-do of the contract",
        "breaks      getOrder/200 (promise)",
        "why missed  Nobody looks there.",
        "false alarms: 1 run reported what the document allows",
        "count-equals  Not so. Expected 2; found 3",
        "unknown: 1 run came to nothing",
        "why  its process ended with signal 9",
        "detected: 2 of 3 (66.7%), 1 more came to nothing; of those that break a promise 1 of 2 (50.0%), 1 more came",
        "requests of an honest run: shop 40",
        "interrupted: 2 runs left out",
    ):
        assert line in text


def test_what_came_to_nothing_has_a_column_where_there_is_any() -> None:
    """Shares are of the runs that were tried; where all were, no column says how many were not."""
    tried = replace(SCORE, outcomes=tuple(each for each in SCORE.outcomes if not each.broken))

    assert " unknown " in shown(SCORE).splitlines()[0]
    assert " unknown " not in shown(tried).splitlines()[0]
    assert "detected: 2 of 3 (66.7%); of those that break a promise 1 of 2 (50.0%)\n" in shown(tried)


def test_each_fault_has_a_line_where_there_are_few() -> None:
    """What came of it, after how many requests and by which claims; of many only when it is asked for."""
    more = replace(SCORE, outcomes=tuple(replace(each) for each in SCORE.outcomes * 12))
    console = Console(file=io.StringIO(), width=40, no_color=True)
    print_score(console, more, {}, each=True)
    assert isinstance(console.file, io.StringIO)

    for text in (shown(SCORE), console.file.getvalue()):
        assert "✓ shop/a: detected after 3 requests, by count-equals\n" in text
        assert "✗ shop/c: missed after 40 requests\n" in text
        assert "? shop/d: unknown\n" in text
    assert "shop/a" not in shown(more)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_names_of_claims_are_whole(width: int) -> None:
    """A name is beside the table as a whole, or below it where there is no room."""
    name = "a-claim-of-a-length-that-is-not-unusual"
    long = replace(FINDING, claim=name)
    score = replace(SCORE, outcomes=(replace(SCORE.outcomes[1], findings=(long,)), SCORE.outcomes[2]))
    console = Console(file=io.StringIO(), width=width, no_color=True)
    print_score(console, score, {})
    assert isinstance(console.file, io.StringIO)
    table = console.file.getvalue().partition("✓")[0]
    assert name in table
    assert ("mostly by, shop:" in table) is (width < 120)
    assert "…" not in table


def test_a_miss_that_no_claim_can_show_says_so() -> None:
    """What the fault itself knows about it is told where nobody wrote a reason down, beside what the run says."""
    outcome = replace(SCORE.outcomes[3], task=replace(task("shop/c"), unclaimed="No claim is about it."))
    unclaimed = replace(SCORE, outcomes=(outcome,))
    silent = replace(SCORE, outcomes=(replace(outcome, reason="It established nothing: "),))

    assert to_document(unclaimed, {})["runs"][0]["reason"] == "No claim is about it."  # type: ignore[index]
    assert to_document(unclaimed, {"shop/c": "Known."})["runs"][0]["reason"] == "Known."  # type: ignore[index]
    reason = to_document(silent, {})["runs"][0]["reason"]  # type: ignore[index]
    assert reason == "It established nothing; No claim is about it."


def test_nothing_tried_has_no_share() -> None:
    """Where every run came to nothing there is no percentage, which would read as a bad contract."""
    broken = replace(SCORE, outcomes=tuple(each for each in SCORE.outcomes if each.broken))

    assert "detected: none of none, 1 more came to nothing" in shown(broken)
    assert "%" not in shown(broken)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_figures_are_never_cut(width: int) -> None:
    """However narrow the terminal, what gives way is the list of claims, not a number."""
    console = Console(file=io.StringIO(), width=max(width, 72), no_color=True)

    print_score(console, SCORE, {})

    assert isinstance(console.file, io.StringIO)
    row = next(line for line in console.file.getvalue().splitlines() if line.startswith("all"))
    assert row.split() == ["all", "2/3", "1", "1", "3", "8"]


def test_progress_is_plain_lines_without_a_terminal(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI a line comes now and then, without a control sequence."""
    monkeypatch.setattr("specwatch.scoring.console.LINE_EVERY_SECONDS", 0.0)
    console = Console(file=io.StringIO(), width=100, force_terminal=True)

    with Progress(console, plan_of(workspace, "unseen"), {"CI": "true"}) as progress:
        progress(SCORE.outcomes[0])
        progress(SCORE.outcomes[3])

    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == (
        "1 of 2 runs: 1 honest or allowed run raised nothing\n"
        "2 of 2 runs: 1 missed, 1 honest or allowed run raised nothing\n"
    )


def test_progress_renews_one_line_on_a_terminal(workspace: Workspace) -> None:
    """On a terminal the line is renewed in place and disappears at the end."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True, legacy_windows=False, color_system=None)

    with Progress(console, plan_of(workspace, "unseen"), {"TERM": "xterm"}) as progress:
        progress(SCORE.outcomes[3])

    assert isinstance(console.file, io.StringIO)
    assert "1 of 2 runs: 1 missed" in console.file.getvalue()

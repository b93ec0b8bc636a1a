"""What reports say about a violation beside what it is: how often it fails, and what the baseline says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from specwatch.contract.baseline import applied
from specwatch.contract.result import RunResult
from specwatch.reports.console import Options, print_result
from specwatch.reports.json_report import schema, to_json
from specwatch.reports.junit import to_junit
from specwatch.reports.summary import rate_note
from specwatch.values import Verdict
from specwatch.values.baseline import Acceptance, Baseline
from specwatch.values.violation import Rate, Violation

MakeResult = Callable[..., RunResult]
Told = Callable[[RunResult], str]

DAY = date(2023, 11, 14)
"""Of the runs that `make_result` makes."""


@pytest.fixture
def told(make_console: Callable[..., Console], shown: Callable[[Console], str]) -> Told:
    """Prints a result and reads it back."""

    def tell(result: RunResult) -> str:
        console = make_console(120)
        print_result(console, result, Options(report="run.json"))
        return shown(console)

    return tell


def found(result: RunResult, claim: str) -> Violation:
    """The first violation of a claim."""
    return next(each for each in result.apis[0].violations if each.claim == claim)


def with_rate(result: RunResult, rate: Rate | None, **changes: Any) -> RunResult:
    """The run with a rate at all of its violations."""
    violations = tuple(replace(each, rate=rate, **changes) for each in result.apis[0].violations)
    return replace(result, apis=(replace(result.apis[0], violations=violations),))


def accepting(result: RunResult, *violations: Violation, days: int = 3) -> RunResult:
    """The run beside a baseline that accepts these violations for so many days more."""
    until = date.fromordinal(DAY.toordinal() + days)
    entries = [Acceptance(v.key, f"{v.api}/{v.claim}", "a reason", until, "b.yaml:3") for v in violations]
    return applied(result, Baseline({each.violation: each for each in entries}))


def suite(result: RunResult) -> Element:
    """The only suite of a JUnit document."""
    return fromstring(to_junit(result))[0]  # noqa: S314 - our own text


def problems(result: RunResult) -> list[str]:
    """What the schema has against the JSON report."""
    document = json.loads(json.dumps(to_json(result)))
    return [f"{each.json_path}: {each.message}" for each in Draft202012Validator(schema()).iter_errors(document)]


@pytest.mark.parametrize(
    "rate, words",
    [
        (None, ""),
        (Rate(1, 5), "failed 1 of 5 tries: now and then, or depending on what was asked before"),
        (Rate(5, 5), "failed 5 of 5 tries"),
    ],
)
def test_a_rate_is_one_line(make_result: MakeResult, told: Told, rate: Rate | None, words: str) -> None:
    """On the terminal, in JUnit and in JSON; nothing where it was not tried again."""
    result = with_rate(make_result(), rate)

    assert rate_note(found(result, "broken")) == words
    assert (f"\n  tries     {words}\n" in told(result)) is (rate is not None)
    assert (words in str(suite(result).find(".//failure").text)) or not words  # type: ignore[union-attr]
    shown = json.loads(json.dumps(to_json(result)))["apis"][0]["violations"][0].get("rate")
    assert shown == (None if rate is None else {"failed": rate.failed, "tries": rate.tries})
    assert problems(result) == []


def test_a_sporadic_breach_is_a_breach(make_result: MakeResult, told: Told) -> None:
    """The run fails, and its last words say that it comes and goes."""
    result = with_rate(make_result(), Rate(1, 5))

    assert result.verdict is Verdict.FAIL
    assert "FAIL: 1 broken promise in parcels, at some tries only." in told(result)


def test_a_rate_of_calls_counts_calls(make_result: MakeResult) -> None:
    """An answer that broke off has no exchange to repeat: its rate is one of calls."""
    violation = found(with_rate(make_result(), Rate(1, 30), exchange=None), "broken")
    assert rate_note(violation) == "failed 1 of 30 calls: now and then, or depending on what was asked before"


def test_server_errors_tell_all_calls(make_result: MakeResult, told: Told) -> None:
    """How many of all calls of the operation failed."""
    result = with_rate(make_result(), Rate(1, 5), kind="survives")
    claims = tuple(replace(c, broken=2, observations=47) for c in result.apis[0].claims)
    result = replace(result, apis=(replace(result.apis[0], claims=claims),))

    assert "  calls     2 of 47 calls of this run failed\n" in told(result)
    assert "calls:     2 of 47 calls of this run failed" in to_junit(result)


def test_what_is_accepted_is_told_last(make_result: MakeResult, told: Told) -> None:
    """It has its own word and sign, comes after what is not accepted, and counts in a column of its own."""
    result = accepting(make_result(), found(make_result(), "broken"))
    text = told(result)

    assert result.verdict is Verdict.PASS
    assert text.index("! parcels/shaky  warning: broken inference") < text.index("≈ parcels/broken  accepted: broken")
    assert "\n  accepted  until 2023-11-17 (3 days left): a reason\n" in text
    assert "API     verdict kept broken warned accepted unknown" in text
    assert "PASS: 1 claim holds, with 1 warning, 1 violation accepted; 1 could not be checked." in text
    assert problems(result) == []


def test_accepted_claims_are_skipped_in_junit(make_result: MakeResult) -> None:
    """Neither passed nor failed; the figures of the suite agree."""
    result = accepting(make_result(), found(make_result(), "broken"))
    element = suite(result)

    assert (element.get("failures"), element.get("skipped")) == ("0", "2")
    messages = [str(each.get("message")) for each in element.iter("skipped")]
    assert messages == ["accepted until 2023-11-17 (3 days left): a reason", "PARCELS_TOKEN is not set"]


@pytest.mark.parametrize("days, word", [(1, "1 day left"), (0, "0 days left")])
def test_days_are_counted(make_result: MakeResult, told: Told, days: int, word: str) -> None:
    """The last day has none left."""
    assert f"({word})" in told(accepting(make_result(), found(make_result(), "broken"), days=days))


def test_what_is_expired_fails_and_says_since_when(make_result: MakeResult, told: Told) -> None:
    """As any other, with one line more, in JSON under a name of its own."""
    result = accepting(make_result(), found(make_result(), "broken"), days=-1)

    assert result.verdict is Verdict.FAIL
    assert "  accepted  not any more: ran out on 2023-11-13, 1 day ago: a reason\n" in told(result)
    violation = json.loads(json.dumps(to_json(result)))["apis"][0]["violations"][1]
    assert violation["expired"] == {"reason": "a reason", "until": "2023-11-13", "days_left": -1}
    assert problems(result) == []


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_not_seen_is_listed(make_result: MakeResult, told: Told, *, strict: bool) -> None:
    """What is gone and what could not be looked for have a line each with the place of the entry."""
    result = make_result(strict=strict, only=(Verdict.PASS, Verdict.UNKNOWN))
    gone, unchecked = (replace(found(make_result(), "broken"), claim=claim) for claim in ("kept", "open"))
    result = accepting(result, gone, unchecked)
    text = " ".join(told(result).split())

    assert f"gone b.yaml:3 {gone.key} (parcels/kept): was not found any more; remove it" in text
    assert f"unchecked b.yaml:3 {unchecked.key} (parcels/open): its claim is unknown in this run" in text
    assert ("FAIL: 1 accepted violation not found any more." in text) is strict
    assert [each.get("name") for each in suite(result) if each.find("failure") is not None] == (
        [f"baseline {gone.id}"] if strict else []
    )
    assert problems(result) == []


def test_a_written_report_leads_to_its_replay(make_result: MakeResult, told: Told) -> None:
    """The command names the file and the gravest violation."""
    key = found(make_result(), "broken").key
    assert f"  next  specwatch replay 'run.json#{key}'  # sends the request of the first one again\n" in told(
        make_result()
    )

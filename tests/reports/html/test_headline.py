"""The first sentence says what is wrong and whose fault it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from specwatch.contract.result import RunResult
from specwatch.reports.html.headline import headline
from specwatch.spec import Api
from specwatch.values import Level, Verdict, Violation
from specwatch.values.baseline import Acceptance, Comparison
from specwatch.values.violation import Rate

MakeResult = Callable[..., RunResult]


def test_a_broken_promise_is_the_providers(make_result: MakeResult, api: Api) -> None:
    """Named by the title of its API, with the gravest violation as evidence."""
    found = headline(make_result(), [api])
    assert found.mark.word == "Fail"
    assert found.sentence == "Parcels breaks 1 promise of its documentation."
    assert found.whose.startswith("The provider's")
    assert found.firsts[0][1] == "getParcel"


def test_somebody_elses_data_comes_first(
    make_result: MakeResult,
    with_violations: Callable[..., RunResult],
    make_violation: Callable[..., Violation],
    api: Api,
) -> None:
    """A call that succeeds without a credential is told before all else."""
    refused = make_violation(kind="credentials", message="The call succeeded with token absent.")
    found = headline(with_violations(make_result(), (make_violation(), refused)), [api])
    assert [words for _, _, words in found.firsts] == ["The call succeeded with token absent. Expected 1; found 2."]


def test_several_claims_are_told(
    make_result: MakeResult,
    with_violations: Callable[..., RunResult],
    make_violation: Callable[..., Violation],
    api: Api,
) -> None:
    """Up to three violations, each of another claim; of several APIs each has one before any has two."""
    found = [make_violation(claim=name, where=f"/{at}") for name in ("one", "two", "three", "four") for at in range(2)]
    result = with_violations(make_result(), found)
    first = result.apis[0]
    firsts = [to for to, _, _ in headline(result, [api]).firsts]
    assert firsts == [f"v-parcels-{found[at].id}" for at in (0, 2, 4)]
    other = replace(first, id="other", violations=(make_violation(api="other"),))
    firsts = [to for to, _, _ in headline(replace(result, apis=(first, other)), [api]).firsts]
    assert [to.split("-")[1] for to in firsts] == ["parcels", "other", "parcels"]


def test_late_answers_may_be_the_networks(
    make_result: MakeResult,
    with_violations: Callable[..., RunResult],
    make_violation: Callable[..., Violation],
    api: Api,
) -> None:
    """Where nothing but time is wrong, nobody is accused."""
    result = with_violations(make_result(), (make_violation(kind="time"),))
    assert "something on the way" in headline(result, [api]).whose


def test_a_sporadic_failure_is_called_so(
    make_result: MakeResult,
    with_violations: Callable[..., RunResult],
    make_violation: Callable[..., Violation],
    api: Api,
) -> None:
    """It came at some tries only."""
    result = with_violations(make_result(), (make_violation(rate=Rate(1, 5)),))
    assert (
        "It came at some tries only: now and then, or depending on what was asked before."
        in headline(result, [api]).details
    )


@pytest.mark.parametrize(
    "trouble, whose",
    [
        ("PARCELS_TOKEN is not set", "Ours"),
        ("GET /x answered 401 to our own credential", "Ours"),
        ("the target cannot be reached: no route", "Not known"),
        ("the target asked to be left alone for another 600 s", "Nobody's yet"),
        ("GET /x was answered by 200 with a web page, as a login page does", "Not known: no way"),
        ("something else", "Not known: this run"),
    ],
)
def test_what_could_not_be_established_accuses_no_provider(
    trouble: str, whose: str, make_result: MakeResult, api: Api
) -> None:
    """Our own trouble is ours, an unreachable service is nobody's yet, and neither is a pass."""
    result = make_result(only=(), verdict=Verdict.UNKNOWN, trouble=(trouble,))
    found = headline(result, [api])
    assert (found.mark.word, found.mark.tone) == ("Unknown", "unknown")
    assert found.sentence == "Nothing could be established about parcels."
    assert found.whose.startswith(whose)
    assert trouble in found.details


def test_an_interrupted_run_never_reads_as_a_pass(make_result: MakeResult, api: Api) -> None:
    """It says that it was stopped, and what it knows so far."""
    passed = headline(make_result(interrupted=True, only=(Verdict.PASS, Verdict.UNKNOWN)), [api])
    assert passed.mark.tone == "unknown"
    assert passed.sentence.startswith("Interrupted before the end: nothing is broken so far")
    failed = headline(make_result(interrupted=True), [api])
    assert failed.mark.tone == "fail"
    assert "The run was interrupted, so this is what is known so far." in failed.details


def test_a_pass_counts_what_is_open(make_result: MakeResult, api: Api) -> None:
    """Claims that could not be checked stand in the first sentence, not behind it."""
    assert headline(make_result(only=(Verdict.PASS,)), [api]).sentence == "Nothing is wrong: 1 claim holds."
    found = headline(make_result(only=(Verdict.PASS, Verdict.UNKNOWN)), [api])
    assert found.sentence == "Nothing wrong was found: 1 claim holds, 1 could not be checked."


def test_a_broken_inference_warns(
    make_result: MakeResult,
    with_violations: Callable[..., RunResult],
    make_violation: Callable[..., Violation],
    api: Api,
) -> None:
    """It is neither a plain pass nor a fail, and nobody has to get up for it."""
    result = replace(with_violations(make_result(verdict=Verdict.PASS), (make_violation(level=Level.INFERENCE),)))
    found = headline(result, [api])
    assert found.mark.tone == "warn"
    assert "Nobody has to get up" in found.whose


def test_what_the_baseline_accepts_is_nothing_new(
    make_result: MakeResult,
    with_violations: Callable[..., RunResult],
    make_violation: Callable[..., Violation],
    api: Api,
) -> None:
    """A run with accepted violations only is neither a fail nor a plain pass; a new one beside them is a fail."""
    known, new = make_violation(where="/a"), make_violation(where="/b")
    entry = Acceptance(known.key, "parcels/broken", "ticket 12", date(2026, 12, 31))
    baseline = Comparison({known.key: entry})
    result = replace(with_violations(make_result(verdict=Verdict.PASS), (known,)), baseline=baseline)
    found = headline(result, [api])
    assert (found.mark.word, found.mark.tone) == ("Accepted", "known")
    found = headline(replace(with_violations(make_result(), (known, new)), baseline=baseline), [api])
    assert found.mark.word == "Fail"
    assert "The baseline accepts 1 more violation." in found.details


@pytest.mark.parametrize("baseline", [None, Comparison(), "all", "gone"])
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("strict", [False, True])
def test_a_failing_run_reads_as_a_fail(
    make_result: MakeResult,
    with_violations: Callable[..., RunResult],
    make_violation: Callable[..., Violation],
    api: Api,
    level: Level,
    baseline: Comparison | str | None,
    *,
    strict: bool,
) -> None:
    """Whatever made it fail, the page does not call it accepted, and without a baseline none is spoken of."""
    known = make_violation(level=level)
    entry = Acceptance(known.key, "parcels/broken", "ticket 12", date(2026, 12, 31))
    beside = {"all": Comparison({known.key: entry}), "gone": Comparison(gone=(entry,))}
    comparison = beside[baseline] if isinstance(baseline, str) else baseline
    result = with_violations(make_result(verdict=Verdict.FAIL, strict=strict), () if baseline == "gone" else (known,))
    found = headline(replace(result, baseline=comparison), [api])

    assert (found.mark.word, found.mark.tone) == ("Fail", "fail")
    assert "Nothing new" not in found.sentence
    assert baseline is not None or "baseline" not in " ".join((found.sentence, found.whose, *found.details))
    assert ("did not come again" in found.sentence) == (baseline == "gone" and strict)


def test_no_api_is_no_pass(make_result: MakeResult) -> None:
    """A run of nothing is unknown."""
    assert headline(replace(make_result(), apis=()), []).mark.tone == "unknown"

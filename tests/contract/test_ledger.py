"""What a run knows about each claim, and what that amounts to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loopback import shop_api

from specwatch.contract.ledger import NOT_REACHED, Ledger, verdict_over
from specwatch.contract.profile import PROFILES
from specwatch.contract.result import ApiResult, RunResult, drift_of, exit_code
from specwatch.spec import Api
from specwatch.values.claim import Level, Verdict
from specwatch.values.violation import Drift, Sighting, Violation

API = shop_api()
PROMISES = ("id-echoed", "known-item-found")
INFERENCE = "name-is-kind"
CLAIMS = (*PROMISES, INFERENCE)


def broken(claim: str, where: str = "") -> Violation:
    """A violation of a claim."""
    level = API.claim(claim).level
    return Violation("shop", claim, level, "getItem", "scenario", "Not so.", "one thing", "another", where)


def note(ledger: Ledger, event: tuple[str, str]) -> None:
    """Let a ledger hear of an event."""
    kind, claim = event
    if kind == "keep":
        ledger.keep([claim])
    elif kind == "explain":
        ledger.explain(claim, "there was no time")
    else:
        ledger.break_(broken(claim, kind))


EVENTS = st.lists(st.tuples(st.sampled_from(["keep", "/a", "/b", "explain"]), st.sampled_from(CLAIMS)), max_size=8)


@given(events=EVENTS, data=st.data())
def test_order_of_arrival_does_not_matter(events: list[tuple[str, str]], data: st.DataObject) -> None:
    """The same events in any order lead to the same verdicts, counts, reasons and findings."""
    ledgers = [Ledger(API, CLAIMS), Ledger(API, CLAIMS)]

    for ledger, order in zip(ledgers, (events, data.draw(st.permutations(events))), strict=True):
        for event in order:
            note(ledger, event)

    assert ledgers[0].results() == ledgers[1].results()
    assert set(ledgers[0].violations) == set(ledgers[1].violations)


@pytest.mark.parametrize(
    "events, verdict, observations, reason",
    [
        ([], Verdict.UNKNOWN, 0, NOT_REACHED),
        (["explain"], Verdict.UNKNOWN, 0, "there was no time"),
        (["keep"], Verdict.PASS, 1, None),
        (["explain", "keep"], Verdict.PASS, 1, None),
        (["keep", "keep", "/a"], Verdict.FAIL, 3, None),
        (["/a", "explain"], Verdict.FAIL, 1, None),
    ],
)
def test_one_broken_exchange_breaks_a_claim(
    events: Sequence[str], verdict: Verdict, observations: int, reason: str | None
) -> None:
    """Fail if any exchange breaks it, pass if at least one keeps it, else unknown with the reason."""
    ledger = Ledger(API, ["id-echoed"])

    for event in events:
        note(ledger, (event, "id-echoed"))

    (result,) = ledger.results()
    assert (result.verdict, result.observations, result.reason) == (verdict, observations, reason)


def test_a_finding_is_told_once() -> None:
    """The same claim broken at the same place is the same finding; at another place it is another."""
    ledger = Ledger(API, CLAIMS)

    news = [ledger.break_(broken("id-echoed", where)) for where in ("/a", "/a", "/b")]

    assert news == [True, False, True]
    assert len(ledger.violations) == 2


@pytest.mark.parametrize(
    "levels", [[Level.INFERENCE], [Level.INFERENCE, Level.PROMISE], [Level.PROMISE, Level.INFERENCE]]
)
def test_a_broken_claim_weighs_what_its_gravest_violation_does(levels: list[Level]) -> None:
    """A promise that is broken only in a way which examples speak of warns; one broken promise among them fails."""
    ledger = Ledger(API, {PROMISES[0]})
    for number, level in enumerate(levels):
        ledger.break_(dataclasses.replace(broken(PROMISES[0], str(number)), level=level))
    (result,) = ledger.results()
    assert (result.verdict, result.claim.level) == (Verdict.FAIL, Level.PROMISE)
    assert result.level is (Level.PROMISE if Level.PROMISE in levels else Level.INFERENCE)
    assert (verdict_over([result], established=True, strict=False) is Verdict.FAIL) == (Level.PROMISE in levels)
    assert verdict_over([result], established=True, strict=True) is Verdict.FAIL


def test_the_first_reason_stays() -> None:
    """What first kept a claim from being checked is told, not what came after it."""
    ledger = Ledger(API, ["id-echoed"])

    ledger.explain("id-echoed", "the credential is refused")
    ledger.explain("id-echoed", "there was no time")

    (result,) = ledger.results()
    assert result.reason == "the credential is refused"


def test_drift_counts_every_sight() -> None:
    """A thing that is seen several times in one go, and under several statuses, is counted as often in all."""
    ledger = Ledger(API, CLAIMS)
    new, other = (Drift("shop", "getItem", "field", name) for name in ("/new", "/other"))

    for drift, count, status in [(new, 3, 200), (other, 1, 200), (new, 2, 200), (new, 4, 404)]:
        ledger.note(Sighting(drift, count, 1.0, 2.0, status))

    assert drift_of(ledger.sightings.all()) == {new: 9, other: 1}


@pytest.mark.parametrize("strict", [False, True])
def test_accepted_claims_fail_nothing(*, strict: bool) -> None:
    """A broken claim that is accepted counts as known, and fails a run as little as a kept one does."""
    ledger = Ledger(API, ["id-echoed"])
    ledger.break_(broken("id-echoed"))
    claims = [dataclasses.replace(each, accepted=True) for each in ledger.results()]

    assert verdict_over(claims, established=True, strict=strict) is Verdict.PASS
    assert verdict_over(claims, established=False, strict=strict) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "kept, failed, verdict", [(1, 0, "unknown"), (1, 1, "fail"), (0, 1, "fail"), (0, 0, "unknown")]
)
def test_nothing_established_is_no_pass(kept: int, failed: int, verdict: str) -> None:
    """Claims that only refusals kept pass no run; those that they break fail it all the same."""
    ledger = Ledger(API, PROMISES)
    ledger.keep(PROMISES[:kept])
    for claim in PROMISES[1 : 1 + failed]:
        ledger.break_(broken(claim))

    assert verdict_over(ledger.results(), established=False, strict=False) is Verdict(verdict)


def test_what_is_not_selected_does_not_count() -> None:
    """A claim that nobody asked about neither fails the run nor is listed."""
    ledger = Ledger(API, ["id-echoed"])

    assert not ledger.break_(broken("known-item-found"))

    assert [result.claim.id for result in ledger.results()] == ["id-echoed"]
    assert ledger.violations == {}


VERDICTS = [
    ([], [], False, Verdict.UNKNOWN, 3),
    (["id-echoed"], [], False, Verdict.PASS, 0),
    (["id-echoed"], ["known-item-found"], False, Verdict.FAIL, 1),
    ([], ["id-echoed"], False, Verdict.FAIL, 1),
    ([], [INFERENCE], False, Verdict.PASS, 0),
    ([], [INFERENCE], True, Verdict.FAIL, 1),
    (["id-echoed"], [INFERENCE], False, Verdict.PASS, 0),
    (["id-echoed"], [INFERENCE], True, Verdict.FAIL, 1),
]


def run_result(kept: Sequence[str], failed: Sequence[str], *, strict: bool) -> RunResult:
    """A run in which these claims were kept and those broken."""
    ledger = Ledger(API, CLAIMS)
    ledger.keep(kept)
    for claim in failed:
        ledger.break_(broken(claim))
    claims = ledger.results()
    api = ApiResult(
        id="shop",
        verdict=verdict_over(claims, established=True, strict=strict),
        requests=1,
        cost=0.0,
        seconds=0.1,
        claims=claims,
        violations=tuple(ledger.violations.values()),
        drift={},
        responses={},
    )
    return RunResult("sandbox", "smoke", 0, 0.0, 0.1, strict, (api,))


@pytest.mark.parametrize("kept, failed, strict, verdict, code", VERDICTS)
def test_the_worst_claim_decides(
    kept: Sequence[str],
    failed: Sequence[str],
    strict: bool,  # noqa: FBT001 - a column of the table
    verdict: Verdict,
    code: int,
) -> None:
    """A broken promise fails, a broken inference warns, or fails when strict; nothing established is unknown."""
    result = run_result(kept, failed, strict=strict)

    assert (result.verdict, exit_code(result)) == (verdict, code)
    assert result.broken_promises == sum(API.claim(claim).level is Level.PROMISE for claim in failed)
    assert result.warnings == len(failed) - result.broken_promises


def test_unknown_can_count_as_nothing() -> None:
    """With `fail_on_unknown` one claim that is not known is enough for exit code 3; a broken promise stays a 1."""
    partly, whole = run_result(["id-echoed"], [], strict=False), run_result(CLAIMS, [], strict=False)

    assert [exit_code(result, fail_on_unknown=True) for result in (partly, whole)] == [3, 0]
    assert exit_code(run_result([], ["id-echoed"], strict=False), fail_on_unknown=True) == 1


def test_an_interrupted_run_is_not_ok() -> None:
    """What Ctrl-C cut short did not establish that all is well, though it may have found that it is not."""
    passed, failed = run_result(CLAIMS, [], strict=False), run_result([], ["id-echoed"], strict=False)

    codes = [exit_code(dataclasses.replace(result, interrupted=True)) for result in (passed, failed)]

    assert codes == [3, 1]


def test_one_unknown_api_is_not_hidden() -> None:
    """An API about which nothing is known keeps the run from passing; one that fails goes before it."""
    good = run_result(CLAIMS, [], strict=False).apis[0]
    none = run_result([], [], strict=False).apis[0]
    bad = run_result([], ["id-echoed"], strict=False).apis[0]
    whole = run_result([], [], strict=False)

    verdicts = [dataclasses.replace(whole, apis=apis).verdict for apis in ((good,), (good, none), (none, bad), ())]

    assert verdicts == [Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL, Verdict.UNKNOWN]


def test_profiles_ask_ever_more() -> None:
    """Smoke, standard, deep: each allows more than the one before, and the first two keep to their bounds."""
    smoke, standard, deep = (PROFILES[name] for name in ("smoke", "standard", "deep"))

    for less, more in ((smoke, standard), (standard, deep)):
        for name in ("max_requests", "cases", "fuzz_examples", "walks", "behaviour_examples", "repeats"):
            assert getattr(less, name) < getattr(more, name)
    assert (smoke.max_requests, standard.max_requests) < (40, 150)
    assert standard.max_requests < 150


def test_every_claim_of_a_spec_is_listed(api: Api) -> None:
    """In the order of the spec, each once."""
    ids = [claim.id for claim in api.claims]

    assert [result.claim.id for result in Ledger(api, ids).results()] == ids

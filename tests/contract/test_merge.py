"""Results of runs that shared their work: together they say what one run would have said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loopback import shop_api

from specwatch.contract.ledger import Ledger, verdict_over
from specwatch.contract.merge import merged
from specwatch.contract.result import ApiResult, RunResult, drift_of
from specwatch.errors import InternalError
from specwatch.values.claim import Level, Verdict
from specwatch.values.defect import Defect, Part
from specwatch.values.violation import Drift, Sighting, Violation

API = shop_api()
CLAIMS = ("id-echoed", "known-item-found", "name-is-kind")

Event = tuple[str, str, int]
"""What happened: `keep`, `break`, `warn`, `see`, `answer` or `refuse`, with a claim or a name, and a number."""

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["keep", "break", "warn", "see", "answer", "refuse"]),
        st.sampled_from(CLAIMS),
        st.integers(1, 3),
    ),
    max_size=12,
)


def result_of(events: Sequence[Event], *, strict: bool = False) -> RunResult:
    """A run in which this happened, one request each."""
    ledger = Ledger(API, CLAIMS)
    for kind, name, number in events:
        if kind == "keep":
            ledger.keep([name])
        elif kind in {"break", "warn"}:
            level = Level.PROMISE if kind == "break" else Level.INFERENCE
            ledger.break_(Violation("shop", name, level, "getItem", kind, "Not so.", "this", "that", f"/{number}"))
        elif kind == "see":
            ledger.note(Sighting(Drift("shop", "getItem", "field", f"/{name}"), number, 1.0, 2.0, 200 + number))
        else:
            ledger.responses["getItem", "200" if kind == "answer" else "401", ""] += 1
    claims, sightings = ledger.results(), ledger.sightings.all()
    is_established = any(kind == "answer" for kind, _, _ in events)
    api = ApiResult(
        id="shop",
        verdict=verdict_over(claims, established=is_established, strict=strict),
        requests=len(events),
        cost=float(len(events)),
        seconds=0.0,
        claims=claims,
        violations=tuple(ledger.violations.values()),
        drift=drift_of(sightings),
        responses=dict(ledger.responses),
        sightings=sightings,
        established=is_established,
    )
    return RunResult("live", "smoke", 1, 0.0, 0.0, strict, (api,))


@given(events=EVENTS, parts=st.integers(1, 4), data=st.data(), strict=st.booleans())
def test_the_parts_together_are_the_whole(
    events: list[Event], parts: int, data: st.DataObject, *, strict: bool
) -> None:
    """However a run is shared out: the same counts, verdicts, violations, requests and drift."""
    shares: list[list[Event]] = [[] for _ in range(parts)]
    for event in events:
        shares[data.draw(st.integers(0, parts - 1))].append(event)

    make = partial(result_of, strict=strict)
    (whole,), together = make(events).apis, merged([make(share) for share in shares])

    (api,) = together.apis
    assert replace(api, violations=()) == replace(whole, violations=())
    assert {each.key for each in api.violations} == {each.key for each in whole.violations}
    assert together.verdict is make(events).verdict


def test_what_is_broken_adds_up() -> None:
    """Two parts with two of three broken each are four of six."""
    part = result_of([("break", CLAIMS[0], 1), ("break", CLAIMS[0], 2), ("keep", CLAIMS[0], 1)])

    claim = merged([part, part]).apis[0].claims[0]

    assert (claim.broken, claim.observations) == (4, 6)


def test_a_defect_of_any_part_is_one_of_all() -> None:
    """What went wrong with any of the parts is told once, whichever part came first."""
    one, other = (Defect(Part.CONTRACT_TEST, f"contracts/test_{name}.py:3", "no such luck") for name in "ab")
    parts = [replace(result_of([("answer", CLAIMS[0], 1)]), defects=each) for each in ((), (one, other), (one,))]

    together = merged(parts)

    assert (together.defects, together.verdict) == ((one, other), Verdict.UNKNOWN)


@pytest.mark.parametrize("answered", [False, True])
def test_one_part_can_establish_something_for_all(*, answered: bool) -> None:
    """What refusals keep passes once another part had an answer about the API, though it kept nothing itself."""
    kept = result_of([("keep", CLAIMS[0], 1), ("refuse", CLAIMS[0], 1)])
    other = result_of([("answer", CLAIMS[0], 1)] if answered else [])

    for parts in ((kept, other), (other, kept)):
        assert merged(parts).verdict is (Verdict.PASS if answered else Verdict.UNKNOWN)


def test_claims_are_paired_by_name() -> None:
    """Their order does not matter."""
    one, other = result_of([("keep", CLAIMS[0], 1)]), result_of([("break", CLAIMS[1], 1)])
    turned = replace(other, apis=(replace(other.apis[0], claims=other.apis[0].claims[::-1]),))

    assert merged([one, turned]) == merged([one, other])


def test_parts_about_different_claims_are_a_defect() -> None:
    """No claim is dropped without a word, whichever part lacks it."""
    whole = result_of([("keep", CLAIMS[0], 1)])
    short = replace(whole, apis=(replace(whole.apis[0], claims=whole.apis[0].claims[:-1]),))

    for parts in ((whole, short), (short, whole)):
        with pytest.raises(InternalError, match="different claims of shop"):
            merged(parts)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_claim_is_accepted_as_a_whole_only(order: tuple[int, int]) -> None:
    """Where a part has a breach that nobody accepts, the claim is broken, though that of another part is accepted."""
    broken, warned = result_of([("break", CLAIMS[0], 1)]), result_of([("warn", CLAIMS[0], 1)])
    claims = tuple(replace(each, accepted=each.verdict is Verdict.FAIL) for each in broken.apis[0].claims)
    parts = replace(broken, apis=(replace(broken.apis[0], claims=claims),)), warned

    claim = merged([parts[index] for index in order]).apis[0].claims[0]

    assert (claim.accepted, claim.level) == (False, Level.INFERENCE)

"""Results of runs that shared their work put together into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce

from specwatch.conformance.sightings import Sightings
from specwatch.contract.ledger import ClaimResult, verdict_over
from specwatch.contract.result import ApiResult, RunResult, drift_of
from specwatch.errors import InternalError
from specwatch.values.claim import Level, Verdict


def merged(results: Sequence[RunResult]) -> RunResult:
    """One result for all of them.

    A claim that any of them found broken is broken, one that any could judge is judged; requests and costs add up.

    Args:
        results: at least one; of the same target, profile and seed.
    """
    first = min(results, key=lambda result: result.started_at)
    by_api: dict[str, list[ApiResult]] = {}
    for result in results:
        for api in result.apis:
            by_api.setdefault(api.id, []).append(api)
    return replace(
        first,
        seconds=max(result.seconds for result in results),
        apis=tuple(reduce(lambda one, other: _both(one, other, strict=first.strict), apis) for apis in by_api.values()),
        interrupted=any(result.interrupted for result in results),
        defects=tuple(dict.fromkeys(defect for result in results for defect in result.defects)),
        exchanges=tuple(
            sorted(
                (e for result in results for e in result.exchanges), key=lambda exchange: exchange.timings.started_at
            )
        ),
    )


def _both(one: ApiResult, other: ApiResult, *, strict: bool) -> ApiResult:
    claims = tuple(_claims(one, other))
    established = one.established or other.established
    sightings = Sightings((*one.sightings, *other.sightings)).all()
    return replace(
        one,
        verdict=verdict_over(claims, established=established, strict=strict),
        requests=one.requests + other.requests,
        cost=one.cost + other.cost,
        seconds=one.seconds + other.seconds,
        claims=claims,
        violations=tuple({v.identity: v for v in (*one.violations, *other.violations)}.values()),
        drift=drift_of(sightings),
        responses=Counter(one.responses) + Counter(other.responses),
        trouble=tuple(dict.fromkeys((*one.trouble, *other.trouble))),
        sightings=sightings,
        established=established,
    )


def _claims(one: ApiResult, other: ApiResult) -> Iterator[ClaimResult]:
    """Both results claim by claim; parts of one run are about the same claims."""
    others = {result.claim.id: result for result in other.claims}
    if {result.claim.id for result in one.claims} != others.keys():
        raise InternalError(f"results about different claims of {one.id} are put together")
    return (_claim(result, others[result.claim.id]) for result in one.claims)


def _claim(one: ClaimResult, other: ClaimResult) -> ClaimResult:
    """The graver verdict, with the counts of both; unknown is the least that can be known."""
    order = (Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN)
    graver = min(one, other, key=lambda r: (order.index(r.verdict), r.accepted, r.level is not Level.PROMISE))
    return replace(graver, observations=one.observations + other.observations, broken=one.broken + other.broken)

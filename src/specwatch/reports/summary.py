"""What a result amounts to, the same in every report."""

from __future__ import annotations

from collections.abc import Mapping

from specwatch.contract.baseline import today_of
from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.text import count
from specwatch.values.claim import Level, Verdict
from specwatch.values.violation import Drift, Violation


def so_far(api: ApiResult, result: RunResult) -> Verdict:
    """The verdict of one API: it has not passed where not all was seen, since the run was interrupted or failed."""
    if api.verdict is not Verdict.PASS:
        return api.verdict
    if any(defect.api in {"", api.id} for defect in result.defects):
        return Verdict.UNKNOWN
    if result.interrupted and api.count(Verdict.UNKNOWN):
        return Verdict.UNKNOWN
    return api.verdict


def defect_note(result: RunResult) -> str:
    """That the workspace itself has a defect, and where; empty where it has none."""
    if not result.defects:
        return ""
    first, number = result.defects[0].where, len(result.defects)
    if number == 1:
        return f"this workspace has a defect of its own ({first}), which has to be mended first"
    return f"this workspace has {number:,} defects of its own ({first} and more), which have to be mended first"


def fails(level: Level, *, strict: bool) -> bool:
    """Whether a broken claim of that level fails the run; otherwise it warns."""
    return strict or level is Level.PROMISE


def broken(api: ApiResult, *, strict: bool) -> tuple[ClaimResult, ...]:
    """The claims whose breach fails the run; accepted ones are none of them."""
    return tuple(c for c in _breached(api) if fails(c.level, strict=strict))


def warned(api: ApiResult, *, strict: bool) -> tuple[ClaimResult, ...]:
    """The broken claims that only warn; accepted ones are none of them."""
    return tuple(c for c in _breached(api) if not fails(c.level, strict=strict))


def accepted(api: ApiResult) -> tuple[ClaimResult, ...]:
    """The broken claims of which everything is accepted by the baseline."""
    return tuple(claim for claim in api.claims if claim.accepted)


def _breached(api: ApiResult) -> tuple[ClaimResult, ...]:
    return tuple(claim for claim in api.claims if claim.verdict is Verdict.FAIL and not claim.accepted)


def gravest_first(api: ApiResult) -> tuple[Violation, ...]:
    """The violations of an API: promises, then inferences, each in the order in which they were found."""
    return tuple(sorted(api.violations, key=lambda violation: violation.level is not Level.PROMISE))


def failing(result: RunResult) -> tuple[Violation, ...]:
    """The violations that fail a run, the gravest of each API first."""
    return tuple(v for api in result.apis for v in gravest_first(api) if fails_run(v, result))


def fails_run(violation: Violation, result: RunResult) -> bool:
    """Whether a violation fails its run: it is grave enough and not accepted."""
    return fails(violation.level, strict=result.strict) and not result.accepts(violation)


def acceptance_note(violation: Violation, result: RunResult) -> str:
    """What the baseline says about a violation: until when it is accepted and why, or since when not any more.

    Empty where the baseline does not list it.
    """
    if result.baseline is None:
        return ""
    today = today_of(result)
    if found := result.baseline.accepted.get(violation.key):
        left = found.days_left(today)
        return f"until {found.until} ({_days(left)} left): {found.reason}"
    if found := result.baseline.expired.get(violation.key):
        ago = -found.days_left(today)
        return f"not any more: ran out on {found.until}, {_days(ago)} ago: {found.reason}"
    return ""


def _days(number: int) -> str:
    return f"{number:,} day{'s' * (number != 1)}"


def rate_note(violation: Violation) -> str:
    """How often a violation showed when it was tried again; empty where it was not."""
    rate = violation.rate
    if rate is None:
        return ""
    noun = "call" if violation.exchange is None else "try"
    note = f"failed {rate.failed} of {count(rate.tries, noun)}"
    return f"{note}: now and then, or depending on what was asked before" if violation.sporadic else note


def calls_note(violation: Violation, api: ApiResult) -> str:
    """How many of all calls of the run failed in the same way, for a server error; empty for other violations."""
    if violation.kind != "survives":
        return ""
    claim = next((c for c in api.claims if c.claim.id == violation.claim and c.broken), None)
    return f"{claim.broken} of {count(claim.observations, 'call')} of this run failed" if claim is not None else ""


def unknown_by_reason(result: RunResult) -> Mapping[str, tuple[ClaimResult, ...]]:
    """The unknown claims of all APIs by their reason, the most frequent reason first."""
    groups: dict[str, list[ClaimResult]] = {}
    for api in result.apis:
        for claim in api.claims:
            if claim.verdict is Verdict.UNKNOWN:
                groups.setdefault(claim.reason or "", []).append(claim)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return {reason: tuple(claims) for reason, claims in ordered}


def drift_by_operation(api: ApiResult) -> Mapping[str, tuple[tuple[Drift, int], ...]]:
    """What an API showed beyond its document, by operation, with how often it was seen."""
    groups: dict[str, list[tuple[Drift, int]]] = {}
    for drift, seen in sorted(api.drift.items(), key=lambda item: (item[0].kind, item[0].name)):
        groups.setdefault(drift.operation, []).append((drift, seen))
    return {operation: tuple(group) for operation, group in groups.items()}

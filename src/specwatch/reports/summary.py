"""What a result amounts to, the same in every report."""

from __future__ import annotations

from collections.abc import Mapping

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import ApiResult, RunResult
from specwatch.values.claim import Level, Verdict
from specwatch.values.violation import Drift, Violation


def so_far(api: ApiResult, result: RunResult) -> Verdict:
    """The verdict of one API: where the run was interrupted before all its claims were seen, it has not passed."""
    if result.interrupted and api.verdict is Verdict.PASS and api.count(Verdict.UNKNOWN):
        return Verdict.UNKNOWN
    return api.verdict


def fails(level: Level, *, strict: bool) -> bool:
    """Whether a broken claim of that level fails the run; otherwise it warns."""
    return strict or level is Level.PROMISE


def broken(api: ApiResult, *, strict: bool) -> tuple[ClaimResult, ...]:
    """The claims whose breach fails the run."""
    return tuple(c for c in api.claims if c.verdict is Verdict.FAIL and fails(c.claim.level, strict=strict))


def warned(api: ApiResult, *, strict: bool) -> tuple[ClaimResult, ...]:
    """The broken claims that only warn."""
    return tuple(c for c in api.claims if c.verdict is Verdict.FAIL and not fails(c.claim.level, strict=strict))


def gravest_first(api: ApiResult) -> tuple[Violation, ...]:
    """The violations of an API: promises, then inferences, each in the order in which they were found."""
    return tuple(sorted(api.violations, key=lambda violation: violation.level is not Level.PROMISE))


def failing(result: RunResult) -> tuple[Violation, ...]:
    """The violations that fail a run, the gravest of each API first."""
    return tuple(v for api in result.apis for v in gravest_first(api) if fails(v.level, strict=result.strict))


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

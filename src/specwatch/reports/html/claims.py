"""The claims of an API, the matrix of its documented answers, and its drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from specwatch.conformance.facts import Facts
from specwatch.contract.ledger import NOT_REACHED, ClaimResult
from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.coverage import MatrixRow, matrix
from specwatch.reports.html.exchange import moment
from specwatch.reports.html.view import Answer, ClaimRow, DriftRow, Mark, Matrix, MatrixLine
from specwatch.reports.html.visible import clipped
from specwatch.reports.html.words import KEPT, KNOWN, UNKNOWN, anchor, level_mark
from specwatch.reports.places import Places
from specwatch.reports.text import count
from specwatch.spec.model import Api
from specwatch.values.claim import Claim, Verdict
from specwatch.values.violation import Sighting, Violation

_ORDER: Final = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1, Verdict.PASS: 2}
_CHARACTERS: Final = 300
TIMES: Final = "\N{MULTIPLICATION SIGN}"
MAX_DRIFT: Final = 500
MAX_EVIDENCE: Final = 8
MAX_BYTES: Final = 100_000
"""Longer bodies are not parsed again for their error code."""

_ALLOWED: Final = Mark("known", "+", "not documented, allowed")
_NOT_DOCUMENTED: Final = Mark("fail", "✗", "not documented")

Key = tuple[str, str, str]
"""Operation, documented status, error code."""


def claim_rows(api: ApiResult, result: RunResult, places: Places) -> Iterator[ClaimRow]:
    """All claims: broken ones first, then unknown ones, then kept ones, each in the order of the spec."""
    broken: dict[str, list[Violation]] = {}
    for violation in api.violations:
        broken.setdefault(violation.claim, []).append(violation)
    for each in sorted(api.claims, key=lambda claim: _ORDER[claim.verdict]):
        violations = broken.get(each.claim.id, [])
        place = places.of(_stand_in(each.claim))
        yield ClaimRow(
            id=each.claim.id,
            text=each.claim.text,
            level=each.claim.level.value,
            mark=_claim_mark(each, violations, result),
            note=clipped(each.reason or "", _CHARACTERS)
            if each.verdict is Verdict.UNKNOWN
            else f"observed {count(each.observations, 'time')}{_more(violations)}",
            evidence=tuple((anchor(each), each.id) for each in violations[:MAX_EVIDENCE]),
            source=each.claim.source,
            line=f"{place.path}:{place.line}",
        )


def _more(violations: list[Violation]) -> str:
    return f", {len(violations):,} violations, among them" if len(violations) > MAX_EVIDENCE else ""


def _stand_in(claim: Claim) -> Violation:
    """What stands for a claim where the place of a violation is asked for."""
    return Violation(claim.api, claim.id, claim.level, min(claim.operations, default=""), "", "", "", "")


def _claim_mark(each: ClaimResult, violations: list[Violation], result: RunResult) -> Mark:
    if each.verdict is not Verdict.FAIL:
        return KEPT if each.verdict is Verdict.PASS else UNKNOWN
    if violations and all(result.accepts(violation) for violation in violations):
        return KNOWN
    return level_mark(each.level, strict=result.strict)


def matrix_of(api: Api, run: ApiResult, result: RunResult) -> Matrix:
    """Which documented answers were seen, which were broken, and why the others were not seen."""
    rows = [row for row in matrix(result, [api]) if row.api == api.id]
    reasons = {each.claim.id: each.reason for each in run.claims}
    faults = _faults(api, run)
    extra = _undocumented(api, run)
    tolerated = frozenset((drift.operation, drift.name) for drift in run.drift if drift.kind in {"status", "code"})
    statuses = sorted({row.status for row in rows} | {status for _, status, _ in extra})
    lines = tuple(
        MatrixLine(
            operation.id,
            f"{operation.method} {operation.path}",
            tuple(
                (status, tuple(_answers(operation.id, status, rows, extra, faults, tolerated))) for status in statuses
            ),
        )
        for operation in api.operations
    )
    seen = sum(row.seen > 0 for row in rows)
    return Matrix(tuple(statuses), lines, f"{seen} of {len(rows):,} seen", _why(rows, reasons))


def _answers(
    operation: str,
    status: str,
    rows: list[MatrixRow],
    extra: Mapping[Key, int],
    faults: Mapping[Key, int],
    tolerated: frozenset[tuple[str, str]],
) -> Iterator[Answer]:
    for row in rows:
        if (row.operation, row.status) == (operation, status):
            yield _answer(row, faults)
    for (undocumented, at, code), seen in extra.items():
        if (undocumented, at) == (operation, status):
            allowed = bool(tolerated & {(operation, status), (operation, code)})
            yield Answer(clipped(code, 60), _ALLOWED if allowed else _NOT_DOCUMENTED, f"{seen:,}{TIMES}")


def _answer(row: MatrixRow, faults: Mapping[Key, int]) -> Answer:
    if not row.seen:
        return Answer(row.code, Mark("unknown", "?", "not seen"), "")
    wrong = sum(times for (o, s, code), times in faults.items() if (o, s, row.code or code) == _key(row, code))
    if wrong:
        return Answer(row.code, Mark("fail", "✗", ""), f"{row.seen:,}{TIMES}, {count(wrong, 'violation')}")
    return Answer(row.code, Mark("pass", "✓", ""), f"{row.seen:,}{TIMES}")


def _key(row: MatrixRow, code: str) -> Key:
    return (row.operation, row.status, code)


def _faults(api: Api, run: ApiResult) -> Mapping[Key, int]:
    """How many violations each documented answer shows."""
    found: dict[Key, int] = {}
    for violation in run.violations:
        if violation.exchange is None:
            continue
        try:
            facts = Facts(api, api.operation(violation.exchange.operation), violation.exchange)
        except KeyError:
            continue
        spec = facts.response_spec
        status = spec.status if spec is not None else str(violation.exchange.response.status)
        short = len(violation.exchange.response.body) <= MAX_BYTES
        code = facts.error_code if spec is not None and spec.codes and short else None
        key = (violation.exchange.operation, status, code or "")
        found[key] = found.get(key, 0) + 1
    return found


def _undocumented(api: Api, run: ApiResult) -> Mapping[Key, int]:
    """What came and is not documented: a status, or a code under a status that has others."""
    found: dict[Key, int] = {}
    for (operation, status, code), seen in run.responses.items():
        spec = next((o.responses.get(status) for o in api.operations if o.id == operation), None)
        if spec is None or (spec.codes and code not in spec.codes):
            label = code or "no code" if spec is not None else code
            found[operation, status, label] = found.get((operation, status, label), 0) + seen
    return found


def _why(rows: list[MatrixRow], reasons: Mapping[str, str | None]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Reasons why answers were not seen, the most frequent first, each with the answers."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        if not row.seen:
            name = f"{row.operation}/{row.status}{f'/{row.code}' if row.code else ''}"
            reason = reasons.get(name) or ("not part of this run" if name not in reasons else NOT_REACHED)
            groups.setdefault(clipped(reason, _CHARACTERS), []).append(name)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return tuple((reason, tuple(names)) for reason, names in ordered)


def drift_rows(api: ApiResult) -> Iterator[DriftRow]:
    """What was seen beside the documentation, operation by operation."""
    seen = api.sightings or tuple(Sighting(drift, times, 0.0, 0.0) for drift, times in api.drift.items())
    ordered = sorted(seen, key=lambda each: (each.drift.operation, each.drift.kind, each.drift.name))
    for each in ordered[:MAX_DRIFT]:
        yield DriftRow(
            operation=each.drift.operation,
            kind=each.drift.kind,
            name=clipped(each.drift.name, _CHARACTERS),
            times=count(each.count, "time"),
            when=_when(each),
            example=clipped(each.example, _CHARACTERS),
        )


def _when(each: Sighting) -> str:
    if not each.first_at:
        return ""
    first, last = moment(each.first_at), moment(each.last_at)
    return first if first == last else f"{first} to {last}"

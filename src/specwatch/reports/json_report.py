"""The JSON report, `specwatch.check/1`: what `check.schema.json` beside this module describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from specwatch.contract.baseline import today_of
from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.schemas import packaged_schema
from specwatch.reports.summary import so_far
from specwatch.reports.text import BASE64, decoded, timestamp
from specwatch.values.baseline import Acceptance
from specwatch.values.defect import Defect
from specwatch.values.exchange import Exchange, Headers, Timings
from specwatch.values.violation import Sighting, Violation

SCHEMA: Final = "specwatch.check/1"

BODY_CHARACTERS: Final = 20_000
"""Longer bodies are cut, and say so. A multiple of four, so that what is left of base64 can be decoded."""

Document = dict[str, object]


def schema() -> Mapping[str, object]:
    """The JSON Schema (2020-12) of the report."""
    return packaged_schema("specwatch.reports", "check.schema.json")


def to_json(result: RunResult) -> Document:
    """A run as a document of JSON values.

    Claims are named without their API, which is the object around them. A run that was interrupted, or has a
    defect of its own, is never `pass`.
    """
    return {
        "schema": SCHEMA,
        "target": result.target,
        "profile": result.profile,
        "seed": result.seed,
        **({"faults": list(result.faults)} if result.faults else {}),
        "started_at": timestamp(result.started_at),
        "duration_seconds": round(result.seconds, 3),
        "requests": sum(api.requests for api in result.apis),
        "cost": sum(api.cost for api in result.apis),
        "verdict": result.verdict.value,
        **({"defects": [_defect(defect) for defect in result.defects]} if result.defects else {}),
        **_baseline(result),
        "apis": [_api(api, result) for api in result.apis],
    }


def _defect(defect: Defect) -> Document:
    about = {"api": defect.api} if defect.api else {}
    return {"part": defect.part.value, "where": defect.where, "what": defect.text, **about}


def _baseline(result: RunResult) -> Document:
    """What of the baseline no violation of the run shows; nothing where there is no baseline."""
    if result.baseline is None:
        return {}
    listed = result.baseline
    lists = {"gone": listed.gone, "unseen": listed.unseen, "unchecked": listed.unchecked}
    return {
        "baseline": {
            name: [{"violation": each.violation, "claim": each.claim, **_acceptance(each, result)} for each in entries]
            for name, entries in lists.items()
        }
    }


def _acceptance(acceptance: Acceptance, result: RunResult) -> Document:
    left = acceptance.days_left(today_of(result))
    return {"reason": acceptance.reason, "until": acceptance.until.isoformat(), "days_left": left}


def _api(api: ApiResult, result: RunResult) -> Document:
    return {
        "id": api.id,
        "verdict": so_far(api, result).value,
        "requests": api.requests,
        "claims": [_claim(claim) for claim in api.claims],
        "violations": [_violation(violation, result) for violation in api.violations],
        "drift": _drift(api),
    }


def _drift(api: ApiResult) -> list[Document]:
    """What is undocumented, once per status under which it was seen, with when and an example where that is known."""
    told = {sighting.drift for sighting in api.sightings}
    plain = [Sighting(drift, count, 0.0, 0.0) for drift, count in api.drift.items() if drift not in told]
    ordered = sorted([*api.sightings, *plain], key=lambda s: (s.drift.operation, s.drift.kind, s.drift.name, s.status))
    return [_sighting(sighting) for sighting in ordered]


def _sighting(sighting: Sighting) -> Document:
    drift = sighting.drift
    document: Document = {
        "operation": drift.operation,
        "kind": drift.kind,
        "name": drift.name,
        "count": sighting.count,
    }
    if sighting.first_at:
        document |= {"first_at": timestamp(sighting.first_at), "last_at": timestamp(sighting.last_at)}
    if sighting.status:
        document["status"] = sighting.status
    if sighting.example:
        document["example"] = json.loads(sighting.example)
    if sighting.sketch:
        document["sketch"] = json.loads(sighting.sketch)
    return document


def _claim(result: ClaimResult) -> Document:
    return {
        "id": result.claim.id,
        "level": result.claim.level.value,
        "verdict": result.verdict.value,
        "observations": result.observations,
        "reason": result.reason,
        **({"broken": result.broken} if result.broken else {}),
        **({"breach": result.breach.value} if result.breach not in {None, result.claim.level} else {}),
        **({"accepted": True} if result.accepted else {}),
    }


def _violation(violation: Violation, result: RunResult) -> Document:
    return {
        "id": violation.id,
        "claim": violation.claim,
        "level": violation.level.value,
        "operation": violation.operation,
        "kind": violation.kind,
        "message": violation.message,
        "expected": violation.expected,
        "found": violation.found,
        **({"where": violation.where} if violation.where else {}),
        "exchange": _exchange(violation.exchange) if violation.exchange is not None else None,
        **_notes(violation, result),
    }


def _notes(violation: Violation, result: RunResult) -> Document:
    """What is known about some violations only: how often it fails, and what the baseline says."""
    notes: Document = {}
    if violation.rate is not None:
        notes["rate"] = {"failed": violation.rate.failed, "tries": violation.rate.tries}
    if result.baseline is not None:
        for name, found in (("accepted", result.baseline.accepted), ("expired", result.baseline.expired)):
            if violation.key in found:
                notes[name] = _acceptance(found[violation.key], result)
    return notes


def _exchange(exchange: Exchange) -> Document:
    request, response = exchange.request, exchange.response
    return {
        "id": exchange.id,
        "operation": exchange.operation,
        "target": exchange.target,
        "credentials": dict(exchange.credentials),
        "path_parameters": dict(exchange.path_parameters),
        "query": dict(exchange.query),
        "refused": exchange.refused,
        "request": {
            "method": request.method,
            "url": request.url,
            "headers": _headers(request.headers),
            **_body(request.body),
        },
        "response": {
            "status": response.status,
            "reason": response.reason,
            "http_version": response.http_version,
            "headers": _headers(response.headers),
            **_body(response.body),
        },
        "timings": _timings(exchange.timings),
    }


def _headers(headers: Headers) -> list[Document]:
    return [{"name": name, "value": value} for name, value in headers]


def _body(body: bytes) -> Document:
    """`body` and its length in `bytes`; `encoding` where it is no text, `truncated` where it is cut."""
    text, encoding = decoded(body)
    document: Document = {"body": text[:BODY_CHARACTERS], "bytes": len(body)}
    if encoding == BASE64:
        document["encoding"] = BASE64
    if len(text) > BODY_CHARACTERS:
        document["truncated"] = True
    return document


def _timings(timings: Timings) -> Document:
    return {
        "started_at": timestamp(timings.started_at),
        "total_seconds": round(timings.total_seconds, 6),
        "phases": {name: round(seconds, 6) for name, seconds in timings.phases.items()},
    }

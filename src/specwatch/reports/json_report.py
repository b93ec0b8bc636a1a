"""The JSON report, `specwatch.check/1`: what `check.schema.json` beside this module describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.summary import so_far
from specwatch.reports.text import BASE64, decoded, timestamp
from specwatch.values.exchange import Exchange, Headers, Timings
from specwatch.values.violation import Violation

SCHEMA: Final = "specwatch.check/1"

BODY_CHARACTERS: Final = 20_000
"""Longer bodies are cut, and say so. A multiple of four, so that what is left of base64 can be decoded."""

Document = dict[str, object]


def schema() -> Mapping[str, object]:
    """The JSON Schema (2020-12) of the report."""
    text = files("specwatch.reports").joinpath("check.schema.json").read_text(encoding="utf-8")
    document: Mapping[str, object] = json.loads(text)
    return document


def to_json(result: RunResult) -> Document:
    """A run as a document of JSON values.

    Claims are named without their API, which is the object around them. A run that was interrupted is never `pass`.
    """
    return {
        "schema": SCHEMA,
        "target": result.target,
        "profile": result.profile,
        "seed": result.seed,
        "started_at": timestamp(result.started_at),
        "duration_seconds": round(result.seconds, 3),
        "requests": sum(api.requests for api in result.apis),
        "cost": sum(api.cost for api in result.apis),
        "verdict": result.verdict.value,
        "apis": [_api(api, result) for api in result.apis],
    }


def _api(api: ApiResult, result: RunResult) -> Document:
    drift = sorted(api.drift.items(), key=lambda item: (item[0].operation, item[0].kind, item[0].name))
    return {
        "id": api.id,
        "verdict": so_far(api, result).value,
        "requests": api.requests,
        "claims": [_claim(claim) for claim in api.claims],
        "violations": [_violation(violation) for violation in api.violations],
        "drift": [{"operation": d.operation, "kind": d.kind, "name": d.name, "count": seen} for d, seen in drift],
    }


def _claim(result: ClaimResult) -> Document:
    return {
        "id": result.claim.id,
        "level": result.claim.level.value,
        "verdict": result.verdict.value,
        "observations": result.observations,
        "reason": result.reason,
    }


def _violation(violation: Violation) -> Document:
    return {
        "id": violation.id,
        "claim": violation.claim,
        "level": violation.level.value,
        "operation": violation.operation,
        "kind": violation.kind,
        "message": violation.message,
        "expected": violation.expected,
        "found": violation.found,
        "exchange": _exchange(violation.exchange) if violation.exchange is not None else None,
    }


def _exchange(exchange: Exchange) -> Document:
    request, response = exchange.request, exchange.response
    return {
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

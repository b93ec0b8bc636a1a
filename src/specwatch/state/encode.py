"""Observations as plain JSON, and back.

The form is that of the dataclasses, field by field under their own names, with three differences: bodies are objects
(`text`, or `base64` where the bytes are no UTF-8, and `bytes`, the true length, where they were cut), values that JSON
does not know are written as text, and the exchange of a violation is left out, since it stands beside it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from specwatch.values.exchange import Exchange, Headers
from specwatch.values.failure import Certificate, Failure
from specwatch.values.observation import Criterion, Observation, Sent, StepResult
from specwatch.values.violation import Drift, Violation

Document = dict[str, object]

HEADER_CHARACTERS = 8_192
"""Longer header values and messages are cut: they come from a target."""

LONGEST_INTEGER = 1 << 256
"""Larger ones are written as text in hexadecimal: Python refuses to write very long ones in decimal."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of an observation is written; None for all of it.

    Args:
        body_bytes: of each body.
        exchanges: of the last requests of the run; those before them keep no exchange.
    """

    body_bytes: int | None = None
    exchanges: int | None = None


WHOLE = Cut()


def summary(observation: Observation) -> Document:
    """The observation without its steps."""
    return {
        "id": observation.id,
        "api": observation.api,
        "probe": observation.probe,
        "workflow": observation.workflow,
        "target": observation.target,
        "verdict": observation.verdict.value,
        "reason": observation.reason.value if observation.reason else None,
        "message": observation.message[:HEADER_CHARACTERS],
        "started_at": plain(observation.started_at),
        "seconds": plain(observation.seconds),
        "requests": observation.requests,
        "cost": plain(observation.cost),
        "job_seconds": plain(observation.job_seconds),
        "attempt": observation.attempt,
        "saturated": observation.saturated,
    }


def to_json(observation: Observation, cut: Cut = WHOLE) -> Document:
    """The whole observation."""
    return {**summary(observation), **detail(observation, cut)}


def detail(observation: Observation, cut: Cut = WHOLE) -> Document:
    """What `summary` leaves out: `steps` and `outputs`."""
    number = len(observation.sent)
    first = 0 if cut.exchanges is None else max(0, number - cut.exchanges)
    position = 0
    steps = []
    for step in observation.steps:
        whole = [place >= first for place in range(position, position + len(step.sent))]
        position += len(step.sent)
        steps.append(_step(step, whole, cut))
    return {"steps": steps, "outputs": plain(observation.outputs)}


def plain(value: object) -> object:
    """A value that JSON can hold: what it does not know becomes text."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return body(value, None) if isinstance(value, bytes) else str(value)


def _number(value: float) -> float | str:
    if isinstance(value, int):
        return value if -LONGEST_INTEGER < value < LONGEST_INTEGER else hex(value)
    return value if math.isfinite(value) else str(value)


def body(data: bytes, limit: int | None) -> Document:
    """A body: `text` or `base64`, and `bytes` where it was cut."""
    kept = data if limit is None else data[:limit]
    document = _text_or_base64(kept, whole=len(kept) == len(data))
    if len(kept) < len(data):
        document["bytes"] = len(data)
    return document


def _text_or_base64(data: bytes, *, whole: bool) -> Document:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError as error:
        # Where a cut went through a character, the rest is still text.
        if not whole and len(data) - error.start < 4 and error.reason == "unexpected end of data":
            return {"text": data[: error.start].decode()}
        return {"base64": base64.b64encode(data).decode()}


def _step(step: StepResult, whole: list[bool], cut: Cut) -> Document:
    return {
        "step": step.step,
        "met": step.met,
        "criteria": [
            {"text": each.text, "met": each.met, "found": each.found[:HEADER_CHARACTERS]} for each in step.criteria
        ],
        "sent": [_sent(sent, cut, whole=with_it) for sent, with_it in zip(step.sent, whole, strict=True)],
        "unknown": step.unknown,
    }


def _sent(sent: Sent, cut: Cut, *, whole: bool) -> Document:
    return {
        "step": sent.step,
        "operation": sent.operation,
        "exchange": exchange_json(sent.exchange, cut.body_bytes) if sent.exchange and whole else None,
        "failure": _failure(sent.failure) if sent.failure else None,
        "error_code": sent.error_code,
        "violations": [_violation(each) for each in sent.violations],
        "verified": list(sent.verified),
        "drift": [
            {"api": each.api, "operation": each.operation, "kind": each.kind, "name": each.name} for each in sent.drift
        ],
    }


def exchange_json(exchange: Exchange, body_bytes: int | None = None) -> Document:
    """A request and its answer."""
    request, response, timings = exchange.request, exchange.response, exchange.timings
    return {
        "id": exchange.id,
        "api": exchange.api,
        "operation": exchange.operation,
        "target": exchange.target,
        "request": {
            "method": request.method,
            "url": request.url,
            "headers": _headers(request.headers),
            "body": body(request.body, body_bytes),
        },
        "response": {
            "status": response.status,
            "headers": _headers(response.headers),
            "body": body(response.body, body_bytes),
            "reason": response.reason,
            "http_version": response.http_version,
        },
        "timings": {
            "started_at": timings.started_at,
            "total_seconds": timings.total_seconds,
            "phases": dict(timings.phases),
        },
        "credentials": dict(exchange.credentials),
        "path_parameters": dict(exchange.path_parameters),
        "query": dict(exchange.query),
        "vouched": exchange.vouched,
        "about_us": exchange.about_us,
        "attempts": exchange.attempts,
        "certificate": _certificate(exchange.certificate),
    }


def _headers(headers: Headers) -> list[list[str]]:
    return [[name, value[:HEADER_CHARACTERS]] for name, value in headers]


def _certificate(certificate: Certificate | None) -> Document | None:
    if certificate is None:
        return None
    return {
        "host": certificate.host,
        "not_after": certificate.not_after,
        "issuer": certificate.issuer,
        "verified": certificate.verified,
        "problem": certificate.problem,
    }


def _failure(failure: Failure) -> Document:
    return {
        "reason": failure.reason.value,
        "message": failure.message[:HEADER_CHARACTERS],
        "phase": failure.phase,
        "started_at": failure.started_at,
        "seconds": failure.seconds,
        "phases": dict(failure.phases),
        "certificate": _certificate(failure.certificate),
        "local": failure.local,
    }


def _violation(violation: Violation) -> Document:
    return {
        "api": violation.api,
        "claim": violation.claim,
        "level": violation.level.value,
        "operation": violation.operation,
        "kind": violation.kind,
        "message": violation.message[:HEADER_CHARACTERS],
        "expected": violation.expected[:HEADER_CHARACTERS],
        "found": violation.found[:HEADER_CHARACTERS],
        "where": violation.where,
    }


def criterion(document: Mapping[str, object]) -> Criterion:
    """A criterion, from its JSON."""
    return Criterion(text=str(document["text"]), met=bool(document["met"]), found=str(document["found"]))


def drift(document: Mapping[str, str]) -> Drift:
    """A drift, from its JSON."""
    return Drift(**document)


def body_bytes(document: Mapping[str, object]) -> bytes:
    """The bytes of a body, as far as they were kept.

    Raises:
        ValueError, KeyError: it is no body.
    """
    if "base64" in document:
        return base64.b64decode(cast("str", document["base64"]), validate=True)
    return cast("str", document["text"]).encode()

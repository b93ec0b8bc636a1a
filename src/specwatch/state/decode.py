"""Observations from the JSON that `encode` makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specwatch.state.encode import body_bytes, criterion, drift
from specwatch.values.claim import Level, Verdict
from specwatch.values.exchange import Exchange, Headers, Request, Response, Timings
from specwatch.values.failure import Certificate, Failure, Reason
from specwatch.values.observation import Observation, Sent, StepResult
from specwatch.values.violation import Violation

Json = Mapping[str, Any]


def from_json(document: Json) -> Observation:
    """The observation; without steps where only its summary was kept.

    Raises:
        KeyError, TypeError, ValueError: it is no observation.
    """
    rest = {name: value for name, value in document.items() if name not in {"verdict", "reason", "steps"}}
    return Observation(
        **rest,
        verdict=Verdict(document["verdict"]),
        reason=Reason(document["reason"]) if document["reason"] else None,
        steps=tuple(_step(each) for each in document.get("steps", ())),
    )


def _step(document: Json) -> StepResult:
    return StepResult(
        step=document["step"],
        met=document["met"],
        criteria=tuple(criterion(each) for each in document["criteria"]),
        sent=tuple(_sent(each) for each in document["sent"]),
        unknown=document["unknown"],
    )


def _sent(document: Json) -> Sent:
    return Sent(
        step=document["step"],
        operation=document["operation"],
        exchange=exchange_from_json(document["exchange"]) if document["exchange"] else None,
        failure=_failure(document["failure"]) if document["failure"] else None,
        error_code=document["error_code"],
        violations=tuple(Violation(**{**each, "level": Level(each["level"])}) for each in document["violations"]),
        verified=tuple(document["verified"]),
        drift=tuple(drift(each) for each in document["drift"]),
    )


def exchange_from_json(document: Json) -> Exchange:
    """A request and its answer; cut bodies stay cut.

    Raises:
        KeyError, TypeError, ValueError: it is no exchange.
    """
    request, response = document["request"], document["response"]
    parts = {"request", "response", "timings", "certificate"}
    return Exchange(
        **{name: value for name, value in document.items() if name not in parts},
        request=Request(
            method=request["method"],
            url=request["url"],
            headers=_headers(request["headers"]),
            body=body_bytes(request["body"]),
        ),
        response=Response(
            status=response["status"],
            headers=_headers(response["headers"]),
            body=body_bytes(response["body"]),
            reason=response["reason"],
            http_version=response["http_version"],
        ),
        timings=Timings(**document["timings"]),
        certificate=_certificate(document["certificate"]),
    )


def _headers(pairs: list[list[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)


def _certificate(document: Json | None) -> Certificate | None:
    return Certificate(**document) if document else None


def _failure(document: Json) -> Failure:
    return Failure(
        **{
            **document,
            "reason": Reason(document["reason"]),
            "certificate": _certificate(document["certificate"]),
        }
    )

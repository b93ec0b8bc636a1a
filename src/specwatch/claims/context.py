"""What an expression sees of an exchange."""

from __future__ import annotations

from collections.abc import Mapping

from specwatch.claims.cel import Context, fit
from specwatch.conformance.facts import MISSING, Facts
from specwatch.values.exchange import Headers


def claim_context(facts: Facts, known: Mapping[str, object]) -> Context:
    """The variables of one exchange.

    Args:
        facts: the decoded exchange.
        known: identifiers that exist on the target; those that nobody configured are absent.
    """
    exchange = facts.exchange
    request: dict[str, object] = {
        "method": exchange.request.method,
        "path": dict(exchange.path_parameters),
        "query": dict(exchange.query),
        "headers": _headers(exchange.request.headers),
        "bytes": len(exchange.request.body),
        "valid": facts.request_valid,
        "credentials": dict(exchange.credentials),
    }
    response: dict[str, object] = {
        "status": exchange.response.status,
        "headers": _headers(exchange.response.headers),
        "bytes": len(exchange.response.body),
        "seconds": exchange.timings.total_seconds,
    }
    if facts.request_json is not MISSING:
        request["json"] = facts.request_json
    if facts.response_json is not MISSING:
        response["json"] = facts.response_json
    if facts.embedded_json is not None and facts.embedded_json.value is not MISSING:
        response["embedded"] = facts.embedded_json.value
    return Context.of({"request": fit(request), "response": fit(response), "known": fit(dict(known))})


def _headers(headers: Headers) -> dict[str, str]:
    result: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        result[lower] = f"{result[lower]}, {value}" if lower in result else value
    return result

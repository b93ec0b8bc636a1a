"""What an expression sees of an exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from specwatch.claims.cel import Context, fit
from specwatch.conformance.facts import MISSING, Facts
from specwatch.conformance.strictjson import StrictJson
from specwatch.values.exchange import Headers


def claim_context(facts: Facts, known: Mapping[str, object]) -> Context:
    """The variables of one exchange.

    Args:
        facts: the decoded exchange.
        known: identifiers that exist on the target, as `fit` made them; those that nobody configured are absent.
    """
    return Context.of(claim_variables(facts, known))


def claim_variables(
    facts: Facts, known: Mapping[str, object], fields: frozenset[str] | None = None
) -> dict[str, object]:
    """The variables of one exchange as plain values.

    Args:
        facts: the decoded exchange.
        known: identifiers that exist on the target, as `fit` made them.
        fields: the fields that are needed, such as `request.method`; None for all.
    """
    variables: dict[str, dict[str, object]] = {"request": {}, "response": {}}
    for (variable, name), field in _FIELDS.items():
        if fields is None or f"{variable}.{name}" in fields:
            value = field(facts)
            if value is not MISSING:
                variables[variable][name] = value
    return {**variables, "known": known}


def _json(parsed: StrictJson | None) -> object:
    if parsed is None or parsed.value is MISSING:
        return MISSING
    return parsed.value if parsed.tame else fit(parsed.value)


def _headers(headers: Headers) -> object:
    result: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        result[lower] = f"{result[lower]}, {value}" if lower in result else value
    return fit(result)


_FIELDS: Final[Mapping[tuple[str, str], Callable[[Facts], object]]] = {
    ("request", "method"): lambda facts: fit(facts.exchange.request.method),
    ("request", "path"): lambda facts: fit(facts.exchange.path_parameters),
    ("request", "query"): lambda facts: fit(facts.exchange.query),
    ("request", "headers"): lambda facts: _headers(facts.exchange.request.headers),
    ("request", "bytes"): lambda facts: len(facts.exchange.request.body),
    ("request", "valid"): lambda facts: facts.request_valid,
    ("request", "credentials"): lambda facts: fit(facts.exchange.credentials),
    ("request", "json"): lambda facts: _json(facts.parsed_request),
    ("response", "status"): lambda facts: facts.exchange.response.status,
    ("response", "headers"): lambda facts: _headers(facts.exchange.response.headers),
    ("response", "bytes"): lambda facts: len(facts.exchange.response.body),
    ("response", "seconds"): lambda facts: facts.exchange.timings.total_seconds,
    ("response", "json"): lambda facts: _json(facts.parsed),
    ("response", "embedded"): lambda facts: _json(facts.embedded_json),
}

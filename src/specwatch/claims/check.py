"""Whether the expressions of an API's claims can be compiled at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from specwatch.claims.cel import CelError, compile_expression
from specwatch.spec.model import Api
from specwatch.values.claim import Claim, Holds, Observe, Series

SEEN: Final[Mapping[str, frozenset[str]]] = {
    "request": frozenset({"method", "path", "query", "headers", "json", "bytes", "valid", "credentials"}),
    "response": frozenset({"status", "headers", "json", "embedded", "bytes", "seconds"}),
}
"""The fields of the two variables that every expression has."""

_FIELD = re.compile(r"(?<![\w.\"'])(request|response)\.(\w+)")


def check_expressions(api: Api) -> Iterator[tuple[Claim, str, str]]:
    """Every expression that cannot be meant, as (claim, expression, why).

    It does not compile, reads a field that `request` or `response` does not have, or is a condition without being a
    boolean.
    """
    for claim in api.claims:
        conditions = set(_conditions(claim))
        for text in expressions(claim):
            reason = _complaint(text, condition=text in conditions)
            if reason is not None:
                yield claim, text, reason


def _complaint(text: str, *, condition: bool) -> str | None:
    try:
        kind = compile_expression(text).kind
    except CelError as error:
        return str(error)
    for variable, name in _FIELD.findall(text):
        if name not in SEEN[variable]:
            return f"{variable} has no field {name}, only {', '.join(sorted(SEEN[variable]))}"
    return f"is a value of type {kind}, where true or false is needed" if condition and kind not in _BOOLEAN else None


_BOOLEAN = frozenset({"BOOL", "DYN"})


def _conditions(claim: Claim) -> Iterator[str]:
    if claim.when is not None:
        yield claim.when
    match claim.form:
        case Holds(expression):
            yield expression
        case Observe(observations):
            yield from (side.when for side in observations if side.when is not None)
        case _:
            return


def expressions(claim: Claim) -> Iterator[str]:
    """All CEL texts of a claim."""
    if claim.when is not None:
        yield claim.when
    match claim.form:
        case Holds(expression):
            yield expression
        case Series(key=key, value=value, each=each):
            yield from (text for text in (key, value, each) if text is not None)
        case Observe(observations):
            for side in observations:
                yield from (text for text in (side.when, side.key, side.value, side.each) if text is not None)
        case _:
            return

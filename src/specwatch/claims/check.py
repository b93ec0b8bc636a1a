"""Whether the expressions of an API's claims can be compiled at all."""

from __future__ import annotations

from collections.abc import Iterator

from specwatch.claims.cel import CelError, compile_expression
from specwatch.claims.reads import SEEN, expressions, named
from specwatch.spec.model import Api
from specwatch.values.claim import Claim, Holds, Observe


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
    for variable, name in named(text):
        if name and name not in SEEN[variable]:
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

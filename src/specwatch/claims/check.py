"""Whether the expressions of an API's claims can be compiled at all."""

from __future__ import annotations

from collections.abc import Iterator

from specwatch.claims.cel import CelError, compile_expression
from specwatch.spec.model import Api
from specwatch.values.claim import Claim, Holds, Observe, Series


def check_expressions(api: Api) -> Iterator[tuple[Claim, str, str]]:
    """Every expression that does not compile, as (claim, expression, why)."""
    for claim in api.claims:
        for text in expressions(claim):
            try:
                compile_expression(text)
            except CelError as error:
                yield claim, text, str(error)


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

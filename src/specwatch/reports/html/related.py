"""The other exchanges that a violation is about: those that a series compares, or those just before a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from specwatch.claims.cel import CelError, Context, canonical, compile_expression
from specwatch.claims.context import claim_context
from specwatch.claims.judge import applies, has_longer_list
from specwatch.conformance.facts import Facts
from specwatch.spec.model import Api
from specwatch.values.claim import Claim, Observe, Rule, Scenario, Series
from specwatch.values.exchange import Exchange
from specwatch.values.violation import Violation

MAX_SHOWN: Final = 12
MAX_LOOKED_AT: Final = 400
"""Of so many exchanges the values are worked out again, those next to the violation first."""

MAX_BYTES: Final = 50_000
MAX_ITEMS: Final = 300
BEFORE: Final = 5


@dataclass(frozen=True, slots=True)
class Related:
    """An exchange, and the value that it showed for the claim."""

    exchange: Exchange
    value: str = ""


@dataclass(frozen=True, slots=True)
class _Pair:
    """One observation of a claim."""

    key: str
    value: str


def compared(violation: Violation, claim: Claim, api: Api, exchanges: Sequence[Exchange]) -> tuple[Related, ...]:
    """What a series or an agreement compared with the violation's exchange, itself included, in order of time."""
    own = violation.exchange
    if own is None or not isinstance(claim.form, Series | Observe):
        return ()
    unique = isinstance(claim.form, Series) and claim.form.rule is Rule.UNIQUE
    broken = {_same(pair, unique=unique) for pair in _pairs(claim, api, own) if pair.value == violation.found}
    found = []
    for exchange in _near(own, claim, exchanges):
        values = [pair.value for pair in _pairs(claim, api, exchange) if _same(pair, unique=unique) in broken]
        found += [Related(exchange, value) for value in dict.fromkeys(values)]
    return tuple(sorted(found, key=lambda each: each.exchange.timings.started_at))[-MAX_SHOWN:]


def before(violation: Violation, claim: Claim | None, exchanges: Sequence[Exchange]) -> tuple[Related, ...]:
    """What was sent just before the exchange of a scenario, and that exchange."""
    own = violation.exchange
    if own is None or claim is None or not isinstance(claim.form, Scenario):
        return ()
    until = own.timings.started_at
    earlier = [each for each in exchanges if each.timings.started_at < until and each.id != own.id]
    return tuple(Related(each) for each in (*earlier[-BEFORE:], own))


def _same(pair: _Pair, *, unique: bool) -> str:
    """What observations that belong together have in common; a value that must be unique is looked for itself."""
    return f"{pair.key} {pair.value}" if unique else pair.key


def _near(own: Exchange, claim: Claim, exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """The exchanges that may belong to the violation: same target, same account, up to its end."""
    until = own.timings.started_at
    alike = [
        each
        for each in exchanges
        if each.operation in claim.operations
        and each.timings.started_at <= until
        and (each.target, each.credentials) == (own.target, own.credentials)
        and len(each.response.body) <= MAX_BYTES
    ]
    yield from alike[-MAX_LOOKED_AT:]


def _pairs(claim: Claim, api: Api, exchange: Exchange) -> list[_Pair]:
    """What an exchange shows for a claim; nothing where identifiers of the account would be needed."""
    try:
        facts = Facts(api, api.operation(exchange.operation), exchange)
    except KeyError:
        return []
    if has_longer_list(facts.response_json, MAX_ITEMS):
        return []
    context = claim_context(facts, {})
    return list(_observed(claim, exchange.operation, context)) if applies(claim.when, context) else []


def _observed(claim: Claim, operation: str, context: Context) -> Iterator[_Pair]:
    form = claim.form
    if isinstance(form, Series):
        yield from _each(form.key, form.value, form.each, context)
    elif isinstance(form, Observe):
        for side in form.observations:
            if side.operation == operation and applies(side.when, context):
                yield from _each(side.key, side.value, side.each, context)


def _each(key: str, value: str, each: str | None, context: Context) -> Iterator[_Pair]:
    try:
        items = compile_expression(each).value(context) if each is not None else None
    except CelError:
        return
    seen = [context] if each is None else [context.with_item(item) for item in items] if isinstance(items, list) else []
    for one in seen:
        try:
            yield _Pair(canonical(_value(key, one)), canonical(_value(value, one)))
        except CelError:
            continue


def _value(text: str, context: Context) -> object:
    return compile_expression(text).value(context)


Index = Mapping[str, str]
"""Anchor of an exchange on the page, by its id."""

"""The other exchanges that a violation is about: those that a series compares, or those just before a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from specwatch.claims.cel import CelError, Context, canonical, compile_expression
from specwatch.claims.context import claim_context
from specwatch.claims.differing import differing, value_expression
from specwatch.claims.judge import applies, has_longer_list
from specwatch.conformance.facts import Facts
from specwatch.reports import made
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
"""So many exchanges before that of a scenario are shown."""


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
    observed = [(exchange, _pairs(claim, api, exchange)) for exchange in _near(own, claim, exchanges)]
    mine = _pairs(claim, api, own)
    broken = {_same(pair, unique=unique) for pair in mine if pair.value == violation.found}
    broken = broken or _unlike(mine, [pair for _, pairs in observed for pair in pairs])
    found = []
    for exchange, pairs in observed:
        values = [pair.value for pair in pairs if _same(pair, unique=unique) in broken]
        found += [Related(exchange, value) for value in dict.fromkeys(values)]
    ordered = sorted(found, key=lambda each: each.exchange.timings.started_at)[-MAX_SHOWN:]
    return tuple(_told_apart(ordered, own, value_expression(claim, own.operation)))


def _unlike(mine: Sequence[_Pair], all_of_them: Sequence[_Pair]) -> set[str]:
    """The keys under which an exchange shows another value than others do: of long values no more is known."""
    return {pair.key for pair in mine if any(pair.key == each.key and pair.value != each.value for each in all_of_them)}


def _told_apart(found: Sequence[Related], own: Exchange, expression: str) -> Iterator[Related]:
    """Of long values that which is not alike, as the violation tells it."""
    mine = next((each.value for each in found if each.exchange.id == own.id), "")
    other = next((each.value for each in found if each.value != mine), mine)
    for each in found:
        if other == mine:
            yield each
            continue
        yield Related(each.exchange, differing(other if each.value == mine else mine, each.value, expression)[1])


def before(violation: Violation, claim: Claim | None, exchanges: Sequence[Exchange]) -> tuple[Related, ...]:
    """What was sent before the exchange of a scenario, and that exchange.

    Where earlier ones were about the same thing, those alone: the call that made it, and the last that name it too.
    """
    own = violation.exchange
    if own is None or claim is None or not isinstance(claim.form, Scenario):
        return ()
    earlier = made.before(own, exchanges)
    values = set(made.named(own))
    first = made.maker(own, earlier)
    alike = [each for each in earlier if each is not first and any(made.names(each, value) for value in values)]
    shown = [*([first] if first is not None else []), *alike[-BEFORE + (first is not None) :]] or earlier[-BEFORE:]
    return tuple(Related(each) for each in (*shown, own))


def about_the_same(found: Sequence[Related]) -> bool:
    """Whether what was sent before is about the same thing as the last of them."""
    own = found[-1].exchange
    values = set(made.named(own))
    return any(made.names(each.exchange, value) for each in found[:-1] for value in values) or (
        made.maker(own, [each.exchange for each in found[:-1]]) is not None
    )


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

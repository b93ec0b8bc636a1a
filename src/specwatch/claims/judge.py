"""Every exchange that passes is judged by every behaviour claim that applies to it, whoever sent it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

from specwatch.claims.cel import CelError, Context, compile_expression, fit
from specwatch.claims.context import claim_context, claim_variables
from specwatch.claims.differing import differing, value_expression
from specwatch.claims.evidence import evidence
from specwatch.claims.plan import SINGLY, WARM, Plan, entries
from specwatch.claims.questions import ABSENT, BROKEN, KEPT, Entry
from specwatch.claims.series import AgreementMemory, Comparison, SeriesMemory
from specwatch.conformance.facts import MISSING, Facts
from specwatch.spec.model import Api
from specwatch.spec.schema import shorten
from specwatch.values.claim import Claim, Holds, Observe, Series
from specwatch.values.violation import Violation

MAX_ITEMS: Final = 5_000
"""The longest list in an answer on which claims are judged, where nobody says otherwise."""

_SHOWN_BYTES: Final = 2_000
"""Of a body no more is looked at to show it."""

MAX_STATUSES: Final = 1_000
"""For how many pairs of operation and status it is remembered which claims may apply."""


@dataclass(frozen=True, slots=True)
class ClaimOutcome:
    """What one exchange says about one claim.

    Args:
        claim: the claim.
        violation: how it is broken, or None when it is kept.
    """

    claim: Claim
    violation: Violation | None = None


class ClaimJudge:
    """Judges the behaviour claims of one API and remembers what series need.

    Args:
        api: the API.
        known: identifiers that exist on the target, by name; a name is absent when nobody configured it.
        warm: after how many exchanges of a kind claims are put together, to be judged faster.
        max_items: claims are not judged on an answer with a longer list: what CEL makes of a list takes a time that
            grows with the square of its length, so that a hostile target could stop everything.
    """

    def __init__(self, api: Api, known: Mapping[str, object], warm: int = WARM, *, max_items: int = MAX_ITEMS) -> None:
        self._warm = warm
        self._max_items = max_items
        self._known = {str(fit(name)): fit(value) for name, value in known.items()}
        self._by_operation: dict[str, list[Claim]] = {}
        self._series: dict[str, SeriesMemory] = {}
        self._agreements: dict[str, AgreementMemory] = {}
        self._plans: dict[tuple[str, tuple[Entry, ...]], Plan] = {}
        self._by_status: dict[tuple[str, int], Plan] = {}
        for claim in api.claims:
            self._register(claim)

    def _register(self, claim: Claim) -> None:
        if isinstance(claim.form, Series):
            self._series[claim.id] = SeriesMemory(claim.form)
        elif isinstance(claim.form, Observe):
            self._agreements[claim.id] = AgreementMemory()
        elif not isinstance(claim.form, Holds):
            return
        for operation in claim.operations:
            self._by_operation.setdefault(operation, []).append(claim)

    def judge(self, facts: Facts) -> Iterator[ClaimOutcome]:
        """Outcomes of all claims that apply; none for an exchange that is trouble of our own.

        A claim whose outcome hangs on a body that could not be read has none: that it could not is told by itself.
        """
        claims = self._by_operation.get(facts.operation.id, ())
        if not claims or facts.exchange.own_trouble or self._is_beyond(facts):
            return
        plan = self._plan(claims, facts.operation.id, facts.exchange.response.status)
        context: Context | None = None
        for entry, answer in zip(plan.entries, self._answers(plan, facts), strict=True):
            if answer is SINGLY or answer == BROKEN:
                context = context or claim_context(facts, self._known)
                if applies(entry.claim.when, context):
                    yield from self._judge_one(entry.claim, facts, context)
            elif answer == KEPT:
                yield ClaimOutcome(entry.claim)
            elif answer != ABSENT:
                yield from self._compare(entry, answer, facts)

    def _is_beyond(self, facts: Facts) -> bool:
        """Whether more came than is looked at, or more was sent."""
        if facts.parsed_request.beyond:
            return True
        limit = self._max_items
        if len(facts.exchange.response.body) < 2 * limit:  # an item takes two bytes at least
            return False
        embedded = facts.embedded_json.value if facts.embedded_json is not None else None
        return has_longer_list(facts.response_json, limit) or has_longer_list(embedded, limit)

    def _plan(self, claims: Sequence[Claim], operation: str, status: int) -> Plan:
        plan = self._by_status.get((operation, status))
        if plan is None:
            found = entries(claims, operation, status)
            plan = self._plans.setdefault((operation, found), Plan(found, self._warm))
            if len(self._by_status) < MAX_STATUSES:
                self._by_status[operation, status] = plan
        return plan

    def _answers(self, plan: Plan, facts: Facts) -> Iterable[Any]:
        if not plan.ready:
            return repeat(SINGLY, len(plan.entries))
        return plan.answers(lambda fields: claim_variables(facts, self._known, fields))

    def _compare(self, entry: Entry, answer: Any, facts: Facts) -> Iterator[ClaimOutcome]:
        """What the pairs of key and value that a plan found say about a claim on several exchanges."""
        claim, exchange = entry.claim, facts.exchange
        if claim.id in self._series:
            series = self._series[claim.id]
            found = (series.observe(key, value, exchange) for pairs in answer for key, value in pairs)
            kind = "series"
        else:
            memory = self._agreements[claim.id]
            sides = zip(entry.sides, answer, strict=True)
            found = (memory.observe(side, key, value, exchange) for side, pairs in sides for key, value in pairs)
            kind = "agreement"
        for comparison in found:
            if comparison is not None:
                yield _outcome(claim, facts, kind, comparison)

    def _judge_one(self, claim: Claim, facts: Facts, context: Context) -> Iterator[ClaimOutcome]:
        form = claim.form
        if isinstance(form, Holds):
            yield from _holds(claim, form, facts, context)
        elif isinstance(form, Series):
            yield from self._judge_series(claim, form, facts, context)
        elif isinstance(form, Observe):
            yield from self._judge_agreement(claim, form, facts, context)

    def _judge_series(self, claim: Claim, form: Series, facts: Facts, context: Context) -> Iterator[ClaimOutcome]:
        memory = self._series[claim.id]
        for seen in _each(form.each, context):
            try:
                key, value = _value(form.key, seen), _value(form.value, seen)
            except CelError as error:
                if not facts.unreadable:
                    yield ClaimOutcome(claim, _broken(claim, facts, "series", "a value to compare", str(error)))
                continue
            comparison = memory.observe(key, value, facts.exchange)
            if comparison is not None:
                yield _outcome(claim, facts, "series", comparison)

    def _judge_agreement(self, claim: Claim, form: Observe, facts: Facts, context: Context) -> Iterator[ClaimOutcome]:
        memory = self._agreements[claim.id]
        for side, observation in enumerate(form.observations):
            if observation.operation != facts.operation.id or not applies(observation.when, context):
                continue
            for seen in _each(observation.each, context):
                try:
                    key, value = _value(observation.key, seen), _value(observation.value, seen)
                except CelError as error:
                    if not facts.unreadable:
                        yield ClaimOutcome(claim, _broken(claim, facts, "agreement", "a value to compare", str(error)))
                    continue
                comparison = memory.observe(side, key, value, facts.exchange)
                if comparison is not None:
                    yield _outcome(claim, facts, "agreement", comparison)


def has_longer_list(value: object, limit: int) -> bool:
    """Whether a list or an object with more elements is anywhere in a JSON value."""
    if isinstance(value, list):
        return len(value) > limit or any(has_longer_list(item, limit) for item in value)
    if isinstance(value, dict):
        return len(value) > limit or any(has_longer_list(item, limit) for item in value.values())
    return False


def applies(when: str | None, context: Context) -> bool:
    """Whether a condition is met; one that has no value for this exchange is not."""
    if when is None:
        return True
    try:
        return compile_expression(when).holds(context)
    except CelError:
        return False


def _value(text: str, context: Context) -> object:
    return compile_expression(text).value(context)


def _each(text: str | None, context: Context) -> Iterator[Context]:
    """The context itself, or one context per element of a list."""
    if text is None:
        yield context
        return
    try:
        items = _value(text, context)
    except CelError:
        return
    if isinstance(items, list):
        for item in items:
            yield context.with_item(item)


def _holds(claim: Claim, form: Holds, facts: Facts, context: Context) -> Iterator[ClaimOutcome]:
    try:
        if compile_expression(form.expression).holds(context):
            yield ClaimOutcome(claim)
            return
        reason = ""
    except CelError as error:
        if facts.unreadable:  # what can be said without the body needs no value of it
            return
        reason = f" ({error})"
    found = evidence(form.expression, context) or _summary(facts)
    yield ClaimOutcome(claim, _broken(claim, facts, "claim", form.expression, f"{found}{reason}"))


def _outcome(claim: Claim, facts: Facts, kind: str, comparison: Comparison) -> ClaimOutcome:
    if comparison.kept:
        return ClaimOutcome(claim)
    expected, found = differing(comparison.expected, comparison.found, value_expression(claim, facts.operation.id))
    return ClaimOutcome(claim, _broken(claim, facts, kind, expected, found))


def _broken(claim: Claim, facts: Facts, kind: str, expected: str, found: str) -> Violation:
    return Violation(
        api=claim.api,
        claim=claim.id,
        level=claim.level,
        operation=facts.operation.id,
        kind=kind,
        message=f"Not so: {claim.text}",
        expected=shorten(expected, 500),
        found=shorten(found, 500),
        exchange=facts.exchange,
    )


def _summary(facts: Facts) -> str:
    body = (
        "no JSON"
        if facts.response_json is MISSING
        else shorten(facts.exchange.response.body[:_SHOWN_BYTES].decode("utf-8", "replace"), 300)
    )
    return f"status {facts.exchange.response.status}, {body}"

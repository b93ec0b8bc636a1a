"""Faults from claims: the fields that a claim reads are changed until it is false.

Which change that takes is found out on the answer itself. It is applied to every answer that the claim speaks about;
where a claim compares answers with each other, to every second one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from specwatch.claims.cel import CelError, Context, canonical, compile_expression, same
from specwatch.claims.judge import applies
from specwatch.sandbox.derivation.candidates import Reads
from specwatch.sandbox.derivation.exchange import Seen, roles_of
from specwatch.sandbox.derivation.maker import Derived, Maker
from specwatch.sandbox.derivation.search import Search
from specwatch.sandbox.faults import Fault, FaultKind, Underivable
from specwatch.sandbox.interface import Answer, Call, Edit
from specwatch.spec import Api
from specwatch.values.claim import Claim, Holds, Observe, Rule, Scenario, Series, Side

Pairs = list[tuple[str, object]]
"""Keys, as canonical texts, with the values that a claim compares."""

_MakeEdit = Callable[[Search], Edit]

NOTHING_READ: Final = "it reads nothing of the answer that could be changed"
ASKED: Final = "this side tells what was asked, which no answer can change"


def behaviour(maker: Maker) -> Derived:
    """A fault for each claim about an operation, of those that the expression itself can show to be broken."""
    for claim in maker.api.claims:
        if maker.operation.id not in claim.operations:
            continue
        what = f"claim/{claim.id}"
        match claim.form:
            case Holds(expression):
                yield _made(maker, claim, what, Reads.of(expression), lambda search: _Single(search).apply)
            case Series() as form:
                reads = Reads.of(form.value, form.each)
                replayed = form.rule is Rule.UNIQUE and not reads.parts
                reads = Reads.of("response.json") if replayed else reads
                yield _made(maker, claim, what, reads, lambda search, form=form: _Repeated(search, form).apply)  # type: ignore[misc]
            case Observe(observations):
                yield from _sides(maker, claim, observations)
            case _:
                continue


def _sides(maker: Maker, claim: Claim, observations: Iterable[Side]) -> Derived:
    numbers = count(1)
    for side in observations:
        if side.operation == maker.operation.id:
            number = next(numbers)
            what = f"claim/{claim.id}" if number == 1 else f"claim/{claim.id}-{number}"
            reads = Reads.of(side.value, side.each)
            if not Reads.of(side.value).parts and side.each is None:
                yield maker.cannot(what, ASKED)
            else:
                yield _made(maker, claim, what, reads, lambda search, side=side: _Disagreeing(search, side).apply)  # type: ignore[misc]


def scenarios(api: Api) -> Iterator[Underivable]:
    """The claims that only a contract test can show: no answer by itself breaks them."""
    reason = "only a contract test can bring it about; the sandbox's module has faults for it"
    for claim in api.claims:
        if isinstance(claim.form, Scenario):
            yield Underivable(api.id, f"claim/{claim.id}", reason)


def _made(maker: Maker, claim: Claim, what: str, reads: Reads, edit: _MakeEdit) -> Fault | Underivable:
    if not reads.parts:
        return maker.cannot(what, NOTHING_READ)
    api, operation = maker.api, maker.operation
    name = f"{api.id}/{operation.id}/{what}"
    text = f"What the claim reads is changed until it is false: {claim.text}"
    apply = edit(Search(api, operation, name, claim, reads))
    return Fault(name, api.id, operation.id, FaultKind.DERIVED, claim.level, claim.id, text, apply, claim.concern)


@dataclass(frozen=True)
class _Single:
    """Breaks a claim about one answer."""

    search: Search

    def apply(self, call: Call, answer: Answer) -> Answer:
        search = self.search
        if search.is_too_large(call, answer) or not self._says(search.seen(call, answer), holds=True):
            return answer
        return search.find(call, answer, lambda seen: self._says(seen, holds=False)) or answer

    def _says(self, seen: Seen, *, holds: bool) -> bool:
        """Whether the claim applies, and is kept or broken; one that has no value is broken."""
        claim = self.search.claim
        if not isinstance(claim.form, Holds) or not applies(claim.when, seen.context):
            return False
        try:
            return compile_expression(claim.form.expression).holds(seen.context) is holds
        except CelError:
            return not holds


@dataclass(frozen=True)
class _Repeated:
    """Breaks a claim about the answers that share a key, with every second one of them."""

    search: Search
    form: Series

    def apply(self, call: Call, answer: Answer) -> Answer:
        if self.search.is_too_large(call, answer):
            return answer
        memory = self.search.memory(call)
        earlier: dict[str, list[object]] = memory.setdefault("earlier", {})
        honest = self._pairs(self.search.seen(call, answer))
        shown = answer
        if any(len(earlier.get(key, ())) % 2 for key, _ in honest):
            more = [*self.form.order, *(value for key, _ in honest for value in earlier.get(key, ()))]
            found = self.search.find(call, answer, lambda seen: self._is_broken(seen, earlier), more)
            shown = found or answer
        elif not honest and self.form.rule is Rule.UNIQUE:
            shown = self._replayed(call, answer, earlier)
        for key, value in self._pairs(self.search.seen(call, shown)):
            earlier.setdefault(key, []).append(value)
            memory.setdefault("answers", {}).setdefault(_asked(call), shown)
        return shown

    def _replayed(self, call: Call, answer: Answer, earlier: dict[str, list[object]]) -> Answer:
        """The answer that the same request got before, where giving it again breaks the claim."""
        before: Answer | None = self.search.memory(call).get("answers", {}).get(_asked(call))
        return before if before and self._is_broken(self.search.seen(call, before), earlier) else answer

    def _pairs(self, seen: Seen) -> Pairs:
        return _pairs(self.form.key, self.form.value, self.form.each, [self.search.claim.when], seen)

    def _is_broken(self, seen: Seen, earlier: dict[str, list[object]]) -> bool:
        pairs = self._pairs(seen)
        return any(earlier.get(key) and _breaks(self.form, earlier[key], value) for key, value in pairs)


def _breaks(form: Series, earlier: list[object], now: object) -> bool:
    """Whether a value breaks the rule of a series, after others."""
    before = earlier[-1]
    match form.rule:
        case Rule.CONSTANT:
            return not same(before, now)
        case Rule.UNIQUE:
            return any(same(value, now) for value in earlier)
        case Rule.ORDER:
            return _rank(form, now) < _rank(form, before)
        case Rule.NOT_BEFORE:
            return isinstance(before, int | float) and isinstance(now, int | float) and now < before


def _rank(form: Series, value: object) -> int:
    return form.order.index(value) if value in form.order else -1


@dataclass(frozen=True)
class _Disagreeing:
    """Breaks a claim that operations agree, on one side of it."""

    search: Search
    side: Side

    def apply(self, call: Call, answer: Answer) -> Answer:
        search = self.search
        honest = {} if search.is_too_large(call, answer) else dict(self._pairs(search.seen(call, answer)))
        if not honest:
            return answer

        def disagrees(seen: Seen) -> bool:
            return any(key in honest and not same(honest[key], value) for key, value in self._pairs(seen))

        return search.find(call, answer, disagrees) or answer

    def _pairs(self, seen: Seen) -> Pairs:
        side = self.side
        return _pairs(side.key, side.value, side.each, [self.search.claim.when, side.when], seen)


def _pairs(key: str, value: str, each: str | None, conditions: Iterable[str | None], seen: Seen) -> Pairs:
    """What a claim on several answers sees of one; nothing where it does not apply or has no value."""
    context = seen.context
    if not all(applies(condition, context) for condition in conditions):
        return []
    who = canonical(roles_of(seen.api, seen.operation, seen.call.headers))
    try:
        return [
            (f"{canonical(compile_expression(key).value(one))} {who}", compile_expression(value).value(one))
            for one in _each(each, context)
        ]
    except CelError:
        return []


def _each(each: str | None, context: Context) -> Iterator[Context]:
    if each is None:
        yield context
        return
    items = compile_expression(each).value(context)
    for item in items if isinstance(items, list) else ():
        yield context.with_item(item)


def _asked(call: Call) -> str:
    """What makes two requests the same question by the same caller."""
    return canonical([dict(call.path), dict(call.query), call.body.decode("latin-1"), call.account])

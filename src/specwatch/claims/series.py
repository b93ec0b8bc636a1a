"""Memory for claims about several exchanges: bounded, and blind to exchanges that overlapped in time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Generic, TypeVar

from specwatch.claims.cel import canonical, json_text, same
from specwatch.values.claim import Rule, Series
from specwatch.values.exchange import Exchange

MAX_KEYS: Final = 10_000
"""How many keys one claim remembers; the one unused for longest is forgotten first."""

State = TypeVar("State")


class Memory(Generic[State]):
    """The last `MAX_KEYS` states by key."""

    def __init__(self, limit: int = MAX_KEYS) -> None:
        self._limit = limit
        self._states: OrderedDict[str, State] = OrderedDict()

    def get(self, key: str) -> State | None:
        """The state of a key, which now counts as used last."""
        if key in self._states:
            self._states.move_to_end(key)
        return self._states.get(key)

    def put(self, key: str, state: State) -> None:
        """Remember a state."""
        self._states[key] = state
        self._states.move_to_end(key)
        if len(self._states) > self._limit:
            self._states.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A value, and when the exchange that showed it had ended."""

    value: object
    ended_at: float
    exchange: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing a value with an earlier one gave.

    Args:
        kept: whether the claim is kept.
        expected: what the earlier value allows, for the report.
        found: the value that came.
    """

    kept: bool
    expected: str = ""
    found: str = ""


KEPT: Final = Comparison(kept=True)


def _place(key: object, exchange: Exchange) -> str:
    """What the exchanges that are compared have in common: the key, the target, and as whom they were sent."""
    return f"{canonical(key)} {exchange.target} {_who(tuple(exchange.credentials.items()))}"


@lru_cache(maxsize=256)
def _who(credentials: tuple[tuple[str, str], ...]) -> str:
    return json_text(dict(credentials))


@dataclass
class SeriesMemory:
    """Judges the observations of one series claim."""

    series: Series
    memory: Memory[Seen] = field(default_factory=Memory)

    def observe(self, key: object, value: object, exchange: Exchange) -> Comparison | None:
        """Compare with what was seen before; None for a first sighting or an overlap."""
        place = _place(key, exchange)
        if self.series.rule is Rule.ORDER and value not in self.series.order and not self.series.others_first:
            return Comparison(kept=False, expected=f"one of {canonical(self.series.order)}", found=canonical(value))
        if self.series.rule is Rule.UNIQUE:
            place = f"{place} {canonical(value)}"
        before = self.memory.get(place)
        if before is not None and exchange.timings.started_at < before.ended_at and self.series.rule is not Rule.UNIQUE:
            return None
        self.memory.put(place, Seen(value, exchange.timings.ended_at, exchange.id))
        if before is None:
            return KEPT if self.series.rule is Rule.UNIQUE and self._second(exchange) else None
        return _RULES[self.series.rule](self.series, before.value, value)

    def _second(self, exchange: Exchange) -> bool:
        """Whether another exchange was observed before this one, so that a new value says something."""
        first = self.memory.get("first")
        if first is None:
            self.memory.put("first", Seen(None, 0.0, exchange.id))
            return False
        return first.exchange != exchange.id


def _order(series: Series, before: object, now: object) -> Comparison:
    if _rank(series, now) >= _rank(series, before):
        return KEPT
    later = f" or later in {canonical(series.order)}" if before != series.order[-1] else ""
    return Comparison(kept=False, expected=f"{canonical(before)}{later}", found=canonical(now))


def _rank(series: Series, value: object) -> int:
    """The place of a value in the order; one that it does not list comes before the first."""
    return series.order.index(value) if value in series.order else -1


def _constant(_series: Series, before: object, now: object) -> Comparison:
    if same(before, now):
        return KEPT
    return Comparison(kept=False, expected=canonical(before), found=canonical(now))


def _unique(_series: Series, before: object, now: object) -> Comparison:
    return Comparison(
        kept=False, expected=f"anything but {canonical(before)}, which was seen before", found=canonical(now)
    )


def _not_before(_series: Series, before: object, now: object) -> Comparison:
    try:
        kept = bool(before <= now)  # type: ignore[operator]
    except TypeError:
        kept = False
    if kept:
        return KEPT
    return Comparison(kept=False, expected=f"{canonical(before)} or later", found=canonical(now))


_RULES: Final[dict[Rule, Callable[[Series, object, object], Comparison]]] = {
    Rule.ORDER: _order,
    Rule.CONSTANT: _constant,
    Rule.UNIQUE: _unique,
    Rule.NOT_BEFORE: _not_before,
}


@dataclass
class AgreementMemory:
    """Judges the observations of one `observe` claim: all sides of a key must show the same value."""

    memory: Memory[tuple[int, Seen]] = field(default_factory=Memory)

    def observe(self, side: int, key: object, value: object, exchange: Exchange) -> Comparison | None:
        """Compare one side's value with what was seen first; None while only one side was seen, and for an overlap."""
        place = _place(key, exchange)
        before = self.memory.get(place)
        if before is None:
            self.memory.put(place, (side, Seen(value, exchange.timings.ended_at, exchange.id)))
            return None
        first_side, first = before
        if exchange.id != first.exchange and exchange.timings.started_at < first.ended_at:
            return None
        if not same(first.value, value):
            return Comparison(kept=False, expected=canonical(first.value), found=canonical(value))
        return KEPT if first_side != side else None

"""Questions about many claims as one expression, and what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from specwatch.claims.cel import Batch
from specwatch.claims.paths import Read, reader
from specwatch.values.claim import Claim, Holds, Observe, Series

ABSENT: Final = "0"
KEPT: Final = "1"
BROKEN: Final = "2"
"""Answers about a claim with one condition: it does not apply, it is kept, it is broken."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim that may apply.

    Args:
        claim: the claim.
        sides: of a claim about agreement, the observations that may apply.
    """

    claim: Claim
    sides: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked about a claim on several exchanges, or about one side of it.

    Args:
        when: the condition; `true` where there is none.
        key: what exchanges have in common.
        value: what is compared.
        each: the list whose elements have keys and values, or None for the exchange itself.
    """

    when: str
    key: str
    value: str
    each: str | None


class Questions:
    """The questions about some entries, as one batch.

    Args:
        entries: the claims; each of their expressions compiles by itself.

    Raises:
        CelError: together they do not compile.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._asks = [asks_of(entry) for entry in entries]
        groups: dict[tuple[str, str | None], list[Ask]] = {}  # what is the same for several claims is found out once
        for ask in dict.fromkeys(ask for asks in self._asks for ask in asks):
            groups.setdefault((ask.value, ask.each), []).append(ask)
        self._read: dict[Ask, tuple[Read, Read]] = {}
        self._groups = [group for group in groups.values() if not self._reads(group)]
        flags = [_condition(entry) for entry in entries if isinstance(entry.claim.form, Holds)]
        flags += [f'({ask.when} ? "1" : "0")' for group in [self._read, *self._groups] for ask in group]
        self._batch = Batch([f"[{', '.join(flags)}].join()", *map(_rows, self._groups)])

    def _reads(self, group: Sequence[Ask]) -> bool:
        """Whether keys and value of a group are read without CEL."""
        readers = [(reader(ask.key), reader(ask.value)) for ask in group]
        found = [(key, value) for key, value in readers if key is not None and value is not None]
        if group[0].each is not None or len(found) < len(group):
            return False
        self._read.update(zip(group, found, strict=True))
        return True

    def answers(self, data: Mapping[str, object]) -> list[Any] | None:
        """One answer for each entry, or None where one of them has an error."""
        values = self._batch.values(data)
        if values is None:
            return None
        flags = iter(values[0])
        conditions = [next(flags) for asks in self._asks if not asks]
        try:
            pairs = {
                ask: [(key(data), value(data))] if next(flags) == "1" else []
                for ask, (key, value) in self._read.items()
            }
        except (LookupError, TypeError):
            return None
        pairs |= {
            ask: [(row[place], row[-1]) for chunk in rows for row in chunk] if next(flags) == "1" else []
            for group, rows in zip(self._groups, values[1:], strict=True)
            for place, ask in enumerate(group)
        }
        holds = iter(conditions)
        return [[pairs[ask] for ask in asks] if asks else next(holds) for asks in self._asks]


def asks_of(entry: Entry) -> tuple[Ask, ...]:
    """What is asked about a claim on several exchanges, side by side; nothing for a condition."""
    claim, form = entry.claim, entry.claim.form
    match form:
        case Series(key=key, value=value, each=each):
            return (Ask(_all_of(claim.when), key, value, each),)
        case Observe(observations):
            sides = (observations[number] for number in entry.sides)
            return tuple(Ask(_all_of(claim.when, side.when), side.key, side.value, side.each) for side in sides)
        case _:
            return ()


# In what follows a line of its own ends each expression, for it may end in a comment.


def _all_of(*conditions: str | None) -> str:
    given = [f"({condition}\n)" for condition in conditions if condition is not None]
    return f"({' && '.join(given) or 'true'})"


def _value(text: str) -> str:
    return f"dyn({text}\n)"


def _condition(entry: Entry) -> str:
    form = entry.claim.form
    expression = form.expression if isinstance(form, Holds) else "true"
    return f'({_all_of(entry.claim.when)} ? ({_value(expression)} == true ? "{KEPT}" : "{BROKEN}") : "{ABSENT}")'


def _rows(group: Sequence[Ask]) -> str:
    """The keys and the value of each element that any of the group asks for, as a list of lists of lists."""
    first = group[0]
    row = f"[{', '.join(map(_value, [*(ask.key for ask in group), first.value]))}]"
    rows = f"[[{row}]]"
    if first.each is not None:  # none where it is no list
        rows = f"[{_value(first.each)}].map(all_of_them, type(all_of_them) == list, all_of_them.map(item, {row}))"
    return f"({' || '.join(ask.when for ask in group)} ? {rows} : [])"

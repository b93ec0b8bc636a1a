"""All claims that may apply to the answers of one operation with one status, asked in one go.

Evaluating an expression costs some 2 µs whatever it says, and there are dozens. So they are put together into one
expression. That is only ever a short cut: what has an error in it is taken apart until the claim with the error is
found, and that one is judged by itself, as if there were no short cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from specwatch.claims.cel import CelError, compile_expression
from specwatch.claims.questions import Entry, Questions, asks_of
from specwatch.claims.reads import expressions, reads
from specwatch.claims.statuses import rules_out
from specwatch.values.claim import Claim, Observe

WARM: Final = 32
"""After how many exchanges putting the expressions together pays: compiling takes as long as judging some dozens."""

SINGLY: Final = object()
"""The answer about a claim that has to be judged by itself."""

_NO_JSON: Final = re.compile(
    r"""timestamp|duration|bytes|uint|\b\d+[uU]|\b[rR]?[bB][rR]?["']|type\b(?!\([^()]*\)\s*[!=]=)"""
)
"""What an expression can make that JSON cannot hold, and that therefore is not the same after it was in Python."""


def entries(claims: Sequence[Claim], operation: str, status: int) -> tuple[Entry, ...]:
    """Those of an operation's claims that may apply to an answer with the status."""
    return tuple(entry for claim in claims if (entry := _entry(claim, operation, status)) is not None)


def _entry(claim: Claim, operation: str, status: int) -> Entry | None:
    if rules_out(claim.when, status):
        return None
    if not isinstance(claim.form, Observe):
        return Entry(claim)
    sides = tuple(
        number
        for number, side in enumerate(claim.form.observations)
        if side.operation == operation and not rules_out(side.when, status)
    )
    return Entry(claim, sides) if sides else None


class Plan:
    """The claims that may apply, and what to ask about them.

    Args:
        entries: the claims.
        warm: after how many exchanges questions are asked.
    """

    def __init__(self, entries: tuple[Entry, ...], warm: int = WARM) -> None:
        self.entries = entries
        self._warm = warm
        self._seen = 0
        self._questions: dict[tuple[int, int], Questions | None] = {}

    @property
    def ready(self) -> bool:
        """Whether the plan is used often enough for questions to be asked; counts the uses."""
        self._seen += self._seen <= self._warm
        return self._seen > self._warm

    def answers(self, variables: Callable[[frozenset[str]], Mapping[str, object]]) -> list[Any]:
        """One answer for each entry.

        `ABSENT`, `KEPT` or `BROKEN` for a condition; for a claim on several exchanges a list of pairs of key and value
        for each side that it has (a series has one); and `SINGLY` where the claim has to be judged by itself.

        Args:
            variables: makes the variables of the exchange, of which only the fields that it is given are needed.
        """
        return self._ask(variables(self._fields), 0, len(self.entries)) if self.entries else []

    def _ask(self, data: Mapping[str, object], first: int, end: int) -> list[Any]:
        if (first, end) not in self._questions:  # no more than twice as many as there are entries
            self._questions[first, end] = self._prepare(first, end)
        questions = self._questions[first, end]
        answers = questions.answers(data) if questions is not None else None
        if answers is not None:
            return answers
        if end - first == 1:
            return [SINGLY]
        middle = (first + end) // 2
        return self._ask(data, first, middle) + self._ask(data, middle, end)

    def _prepare(self, first: int, end: int) -> Questions | None:
        entries = self.entries[first:end]
        if not all(map(_can_be_asked, entries)):
            return None
        try:
            return Questions(entries)
        except CelError:
            return None

    @cached_property
    def _fields(self) -> frozenset[str]:
        """The fields of request and response that are read."""
        return frozenset().union(*(reads(entry.claim) for entry in self.entries))


def _can_be_asked(entry: Entry) -> bool:
    """Whether a claim can be asked about together with others."""
    return all(map(_compiles, expressions(entry.claim))) and all(_passes(ask.each) for ask in asks_of(entry))


def _passes(each: str | None) -> bool:
    return each is None or _NO_JSON.search(each) is None


def _compiles(text: str) -> bool:
    try:
        compile_expression(text)
    except CelError:
        return False
    return True

"""For which statuses a condition can be met, told from its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from specwatch.claims.pieces import split

_PLAIN: Final = re.compile(r"response\.status\s*(==|!=|<=|>=|<|>)\s*(\d{1,9})")
_LISTED: Final = re.compile(r"response\.status\s+in\s*\[([\d\s,]*)\]")
_UNCERTAIN: Final = re.compile(r"//|\\[\"']")
"""What is not taken apart: it may be a comment, or a quote that ends a text only in some kinds of texts."""

_COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "==": int.__eq__,
    "!=": int.__ne__,
    "<=": int.__le__,
    ">=": int.__ge__,
    "<": int.__lt__,
    ">": int.__gt__,
}


def rules_out(when: str | None, status: int) -> bool:
    """Whether a condition cannot be met by an answer with the status: one of the parts that must all hold is false.

    In CEL, `&&` is never true when either side is false, not even when the other side is an error.
    """
    return when is not None and any(not fits(status) for fits in _demands(when))


@lru_cache(maxsize=1024)
def _demands(when: str) -> tuple[Callable[[int], bool], ...]:
    """What the condition asks of the status by itself."""
    if _UNCERTAIN.search(when):
        return ()
    return tuple(demand for part in split(when, ["&&"]) if (demand := _demand(part)) is not None)


def _demand(part: str) -> Callable[[int], bool] | None:
    if plain := _PLAIN.fullmatch(part):
        compare, number = _COMPARE[plain[1]], int(plain[2])
        return lambda status: compare(status, number)
    if listed := _LISTED.fullmatch(part):
        numbers = frozenset(int(number) for number in re.findall(r"\d+", listed[1]))
        return lambda status: status in numbers
    return None

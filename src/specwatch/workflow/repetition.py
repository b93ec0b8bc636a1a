"""How large a regular expression becomes when it is compiled, found without compiling it."""

from __future__ import annotations

import math
import re
from typing import Final

from specwatch.workflow.names import Mistake

MAX_LENGTH: Final = 1_000
MAX_REPETITIONS: Final = 10_000
"""How often counted repetitions, multiplied where they are nested, may repeat a part of a pattern."""

_PIECE: Final = re.compile(
    r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|(?P<open>\((?:\?(?:[:=!>|]|<[=!]|P?<\w+>))?)|(?P<close>\))|(?P<count>\{[\s\d]*(?:,[\s\d]*)?\})|.",
    re.DOTALL,
)
_UNUSUAL: Final = re.compile(r"\(\?(?:#|[A-Za-z0-9]*(?:x|V1))")
"""Comments, and flags that change what brackets and comments are, so that nesting cannot be told from the text."""


def check_pattern(text: str) -> None:
    """Pass where a pattern can be compiled in little memory.

    Raises:
        Mistake: it is too long, or repeats too much.
    """
    if len(text) > MAX_LENGTH:
        raise Mistake(f"a regular expression of {len(text):,} characters", f"{MAX_LENGTH:,} at most")
    if repetitions(text) > MAX_REPETITIONS:
        expected = f"counted repetitions that multiply to {MAX_REPETITIONS:,} at most"
        raise Mistake(f"{text!r} repeats too much", expected, "smaller counts, or * and +")


def repetitions(text: str) -> int:
    """How many parts a pattern comes to when its counted repetitions are written out, at least where that is many.

    Where the nesting cannot be told, all counts are taken for nested in each other.
    """
    stack = [[0]]  # for each open group, the sizes of its parts
    pieces = list(_PIECE.finditer(text))
    for piece in pieces:
        if piece["open"]:
            stack.append([0])
        elif piece["close"]:
            if len(stack) == 1:
                return _flat(pieces)
            inside = max(sum(stack.pop()), 1)
            stack[-1].append(inside)
        elif piece["count"]:
            stack[-1][-1] = max(stack[-1][-1], 1) * _most(piece["count"])
        else:
            stack[-1].append(1)
    if len(stack) > 1 or _UNUSUAL.search(text):
        return max(_flat(pieces), len(pieces))
    return sum(stack[0])


def _most(count: str) -> int:
    """The larger number of `{1}`, `{1,}`, `{,2}` or `{1,2}`; a number that is absurdly long counts as very large."""
    numbers = re.findall(r"\d+", re.sub(r"\s", "", count))
    return max([1, *(int(number[-9:]) if number.strip("0") == number[-9:].strip("0") else 10**9 for number in numbers)])


def _flat(pieces: list[re.Match[str]]) -> int:
    return math.prod(_most(piece["count"]) for piece in pieces if piece["count"])

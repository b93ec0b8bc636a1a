"""Which fields of an exchange expressions read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from specwatch.claims.pieces import PIECE
from specwatch.values.claim import Claim, Holds, Observe, Series

SEEN: Final[Mapping[str, frozenset[str]]] = {
    "request": frozenset({"method", "path", "query", "headers", "json", "bytes", "valid", "credentials"}),
    "response": frozenset({"status", "headers", "json", "embedded", "bytes", "seconds"}),
}
"""The fields of the two variables that every expression has."""

_UNCERTAIN: Final = re.compile(r"\\[\"']|//")
"""What is not taken apart: a quote that ends a text only in some kinds of texts, and what may be a comment."""

_NAMED: Final = re.compile(r"""(?<![\w."'])(request|response)\b(?:\s*\.\s*(\w+))?""")
_KEY: Final = re.compile(r"""(["'])(\w+)\1""")


def reads(claim: Claim) -> frozenset[str]:
    """The fields that a claim reads of an exchange: `response.status`, `request.credentials`."""
    return frozenset().union(*map(fields_read, expressions(claim)))


@lru_cache(maxsize=1024)
def fields_read(text: str) -> frozenset[str]:
    """The fields that an expression reads; all fields of a variable that it takes as a whole."""
    found: set[str] = set()
    for variable, name in named(text):
        found |= {f"{variable}.{field}" for field in ([name] if name else SEEN[variable])}
    return frozenset(found)


def named(text: str) -> Iterator[tuple[str, str]]:
    """Each variable that an expression names and the field of it; an empty text where it takes another way to it."""
    if _UNCERTAIN.search(text):  # rather too many than too few
        yield from _NAMED.findall(text)
        return
    pieces = [piece for piece in PIECE.findall(text) if not piece.isspace()]
    for at, piece in enumerate(pieces):
        if piece in SEEN and (at == 0 or pieces[at - 1] != "."):
            yield piece, _field(pieces[at + 1 : at + 4])


def _field(following: Sequence[str]) -> str:
    """The name in `.name` or `["name"]`."""
    match following:
        case [".", name, *_]:
            return name
        case ["[", literal, "]"] if key := _KEY.fullmatch(literal):
            return key[2]
        case _:
            return ""


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

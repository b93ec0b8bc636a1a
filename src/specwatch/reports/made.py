"""What a run itself made on its target, such as a batch: a sandbox that is started anew has none of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from specwatch.values.exchange import Exchange

SHORTEST: Final = 8
"""Shorter texts in a body are words or figures, not identifiers that a service gave out."""

MAX_BYTES: Final = 50_000
"""Of a longer body nothing is looked at."""

MAX_VALUES: Final = 500

_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})


def maker(exchange: Exchange, exchanges: Sequence[Exchange]) -> Exchange | None:
    """The earlier call that made what a request names: its answer is the first that shows a value nobody had sent.

    Args:
        exchange: the request.
        exchanges: all of the run.

    Returns:
        None where there is none, or where a read showed the value first, so that it was there before.
    """
    wanted = set(named(exchange))
    for earlier in before(exchange, exchanges):
        wanted = {value for value in wanted if not names(earlier, value)}
        if not wanted:
            return None
        shown = {value for value in wanted if _holds(earlier.response.body, value)}
        if shown and earlier.request.method in _WRITES and earlier.response.status < 400:
            return earlier
        wanted -= shown
    return None


def before(exchange: Exchange, exchanges: Sequence[Exchange]) -> list[Exchange]:
    """What was sent to the same API before a request, in order."""
    until = exchange.timings.started_at
    earlier = [
        each
        for each in exchanges
        if each.api == exchange.api and each.timings.started_at < until and each.id != exchange.id
    ]
    return sorted(earlier, key=lambda each: each.timings.started_at)


def named(exchange: Exchange) -> Iterator[str]:
    """What a request names: the values of its path and its query, and what looks like an identifier in its body."""
    yield from filter(None, (*exchange.path_parameters.values(), *exchange.query.values()))
    for text in _strings(exchange.request.body):
        if len(text) >= SHORTEST and " " not in text and any(map(str.isdigit, text)):
            yield text


def names(exchange: Exchange, value: str) -> bool:
    """Whether a request names a value."""
    values = (*exchange.path_parameters.values(), *exchange.query.values())
    return value in values or (len(value) >= SHORTEST and _holds(exchange.request.body, value))


def _holds(body: bytes, value: str) -> bool:
    """Whether a body holds a value as a string of its own."""
    return len(body) <= MAX_BYTES and f'"{value}"'.encode("utf-8", "surrogatepass") in body


def _strings(body: bytes) -> list[str]:
    """The strings in a JSON body, up to a bound."""
    found: list[str] = []
    try:
        waiting: list[Any] = [json.loads(body)] if 0 < len(body) <= MAX_BYTES else []
    except (ValueError, RecursionError):
        return found
    while waiting and len(found) < MAX_VALUES:
        node = waiting.pop()
        if isinstance(node, str):
            found.append(node)
        elif isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return found

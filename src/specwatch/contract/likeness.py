"""Whether a replay asked what was asked the first time: only then does a claim that was kept say anything."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from specwatch.contract.retries import stands_alone
from specwatch.values.exchange import Exchange, header
from specwatch.values.violation import Violation

_WORD: Final = re.compile(r"[0-9A-Za-z]+")


def asked_again(violation: Violation, exchanges: Iterable[Exchange]) -> bool:
    """Whether any of the exchanges was asked for by a request like that which showed the violation.

    Alike are requests to one operation by the same roles. Where one exchange shows it, they have the same shape too:
    parameters that look alike, and a body of the same members and types.

    Args:
        violation: whose exchange is looked for; without one, nothing has to be like it.
        exchanges: what was sent.
    """
    wanted = violation.exchange
    if wanted is None:
        return True
    alone = stands_alone(violation)
    return any(
        each.operation == wanted.operation
        and dict(each.credentials) == dict(wanted.credentials)
        and (not alone or _shape(each) == _shape(wanted))
        for each in exchanges
    )


def as_whom(exchange: Exchange) -> str:
    """Operation and roles, as a message names them."""
    roles = ", ".join(f"{scheme} {role}" for scheme, role in sorted(exchange.credentials.items()))
    return f"{exchange.operation} with {roles}" if roles else exchange.operation


def _shape(exchange: Exchange) -> Hashable:
    request = exchange.request
    media = (header(request.headers, "content-type") or "").partition(";")[0].strip().lower()
    return _looks(exchange.path_parameters), _looks(exchange.query), media, _body(request.body)


def _looks(values: Mapping[str, str]) -> Hashable:
    """How values look: ids that a service gives out differ in letters and digits, not in what stands between them."""
    return frozenset((name, _WORD.sub("w", value)) for name, value in values.items())


def _body(body: bytes) -> Hashable:
    try:
        return _skeleton(json.loads(body))
    except (ValueError, RecursionError):
        return bool(body)


def _skeleton(node: Any) -> Hashable:
    if isinstance(node, dict):
        return frozenset((name, _skeleton(child)) for name, child in node.items())
    if isinstance(node, list):
        return "list", frozenset(map(_skeleton, node))
    return type(node).__name__, node in ("", None)

"""The request of an exchange that a report holds, made anew. A report may be edited, so nothing in it is believed.

What is sent is read from the URL, the headers and the body alone, and from the spec. On a target that is no sandbox of
our own nothing goes out that the operation does not declare, or that may arrive at another operation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from specwatch.conformance.facts import is_json, media_is_declared, request_is_valid
from specwatch.errors import CannotTell
from specwatch.spec.load import essence
from specwatch.spec.model import Api, Operation
from specwatch.transport.draft import Draft
from specwatch.values.exchange import Exchange, Headers, header
from specwatch.values.roles import ABSENT, ALTERED, BAD_ROLES, EMPTY, TRUNCATED
from specwatch.values.secrets import MASK
from specwatch.values.violation import Violation

_SET_ANEW: Final = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "user-agent", "accept-encoding"}
)
"""Headers that belong to one connection, one body or one client, and are set for each request."""

_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers that let somebody in whatever a spec says; those of the spec's own schemes come on top."""

_PLAIN: Final = frozenset({"accept", "content-type"})
"""Headers that every run sends without a declaration."""

_HARMLESS: Final = frozenset({ABSENT, EMPTY, ALTERED, TRUNCATED})
"""Roles whose request does not hold our credential."""

_PATH: Final = re.compile(r"/[!\"$-\[\]-~]*", re.ASCII)
"""A path and query as a run writes it: printable ASCII without blanks, `#` and backslash."""

_STEPS: Final = frozenset({"", ".", ".."})
_LEAVES: Final = re.compile(r"[/\\?#\x00-\x1f\x7f]")
"""What in a value may lead a router, or something before it, to another path."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as it would be sent."""

    operation: Operation
    path: str
    path_parameters: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    headers: Headers
    body: bytes
    roles: Mapping[str, str]


def parameters_of(url: str, operation: Operation) -> tuple[dict[str, str], dict[str, str]]:
    """The path parameters and the query of a path below the base URL, decoded; without any where it is none of them."""
    path, _, query = url.partition("?")
    match = operation.pattern.fullmatch(path)
    values = map(unquote, match.groups()) if match else ()
    return dict(zip(operation.path_names, values, strict=False)), dict(parse_qsl(query, keep_blank_values=True))


def draft_of(violation: Violation, api: Api, *, cut: bool = False, trusted: bool = False) -> Draft:
    """The request of a violation's exchange, before credentials are added.

    Args:
        violation: with an exchange as a report has it.
        api: its API.
        cut: whether the report has only the beginning of the body.
        trusted: whether it goes to a sandbox of our own. Only there the report is believed when it says that the
            request is promised to be refused, and only there may it hold what the operation does not declare.
            Elsewhere only a bad credential or a request that the spec rules out counts: they can be seen.

    Raises:
        CannotTell: the request cannot be sent again as it was.
    """
    exchange = violation.exchange
    if exchange is None:
        raise CannotTell("the report has no exchange of it")
    if cut:
        raise CannotTell("its request cannot be sent again: its body was cut in the report")
    asked = _asked(exchange, api)
    if MASK.encode() in asked.body or any(MASK in text for text in (asked.path, *chain(*asked.headers))):
        raise CannotTell("its request cannot be sent again: it held a secret, which reports leave out")
    if not trusted:
        for strange in (*_undeclared(asked), *_astray(asked, api)):
            raise CannotTell(f"its request is sent to a sandbox only: {strange}")
    return Draft(
        operation=asked.operation,
        path=asked.path,
        headers=asked.headers,
        body=asked.body,
        roles=asked.roles,
        path_parameters=asked.path_parameters,
        query=dict(asked.query),
        refused=exchange.refused and (trusted or _visibly_refused(asked, api)),
    )


def _asked(exchange: Exchange, api: Api) -> _Asked:
    operation = _operation(exchange, api)
    if set(exchange.credentials) != set(operation.security):
        raise CannotTell(f"{operation.id} takes other credentials now than when it was sent")
    path = exchange.request.url.removeprefix(exchange.target)
    plain, _, query = path.partition("?")
    if not _PATH.fullmatch(path) or not operation.pattern.fullmatch(plain):
        raise CannotTell(f"its request cannot be sent again: {plain} is no path of {operation.id}")
    return _Asked(
        operation=operation,
        path=path,
        path_parameters=parameters_of(path, operation)[0],
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers=_own_headers(exchange, api),
        body=exchange.request.body,
        roles=dict(exchange.credentials),
    )


def _own_headers(exchange: Exchange, api: Api) -> Headers:
    """The headers without those that carry credentials and those that are set anew.

    A report may hide part of the name of a credential's header; the transport puts them last.
    """
    headers, dropped = exchange.request.headers, _SET_ANEW | _carriers(api)
    plain = len(headers) - sum(role != ABSENT for role in exchange.credentials.values())
    return tuple(
        (name, value)
        for index, (name, value) in enumerate(headers)
        if name.lower() not in dropped and not (MASK in name and index >= plain)
    )


def _operation(exchange: Exchange, api: Api) -> Operation:
    try:
        operation = api.operation(exchange.operation)
    except KeyError:
        raise CannotTell(f"the spec of {api.id} has no operation {exchange.operation} any more") from None
    if operation.method != exchange.request.method:
        raise CannotTell(f"{exchange.operation} is a {operation.method} now, and was a {exchange.request.method}")
    return operation


def _carriers(api: Api) -> frozenset[str]:
    """The headers that carry a credential, in lower case: the transport alone adds them."""
    return _CREDENTIALS | {scheme.header.lower() for scheme in api.schemes.values()}


def _undeclared(asked: _Asked) -> Iterator[str]:
    """What the operation does not declare, so that nobody knows what it does."""
    operation = asked.operation
    declared = {
        (each.location, each.name.lower() if each.location == "header" else each.name) for each in operation.parameters
    }
    for name, _ in asked.headers:
        if name.lower() not in _PLAIN and ("header", name.lower()) not in declared:
            yield f"{operation.id} declares no header {name}"
    for name, _ in asked.query:
        if ("query", name) not in declared:
            yield f"{operation.id} declares no query parameter {name}"
    if asked.body and operation.body is None:
        yield f"{operation.id} declares no body"


def _astray(asked: _Asked, api: Api) -> Iterator[str]:
    """Why the request may arrive at something else than the operation, where it holds a credential of ours."""
    if asked.roles and all(role in _HARMLESS for role in asked.roles.values()):
        return
    for name, value in asked.path_parameters.items():
        if value in _STEPS or _LEAVES.search(value):
            yield f"with {json.dumps(value)} as {name} its path may lead elsewhere"
    operation, path = asked.operation, unquote(asked.path.partition("?")[0])
    for other in api.operations:
        nearer = len(other.path_names) < len(operation.path_names)
        if other.method == operation.method and nearer and other.pattern.fullmatch(path):
            yield f"{path} is a path of {other.id}"


def _visibly_refused(asked: _Asked, api: Api) -> bool:
    """Whether the spec promises to refuse what is sent, in every way in which a server may read it."""
    if any(role in BAD_ROLES for role in asked.roles.values()):
        return True
    if _repeats(name.lower() for name, _ in asked.headers) or _repeats(name for name, _ in asked.query):
        return False
    operation, headers, body = asked.operation, asked.headers, asked.body
    if not media_is_declared(operation, headers, body):
        return False
    hidden = _carriers(api)
    seen = tuple(p for p in operation.parameters if p.location != "cookie" and p.name.lower() not in hidden)
    valid = request_is_valid(
        replace(operation, parameters=seen),
        path_parameters=asked.path_parameters,
        query=dict(asked.query),
        headers=headers,
        body=body,
    )
    return not valid and not _may_be_read(operation, headers, body)


def _repeats(names: Iterator[str]) -> bool:
    """Whether any comes twice: servers differ in which they take."""
    found = list(names)
    return len(found) != len(set(found))


def _may_be_read(operation: Operation, headers: Headers, body: bytes) -> bool:
    """Whether a body that our strict reading rules out is a good one for a reader who forgives.

    A byte order mark, a name that comes twice or a number that JSON does not have are read by many.
    """
    name = essence(header(headers, "content-type") or "")
    media = operation.body.media.get(name) if operation.body is not None and body else None
    if media is None or media.schema is None or not is_json(name):
        return False
    try:
        plain = json.loads(body)
        readings = [plain, json.loads(body, object_pairs_hook=_first)]
        return any(media.schema.is_valid(each) for each in readings)
    except (ValueError, RecursionError):
        return False


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which the first of several members of a name counts."""
    return dict(reversed(pairs))

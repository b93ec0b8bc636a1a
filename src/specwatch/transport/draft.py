"""What somebody wants to send: the input of the guarded transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from specwatch.errors import CannotTell
from specwatch.spec.model import Operation
from specwatch.values.exchange import ACCOUNT, Headers

EXTENSION = "specwatch.draft"
EXCHANGE = "specwatch.exchange"
"""Keys under which drafts and exchanges travel in the extensions of httpx requests and responses."""

CONTENT_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that speak of a body as it travelled, and are wrong beside one that was decoded."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A request before credentials are added.

    Args:
        operation: the operation of the spec that it belongs to.
        path: percent-encoded path below the base URL, with the query if there is one.
        roles: security scheme to role, for every scheme of the operation.
        refused: whether the documentation promises to refuse the request, so that it changes and costs nothing.
    """

    operation: Operation
    path: str
    headers: Headers = ()
    body: bytes = b""
    roles: Mapping[str, str] = field(default_factory=dict)
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False


def build_path(operation: Operation, path: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The percent-encoded path of a call below the base URL, with its query.

    Raises:
        CannotTell: a parameter of the path is missing.
    """
    result = operation.path
    for name in operation.path_names:
        if name not in path:
            raise CannotTell(f"{operation.id} needs the path parameter {name}")
        encoded = quote(path[name].encode("utf-8", "surrogatepass"), safe="")
        result = result.replace(f"{{{name}}}", encoded.replace(".", "%2E") if set(path[name]) == {"."} else encoded)
    return f"{result}?{urlencode(query)}" if query else result


def default_headers(operation: Operation, headers: Headers, *, has_body: bool) -> Headers:
    """The headers of a call, with those that it needs and nobody named: Accept, and Content-Type for a body."""
    names = {name.lower() for name, _ in headers}
    added: list[tuple[str, str]] = []
    if "accept" not in names:
        added.append(("accept", "application/json"))
    if has_body and "content-type" not in names and operation.body is not None:
        added.append(("content-type", next(iter(operation.body.media), "application/json")))
    return (*added, *headers)


def build_roles(operation: Operation, credentials: str | Mapping[str, str]) -> dict[str, str]:
    """A role for every scheme of an operation: the same for all, or one each, those left out being `account`."""
    if isinstance(credentials, str):
        return dict.fromkeys(operation.security, credentials)
    return {scheme: credentials.get(scheme, ACCOUNT) for scheme in operation.security}


def header_bytes(value: str) -> bytes:
    """A header's value as it travels: latin-1, as http.client has it, and UTF-8 for what that cannot hold."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")

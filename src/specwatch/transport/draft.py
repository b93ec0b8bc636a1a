"""What somebody wants to send: the input of the guarded transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specwatch.spec.model import Operation
from specwatch.values.exchange import Headers

EXTENSION = "specwatch.draft"
EXCHANGE = "specwatch.exchange"
"""Keys under which drafts and exchanges travel in the extensions of httpx requests and responses."""


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

"""What goes in and out of the wire."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from specwatch.transport.wire.proxies import Proxies
from specwatch.values.exchange import Response, Timings
from specwatch.values.failure import Certificate, Failure


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request, ready to be written.

    The wire adds what is missing of `host`, `content-length`, `accept-encoding` and `connection`.

    Args:
        method: in capitals.
        scheme: `http` or `https`.
        host: name in ASCII (IDNA, RFC 5890) or IP literal without brackets.
        port: 1 to 65535.
        target: percent-encoded path and query, as it goes into the request line.
        headers: in the order in which they are sent.
        body: empty for none.
    """

    method: str
    scheme: str
    host: str
    port: int
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        response: with lower-case header names and the decoded body.
        timings: in seconds.
        certificate: what the target showed, where TLS was spoken.
        wire_bytes: received in all, encryption and interim answers included.
    """

    response: Response
    timings: Timings
    certificate: Certificate | None
    wire_bytes: int


class WireError(httpx.TransportError):
    """No usable answer came.

    Args:
        failure: why.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Caps:
    """How much one answer may be, so that no target can use up this machine.

    Args:
        wire_bytes: received in all.
        decoded_bytes: of the body, after each content coding.
        header_count: header lines of one answer.
        header_bytes: of one head, and of the trailers.
        interim: answers with a status of 1xx before the final one.
        encodings: content codings on top of each other.
    """

    wire_bytes: int = 64 * 1024 * 1024
    decoded_bytes: int = 64 * 1024 * 1024
    header_count: int = 256
    header_bytes: int = 64 * 1024
    interim: int = 16
    encodings: int = 2


@dataclass(frozen=True, slots=True)
class Network:
    """How targets are reached.

    Args:
        tls: for https; made by `tls_context`. None makes a default one when it is first needed.
        resolve: addresses to use instead of a look-up, by host and port. They count as configured.
        proxies: who is asked to pass requests on.
        allowed: hosts and ports that may have an address which is not public; see `configured`.
    """

    tls: ssl.SSLContext | None = None
    resolve: Mapping[tuple[str, int], str] = field(default_factory=dict)
    proxies: Proxies = field(default_factory=Proxies)
    allowed: frozenset[tuple[str, int]] = frozenset()

"""Requests and answers in the forms of the wire, of HTTP and of httpx."""

from __future__ import annotations

from typing import Final

import httpx

from specwatch.transport.draft import CONTENT_HEADERS
from specwatch.transport.wire.addresses import DEFAULT_PORTS
from specwatch.transport.wire.model import Answer, Outgoing
from specwatch.transport.wire.proxies import Proxy

ANSWER: Final = "specwatch.answer"
"""Key of the `Answer` in the extensions of an httpx response."""

DEFAULT_SECONDS: Final = 30.0
"""The deadline of an httpx request that has none."""

_OURS: Final = frozenset({b"content-length", b"transfer-encoding"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})

RequestHead = tuple[str, bytes, tuple[tuple[bytes, bytes], ...]]


def request_head(outgoing: Outgoing, proxy: Proxy | None) -> RequestHead:
    """Method, request target and headers as they are sent.

    Args:
        outgoing: the request.
        proxy: that passes it on; an http request names the whole URL then (RFC 9112, section 3.2.2).
    """
    names = {name.lower() for name, _ in outgoing.headers}
    headers: list[tuple[bytes, bytes]] = []
    if b"host" not in names:
        headers.append((b"host", _authority(outgoing)))
    if names & _OURS:
        headers += [pair for pair in outgoing.headers if pair[0].lower() not in _OURS]
    else:
        headers += outgoing.headers
    if b"accept-encoding" not in names:
        headers.append((b"accept-encoding", b"gzip, deflate"))
    if b"connection" not in names:
        headers.append((b"connection", b"close"))
    if outgoing.body or outgoing.method in _WITH_BODY:
        headers.append((b"content-length", b"%d" % len(outgoing.body)))
    target = outgoing.target or b"/"
    if proxy is not None and outgoing.scheme == "http":
        target = b"http://" + _authority(outgoing) + target
        if proxy.authorization:
            headers.append((b"proxy-authorization", proxy.authorization))
    return outgoing.method, target, tuple(headers)


def from_httpx(request: httpx.Request, body: bytes) -> Outgoing:
    """What an httpx client wants to send."""
    url = request.url
    return Outgoing(
        method=request.method,
        scheme=url.scheme,
        host=url.raw_host.decode("ascii"),
        port=url.port or DEFAULT_PORTS.get(url.scheme, 80),
        target=request.extensions.get("target", url.raw_path),
        headers=tuple(request.headers.raw),
        body=body,
    )


def to_httpx(request: httpx.Request, answer: Answer) -> httpx.Response:
    """An answer for an httpx client, without the headers that speak of a body which is decoded now."""
    response = answer.response
    kept = request.method == "HEAD"
    return httpx.Response(
        response.status,
        headers=[
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in response.headers
            if kept or name not in CONTENT_HEADERS
        ],
        content=response.body,
        request=request,
        extensions={
            "http_version": response.http_version.encode("ascii"),
            "reason_phrase": response.reason.encode("latin-1"),
            ANSWER: answer,
        },
    )


def total_seconds(request: httpx.Request) -> float:
    """The largest of the timeouts that httpx keeps for the parts of a request; all of it may take so long."""
    given = request.extensions.get("timeout") or {}
    return max((float(value) for value in given.values() if value is not None), default=DEFAULT_SECONDS)


def _authority(outgoing: Outgoing) -> bytes:
    host = f"[{outgoing.host}]" if ":" in outgoing.host else outgoing.host
    if outgoing.port == DEFAULT_PORTS.get(outgoing.scheme):
        return host.encode("ascii")
    return f"{host}:{outgoing.port}".encode("ascii")

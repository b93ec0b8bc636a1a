"""Who may ask for what: host names, tokens, sizes, and what a web page of somebody else must not be able to do."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from specwatch.web.settings import WebSettings

HEALTHY: Final = "/-/healthy"
LOCALHOST: Final = "localhost"
MAX_BODY: Final = 4096
"""Bytes. Nothing here reads a body."""

MAX_HEAD: Final = 16 * 1024
"""Bytes of a request's target and headers."""

FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""What a proxy adds: the peer is then not who asks."""

SECURITY_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


_TOO_LONG: Final = PlainTextResponse("The request is too long.\n", 431, {"connection": "close"})


def _head_length(scope: Scope) -> int:
    target = len(scope["raw_path"]) + len(scope["query_string"])
    return target + sum(len(name) + len(value) for name, value in scope["headers"])


class Guard:
    """Refuses requests before they reach the application, and adds security headers to every answer.

    Args:
        app: what is guarded.
        settings: names and token.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._names = frozenset(name.lower().rstrip(".") for name in settings.names)
        self._token = settings.token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass the request on."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        too_long = _head_length(scope) > MAX_HEAD
        answer = _TOO_LONG if too_long else self.refusal(scope["path"], Headers(scope=scope)) or self._app
        await answer(scope, receive, send_with_headers)

    def refusal(self, path: str, headers: Headers) -> Response | None:
        """Why a request is not taken; None when it is."""
        host = host_name(headers.get("host", ""))
        if host is None or not self._may_be_called(host):
            message = (
                f"Host is {headers.get('host', '')!r}. This server answers when it is called by an address, by "
                "localhost, or by a name given with --web-name, so that no web page can lead a browser to it.\n"
            )
            return PlainTextResponse(message, 421)
        if "transfer-encoding" in headers:
            return PlainTextResponse("No request here has a body.\n", 411, {"connection": "close"})
        length = headers.get("content-length", "0")
        if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            return PlainTextResponse("No request here needs a body.\n", 413, {"connection": "close"})
        if self._token and path != HEALTHY and not token_matches(headers, self._token):
            message = "This server wants its bearer token: Authorization: Bearer TOKEN.\n"
            return PlainTextResponse(message, 401, {"www-authenticate": 'Bearer realm="specwatch"'})
        return None

    def _may_be_called(self, host: str) -> bool:
        return host == LOCALHOST or host in self._names or _address(host) is not None


def token_matches(headers: Headers, token: str) -> bool:
    """Whether `Authorization` carries the token. Takes as long for a wrong one as for a nearly right one."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    given = value.strip().encode("latin-1", "replace")  # header values are decoded from latin-1
    return hmac.compare_digest(given, token.encode()) and scheme.lower() == "bearer"


def change_refusal(scope: Scope, headers: Headers) -> str | None:
    """Why a request without a token may not change anything; None when it may.

    It has to come from this machine, to call it by a loopback name, and to come from no other web page (Fetch Standard,
    section 3.2: a browser adds `Origin` to every POST).
    """
    return next(_change_refusals(scope, headers), None)


def _change_refusals(scope: Scope, headers: Headers) -> Iterator[str]:
    peer = scope["client"][0] if scope.get("client") else ""
    host = headers.get("host", "")
    mend = "start specwatch with a web token to do this from elsewhere"
    if not is_loopback(peer) or any(name in headers for name in FORWARDED):
        yield f"Only this machine itself may do this without a token; {mend}.\n"
    name = host_name(host)
    if name is None or not (name == LOCALHOST or is_loopback(name)):
        yield f"Host is {host!r}; it has to be localhost or a loopback address, or {mend}.\n"
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"{scope['scheme']}://{host}".lower():
        yield f"Origin is {origin!r}; only pages of this server may do this.\n"


def host_name(host: str) -> str | None:
    """The name or address in a `Host` header, without port, brackets and final dot; None where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or parts.netloc != host or "@" in host:
        return None
    return name.removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether an address is one of this machine's loopback addresses."""
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address is not None and address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None

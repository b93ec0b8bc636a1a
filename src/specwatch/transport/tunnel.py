"""The way through an https proxy, for the synchronous transport of contract runs."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import httpx

from specwatch.transport.wire.proxies import Proxies, Proxy


class _ExactUrl(httpx.URL):
    """A URL whose path goes out as it was written, `..` and `%2E` included.

    The extension `target` would do that too, but httpcore then asks the proxy for that path instead of the host.
    """

    def __init__(self, url: httpx.URL, target: bytes) -> None:
        super().__init__(url)
        self._target = target

    @property
    def raw_path(self) -> bytes:
        """The path and query as they are sent."""
        return self._target


class TunnelTransport(httpx.HTTPTransport):
    """Sends https requests through a tunnel that a proxy opens (CONNECT, RFC 9110 section 9.3.6).

    Args:
        proxy: who opens it.
        verify: how the target's certificate is looked at.
    """

    def __init__(self, proxy: Proxy, *, verify: ssl.SSLContext | bool) -> None:
        host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
        headers = {"Proxy-Authorization": proxy.authorization.decode("ascii")} if proxy.authorization else {}
        super().__init__(verify=verify, proxy=httpx.Proxy(f"http://{host}:{proxy.port}", headers=headers))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its extension `target` is the path as it goes out."""
        extensions = dict(request.extensions)
        target = extensions.pop("target", request.url.raw_path)
        sent = httpx.Request(
            request.method, request.url, headers=request.headers.raw, stream=request.stream, extensions=extensions
        )
        sent.url = _ExactUrl(request.url, target)
        return super().handle_request(sent)


def proxy_for(base: str, proxies: Proxies) -> Proxy | None:
    """The proxy on the way to a base URL; http targets are asked without one."""
    parts = urlsplit(base)
    if parts.scheme != "https":
        return None
    return proxies.choose("https", parts.hostname or "", parts.port or 443)

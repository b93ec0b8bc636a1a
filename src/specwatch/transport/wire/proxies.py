"""Proxies, as the environment names them for every tool: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from specwatch.errors import Problem, UsageError
from specwatch.transport.wire.addresses import as_address


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Args:
        host: name or IP literal.
        port: 1 to 65535.
        authorization: value of `Proxy-Authorization`, or empty. Never shown.
    """

    host: str
    port: int
    authorization: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"the proxy {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which proxy is asked for what.

    Args:
        http: for `http` targets, by their whole URL.
        https: for `https` targets, by a tunnel.
        direct: who is talked to without one, as in NO_PROXY: `*`, a host, a domain, an address, a network; all but
            networks may end with a port.
    """

    http: Proxy | None = None
    https: Proxy | None = None
    direct: tuple[str, ...] = ()

    def choose(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy for a target, None for a direct connection. This machine is never asked for through a proxy."""
        proxy = self.https if scheme == "https" else self.http
        if proxy is None or self._is_direct(host.lower().rstrip("."), port):
            return None
        return proxy

    def _is_direct(self, host: str, port: int) -> bool:
        address = as_address(host)
        if host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback):
            return True
        for entry in self.direct:
            name, wanted = _split_port(entry)
            if wanted in {None, port} and _matches(name, host, address):
                return True
        return False


def proxies_from_environment(environment: Mapping[str, str]) -> Proxies:
    """The proxies that a user's environment names; lower-case names win, as everywhere.

    Args:
        environment: variables by name.

    Raises:
        UsageError: a variable names something else than an http proxy. Its value is not repeated.
    """

    def value(name: str) -> str:
        return environment.get(name.lower(), "").strip() or environment.get(name, "").strip()

    def proxy(name: str) -> Proxy | None:
        used = name if value(name) else "ALL_PROXY"
        return _parse(used, value(used)) if value(used) else None

    direct = tuple(entry.lower() for part in value("NO_PROXY").split(",") if (entry := part.strip()))
    return Proxies(proxy("HTTP_PROXY"), proxy("HTTPS_PROXY"), direct)


def _parse(variable: str, text: str) -> Proxy:
    wrong = UsageError(Problem(variable, "names no http proxy", "http://[user:password@]host[:port]"))
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or 80
    except ValueError:
        raise wrong from None  # which quotes the value
    if parts.scheme != "http" or not parts.hostname:
        raise wrong
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode("utf-8"))
    return Proxy(parts.hostname, port, authorization)


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        name, _, port = entry[1:].partition("]")
        return name, int(port[1:]) if port[1:].isdigit() else None
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and ":" not in name:
        return name, int(port)
    return entry, None


def _matches(name: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if name == "*":
        return True
    if address is None:
        bare = name.removeprefix("*").removeprefix(".").rstrip(".")
        return bool(bare) and (host == bare or host.endswith(f".{bare}"))
    try:
        return address in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False

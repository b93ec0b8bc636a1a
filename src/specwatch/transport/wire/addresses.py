"""Which addresses may be talked to: public ones, and those that the target was configured with."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""Prefixes under which a translator hides an IPv4 address (RFC 6052, RFC 8215)."""

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@lru_cache(maxsize=4096)
def as_address(host: str) -> IPAddress | None:
    """The address that an IP literal is, None for a name. Brackets are not taken."""
    if not host or (host[0] not in "0123456789" and ":" not in host):
        return None
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def is_public(address: IPAddress) -> bool:
    """Whether an address is one that anybody on the internet can have (registries of RFC 6890).

    Not public are private, loopback, link-local, multicast, reserved and unspecified addresses, also when they are
    wrapped in IPv6: mapped, 6to4, Teredo, or behind a translator.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = _wrapped(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not address.is_link_local
    )


def _wrapped(address: ipaddress.IPv6Address) -> IPAddress | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def configured(urls: Iterable[str]) -> frozenset[tuple[str, int]]:
    """Hosts and ports of the URLs whose host is itself an address that is not public, or `localhost`.

    Who configures `http://10.0.0.7:8080` means it. Who configures a name does not say that it may lead to such a place.

    Args:
        urls: base URLs that the user named.
    """
    found = set()
    for url in urls:
        parts = urlsplit(url)
        host = parts.hostname or ""
        address = as_address(host)
        if (address is not None and not is_public(address)) or host == "localhost" or host.endswith(".localhost"):
            found.add((host, parts.port or DEFAULT_PORTS.get(parts.scheme, 0)))
    return frozenset(found)

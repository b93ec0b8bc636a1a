"""Finds out where a connection has to lead, and makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from specwatch.transport.wire.addresses import as_address, is_public
from specwatch.transport.wire.flow import Flow
from specwatch.transport.wire.model import Network, Outgoing
from specwatch.transport.wire.proxies import Proxy
from specwatch.transport.wire.resolving import Resolver
from specwatch.transport.wire.stopwatch import Stopwatch
from specwatch.transport.wire.trouble import Broken, explain
from specwatch.values.failure import Reason


@dataclass(frozen=True, slots=True)
class Route:
    """Where a connection leads.

    Args:
        host: that is connected to: the target, or a proxy.
        port: of that host.
        proxy: the proxy, None for a direct connection.
        free: whether its address may be any, since it was configured.
    """

    host: str
    port: int
    proxy: Proxy | None
    free: bool


def choose_route(network: Network, outgoing: Outgoing) -> Route:
    """The way to a target.

    Raises:
        Broken: `connect`, when the target is an address that may not be talked to.
    """
    host, port = outgoing.host, outgoing.port
    free = (host, port) in network.allowed
    proxy = network.proxies.choose(outgoing.scheme, host, port)
    if proxy is None:
        return Route(host, port, None, free)
    if not free:
        _permitted((host,) if as_address(host) is not None else ())  # what a name leads to is the proxy's to know
    return Route(proxy.host, proxy.port, proxy, free=True)


async def find_addresses(route: Route, network: Network, resolver: Resolver, watch: Stopwatch) -> tuple[str, ...]:
    """The addresses to try, in order. Only a look-up counts as the phase `resolve`.

    Raises:
        Broken: `connect`, when none of them may be talked to.
        OSError: the name has none, or nobody knows.
    """
    pinned = network.resolve.get((route.host, route.port))
    if pinned is not None:
        return (pinned,)
    if as_address(route.host) is not None:
        return (route.host,) if route.free else _permitted((route.host,))
    watch.turn("resolve")
    found = await resolver.resolve(route.host)
    return found if route.free else _permitted(found)


async def connect(
    route: Route, addresses: tuple[str, ...], make: Callable[[], Flow], watch: Stopwatch, until: float
) -> Flow:
    """A connection to the first address that answers; a dead one gets its share of the time, not all of it.

    Args:
        route: where it leads.
        addresses: to try, in order.
        make: makes the protocol of a connection.
        watch: is turned to `connect`.
        until: the deadline of the whole request, on the loop's clock.

    Raises:
        OSError: none answers; of several errors, one that is not our own trouble.
    """
    watch.turn("connect")
    loop = asyncio.get_running_loop()
    if len(addresses) == 1:
        return (await loop.create_connection(make, addresses[0], route.port))[1]
    error: OSError = OSError("no address")
    for index, address in enumerate(addresses, start=1):
        now = loop.time()
        share = (until - now) / (len(addresses) - index + 1)
        try:
            async with asyncio.timeout(share if index < len(addresses) else None):
                return (await loop.create_connection(make, address, route.port))[1]
        except OSError as caught:  # which TimeoutError is
            if index == 1 or not explain(caught).local:
                error = caught
    raise error


def _permitted(addresses: tuple[str, ...]) -> tuple[str, ...]:
    allowed = tuple(each for each in addresses if (address := as_address(each)) is not None and is_public(address))
    if addresses and not allowed:
        raise Broken(
            Reason.CONNECT,
            f"{{host}} leads to {addresses[0]}, which is no public address; --resolve names it where it is meant",
        )
    return allowed

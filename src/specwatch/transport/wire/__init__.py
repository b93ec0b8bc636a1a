"""The wire: our own asynchronous HTTP/1.1 client under httpx.

One connection a request, phases stamped where they happen, one deadline for everything, bounds for whatever comes back,
one class of failure per cause. It follows no redirect and repeats nothing: that is for whoever knows what is asked for.
"""

from specwatch.transport.wire.addresses import configured, is_public
from specwatch.transport.wire.messages import ANSWER
from specwatch.transport.wire.model import Answer, Caps, Network, Outgoing, WireError
from specwatch.transport.wire.proxies import Proxies, Proxy, proxies_from_environment
from specwatch.transport.wire.resolving import Resolver
from specwatch.transport.wire.tls import tls_context
from specwatch.transport.wire.wire import Wire

__all__ = [
    "ANSWER",
    "Answer",
    "Caps",
    "Network",
    "Outgoing",
    "Proxies",
    "Proxy",
    "Resolver",
    "Wire",
    "WireError",
    "configured",
    "is_public",
    "proxies_from_environment",
    "tls_context",
]

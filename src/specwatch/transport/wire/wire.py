"""The transport that opens sockets: one connection a request, one deadline for all of it, bounds for the answer."""

from __future__ import annotations

import asyncio
from ssl import SSLContext
from time import perf_counter

import httpx

from specwatch.transport.clock import AsyncClock, LoopClock
from specwatch.transport.wire.attempt import Attempt, too_slow
from specwatch.transport.wire.messages import from_httpx, to_httpx, total_seconds
from specwatch.transport.wire.model import Answer, Caps, Network, Outgoing
from specwatch.transport.wire.resolving import Resolver
from specwatch.transport.wire.tls import tls_context
from specwatch.transport.wire.trouble import explain


class Wire(httpx.AsyncBaseTransport):
    """Sends requests, each over a connection of its own; see the package.

    One wire belongs to one event loop.

    Args:
        network: how targets are reached.
        caps: how much an answer may be.
        clock: tells the epoch; durations are always the machine's.
        resolver: looks names up.
    """

    def __init__(
        self,
        network: Network,
        caps: Caps | None = None,
        clock: AsyncClock | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self._network = network
        self._caps = caps or Caps()
        self._clock = clock or LoopClock()
        self._resolver = resolver or Resolver()
        self._tls = network.tls

    async def aclose(self) -> None:
        """Let the resolver's threads end. Requests under way go on."""
        self._resolver.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of any httpx client.

        The largest of its timeouts is the deadline of the whole request; an extension `target` is the request target.
        The extensions of the response hold the `Answer` under `specwatch.answer`.

        Raises:
            WireError: no usable answer came.
        """
        body = await request.aread()
        answer = await self.fetch(from_httpx(request, body), seconds=total_seconds(request))
        return to_httpx(request, answer)

    async def fetch(self, outgoing: Outgoing, *, seconds: float) -> Answer:
        """Send a request and receive the whole answer. Redirects are answers like others.

        Args:
            outgoing: what to send.
            seconds: for everything, from the look-up of the name to the decoded body.

        Raises:
            WireError: no usable answer came; its failure says why and in which phase.
        """
        attempt = Attempt(outgoing, self._network, self._caps, self._resolver, self._clock.now())
        deadline = asyncio.timeout(seconds)
        began = perf_counter()
        try:
            async with deadline:
                return await attempt.run(self._context(outgoing.scheme), seconds)
        except TimeoutError as error:
            late = perf_counter() - began - seconds
            cause = too_slow(attempt.phase, seconds, late) if deadline.expired() else explain(error)
            raise attempt.failed(cause) from error
        except Exception as error:
            raise attempt.failed(explain(error)) from error
        finally:
            attempt.close()

    def _context(self, scheme: str) -> SSLContext | None:
        if scheme != "https":
            return None
        if self._tls is None:
            self._tls = tls_context()
        return self._tls

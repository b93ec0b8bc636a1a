"""One attempt to post a message to a webhook, within a bound of time and of what is read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import httpx

from specwatch import __version__
from specwatch.notify.address import Address
from specwatch.notify.reading import CAPS, HeadOnly
from specwatch.notify.worker import Worker
from specwatch.transport.retry_after import parse_retry_after
from specwatch.transport.wire import Network, Outgoing, Proxies, Resolver
from specwatch.transport.wire.dialling import choose_route, connect, find_addresses
from specwatch.transport.wire.flow import Plan
from specwatch.transport.wire.messages import from_httpx, request_head
from specwatch.transport.wire.parsing import Head
from specwatch.transport.wire.stopwatch import Stopwatch
from specwatch.transport.wire.trouble import explain

TOTAL_SECONDS: Final = 10.0
"""Of one attempt, from the name of the host to the status of the answer."""

LATER: Final = frozenset({408, 425, 429})
"""Refusals of a moment: too slow, too early, too many (RFC 9110, section 15.5.9; RFC 8470; RFC 6585)."""

_UNSENT: Final = frozenset({"", "resolve", "connect", "tls"})
"""Phases in which nothing of a message has left yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended.

    Args:
        delivered: whether the receiver said that it took the message.
        doubtful: if not, whether it may have taken it nevertheless.
        again: if not, whether another attempt may do better.
        why: if not, what went wrong, in words without any part of the address but its host.
        after: seconds that the receiver asks to wait, or None.
    """

    delivered: bool = False
    doubtful: bool = False
    again: bool = True
    why: str = ""
    after: float | None = None


class Webhook:
    """Posts to one address. It follows no redirect, repeats nothing, keeps no cookie and reads no body.

    All of it happens in a thread of its own with the parts of the prober's wire, which bound what is taken in and write
    no log. It may be used from one event loop.

    Args:
        address: where to.
        proxies: who is asked for it.
        now: epoch seconds.
        tls: whom to trust; None for an http address.
        seconds: of one attempt.
    """

    def __init__(
        self,
        address: Address,
        proxies: Proxies,
        now: Callable[[], float],
        tls: ssl.SSLContext | None = None,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._address = address
        self._now = now
        self._seconds = seconds
        self._to = _outgoing(address, b"")
        self._tls = (tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) if self._to.scheme == "https" else None
        self._network = Network(proxies=proxies, allowed=frozenset({(self._to.host, self._to.port)}))
        self._resolver = Resolver()
        self._worker = Worker()

    @property
    def shown(self) -> str:
        """The part of the address that may be written anywhere."""
        return self._address.shown

    async def post(self, body: bytes) -> Answer:
        """Try once to deliver a message; whatever goes wrong is in the answer."""
        return await self._worker.run(lambda: self._attempt(_outgoing(self._address, body)))

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._worker.aclose()
        self._resolver.close()

    async def _attempt(self, outgoing: Outgoing) -> Answer:
        watch = Stopwatch(perf_counter())
        deadline = asyncio.timeout(self._seconds)
        try:
            async with deadline:
                head = await self._exchange(outgoing, watch)
        except Exception as error:  # noqa: BLE001 - whatever a receiver brings about is an answer
            doubtful = watch.phase not in _UNSENT
            if deadline.expired():
                return Answer(doubtful=doubtful, why=f"did not answer within {self._seconds:g} s")
            told = explain(error).message.replace("{host}", outgoing.host).replace("{port}", str(outgoing.port))
            return Answer(doubtful=doubtful, why=f"{'broke off' if doubtful else 'cannot be reached'}: {told}")
        return self._judged(head)

    async def _exchange(self, outgoing: Outgoing, watch: Stopwatch) -> Head:
        """The head of the answer.

        Raises:
            Exception: whatever kept it from coming; `trouble.explain` knows its class.
        """
        loop = asyncio.get_running_loop()
        route = choose_route(self._network, outgoing)
        addresses = await find_addresses(route, self._network, self._resolver, watch)
        tunnel = route.proxy if self._tls is not None else None
        head = request_head(outgoing, route.proxy)
        plan = Plan(outgoing.host, outgoing.port, self._tls, tunnel, head, outgoing.body)
        made: list[HeadOnly] = []

        def make() -> HeadOnly:
            made.append(HeadOnly(plan, CAPS, watch, loop))
            return made[-1]

        try:
            flow = await connect(route, addresses, make, watch, loop.time() + self._seconds)
            if error := await flow.over:
                raise error
            if flow.parser.head is None:
                raise RuntimeError("a connection was over without an answer or an error")
            return flow.parser.head
        finally:
            for each in made:
                each.over.cancel()
                each.close()

    def _judged(self, head: Head) -> Answer:
        status = head.status
        if 200 <= status < 300:
            return Answer(delivered=True)
        if 300 <= status < 400:
            return Answer(again=False, why=f"answered {status}, a redirect, and redirects are not followed")
        asked = next((value for name, value in head.headers if name == "retry-after"), None)
        again = status >= 500 or status in LATER
        after = parse_retry_after(asked, self._now())
        return Answer(doubtful=status >= 500, again=again, why=f"answered {status}", after=after)


def _outgoing(address: Address, body: bytes) -> Outgoing:
    headers = {"Content-Type": "application/json", "User-Agent": f"specwatch/{__version__}", "Connection": "close"}
    if address.authorization:
        headers["Authorization"] = address.authorization
    return from_httpx(httpx.Request("POST", address.url, headers=headers), body)

"""One attempt to post a message to a webhook, within a bound of time and of what is read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from specwatch import __version__
from specwatch.notify.address import Address
from specwatch.transport.retry_after import parse_retry_after
from specwatch.transport.wire import Proxies

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
"""Of one attempt, from the name of the host to the status of the answer."""

LONGEST_TEXT: Final = 200
LATER: Final = frozenset({408, 425, 429})
"""Refusals of a moment: too slow, too early, too many (RFC 9110, section 15.5.9; RFC 8470; RFC 6585)."""


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

    It stands on httpx's transport and not on its client, which would write the whole address into the log.

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
        # For http a context that trusts nobody, since httpx would spend 20 ms on one that trusts the usual ones.
        context = tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=0)
        self._transport = httpx.AsyncHTTPTransport(
            verify=context, trust_env=False, limits=limits, proxy=_proxy(address, proxies)
        )

    @property
    def shown(self) -> str:
        """The part of the address that may be written anywhere."""
        return self._address.shown

    async def post(self, body: bytes) -> Answer:
        """Try once to deliver a message; whatever goes wrong is in the answer."""
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._transport.handle_async_request(self._request(body))
        except TimeoutError:
            return Answer(doubtful=True, why=f"did not answer within {self._seconds:g} s")
        except (httpx.ConnectTimeout, httpx.ConnectError, httpx.ProxyError) as error:
            return Answer(why=f"cannot be reached: {_plain(error)}")
        except httpx.TransportError as error:
            return Answer(doubtful=True, why=f"broke off: {_plain(error)}")
        await _forget(response)
        return self._judged(response)

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._transport.aclose()

    def _request(self, body: bytes) -> httpx.Request:
        headers = {"Content-Type": "application/json", "User-Agent": f"specwatch/{__version__}", "Connection": "close"}
        if self._address.authorization:
            headers["Authorization"] = self._address.authorization
        timeout = httpx.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds)).as_dict()
        return httpx.Request("POST", self._address.url, headers=headers, content=body, extensions={"timeout": timeout})

    def _judged(self, response: httpx.Response) -> Answer:
        status = response.status_code
        if response.is_success:
            return Answer(delivered=True)
        if response.is_redirect or 300 <= status < 400:
            return Answer(again=False, why=f"answered {status}, a redirect, and redirects are not followed")
        after = parse_retry_after(response.headers.get("retry-after"), self._now())
        again = status >= 500 or status in LATER
        return Answer(doubtful=status >= 500, again=again, why=f"answered {status}", after=after)


async def _forget(response: httpx.Response) -> None:
    """Close without reading: nothing in a body is of use, and it may be endless."""
    try:
        await response.aclose()
    except httpx.TransportError:
        return


def _proxy(address: Address, proxies: Proxies) -> httpx.Proxy | None:
    url = httpx.URL(address.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    chosen = proxies.choose(url.scheme, url.host, port)
    if chosen is None:
        return None
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    headers = {b"Proxy-Authorization": chosen.authorization} if chosen.authorization else None
    return httpx.Proxy(f"http://{host}:{chosen.port}", headers=headers)


def _plain(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:LONGEST_TEXT]

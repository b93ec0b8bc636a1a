"""The guarded transport of probes: what `GuardedTransport` is to a contract run, without blocking anybody.

It asks whether a call is allowed, adds the credentials, spends the budget, keeps away from a target that asked for it,
and turns what came back into an `Exchange`. It sends once: a probe that tried again in secret would hide what it looks
for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final
from urllib.parse import urlsplit

import httpx

from specwatch.errors import InternalError
from specwatch.spec.model import Api, Operation
from specwatch.transport.budget import Budget
from specwatch.transport.draft import CONTENT_HEADERS, EXCHANGE, EXTENSION, Draft, header_bytes
from specwatch.transport.permission import Permission
from specwatch.transport.rate_limit import RateLimits
from specwatch.transport.wallet import Wallet
from specwatch.transport.wire import Outgoing, Wire
from specwatch.values.exchange import ACCOUNT, Exchange, Headers, Request, header

TERMS: Final = "specwatch.terms"
"""Key under which the terms of a request travel in its extensions."""

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Pass:
    """The credentials of one choice of roles: as they travel, as they may be shown, and where they are known."""

    wire: tuple[tuple[bytes, bytes], ...]
    shown: Headers
    names: frozenset[str]
    place: str


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a run may send.

    Args:
        budget: pays for it.
        permission: what may be sent.
    """

    budget: Budget
    permission: Permission


class Courier(httpx.AsyncBaseTransport):
    """Sends the drafts of one API to one target; see the module.

    Args:
        wire: opens the sockets.
        api: the API.
        base: base URL of the target.
        limits: shared by everybody who talks to the same origin with the same credential.
    """

    def __init__(self, wire: Wire, *, api: Api, base: str, wallet: Wallet, limits: RateLimits) -> None:
        parts = urlsplit(base)
        self._wire = wire
        self._api = api.id
        self._base = base
        self._scheme = parts.scheme
        self._host = httpx.URL(base).raw_host.decode("ascii").strip("[]")  # a name outside of ASCII as the DNS has it
        self._port = parts.port or _PORTS.get(parts.scheme, 80)
        self._root = parts.path.rstrip("/")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._wallet = wallet
        self._limits = limits
        self._passes: dict[tuple[tuple[str, str], ...], _Pass] = {}
        self._ids = count(1)

    async def aclose(self) -> None:
        """Close what the wire holds."""
        await self._wire.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the draft in `request.extensions`, on the terms and within the seconds there.

        Raises:
            CannotTell: the request was not sent.
            WireError: it led to no usable answer.
        """
        draft, terms = request.extensions.get(EXTENSION), request.extensions.get(TERMS)
        if not isinstance(draft, Draft) or not isinstance(terms, Terms):
            raise InternalError("a request reached the courier without a draft and terms")
        seconds = float(request.extensions.get("timeout", {}).get("read") or 10.0)
        exchange = await self.deliver(draft, terms, seconds)
        return httpx.Response(
            exchange.response.status,
            headers=[(k, v) for k, v in exchange.response.headers if k.lower() not in CONTENT_HEADERS],
            content=exchange.response.body,
            request=request,
            extensions={EXCHANGE: exchange},
        )

    async def deliver(self, draft: Draft, terms: Terms, seconds: float) -> Exchange:
        """Send a draft once.

        Args:
            draft: the request before credentials are added.
            terms: what may be sent, and who pays.
            seconds: from resolving the name to the decoded body.

        Raises:
            CannotTell: it was not sent: not allowed, not covered, no credential, or the target asked for a pause.
            WireError: it led to no usable answer.
        """
        credentials = self._credentials(draft.roles)
        self._limits.check(credentials.place)
        terms.permission.check(draft)
        terms.budget.spend(None if draft.refused else draft.operation.cost)
        answer = await self._wire.fetch(self._outgoing(draft, credentials), seconds=seconds)
        exchange = Exchange(
            id=f"{self._api}-{next(self._ids)}",
            api=self._api,
            operation=draft.operation.id,
            target=self._base,
            request=Request(
                draft.operation.method,
                f"{self._base}{draft.path}",
                (*(pair for pair in draft.headers if pair[0].lower() not in credentials.names), *credentials.shown),
                draft.body,
            ),
            response=answer.response,
            timings=answer.timings,
            credentials=draft.roles,
            path_parameters=draft.path_parameters,
            query=draft.query,
            vouched=self._wallet.vouched,
            refused=draft.refused,
            certificate=answer.certificate,
        )
        self._learn(draft, exchange, terms, credentials.place)
        return exchange

    def place(self, operation: Operation, roles: Mapping[str, str] | None = None) -> str:
        """Where rate limits of an operation are known: its origin with the credential that is sent there.

        Args:
            operation: of the API.
            roles: per security scheme, as a draft has them; those of our account where there are none.

        Raises:
            CannotTell: there is no such credential.
        """
        return self._credentials(dict.fromkeys(operation.security, ACCOUNT) if roles is None else roles).place

    def _learn(self, draft: Draft, exchange: Exchange, terms: Terms, place: str) -> None:
        status = exchange.response.status
        terms.permission.learn(draft, status)
        if draft.refused and status < 300:
            terms.budget.charge(draft.operation.cost)
        if status == 429 and exchange.own_trouble:
            self._limits.note(place, header(exchange.response.headers, "retry-after"))
        else:
            self._limits.answered(place)

    def _outgoing(self, draft: Draft, credentials: _Pass) -> Outgoing:
        headers = [
            (name.encode("latin-1"), header_bytes(value))
            for name, value in draft.headers
            if name.lower() not in credentials.names
        ]
        return Outgoing(
            method=draft.operation.method,
            scheme=self._scheme,
            host=self._host,
            port=self._port,
            target=f"{self._root}{draft.path}".encode("ascii"),
            headers=(*headers, *credentials.wire),
            body=draft.body,
        )

    def _credentials(self, roles: Mapping[str, str]) -> _Pass:
        """The credentials of these roles; there are few choices of them, so each is made once."""
        key = tuple(roles.items())
        found = self._passes.get(key)
        if found is None:
            wire, shown = self._wallet.headers(roles)
            found = _Pass(
                wire=tuple((name.encode("latin-1"), value.encode("utf-8")) for name, value in wire),
                shown=shown,
                names=frozenset(name.lower() for name, _ in wire),
                place=" ".join([self.origin, *sorted(f"{name}={value}" for name, value in shown)]),
            )
            self._passes[key] = found
        return found

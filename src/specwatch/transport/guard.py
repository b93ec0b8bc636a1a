"""The guarded transport: the only place that sends, and the place where nothing can be forgotten.

It is an httpx transport around another, so every httpx client can mount it. It asks whether a call is allowed, adds the
credentials, spends the budget, waits when the target asked for it, caps size and time, and turns what came back into an
`Exchange`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final, cast
from urllib.parse import urlsplit

import httpx

from specwatch.errors import BrokenAnswer, CannotTell, InternalError, RateLimited
from specwatch.spec.model import Effect
from specwatch.transport.budget import RunBudget
from specwatch.transport.clock import Clock, SystemClock
from specwatch.transport.draft import CONTENT_HEADERS, EXCHANGE, EXTENSION, Draft
from specwatch.transport.permission import Permission
from specwatch.transport.phases import PhaseTrace
from specwatch.transport.retry_after import asks_to_wait, moment_of, parse_retry_after
from specwatch.transport.unreachable import explain, explain_way
from specwatch.transport.wallet import Wallet
from specwatch.transport.wire.proxies import Proxy
from specwatch.values.exchange import Exchange, Headers, Request, Response, Timings, header

DEFAULT_PAUSE_SECONDS: Final = 1.0
"""How long to wait after a 429 that does not say how long."""

ATTEMPTS: Final = 3
"""How often a reading call is sent in all when the target asks to slow down."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request.

    Args:
        total_seconds: from connect to the last byte.
        body_bytes: of the response, on the wire as well as decoded.
        patience_seconds: the longest wait that a rate limit may impose on this run.
    """

    total_seconds: float = 30.0
    body_bytes: int = 64 * 1024 * 1024
    patience_seconds: float = 15.0


Place = tuple[str, Headers]
"""An origin, and the credentials that are sent there."""


@dataclass
class Pauses:
    """Until when the target asked us to stay away, in epoch seconds.

    A limit may be that of one operation. It is taken for that of the whole place as soon as a second operation of the
    same origin and credentials is limited, too.
    """

    resume_at: dict[Place, float] = field(default_factory=dict)
    _operations: dict[Place, dict[str, float]] = field(default_factory=dict)

    def until(self, place: Place, operation: str) -> float:
        """Until when an operation must be left alone there; a moment of the past if it need not be."""
        return max(self.resume_at.get(place, 0.0), self._operations.get(place, {}).get(operation, 0.0))

    def note(self, place: Place, operation: str, until: float, now: float) -> None:
        """Note that an operation is to be left alone."""
        known = self._operations.setdefault(place, {})
        known[operation] = until
        if any(end > now for name, end in known.items() if name != operation):
            self.resume_at[place] = max(self.resume_at.get(place, 0.0), *known.values())


class GuardedTransport(httpx.BaseTransport):
    """Sends drafts; see the module.

    Args:
        inner: the transport that opens sockets.
        api: id of the API, for the exchanges.
        base: base URL of the target.
        permission: what may be sent there.
        pauses: shared by everybody who talks to the same origin with the same credential.
        proxy: who is asked for the way, for messages.
    """

    def __init__(  # noqa: PLR0913 - its collaborators, each with one job
        self,
        inner: httpx.BaseTransport,
        *,
        api: str,
        base: str,
        wallet: Wallet,
        budget: RunBudget,
        permission: Permission,
        limits: Limits | None = None,
        pauses: Pauses | None = None,
        clock: Clock | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._inner = inner
        self._proxy = proxy
        self._api = api
        self._base = base
        self._wallet = wallet
        self._budget = budget
        self._permission = permission
        self._limits = limits or Limits()
        self._pauses = pauses or Pauses()
        self._clock = clock or SystemClock()
        self._ids = count(1)
        parts = urlsplit(base)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the draft in `request.extensions`; the exchange is in the extensions of the answer.

        Raises:
            CannotTell: the request was not allowed, not covered, or led to no usable answer.
        """
        draft = request.extensions.get(EXTENSION)
        if not isinstance(draft, Draft):
            raise InternalError("a request reached the guarded transport without a draft")
        exchange = self._until_not_limited(draft, request)
        return httpx.Response(
            exchange.response.status,
            headers=[
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in exchange.response.headers
                if name.lower() not in CONTENT_HEADERS
            ],
            content=exchange.response.body,
            request=request,
            extensions={EXCHANGE: exchange},
        )

    def _until_not_limited(self, draft: Draft, request: httpx.Request) -> Exchange:
        wire, shown = self._wallet.headers(draft.roles)
        place = (self._origin, wire)
        attempts = ATTEMPTS if draft.operation.effect is Effect.READ or draft.refused else 1
        for attempt in range(1, attempts + 1):
            self._wait(place, draft.operation.id)
            self._permission.check(draft)
            self._spend(draft)
            exchange = self._exchange(draft, request, wire, shown)
            self._learn(draft, exchange.response.status)
            if not _is_limited(exchange) or self._note_pause(place, exchange, attempt) > self._limits.patience_seconds:
                break
        return exchange

    def _spend(self, draft: Draft) -> None:
        self._budget.spend(None if draft.refused else draft.operation.cost)

    def _learn(self, draft: Draft, status: int) -> None:
        self._permission.learn(draft, status)
        if draft.refused and status < 300:
            self._budget.charge(draft.operation.cost)

    def _wait(self, place: Place, operation: str) -> None:
        left = self._pauses.until(place, operation) - self._clock.now()
        if left > self._limits.patience_seconds:
            raise RateLimited(f"the target asked to be left alone for another {left:.0f} s; repeat the run then")
        if left > 0:
            self._clock.sleep(left)

    def _note_pause(self, place: Place, exchange: Exchange, attempt: int) -> float:
        headers, now = exchange.response.headers, self._clock.now()
        theirs = moment_of(headers)  # by which a date is meant, whatever our own clock says
        asked = parse_retry_after(header(headers, "retry-after"), now if theirs is None else theirs)
        pause = asked if asked is not None else DEFAULT_PAUSE_SECONDS * attempt
        self._pauses.note(place, exchange.operation, now + pause, now)
        return pause

    def _exchange(self, draft: Draft, request: httpx.Request, wire: Headers, shown: Headers) -> Exchange:
        names = {name for name, _ in wire}
        plain = [(k, v) for k, v in request.headers.raw if k.decode("latin-1").lower() not in names]
        trace = PhaseTrace(self._clock.monotonic)
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers=[*plain, *((k.encode(), v.encode("utf-8")) for k, v in wire)],
            content=draft.body,
            extensions={**request.extensions, "trace": trace, "timeout": _timeouts(self._limits.total_seconds)},
        )
        started_at, started = self._clock.now(), self._clock.monotonic()
        response, attempts = self._send(outgoing, draft, started, trace)
        total = self._clock.monotonic() - started
        sent = tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in plain)
        return Exchange(
            id=f"{self._api}-{next(self._ids)}",
            api=self._api,
            operation=draft.operation.id,
            target=self._base,
            request=Request(request.method, f"{self._base}{draft.path}", (*sent, *shown), draft.body),
            response=response,
            timings=Timings(started_at, total, trace.phases),
            credentials=dict(draft.roles),
            path_parameters=dict(draft.path_parameters),
            query=dict(draft.query),
            vouched=self._wallet.vouched,
            attempts=attempts,
            refused=draft.refused,
        )

    def _send(self, outgoing: httpx.Request, draft: Draft, started: float, trace: PhaseTrace) -> tuple[Response, int]:
        """The answer, and how often it took to get one: a free read whose connection closes is sent once more.

        Anything else may have had its effect or its price all the same, also if it was to be refused.
        """
        again = draft.operation.effect is Effect.READ and draft.operation.cost is None
        for attempt in (1, 2):
            try:
                return self._receive(self._inner.handle_request(outgoing), started), attempt
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                silent = isinstance(error, httpx.RemoteProtocolError) and "disconnected" in str(error)
                garbled = isinstance(error, httpx.RemoteProtocolError) and not silent
                if attempt == 2 or not again or garbled:
                    once = silent and attempt == 1  # which a connection kept for too long explains as well
                    raise self._explain(error, outgoing, trace, blameless=once) from error
                self._spend(draft)
            except httpx.TransportError as error:
                raise self._explain(error, outgoing, trace) from error
            except httpx.DecodingError as error:
                raise BrokenAnswer(f"the answer of {outgoing.url.host} cannot be decoded: {error}") from error
        raise InternalError("a request was neither answered nor given up")

    def _explain(
        self, error: httpx.TransportError, outgoing: httpx.Request, trace: PhaseTrace, *, blameless: bool = False
    ) -> CannotTell:
        opening = "connect" not in trace.phases or "tls" not in trace.phases
        if self._proxy is not None and opening and not trace.reused:
            return explain_way(error, outgoing, self._proxy.name)
        return explain(error, outgoing, self._limits.total_seconds, blameless=blameless)

    def _receive(self, response: httpx.Response, started: float) -> Response:
        try:
            response.stream = _Bounded(response.stream, lambda size: self._check(size, started))
            body = b"".join(self._capped(response))
        finally:
            response.close()
        version = response.extensions.get("http_version", b"HTTP/1.1").decode("ascii", "replace")
        return Response(
            status=response.status_code,
            headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw),
            body=body,
            reason=response.extensions.get("reason_phrase", b"").decode("latin-1"),
            http_version=version,
        )

    def _capped(self, response: httpx.Response) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            self._check_size(size)
            yield chunk

    def _check(self, size: int, started: float) -> None:
        self._check_size(size)
        if self._clock.monotonic() - started > self._limits.total_seconds:
            raise BrokenAnswer(f"the answer was not complete within {self._limits.total_seconds:g} s")

    def _check_size(self, size: int) -> None:
        if size > self._limits.body_bytes:
            raise BrokenAnswer(f"the answer is larger than {self._limits.body_bytes} bytes")


def _is_limited(exchange: Exchange) -> bool:
    """Whether an answer asks us to slow down."""
    response = exchange.response
    busy = asks_to_wait(response.status, response.headers) and not exchange.vouched
    return busy or (response.status == 429 and exchange.own_trouble)


class _Bounded(httpx.SyncByteStream):
    """A body as it comes over the wire, looked at piece by piece, before anything is decompressed.

    Args:
        inner: the body.
        check: gets the bytes that came so far; raises to end it.
    """

    def __init__(self, inner: httpx.SyncByteStream | httpx.AsyncByteStream, check: Callable[[int], None]) -> None:
        self._inner = cast("httpx.SyncByteStream", inner)
        self._check = check

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            self._check(size)
            yield chunk

    def close(self) -> None:
        """Close the body."""
        self._inner.close()


def _timeouts(total_seconds: float) -> dict[str, float]:
    return dict.fromkeys(("connect", "read", "write", "pool"), total_seconds)

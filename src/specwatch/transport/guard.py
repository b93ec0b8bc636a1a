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

from specwatch.errors import BrokenAnswer, CannotTell, InternalError, RateLimited, Unreachable
from specwatch.spec.model import Effect
from specwatch.transport.budget import RunBudget
from specwatch.transport.clock import Clock, SystemClock
from specwatch.transport.draft import CONTENT_HEADERS, EXCHANGE, EXTENSION, Draft
from specwatch.transport.permission import Permission
from specwatch.transport.phases import PhaseTrace
from specwatch.transport.retry_after import parse_retry_after
from specwatch.transport.wallet import Wallet
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
    """Until when the target asked us to stay away, in epoch seconds, by origin and credentials."""

    resume_at: dict[Place, float] = field(default_factory=dict)


class GuardedTransport(httpx.BaseTransport):
    """Sends drafts; see the module.

    Args:
        inner: the transport that opens sockets.
        api: id of the API, for the exchanges.
        base: base URL of the target.
        permission: what may be sent there.
        pauses: shared by everybody who talks to the same origin with the same credential.
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
    ) -> None:
        self._inner = inner
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
            self._wait(place)
            self._permission.check(draft)
            self._spend(draft)
            exchange = self._exchange(draft, request, wire, shown)
            self._learn(draft, exchange.response.status)
            limited = exchange.response.status == 429 and exchange.own_trouble
            if not limited or self._note_pause(place, exchange, attempt) > self._limits.patience_seconds:
                break
        return exchange

    def _spend(self, draft: Draft) -> None:
        self._budget.spend(None if draft.refused else draft.operation.cost)

    def _learn(self, draft: Draft, status: int) -> None:
        self._permission.learn(draft, status)
        if draft.refused and status < 300:
            self._budget.charge(draft.operation.cost)

    def _wait(self, place: Place) -> None:
        left = self._pauses.resume_at.get(place, 0.0) - self._clock.now()
        if left > self._limits.patience_seconds:
            raise RateLimited(f"the target asked to be left alone for another {left:.0f} s")
        if left > 0:
            self._clock.sleep(left)

    def _note_pause(self, place: Place, exchange: Exchange, attempt: int) -> float:
        asked = parse_retry_after(header(exchange.response.headers, "retry-after"), self._clock.now())
        pause = asked if asked is not None else DEFAULT_PAUSE_SECONDS * attempt
        self._pauses.resume_at[place] = self._clock.now() + pause
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
        response, attempts = self._send(outgoing, draft, started)
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
        )

    def _send(self, outgoing: httpx.Request, draft: Draft, started: float) -> tuple[Response, int]:
        """The answer, and how often it took to get one: a read whose connection closes is sent once more."""
        again = draft.operation.effect is Effect.READ or draft.refused
        for attempt in (1, 2):
            try:
                return self._receive(self._inner.handle_request(outgoing), started), attempt
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                garbled = isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error)
                if attempt == 2 or not again or garbled:
                    raise _explain(error, outgoing, self._limits) from error
                self._spend(draft)
            except httpx.TransportError as error:
                raise _explain(error, outgoing, self._limits) from error
            except httpx.DecodingError as error:
                raise BrokenAnswer(f"the answer of {outgoing.url.host} cannot be decoded: {error}") from error
        raise InternalError("a request was neither answered nor given up")

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


def _explain(error: httpx.TransportError, request: httpx.Request, limits: Limits) -> CannotTell:
    """What went wrong, in words that say on which side it happened."""
    if isinstance(error, httpx.LocalProtocolError):
        return CannotTell("the request cannot be written as HTTP: its headers hold what none may")
    if isinstance(error, httpx.RemoteProtocolError):
        return BrokenAnswer(f"{request.url.host} broke the protocol: {error}")
    if isinstance(error, httpx.ReadTimeout):
        return BrokenAnswer(f"no answer from {request.url.host} in {limits.total_seconds:g} s")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"no answer from {request.url.host} in {limits.total_seconds:g} s")
    place = request.url.netloc.decode("ascii")
    return Unreachable(f"{place} cannot be reached: {str(error) or type(error).__name__}")


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

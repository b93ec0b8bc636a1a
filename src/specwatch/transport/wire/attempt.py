"""One request, from the look-up of the name to the decoded body."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from time import perf_counter
from typing import Final

from specwatch.transport.wire.decoding import decode
from specwatch.transport.wire.dialling import Route, choose_route, connect, find_addresses
from specwatch.transport.wire.flow import Flow, Plan, proxy_refusal
from specwatch.transport.wire.messages import request_head
from specwatch.transport.wire.model import Answer, Caps, Network, Outgoing, WireError
from specwatch.transport.wire.resolving import Resolver
from specwatch.transport.wire.stopwatch import Stopwatch
from specwatch.transport.wire.tls import blind_context, describe
from specwatch.transport.wire.trouble import Cause, explain
from specwatch.values.exchange import Response, Timings
from specwatch.values.failure import Certificate, Failure, Reason


class Attempt:
    """Carries out one request and knows, whenever it is asked, how far that came.

    Args:
        outgoing: what to send.
        network: how targets are reached.
        caps: bounds of the answer.
        resolver: looks names up.
        started_at: epoch seconds.
    """

    __slots__ = ("_caps", "_flow", "_network", "_outgoing", "_resolver", "_route", "_started_at", "_verdict", "_watch")

    def __init__(self, outgoing: Outgoing, network: Network, caps: Caps, resolver: Resolver, started_at: float) -> None:
        self._outgoing = outgoing
        self._network = network
        self._caps = caps
        self._resolver = resolver
        self._started_at = started_at
        self._watch = Stopwatch(perf_counter())
        self._route: Route | None = None
        self._flow: Flow | None = None
        self._verdict: Failure | None = None

    async def run(self, tls: ssl.SSLContext | None, seconds: float) -> Answer:
        """The answer.

        Args:
            tls: what is trusted, None for http.
            seconds: until the caller gives up.

        Raises:
            Exception: whatever kept it from coming; `trouble.explain` knows its class.
        """
        outgoing, watch = self._outgoing, self._watch
        until = asyncio.get_running_loop().time() + seconds
        route = self._route = choose_route(self._network, outgoing)
        addresses = await find_addresses(route, self._network, self._resolver, watch)
        tunnel = route.proxy if tls is not None else None
        plan = Plan(outgoing.host, outgoing.port, tls, tunnel, request_head(outgoing, route.proxy), outgoing.body)
        flow = self._flow = await self._connect(plan, route, addresses, until)
        error = await flow.over
        if error is None:
            return await self._answer(flow)
        if isinstance(error, ssl.SSLCertVerificationError):
            await self._look(plan, error, addresses, until)
        raise error

    def failed(self, cause: Cause) -> WireError:
        """The error for a cause, with the phase in which it happened and those before it."""
        return WireError(self._verdict or self._failure(cause, self._certificate()))

    @property
    def phase(self) -> str:
        """The phase that runs; decoding belongs to the transfer."""
        flow = self._flow
        if flow is None:
            return self._watch.phase
        flow.settle()
        return self._watch.phase or ("transfer" if flow.parser.complete else "")

    def close(self) -> None:
        """Let go of the connection, if it is still there."""
        flow = self._flow
        if flow is not None and (not flow.over.done() or flow.over.cancelled()):
            flow.over.cancel()
            flow.close()

    async def _connect(self, plan: Plan, route: Route, addresses: tuple[str, ...], until: float) -> Flow:
        loop = asyncio.get_running_loop()
        return await connect(route, addresses, lambda: Flow(plan, self._caps, self._watch, loop), self._watch, until)

    async def _answer(self, flow: Flow) -> Answer:
        head, route = flow.parser.head, self._route
        if head is None:
            raise RuntimeError("a connection was over without an answer or an error")
        if head.status == 407 and route is not None and route.proxy is not None:
            raise proxy_refusal(route.proxy, 407)
        total = self._watch.elapsed()
        body = bytes(flow.parser.body)
        if head.codings:
            body = await decode(body, head.codings, self._caps)
        return Answer(
            Response(head.status, head.headers, body, head.reason, head.version),
            Timings(self._started_at, total, self._watch.phases),
            self._certificate(),
            flow.received,
        )

    async def _look(
        self, plan: Plan, error: ssl.SSLCertVerificationError, addresses: tuple[str, ...], until: float
    ) -> None:
        """Open a second connection, only to see what certificate is shown to those who do not ask for a good one.

        The standard library does not tell what it refused. Nothing is sent over that connection, not even a client
        certificate. Should the time run out, the verdict stands.
        """
        cause = explain(error)
        self._verdict = self._failure(cause, None)
        route = self._route
        if route is None:
            return
        blind = Plan(plan.host, plan.port, blind_context(), plan.tunnel, None)
        watch, loop = Stopwatch(perf_counter()), asyncio.get_running_loop()
        try:
            flow = self._flow = await connect(
                route, addresses, lambda: Flow(blind, self._caps, watch, loop), watch, until
            )
            if await flow.over is None and flow.encryption is not None:
                shown = describe(flow.encryption.chain, plan.host, verified=False, problem=error.verify_message)
                self._verdict = replace(self._verdict, certificate=shown)
        except OSError:
            return  # it is about what failed before

    def _certificate(self) -> Certificate | None:
        flow, tls = self._flow, self._network.tls
        if flow is None or flow.encryption is None or not flow.encryption.chain:
            return None
        verified = tls is None or (tls.verify_mode is ssl.CERT_REQUIRED and tls.check_hostname)
        problem = "" if verified else "nobody asked for it to be verified"
        return describe(flow.encryption.chain, self._outgoing.host, verified=verified, problem=problem)

    def _failure(self, cause: Cause, certificate: Certificate | None) -> Failure:
        phase = self.phase
        seconds = self._watch.elapsed()
        self._watch.turn("")
        host, port, local = self._outgoing.host, self._outgoing.port, cause.local
        if self._route is not None and self._route.proxy is not None and self._flow is None:
            host, port, local = f"the proxy {self._route.host}", self._route.port, True
        elif ":" in host:
            host = f"[{host}]"
        return Failure(
            cause.reason,
            cause.message.replace("{host}", host).replace("{port}", str(port)),
            phase,
            self._started_at,
            seconds,
            self._watch.phases,
            certificate,
            local,
        )


def too_slow(phase: str, seconds: float, late: float = 0.0) -> Cause:
    """What it means that the time ran out in a phase. A name service that is silent is near us, not near the target.

    Args:
        phase: in which it ran out.
        seconds: the time that there was.
        late: how many seconds later that was noticed. A process that stood still cannot say that a target did.
    """
    if late > STOOD_STILL:
        told = f"this process stood still for {late:.1f} s while {{host}}:{{port}} was asked"
        return Cause(Reason.INTERNAL, told, local=True)
    doing = _DOING.get(phase, "not done")
    return Cause(Reason.TIMEOUT, f"{{host}}:{{port}} was {doing} after {seconds:g} s", local=phase == "resolve")


STOOD_STILL: Final = 1.0
"""So late a deadline is noticed only when the process did not get to it."""

_DOING = {
    "resolve": "not looked up",
    "connect": "not connected",
    "tls": "not done with the TLS handshake",
    "request": "not done taking the request",
    "processing": "not answering",
    "transfer": "not done answering",
}

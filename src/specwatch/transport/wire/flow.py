"""One connection: a tunnel if there has to be one, TLS if it is spoken, then one request and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from ssl import SSLContext, SSLError
from typing import Final, cast

from specwatch.transport.wire.model import Caps
from specwatch.transport.wire.parsing import Parser
from specwatch.transport.wire.proxies import Proxy
from specwatch.transport.wire.stopwatch import Stopwatch
from specwatch.transport.wire.tls import Encryption
from specwatch.transport.wire.trouble import Broken
from specwatch.values.failure import Reason

_SLICE: Final = 256 * 1024
"""How much of a request's body is handed over at once: the loop may copy what the socket does not take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens on a connection.

    Args:
        host: of the target, whatever the connection leads to.
        port: of the target.
        tls: what is trusted; None for a connection without TLS.
        tunnel: the proxy that is asked for a tunnel; None where there is none.
        head: of the request: method, request target, headers. None ends the connection after the handshake.
        body: of the request.
    """

    host: str
    port: int
    tls: SSLContext | None
    tunnel: Proxy | None
    head: tuple[str, bytes, tuple[tuple[bytes, bytes], ...]] | None
    body: bytes = b""


class Flow(asyncio.Protocol):
    """Carries out a plan; everything happens in callbacks, so that no task has to be switched to.

    Args:
        plan: what to do.
        caps: bounds of the answer.
        watch: is turned to the next phase when it begins.
        loop: the running one.
    """

    __slots__ = (
        "_caps",
        "_loop",
        "_paused",
        "_plan",
        "_receive",
        "_rest",
        "_transport",
        "_watch",
        "_writable",
        "encryption",
        "over",
        "parser",
        "received",
    )

    def __init__(self, plan: Plan, caps: Caps, watch: Stopwatch, loop: asyncio.AbstractEventLoop) -> None:
        self._plan = plan
        self._caps = caps
        self._watch = watch
        self._loop = loop
        self._paused = False
        self._writable = True
        self._rest: memoryview | None = None
        self._transport: asyncio.Transport | None = None
        self._receive: Callable[[bytes], None] = self._answered
        self.parser = Parser(caps)
        self.encryption: Encryption | None = None
        self.received = 0
        self.over: asyncio.Future[BaseException | None] = loop.create_future()

    # ------------------------------------------------------------------------------------- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=0)  # so that `resume_writing` means that all is written
        self._guarded(self._ask_for_tunnel if self._plan.tunnel else self._secure)

    def data_received(self, data: bytes) -> None:
        """Take what came to whoever waits for it."""
        self.received += len(data)
        if self.over.done():
            return
        if self.received > self._caps.wire_bytes:
            self._finish(Broken(Reason.TOO_LARGE, f"the answer is larger than {self._caps.wire_bytes} bytes"))
            return
        try:
            self._receive(data)
        except Exception as error:  # noqa: BLE001 - the event loop would only log it, and somebody waits
            self._finish(error)

    def eof_received(self) -> None:
        """Judge whether it was time to close; the event loop closes our side too."""
        self._guarded(self._hung_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """The same, where there was an error or none."""
        if exc is not None:
            self._finish(exc)
        else:
            self._guarded(self._hung_up)

    def pause_writing(self) -> None:
        """Not everything is written yet."""
        self._writable = False

    def resume_writing(self) -> None:
        """Everything is written: go on, or note that the request is on its way."""
        self._writable = True
        if self._watch.phase == "request":
            self._guarded(self._write_on)

    # ------------------------------------------------------------------------------------------- what the owner calls

    def close(self) -> None:
        """Give up the connection, whatever state it is in."""
        if self._transport is not None:
            self._transport.abort()

    def settle(self) -> None:
        """Name the phase truly, before it is told: a head that has begun is part of the transfer."""
        if self._watch.phase in {"request", "processing"} and self.parser.began_at is not None:
            self._watch.turn("transfer", self.parser.began_at)

    # -------------------------------------------------------------------------------------------------------- stages

    def _guarded(self, stage: Callable[[], None]) -> None:
        if self.over.done():
            return
        try:
            stage()
        except Exception as error:  # noqa: BLE001 - as above
            self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        if self.over.done():
            return
        if error is None:
            self._watch.turn("")
        self.over.set_result(error)
        if self._transport is None:
            return
        if self.encryption is None or not self._writable:
            self._transport.abort()
            return
        if error is None and not self.encryption.closed:
            self._write(self.encryption.farewell())
        self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and data:
            self._transport.write(data)

    def _ask_for_tunnel(self) -> None:
        plan, proxy = self._plan, self._plan.tunnel
        place = f"[{plan.host}]:{plan.port}" if ":" in plan.host else f"{plan.host}:{plan.port}"
        headers = [(b"host", place.encode("ascii"))]
        if proxy is not None and proxy.authorization:
            headers.append((b"proxy-authorization", proxy.authorization))
        self._receive = self._tunnelled
        self._write(self.parser.request("CONNECT", place.encode("ascii"), headers))

    def _tunnelled(self, data: bytes) -> None:
        self.parser.feed(data)
        self.parser.pump()
        head = self.parser.head
        if head is None:
            return
        if head.status >= 300:
            raise proxy_refusal(self._plan.tunnel, head.status)
        self.parser = Parser(self._caps)
        self._secure()

    def _secure(self) -> None:
        if self._plan.tls is None:
            self._receive = self._answered
            self._send()
            return
        self._watch.turn("tls")
        self.encryption = Encryption(self._plan.tls, self._plan.host)
        self._receive = self._shaken
        self._shaken(b"")

    def _shaken(self, data: bytes) -> None:
        encryption = self.encryption
        if encryption is None:
            return
        try:
            done = encryption.shake(data)
        except SSLError:
            self._write(encryption.output())  # the alert that says why
            raise
        if not done:
            self._write(encryption.output())
            return
        self._receive = self._decrypted
        self._send(encryption.output())  # in one piece, which spares both sides a packet
        self._decrypted(b"")  # what came behind the handshake

    def _send(self, before: bytes = b"") -> None:
        if self._plan.head is None:
            self._finish(None)
            return
        self._watch.turn("request")
        head = self.parser.request(*self._plan.head)
        body = self._plan.body
        if len(body) <= _SLICE:
            self._write(before + self._seal(head + body))
        else:
            self._rest = memoryview(body)
            self._write(before + self._seal(head))
        self._write_on()

    def _seal(self, data: bytes | memoryview) -> bytes:
        return self.encryption.encrypt(data) if self.encryption is not None else bytes(data)

    def _write_on(self) -> None:
        while self._rest is not None and self._writable:
            piece, rest = self._rest[:_SLICE], self._rest[_SLICE:]
            self._rest = rest if len(rest) else None
            self._write(self._seal(piece))
        if self._rest is None and self._writable:
            self._watch.turn("processing")

    def _decrypted(self, data: bytes) -> None:
        encryption = self.encryption
        if encryption is None:
            return
        if plain := encryption.decrypt(data):
            self._answered(plain)
        if encryption.closed and not self.over.done() and not self._paused:
            self._hung_up()

    def _answered(self, data: bytes) -> None:
        self.parser.feed(data)
        self._parse()

    def _parse(self) -> None:
        parser = self.parser
        all_handled = parser.pump()
        if parser.head is not None and self._watch.phase != "transfer":
            self._watch.turn("transfer", parser.began_at)
        if parser.complete:
            self._finish(None)
        elif not all_handled:
            self._hold()
        elif self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
            if self.encryption is not None and self.encryption.closed:
                self._hung_up()

    def _hold(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._loop.call_soon(self._guarded, self._parse)

    def _hung_up(self) -> None:
        encryption = self.encryption
        if self._plan.tunnel is not None and self._watch.phase == "connect":
            raise Broken(Reason.CONNECT, f"{self._plan.tunnel.name} closed the connection", local=True)
        if self._watch.phase == "tls":
            raise Broken(Reason.RESET, "{host}:{port} closed the connection during the TLS handshake")
        if encryption is not None and not encryption.closed and self.parser.head is not None:
            # RFC 9112, section 8: what ends with the connection is not whole without the alert that closes TLS
            raise Broken(Reason.TRUNCATED, "the answer of {host}:{port} breaks off in its body")
        self.parser.end()
        self._parse_end()

    def _parse_end(self) -> None:
        if self._watch.phase != "transfer":
            self.settle()
        self._finish(None)


def proxy_refusal(proxy: Proxy | None, status: int) -> Broken:
    """What a proxy says about itself, which is not what the target says."""
    name = proxy.name if proxy is not None else "the proxy"
    why = "asks for other credentials" if status == 407 else f"opens no way to {{host}}:{{port}}: it answered {status}"
    return Broken(Reason.CONNECT, f"{name} {why}", local=True)

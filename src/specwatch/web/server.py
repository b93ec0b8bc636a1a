"""Serving the application inside the event loop of the prober."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from specwatch.errors import Problem, UsageError
from specwatch.web.guard import MAX_HEAD
from specwatch.web.settings import OPTION, Listen, WebSettings, parse_listen

__all__ = ["parse_listen", "serve"]

MAX_CONNECTIONS: Final = 128
PATIENCE: Final = 10.0
"""Seconds after which a connection is cut that has not asked a whole question, or does not read its answer."""

KEEP_ALIVE: Final = 75
"""Seconds for which a connection is kept between scrapes: a handshake of TLS costs a millisecond of the one thread."""

BACKLOG: Final = 128
GRACE: Final = 3
"""Seconds that open requests have when the prober stops."""


class _Protocol(H11Protocol):
    """Connections that cannot be used to wear the prober down: bounded in number and in patience."""

    _stale: bool = False
    _answering: object = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def _look_again(self) -> None:
        self._timer = self.loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        """Cut the connection when it is stuck at the same point as at the look before, or has asked nothing yet."""
        cycle: Any = self.cycle
        idle = cycle is None or cycle.response_complete
        half_asked = idle and bool(self.conn.trailing_data[0])
        unread = not idle and self.flow.write_paused
        stuck = half_asked or unread
        if cycle is None or (stuck and self._stale and self._answering is cycle):
            self.transport.abort()
            return
        self._stale, self._answering = stuck, cycle
        self._look_again()


class _Server(uvicorn.Server):
    """A server that leaves signals to the prober, and says when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def wait_until_ready(self, task: asyncio.Task[None]) -> None:
        """Return when it serves; raise what kept its task from it."""
        ready = asyncio.ensure_future(self._ready.wait())
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await task

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve(app: ASGIApp, settings: WebSettings) -> AsyncIterator[str]:
    """Serve for as long as the block lasts; gives the base URL, with the port that was taken.

    Raises:
        UsageError: the port is in use or may not be opened, or certificate and key cannot be used.
    """
    context = load_tls(settings.certificate, settings.key) if settings.certificate else None
    listener = bind(settings.listen)
    server = _Server(_config(app, context))
    task = asyncio.create_task(server.serve(sockets=[listener]), name="specwatch-web")
    try:
        await server.wait_until_ready(task)
        host, port = listener.getsockname()[:2]
        yield f"{'https' if context else 'http'}://{Listen(host, port)}"
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
        listener.close()


def bind(listen: Listen) -> socket.socket:
    """A listening socket.

    Raises:
        UsageError: saying why it cannot be had and what to do.
    """
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        if listener is not None:
            listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            Problem(
                f"{OPTION} {listen}",
                f"cannot listen there: {reason}",
                "an address of this machine with a free port",
                f"stop what uses the port (another specwatch?), or choose another: port 0 takes a free one, "
                f"{OPTION} {Listen(listen.host, 0)}",
            )
        ) from error
    return listener


def load_tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """What https is served with: TLS 1.2 and later.

    Raises:
        UsageError: the files cannot be read, are not PEM, do not belong together, or the key wants a passphrase.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An empty passphrase, because OpenSSL would ask for one at the terminal and wait.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        files = f"{certificate} and {key}" if key else str(certificate)
        raise UsageError(
            Problem(
                files,
                f"cannot be used for https: {reason}",
                "a certificate chain and its private key, both in PEM, the key without a passphrase",
            )
        ) from error
    return context


def _config(app: ASGIApp, context: ssl.SSLContext | None) -> uvicorn.Config:
    config = uvicorn.Config(
        cast("Callable[..., Any]", app),  # Starlette and uvicorn spell the same protocol differently
        http=_Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="critical",  # hostile requests are not worth a line each
        proxy_headers=False,
        server_header=False,
        date_header=True,
        h11_max_incomplete_event_size=MAX_HEAD,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        backlog=BACKLOG,
    )
    config.load()
    config.ssl = context
    return config

"""What stands between a run and the sandbox: a server that passes on or misbehaves, and a proxy that does the same."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

from tests.loopback import Answer, Listener, Received, Server

PASS: Final = b"pass it on"
"""What a rule says when the sandbox shall answer."""

Rule = Callable[[int, Received], Answer]
"""From the number of a request, counted from 1, and the request to an answer, or `PASS`."""


def open_door(_number: int, _received: Received) -> Answer:
    """The rule that misbehaves nowhere."""
    return PASS


class Front:
    """A server before the sandbox.

    Args:
        sandbox: URL of the sandbox.
        rule: what it answers by itself.
        context: says with which TLS context the next connection is met, for https.
        close: whether every answer ends its connection.
    """

    def __init__(
        self,
        sandbox: str,
        rule: Rule = open_door,
        context: Callable[[], ssl.SSLContext] | None = None,
        *,
        close: bool = False,
    ) -> None:
        self._netloc = urlsplit(sandbox).netloc
        self._rule = rule
        self._close = close
        self._numbers = itertools.count(1)
        self._statuses: list[int] = []
        tls = cast("ssl.SSLContext", _Turning(context)) if context else None
        self._server = Server(self._said, tls)

    @property
    def url(self) -> str:
        """Its base URL."""
        return self._server.url

    @property
    def port(self) -> int:
        """Its port."""
        return urlsplit(self.url).port or 0

    @property
    def served(self) -> list[tuple[Received, int]]:
        """What the sandbox was given, and the status of each answer."""
        return list(zip(self._server.received, self._statuses, strict=False))

    @property
    def received(self) -> list[Received]:
        """All that arrived."""
        return self._server.received

    def close(self) -> None:
        """Hang up everywhere."""
        self._server.close()

    def _said(self, received: Received) -> Answer:
        said = self._rule(next(self._numbers), received)
        return said if said != PASS else self._passed(received)

    def _passed(self, received: Received) -> bytes:
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        with contextlib.closing(connection):
            own = {"host", "connection", "accept-encoding"}
            headers = {name: value for name, value in received.headers.items() if name not in own}
            connection.request(received.method, received.path, received.body, headers)
            response = connection.getresponse()
            body = response.read()
        self._statuses.append(response.status)
        kept = [(n, v) for n, v in response.getheaders() if n.lower() not in {"transfer-encoding", "content-length"}]
        kept += [("Content-Length", str(len(body))), *([("Connection", "close")] if self._close else [])]
        head = "".join(f"{name}: {value}\r\n" for name, value in kept)
        return f"HTTP/1.1 {response.status} {response.reason}\r\n{head}\r\n".encode("latin-1") + body


class _Turning:
    """A TLS context that may be another one for each connection."""

    def __init__(self, context: Callable[[], ssl.SSLContext]) -> None:
        self._context = context

    def wrap_socket(self, stream: socket.socket, *, server_side: bool) -> ssl.SSLSocket:
        """Meet a connection."""
        return self._context().wrap_socket(stream, server_side=server_side)


class Tunnel(Listener):
    """A proxy that opens a way to one port, whatever it is asked for, unless it says something else.

    Args:
        port: where its tunnels lead.
        said: what it says instead; None opens a tunnel, an empty answer is silence.
    """

    def __init__(self, port: int, said: Callable[[], bytes | None]) -> None:
        self._leads_to = port
        self._said = said
        self.asked: list[str] = []
        super().__init__()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536) or b"\r\n\r\n"
            self.asked.append(head.decode("latin-1"))
            said = self._said()
            if said is None:
                self._relay(connection)
            elif said:
                connection.sendall(said)
                connection.close()

    def _relay(self, stream: socket.socket) -> None:
        other = socket.create_connection(("127.0.0.1", self._leads_to))
        self._connections.append(other)
        stream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(other, stream), daemon=True).start()
        _pump(stream, other)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

"""What tests of the transport and of runs share: a server that says exactly what it is told to, and a clock to turn."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from specwatch.spec import Api, load_api

SHOP = Path(__file__).with_name("shop.yaml")


def shop_api() -> Api:
    """A small API that has everything the engine distinguishes: reads, effects, prices, states, two schemes."""
    return load_api(SHOP)


@dataclass
class TurnedClock:
    """A clock that stands still until somebody sleeps or turns it."""

    time: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Epoch seconds."""
        return self.time

    def monotonic(self) -> float:
        """The same seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Turn the clock at once, and remember by how much."""
        self.slept.append(seconds)
        self.time += seconds

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = bytes | Iterable[bytes] | None
"""What is sent back, in one piece or in several; None hangs up without a word."""


def answer(
    status: int = 200, body: object = None, *, headers: Mapping[str, str] | None = None, reason: str = "Said"
) -> bytes:
    """A whole HTTP answer with a JSON body, or with the bytes that are given."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode() + content


class Listener:
    """Accepts connections on a free loopback port until it is closed, and serves each in a thread of its own."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Hang up everywhere."""
        for each in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


class Server(Listener):
    """Listens on a free loopback port, answers as it is told and remembers all that arrived.

    Args:
        script: makes an answer of each request; ConnectionAbortedError breaks the connection with an RST.
        tls: context of an https server, or None for http.
    """

    def __init__(self, script: Callable[[Received], Answer], tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self._script = script
        self._tls = tls
        super().__init__()

    @property
    def url(self) -> str:
        """Its base URL."""
        scheme, host = ("https", "localhost") if self._tls else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.port}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [received.path for received in self.received]

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            stream = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with stream, stream.makefile("rb") as incoming:
                while (received := _read(iter(incoming.readline, b""), incoming.read)) is not None:
                    self.received.append(received)
                    try:
                        said = self._script(received)
                    except ConnectionAbortedError:
                        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        return
                    if said is None:
                        return
                    for piece in (said,) if isinstance(said, bytes) else said:
                        stream.sendall(piece)


def _read(lines: Iterator[bytes], read: Callable[[int], bytes]) -> Received | None:
    first = next(lines, b"").decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        if line == b"\r\n":
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Received(first[0], first[1], headers, read(int(headers.get("content-length", "0"))))


def refused_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port

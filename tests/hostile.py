"""Servers that do what no server should: each misbehaviour by name, for whoever has to survive it."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Self

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BLOCK = b"x" * 65536


class Peer:
    """One accepted connection, as a script sees it. What fails because the other side has gone ends the script.

    Args:
        stream: the socket, encrypted if the server is.
        stopped: set when the server closes.
    """

    def __init__(self, stream: socket.socket, stopped: threading.Event) -> None:
        self.stream = stream
        self.stopped = stopped

    def read_request(self) -> bytes:
        """The head of a request, and a body if it announces one."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._read()
        head, _, body = data.partition(b"\r\n\r\n")
        announced = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        missing = int(announced[0].partition(b":")[2]) - len(body) if announced else 0
        pieces = [data]
        while missing > 0:
            pieces.append(self._read())
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def send(self, *pieces: bytes) -> None:
        """Send, in one go."""
        self.stream.sendall(b"".join(pieces))

    def drip(self, piece: bytes, every: float = 0.02) -> None:
        """Send the same again and again, with a pause in between, until the other side has enough."""
        while not self.stopped.wait(every):
            self.stream.sendall(piece)

    def flood(self, piece: bytes) -> None:
        """Send the same again and again, as fast as it is taken."""
        while not self.stopped.is_set():
            self.stream.sendall(piece)

    def hang(self) -> None:
        """Say nothing more until the other side has enough."""
        while self.stream.recv(65536):
            pass

    def reset(self) -> None:
        """Break the connection with an RST."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()

    def _read(self) -> bytes:
        data = self.stream.recv(1 << 20)
        if not data:
            raise ConnectionAbortedError
        return data


Script = Callable[[Peer], None]


class HostileServer:
    """Listens on a free loopback port and lets a script loose on every connection.

    Args:
        script: what happens on a connection once TLS, if any, is there; it is closed afterwards.
        tls: context of an https server; None for plain sockets.
        host: address to listen on.
        port: 0 for a free one.
    """

    def __init__(
        self, script: Script, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.accepted = 0
        self._script = script
        self._tls = tls
        self._stopped = threading.Event()
        self._streams: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.host = host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.close()

    def close(self) -> None:
        """Hang up everywhere, and wait until every script has noticed."""
        self._stopped.set()
        for each in (self._listener, *self._streams):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                self._streams.append(connection)
                self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:  # which ssl.SSLError is
            stream = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with stream:
                self._script(Peer(stream, self._stopped))


def says(*pieces: bytes) -> Script:
    """A script that reads the request, says something and closes."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(*pieces)
        if isinstance(peer.stream, ssl.SSLSocket):
            with contextlib.suppress(OSError):
                peer.stream.unwrap()

    return script


def then(script: Callable[[Peer], object], *before: bytes) -> Script:
    """A script that reads the request, says something, and goes on with another."""

    def whole(peer: Peer) -> None:
        peer.read_request()
        if before:
            peer.send(*before)
        script(peer)

    return whole


def sized(body: bytes, *headers: bytes) -> bytes:
    """A whole answer with a body."""
    return b"\r\n".join((OK + b"Content-Length: %d" % len(body), *headers, b"", body))


def bomb(size: int, *, layers: int = 1) -> bytes:
    """That many zeros, in as many layers of gzip."""
    packer = zlib.compressobj(9, wbits=31)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    for _ in range(layers - 1):
        data = gzip.compress(data, 9)
    return data


def _half_close(peer: Peer) -> None:
    peer.stream.shutdown(socket.SHUT_WR)
    peer.hang()


SILENT: dict[str, Script] = {
    "no answer": then(Peer.hang),
    "head drip": then(lambda peer: peer.drip(b"X-A: b\r\n"), OK),
    "status line drip": then(lambda peer: peer.drip(b" "), b"HTTP/1.1 200 "),
    "body drip": then(lambda peer: peer.drip(b"x"), OK, b"Content-Length: 100000\r\n\r\n"),
    "chunk drip": then(lambda peer: peer.drip(b"1\r\nx\r\n"), CHUNKED),
    "interim drip": then(lambda peer: peer.drip(b"HTTP/1.1 102 Processing\r\n", 0.2)),
    "body never comes": then(Peer.hang, OK, b"Content-Length: 10\r\n\r\n"),
    "chunk size of a giant": then(Peer.hang, CHUNKED, b"FFFFFFFFFFFFFFFF\r\n"),
}
"""Those that keep one waiting: only a deadline for the whole ends them."""

ENDLESS: dict[str, Script] = {
    "endless body": then(lambda peer: peer.flood(BLOCK), OK, b"\r\n"),
    "endless chunks": then(lambda peer: peer.flood(b"10000\r\n" + BLOCK + b"\r\n"), CHUNKED),
    "endless headers": then(lambda peer: peer.flood(b"X-Header: value\r\n" * 1000), OK),
    "endless header": then(lambda peer: peer.flood(BLOCK), OK, b"X-Header: "),
    "endless trailers": then(lambda peer: peer.flood(b"X-Trailer: value\r\n" * 1000), CHUNKED, b"0\r\n"),
    "endless chunk extension": then(lambda peer: peer.flood(BLOCK), CHUNKED, b"1;"),
    "endless interim answers": then(lambda peer: peer.flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    "status line of a megabyte": says(b"HTTP/1.1 200 ", b"O" * (1 << 20), b"\r\n\r\n"),
    "ten thousand headers": says(OK, b"X-Header: value\r\n" * 10_000, b"Content-Length: 0\r\n\r\n"),
    "many small headers": says(OK, b"a:\r\n" * 1000, b"Content-Length: 0\r\n\r\n"),
    "announced giant": then(Peer.hang, OK, b"Content-Length: 99999999999\r\n\r\n"),
    "gzip bomb": says(sized(bomb(64 << 20), b"Content-Encoding: gzip")),
    "stacked gzip bomb": says(sized(bomb(256 << 20, layers=2), b"Content-Encoding: gzip, gzip")),
    "bomb in the middle": says(
        sized(gzip.compress(zlib.compress(bytes(64 << 20))), b"Content-Encoding: deflate", b"Content-Encoding: gzip")
    ),
}
"""Those that never have enough: caps end them."""

BROKEN_OFF: dict[str, Script] = {
    "content length too long": says(OK, b"Content-Length: 10\r\n\r\nshort"),
    "no body at all": says(OK, b"Content-Length: 10\r\n\r\n"),
    "chunk cut": says(CHUNKED, b"5\r\nab"),
    "last chunk missing": says(CHUNKED, b"5\r\nabcde\r\n"),
    "head cut": says(OK, b"Content-Le"),
    "interim answer and nothing else": says(b"HTTP/1.1 100 Continue\r\n\r\n"),
}
"""Those that promise more than they keep."""

HANGING_UP: dict[str, Script] = {
    "immediate close": lambda peer: peer.stream.close(),
    "close after the request": then(lambda peer: peer.stream.close()),
    "immediate RST": Peer.reset,
    "RST after the request": then(Peer.reset),
    "RST in the body": then(Peer.reset, OK, b"Content-Length: 10\r\n\r\nshort"),
    "half-close": then(_half_close),
}
"""Those that hang up."""

GARBAGE: dict[str, Script] = {
    "unasked 101": then(Peer.hang, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "binary garbage": says(bytes(range(256)) * 16),
    "binary garbage that goes on": then(lambda peer: peer.flood(b"\xff" * 4096)),
    "HTTP/0.9": says(b"<html>hello</html>"),
    "HTTP/2": says(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x00\x04\x00\x10\x00\x00"),
    "HTTP/2 in words": says(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "SSH": then(Peer.hang, b"SSH-2.0-OpenSSH_9.6\r\n"),
    "status is no number": says(b"HTTP/1.1 OK 200\r\n\r\n"),
    "status of four digits": says(b"HTTP/1.1 2000 OK\r\n\r\n"),
    "NUL in a header": says(OK, b"X-A: a\x00b\r\nContent-Length: 0\r\n\r\n"),
    "header without a name": says(OK, b": value\r\nContent-Length: 0\r\n\r\n"),
    "header without a colon": says(OK, b"value\r\nContent-Length: 0\r\n\r\n"),
    "space before the colon": says(OK, b"X-A : value\r\nContent-Length: 0\r\n\r\n"),
    "first header is a continuation": says(OK, b" folded\r\nContent-Length: 0\r\n\r\n"),
    "negative length": says(OK, b"Content-Length: -1\r\n\r\n"),
    "length is no number": says(OK, b"Content-Length: many\r\n\r\n"),
    "length of thirty digits": says(OK, b"Content-Length: ", b"9" * 30, b"\r\n\r\n"),
    "two lengths": says(OK, b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "unknown transfer coding": says(OK, b"Transfer-Encoding: gzip\r\n\r\nab"),
    "chunk size is no number": says(CHUNKED, b"zz\r\n"),
    "negative chunk size": says(CHUNKED, b"-1\r\n"),
    "chunk size overflows": says(CHUNKED, b"F" * 40, b"\r\n"),
    "chunk longer than it says": says(CHUNKED, b"1\r\nabc\r\n0\r\n\r\n"),
}
"""Those that do not speak HTTP/1.1."""

UNDECODABLE: dict[str, Script] = {
    "no gzip": says(sized(b"no gzip at all", b"Content-Encoding: gzip")),
    "gzip cut": says(sized(gzip.compress(bytes(range(256)))[:-4], b"Content-Encoding: gzip")),
    "gzip with a wrong sum": says(sized(gzip.compress(b"hello")[:-8] + bytes(8), b"Content-Encoding: gzip")),
    "gzip and something else": says(sized(gzip.compress(b"hello") + b"else", b"Content-Encoding: gzip")),
    "no deflate": says(sized(b"\xff\xff\xff", b"Content-Encoding: deflate")),
    "coding nobody asked for": says(sized(b"hello", b"Content-Encoding: br")),
    "three codings": says(sized(b"hello", b"Content-Encoding: gzip, gzip", b"Content-Encoding: gzip")),
}
"""Those whose body is not what its coding says."""


@contextlib.contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[HostileServer]:
    """A server for the length of a block."""
    with HostileServer(script, tls) as server:
        yield server

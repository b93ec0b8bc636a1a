"""TLS in front of a server that speaks none: what is behind it looks as a target on the Internet does."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Self

import trustme
from cryptography import x509


class TlsRelay:
    """Takes off TLS and hands on every byte.

    Args:
        port: of the server behind, on loopback.
        certificate: shown to whoever connects.
    """

    def __init__(self, port: int, certificate: trustme.LeafCert) -> None:
        self._behind = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        shown = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
        self.expires = shown.not_valid_after_utc.timestamp()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._cut = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://localhost:{self._listener.getsockname()[1]}"

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Hang up on everybody for as long as the block lasts."""
        self._cut.set()
        for each in list(self._open):
            _hang_up(each)
        yield
        self._cut.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *list(self._open)):
            _hang_up(each)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self._cut.is_set():
                    connection.close()
                    continue
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            connection,
            self._context.wrap_socket(connection, server_side=True) as front,
            socket.create_connection(("127.0.0.1", self._behind)) as back,
        ):
            self._open |= {front, back}
            other = threading.Thread(target=_pump, args=(back, front), daemon=True)
            other.start()
            _pump(front, back)
            other.join()
            self._open -= {front, back}


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Until one of the two is closed."""
    with contextlib.suppress(OSError, ValueError):
        while data := source.recv(65_536):
            sink.sendall(data)
    _hang_up(sink)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)

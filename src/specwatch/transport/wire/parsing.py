"""Reads and writes HTTP/1.1 messages; the only module that knows the parser, so that it can be exchanged.

RFC 9112. What it decides where the RFC leaves room: an answer with both Transfer-Encoding and Content-Length is read by
the former (section 6.3); trailers are dropped; a switch of protocols is never asked for, so it is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Final

import h11

from specwatch.transport.wire.model import Caps
from specwatch.transport.wire.trouble import Broken
from specwatch.values.exchange import Headers
from specwatch.values.failure import Reason

EVENTS: Final = 256
"""Events that are handled before others get their turn: a body in one-byte chunks has a great many."""

_HEAD_PIECE: Final = 16 * 1024
"""How much of a head is looked at at once, so that a flood of headers is noticed before all of it is read."""

_START: Final = b"HTTP/"

_NAME: Final = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?)?")
_TARGET: Final = re.compile(rb"[\x21-\x7e]+")

# The parser's own sentences may go on with what the target sent, and that is never repeated.
_SAID: Final = (
    ("illegal status line", "its status line is none"),
    ("illegal request line", "it does not begin with a status line"),
    ("no response line", "it does not begin with a status line"),
    ("illegal header line", "a header line is none"),
    ("continuation line", "a header line is none"),
    ("illegal chunk header", "the size of a chunk is none"),
    ("malformed chunk footer", "a chunk does not end where its size says"),
    ("conflicting Content-Length", "it has several content lengths"),
    ("bad Content-Length", "its content length is none"),
    ("multiple Transfer-Encoding", "it has several transfer codings"),
    ("Only Transfer-Encoding", "it has a transfer coding that nobody asked for"),
    ("Received server _SWITCH", "it switches to another protocol, unasked"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of a final answer.

    Args:
        headers: names in lower case.
        codings: of the content, in the order in which they were applied.
    """

    status: int
    reason: str
    version: str
    headers: Headers
    codings: tuple[str, ...]


class Parser:
    """One request and its answer.

    Args:
        caps: bounds of the answer.
    """

    __slots__ = ("_announced", "_caps", "_first", "_h11", "_interim", "_later", "began_at", "body", "complete", "head")

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=caps.header_bytes)
        self._first = b""
        self._later = b""
        self._interim = 0
        self._announced: int | None = None
        self.began_at: float | None = None  # first byte of what may be the final head, by time.perf_counter
        self.head: Head | None = None
        self.body = bytearray()
        self.complete = False

    def request(self, method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The head of a request.

        Raises:
            Broken: `internal`, when it cannot be written as HTTP.
        """
        self._h11.send(_announce(method))
        return write_head(method, target, headers)

    def feed(self, data: bytes) -> None:
        """Take what was received; `pump` looks at it.

        Raises:
            Broken: `protocol`, when it is no HTTP.
        """
        if self.began_at is None:
            self.began_at = perf_counter()
        if len(self._first) < len(_START):
            self._first += data[: len(_START) - len(self._first)]
            if not _START.startswith(self._first):
                raise Broken(Reason.PROTOCOL, "{host}:{port} answers with something that is not HTTP/1.1")
        if self._later:
            self._later += data
        elif self.head is None and len(data) > _HEAD_PIECE:
            self._h11.receive_data(data[:_HEAD_PIECE])
            self._later = data[_HEAD_PIECE:]
        else:
            self._h11.receive_data(data)

    def pump(self) -> bool:
        """Handle what was fed, a bounded part of it.

        Returns:
            Whether all of it was handled.

        Raises:
            Broken: the answer breaks the protocol, breaks off, or is more than the caps allow.
        """
        if self.complete:
            return True
        try:
            for _ in range(EVENTS):
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    if not self._later:
                        return True
                    self._next_piece()
                elif self._handle(event):
                    return True
        except h11.RemoteProtocolError as error:
            raise _broken(str(error)) from None  # which quotes what came
        return False

    def end(self) -> None:
        """Take note that nothing will follow.

        Raises:
            Broken: something should have.
        """
        while not self.pump():  # what is still to be looked at
            pass
        if self.complete:
            return
        if self.began_at is None and not self._interim:
            raise Broken(Reason.RESET, "{host}:{port} closed the connection without an answer")
        if self.head is None:
            raise Broken(Reason.TRUNCATED, "the answer of {host}:{port} breaks off in its head")
        self._h11.receive_data(b"")
        while not self.pump():
            pass

    def _next_piece(self) -> None:
        size = _HEAD_PIECE if self.head is None else len(self._later)
        piece, self._later = self._later[:size], self._later[size:]
        self._h11.receive_data(piece)

    def _handle(self, event: h11.Event | type[h11.NEED_DATA | h11.PAUSED]) -> bool:
        """Whether the answer is complete."""
        kind = type(event)
        if kind is h11.Data:
            self.body += event.data  # type: ignore[union-attr]
            self.complete = len(self.body) == self._announced
        elif kind is h11.EndOfMessage or event is h11.PAUSED:  # the latter behind the head of an open tunnel
            self.complete = True
        elif isinstance(event, h11.Response):
            self.head = self._final(event)
        elif isinstance(event, h11.InformationalResponse):
            self._pass_over(event)
        else:
            raise Broken(Reason.PROTOCOL, "the answer of {host}:{port} ends before it began")
        return self.complete

    def _pass_over(self, event: h11.InformationalResponse) -> None:
        if event.status_code == 101:
            raise Broken(Reason.PROTOCOL, "{host}:{port} switches to another protocol, unasked")
        self._interim += 1
        if self._interim > self._caps.interim:
            raise Broken(Reason.TOO_LARGE, f"{{host}}:{{port}} sends more than {self._caps.interim} interim answers")
        self.began_at = perf_counter() if self._later or self._h11.trailing_data[0] else None

    def _final(self, event: h11.Response) -> Head:
        version = event.http_version
        if version not in {b"1.1", b"1.0"}:
            raise Broken(Reason.PROTOCOL, "{host}:{port} answers in a version of HTTP that nobody asked for")
        raw = event.headers.raw_items()
        caps = self._caps
        if len(raw) > caps.header_count:
            raise Broken(Reason.TOO_LARGE, f"the answer has more than {caps.header_count} headers")
        headers = tuple([(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw])
        size = 0
        chunked = False
        codings: list[str] = []
        for name, value in headers:
            size += len(name) + len(value) + 4
            if name == "content-encoding":
                codings += [coding for part in value.lower().split(",") if (coding := part.strip())]
            elif name == "content-length":
                self._announced = int(value)  # the parser has looked at it
            elif name == "transfer-encoding":
                chunked = True
        if size > caps.header_bytes:
            raise _head_too_large()
        if chunked:
            self._announced = None
        elif self._announced is not None and self._announced > caps.wire_bytes:
            # On a HEAD it speaks of a body that does not come, but one that nobody could fetch either.
            raise Broken(Reason.TOO_LARGE, f"the answer announces more than {caps.wire_bytes} bytes")
        reason = event.reason.decode("latin-1")
        return Head(event.status_code, reason, f"HTTP/{version.decode('ascii')}", headers, tuple(codings))


def _head_too_large() -> Broken:
    return Broken(Reason.TOO_LARGE, "the headers of the answer are larger than the limit")


@lru_cache(maxsize=64)
def _announce(method: str) -> h11.Request:
    """All that the parser has to know of a request: whether its answer has a body."""
    try:
        return h11.Request(method=method, target=b"/", headers=[(b"host", b"")])
    except h11.LocalProtocolError:
        raise _unwritable("method") from None


def write_head(method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Request line and headers (RFC 9112, sections 3 and 5).

    The parser could write them too, at several times the cost.

    Raises:
        Broken: `internal`, when a part of it holds what none may, such as a line break.
    """
    if not _TARGET.fullmatch(target):
        raise _unwritable("target")
    lines = [b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), target)]
    for name, value in headers:
        if not _NAME.fullmatch(name):
            raise _unwritable("header name")
        if not _VALUE.fullmatch(value):
            raise _unwritable("header value")
        lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(b"\r\n")
    return b"".join(lines)


def _unwritable(what: str) -> Broken:
    return Broken(Reason.INTERNAL, f"the request cannot be written as HTTP: its {what} holds what none may", local=True)


def _broken(said: str) -> Broken:
    if said.startswith("Receive buffer too long"):
        return _head_too_large()
    if said.startswith("peer"):
        return Broken(Reason.TRUNCATED, "the answer of {host}:{port} breaks off in its body")
    why = next((ours for theirs, ours in _SAID if said.startswith(theirs)), "it is malformed")
    return Broken(Reason.PROTOCOL, f"the answer of {{host}}:{{port}} is not HTTP/1.1: {why}")

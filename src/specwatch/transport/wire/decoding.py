"""Takes content codings off a body, a piece at a time and never more than was agreed (RFC 9110, section 8.4.1)."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from specwatch.transport.wire.model import Caps
from specwatch.transport.wire.trouble import Broken
from specwatch.values.failure import Reason

_PIECE: Final = 64 * 1024
_TURN: Final = 16
"""Pieces that are decoded before others get their turn."""

_GZIP: Final = b"\x1f\x8b"


async def decode(body: bytes, codings: tuple[str, ...], caps: Caps) -> bytes:
    """The body as it was before it was coded.

    Args:
        body: as it was received.
        codings: in the order in which they were applied, lower case.
        caps: bounds of the result.

    Raises:
        Broken: `decode` when it cannot be decoded, `too_large` when it is more than the cap at any stage.
    """
    codings = tuple(coding for coding in codings if coding != "identity")
    if not codings or not body:
        return body
    if len(codings) > caps.encodings:
        raise Broken(Reason.DECODE, f"the body has {len(codings)} content codings; {caps.encodings} are the limit")
    pieces: Iterator[bytes] = (body[at : at + _PIECE] for at in range(0, len(body), _PIECE))
    for coding in reversed(codings):
        if coding not in _CODINGS:
            raise Broken(Reason.DECODE, "the body has a content coding that nobody asked for")
        pieces = _inflate(pieces, _CODINGS[coding], caps.decoded_bytes)
    result = bytearray()
    for count, piece in enumerate(pieces, start=1):
        result += piece
        if count % _TURN == 0:
            await asyncio.sleep(0)
    return bytes(result)


class Stream(Protocol):
    """What `zlib.decompressobj` makes."""

    @property
    def eof(self) -> bool:
        """Whether the coded data has come to its end."""

    @property
    def unused_data(self) -> bytes:
        """What came behind that end."""

    @property
    def unconsumed_tail(self) -> bytes:
        """What was not looked at since the piece was full."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """A piece of at most that length."""


Opener = Callable[[bytes], Stream]
"""Makes a stream for data that begins so."""


def _open_gzip(_start: bytes) -> Stream:
    return zlib.decompressobj(wbits=31)


def _open_deflate(start: bytes) -> Stream:
    """RFC 9110 means the zlib format of RFC 1950; some servers send what RFC 1951 calls deflate, without its header."""
    wrapped = len(start) >= 2 and start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0
    return zlib.decompressobj(wbits=15 if wrapped else -15)


_CODINGS: Final[dict[str, Opener]] = {"gzip": _open_gzip, "x-gzip": _open_gzip, "deflate": _open_deflate}


def _inflate(pieces: Iterable[bytes], opener: Opener, cap: int) -> Iterator[bytes]:
    """The decoded pieces; empty ones too, so that whoever asks stays in charge."""
    stream: Stream | None = None
    size = 0
    for each in pieces:
        piece = each
        while piece:
            if stream is None or stream.eof:
                piece = _between(stream, piece, opener)
                if not piece:
                    break
                stream = opener(piece)
            try:
                decoded = stream.decompress(piece, _PIECE)
            except zlib.error as error:
                raise Broken(Reason.DECODE, "the body is not what its content coding says") from error
            size += len(decoded)
            if size > cap:
                raise Broken(Reason.TOO_LARGE, f"the decoded body is larger than {cap} bytes")
            yield decoded
            piece = stream.unused_data if stream.eof else stream.unconsumed_tail
    if stream is None or not stream.eof:
        raise Broken(Reason.DECODE, "the coded body breaks off")


def _between(stream: Stream | None, piece: bytes, opener: Opener) -> bytes:
    """What begins the next member: gzip may have several (RFC 1952, section 2.2), and zeros that fill a block."""
    if stream is None:
        return piece
    piece = piece.lstrip(b"\0")
    if piece and (opener is not _open_gzip or not _GZIP.startswith(piece[:2])):
        raise Broken(Reason.DECODE, "there are bytes behind the coded body")
    return piece

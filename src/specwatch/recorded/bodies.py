"""Bodies of recorders: some took the content coding off and some did not, whatever the headers still say."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Final

from specwatch.values.exchange import Headers, header

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Longer bodies are not judged, coded or not; as in a live run."""

_GZIP: Final = b"\x1f\x8b"
_PLAIN: Final = frozenset({"", "identity"})
_READABLE: Final = frozenset({"gzip", "x-gzip", "deflate"})


class BodyError(ValueError):
    """A body that cannot be judged; the text says why."""


def from_base64(text: str) -> bytes:
    """The bytes of a base64 text; line breaks in it are allowed.

    Raises:
        BodyError: it is no base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BodyError("its body is no base64") from error


def without_coding(body: bytes, headers: Headers, *, as_sent: bool) -> bytes:
    """A body without the content coding that its headers name.

    Args:
        body: as it was recorded.
        headers: of the same message.
        as_sent: whether the recorder keeps bodies as they travelled. One that does not has decoded them mostly, so that
            only what begins like coded data is decoded.

    Raises:
        BodyError: it cannot be decoded, or is too large.
    """
    names = (header(headers, "content-encoding") or "").lower().split(",")
    codings = [name.strip() for name in names if name.strip() not in _PLAIN]
    for coding in reversed(codings):
        if coding in _READABLE:
            body = _inflated(body, coding, certain=as_sent)
        elif as_sent and body:
            raise BodyError(f"its body is coded with {coding[:20]}, which cannot be read here")
        elif _is_binary(body):
            raise BodyError(f"its body seems to be coded with {coding[:20]} still, which cannot be read here")
    if len(body) > MAX_BODY_BYTES:
        raise BodyError(f"its body is larger than {MAX_BODY_BYTES} bytes")
    return body


def _is_binary(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _inflated(body: bytes, coding: str, *, certain: bool) -> bytes:
    zipped = body.startswith(_GZIP)
    wrapped = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0  # RFC 1950
    coded = zipped if coding != "deflate" else wrapped and _is_binary(body)
    if not body or not (certain or coded):
        return body
    if coding != "deflate":
        return inflate(body, 31)
    return inflate(body, 15 if wrapped else -15)  # some servers send RFC 1951 without the header of RFC 1950


def inflate(body: bytes, bits: int, limit: int = MAX_BODY_BYTES) -> bytes:
    """Decompressed data of one or several members.

    Args:
        body: the compressed data.
        bits: as `zlib.decompressobj` takes them.
        limit: the most bytes that it may become.

    Raises:
        BodyError: it is damaged, or larger than that.
    """
    result = bytearray()
    while body:
        stream = zlib.decompressobj(wbits=bits)
        try:
            result += stream.decompress(body, limit + 1 - len(result))
        except zlib.error as error:
            raise BodyError("its body is not what its content coding says") from error
        if len(result) > limit:
            raise BodyError(f"its body is larger than {limit} bytes")
        if not stream.eof:
            raise BodyError("its coded body breaks off")
        body = stream.unused_data.lstrip(b"\0")
    return bytes(result)

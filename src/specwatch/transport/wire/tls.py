"""TLS for the wire: contexts, one connection's encryption, and what a certificate says about its target."""

from __future__ import annotations

import contextlib
import ssl
from functools import cache

import httpx

from specwatch.errors import Problem, UsageError
from specwatch.transport.wire.der import read_certificate
from specwatch.values.failure import Certificate

_RECORD = 16 * 1024
"""The most that a read gives: one record (RFC 8446, section 5.1)."""


def tls_context(ca: str | None = None, cert: str | None = None) -> ssl.SSLContext:
    """What is trusted, and what we show of ourselves: TLS 1.2 or newer, certificates and names verified.

    It takes some 20 ms to make, so make it once and share it.

    Args:
        ca: file with certificate authorities to trust instead of the usual ones.
        cert: file with a client certificate and its key.

    Raises:
        UsageError: a file cannot be read, or holds something else.
    """
    where = f"--ca {ca}"
    try:
        context = ssl.create_default_context(cafile=ca) if ca else httpx.create_ssl_context()
        where = f"--cert {cert}"
        if cert:
            context.load_cert_chain(cert)
    except OSError as error:  # which ssl.SSLError is
        raise UsageError(Problem(where, f"cannot be used: {error}", "a readable file in PEM format")) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


@cache
def blind_context() -> ssl.SSLContext:
    """For looking at a certificate that was not accepted. Nothing may be sent over what it opens."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")  # a key that is too weak is what may have been wrong with it
    context.set_alpn_protocols(["http/1.1"])
    return context


class Encryption:
    """The client's end of one TLS connection, in memory: bytes in, bytes out.

    Args:
        context: what is trusted.
        host: the name or address that the certificate has to be for.
    """

    __slots__ = ("_in", "_out", "_tls", "chain", "closed")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        self.chain: tuple[bytes, ...] = ()  # shown certificates in DER, once the handshake is done
        self.closed = False  # by the other side, in due form

    def shake(self, data: bytes = b"") -> bool:
        """Go on with the handshake.

        Args:
            data: what was received.

        Returns:
            Whether it is done.

        Raises:
            ssl.SSLError: it failed.
        """
        if data:
            self._in.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.chain = self._shown()  # after a fatal alert it could not be asked for
        return True

    def output(self) -> bytes:
        """What has to be sent now; may be empty."""
        return self._out.read()

    def encrypt(self, data: bytes | memoryview) -> bytes:
        """What has to be sent so that the other side reads `data`."""
        self._tls.write(data)
        return self._out.read()

    def decrypt(self, data: bytes = b"") -> bytes:
        """What can be read now that `data` was received.

        Raises:
            ssl.SSLError: the other side ended it with an alert, or broke the protocol.
        """
        if data:
            self._in.write(data)
        pieces: list[bytes] = []
        try:
            while self._in.pending or self._tls.pending():
                piece = self._tls.read(_RECORD)
                if not piece:
                    self.closed = True
                    break
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.closed = True
        except ssl.SSLError:
            if not pieces:  # else what came before counts, and may be all that is needed
                raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def farewell(self) -> bytes:
        """The alert that closes our side (RFC 8446, section 6.1)."""
        with contextlib.suppress(ssl.SSLError):  # it would like to wait for the other side's
            self._tls.unwrap()
        return self._out.read()

    def _shown(self) -> tuple[bytes, ...]:
        """All certificates where this Python tells them (3.13), else the target's own."""
        shown = getattr(self._tls, "get_unverified_chain", None)
        if shown is not None:
            return tuple(shown())
        own = self._tls.getpeercert(binary_form=True)
        return (own,) if own else ()


def describe(chain: tuple[bytes, ...], host: str, *, verified: bool, problem: str = "") -> Certificate | None:
    """What a target showed of itself; None when nothing of it can be read.

    Args:
        chain: certificates in DER, the target's own first.
        host: the name that was asked for.
        verified: whether it was accepted.
        problem: why not.
    """
    try:
        facts = [read_certificate(each) for each in chain]
    except ValueError:
        return None
    if not facts:
        return None
    return Certificate(host, min(each.not_after for each in facts), facts[0].issuer, verified, problem)

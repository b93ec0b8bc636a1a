"""What can go wrong on the wire, sorted into the closed set of classes.

No message holds bytes that came from the target: it may have echoed a secret, and a piece of one cannot be found and
removed later.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from specwatch.values.failure import Reason


class Broken(Exception):  # noqa: N818 - a cause, not yet the error that a caller sees
    """A request came to nothing.

    Args:
        reason: its class.
        message: one sentence; `{host}` and `{port}` are filled in by whoever knows them.
        local: whether it looks like trouble of our own network.
    """

    def __init__(self, reason: Reason, message: str, *, local: bool = False) -> None:
        super().__init__(message)
        self.cause = Cause(reason, message, local)


@dataclass(frozen=True, slots=True)
class Cause:
    """A class of failure, with a sentence and whether it is of our own making."""

    reason: Reason
    message: str
    local: bool = False


_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

# Verification results of OpenSSL, `X509_V_ERR_*` in x509_vfy.h.
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_WRONG_NAME: Final = frozenset({62, 63, 64})

_KINDS: Final = (
    (ConnectionRefusedError, Reason.REFUSED, "{host}:{port} refuses connections"),
    (ConnectionError, Reason.RESET, "{host}:{port} broke the connection"),
    (TimeoutError, Reason.TIMEOUT, "{host}:{port} does not answer"),
)


def explain(error: BaseException) -> Cause:
    """The cause of a failure, from whatever was raised."""
    if isinstance(error, Broken):
        return error.cause
    if isinstance(error, ssl.SSLError):
        return _explain_tls(error)
    if isinstance(error, socket.gaierror):
        return _explain_look_up(error)
    if isinstance(error, OSError):
        return _explain_system(error)
    # Its text may quote what was sent; the traceback is in the chain of causes.
    return Cause(Reason.INTERNAL, f"a defect of specwatch: {type(error).__name__} while talking to {{host}}")


def _explain_system(error: OSError) -> Cause:
    said = os.strerror(error.errno) if error.errno else type(error).__name__  # the loop's own words differ
    if error.errno in _EXHAUSTED:
        return Cause(Reason.INTERNAL, f"this machine has no room for another connection: {said}", local=True)
    if error.errno in _NO_ROUTE:
        return Cause(Reason.CONNECT, f"no way from here to {{host}}:{{port}}: {said}", local=True)
    if error.errno in _FORBIDDEN:
        return Cause(Reason.CONNECT, f"this machine forbids connections to {{host}}:{{port}}: {said}", local=True)
    for kind, reason, message in _KINDS:
        if isinstance(error, kind):
            return Cause(reason, message)
    return Cause(Reason.CONNECT, f"no connection to {{host}}:{{port}}: {said}")


def _explain_look_up(error: socket.gaierror) -> Cause:
    if error.errno == socket.EAI_AGAIN:
        return Cause(
            Reason.DNS, "the name {host} cannot be looked up now: the name service does not answer", local=True
        )
    if error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}:
        return Cause(Reason.DNS, "the name {host} has no address")
    if error.errno in {socket.EAI_SYSTEM, socket.EAI_MEMORY}:
        return Cause(Reason.INTERNAL, f"this machine cannot look up names: {error.strerror}", local=True)
    return Cause(Reason.DNS, f"the name {{host}} cannot be looked up: {error.strerror}")


def _explain_tls(error: ssl.SSLError) -> Cause:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(error)
    said = (error.reason or "").replace("_", " ").lower()
    if "wrong version number" in said or "record layer" in said:
        return Cause(Reason.TLS, "{host}:{port} does not speak TLS")
    if "certificate required" in said:
        return Cause(Reason.TLS, "{host}:{port} asks for a client certificate")
    return Cause(Reason.TLS, f"no TLS with {{host}}:{{port}}: {said or type(error).__name__}")


def _explain_certificate(error: ssl.SSLCertVerificationError) -> Cause:
    if error.verify_code == _EXPIRED:
        return Cause(Reason.TLS_EXPIRED, "a certificate of {host} has expired")
    if error.verify_code in _WRONG_NAME:
        return Cause(Reason.TLS_HOSTNAME, "the certificate of {host}:{port} is for another name")
    if error.verify_code == _NOT_YET_VALID:
        return Cause(Reason.TLS_UNTRUSTED, "a certificate of {host} is not valid yet")
    return Cause(Reason.TLS_UNTRUSTED, f"the certificate of {{host}} is not trusted: {error.verify_message}")

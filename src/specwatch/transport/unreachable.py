"""Why no usable answer came to the guarded transport: the cause that lies deepest, and what to do about it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from specwatch.errors import BrokenAnswer, CannotTell, GarbledAnswer, Unreachable
from specwatch.transport.wire import trouble
from specwatch.values.failure import Reason

_HEADER_FAULTS: Final = (
    "illegal header line",
    "continuation line at start",
    "conflicting Content-Length",
    "bad Content",
)
"""What h11 says of headers after a whole status line (`_readers.py` and `_headers.py` of h11 0.16)."""

_LONGEST: Final = 200
"""How many characters of what came are quoted."""

_MENDS: Final[Mapping[Reason, str]] = {
    Reason.DNS: "see that the name is right and that names can be looked up here",
    Reason.REFUSED: "see that the address is right and that the service runs",
    Reason.RESET: "look for a firewall on the way, then repeat the run",
    Reason.CONNECT: "see that there is a way from here",
    Reason.TLS_EXPIRED: "see that the clock of this machine is right, and tell the provider if it is",
    Reason.TLS_HOSTNAME: "see that the address is right and that nobody on the way opens TLS",
    Reason.TLS_UNTRUSTED: "see that the clock of this machine is right; --ca trusts an authority of your own",
    Reason.TLS: "see that the address is right and that it speaks https",
}


def explain(
    error: httpx.TransportError, request: httpx.Request, seconds: float, *, blameless: bool = False
) -> CannotTell:
    """What went wrong, in words that say on which side it happened.

    Args:
        error: what was raised.
        request: what was sent.
        seconds: how long it had.
        blameless: whether the answer may be missing without anybody's fault.
    """
    host = request.url.host
    if isinstance(error, httpx.LocalProtocolError):
        return CannotTell("the request cannot be written as HTTP: its headers hold what none may")
    if isinstance(error, httpx.RemoteProtocolError) and str(error).startswith(_HEADER_FAULTS):
        said = str(error) if len(str(error)) <= _LONGEST else f"{str(error)[:_LONGEST]}…"
        return GarbledAnswer(f"the answers of {host} are no valid HTTP ({said}); tell the provider, with this line")
    if isinstance(error, httpx.RemoteProtocolError):
        broken = Unreachable if blameless else BrokenAnswer
        return broken(f"{host} broke the protocol: {error}")
    if isinstance(error, httpx.ReadTimeout):
        return BrokenAnswer(f"no answer from {host} in {seconds:g} s")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"no answer from {host} in {seconds:g} s; look at the network on this side")
    return Unreachable(f"{request.url.netloc.decode('ascii')} cannot be reached: {_why(error, request)}")


def explain_way(error: httpx.TransportError, request: httpx.Request, proxy: str) -> CannotTell:
    """What went wrong before there was a way through a proxy."""
    place = request.url.netloc.decode("ascii")
    system = _system_error(error)
    if isinstance(system, ssl.SSLError):
        return Unreachable(f"{place} cannot be reached through {proxy}: {_why(error, request)}")
    if isinstance(error, httpx.ProxyError):
        said = f"{proxy} answers {str(error)[:3]}"
    elif isinstance(error, httpx.TimeoutException):
        said = f"{proxy} does not answer"
    else:
        said = f"{proxy} opens no way: {type(system or error).__name__}"
    return Unreachable(f"{place} cannot be reached: {said}; see HTTPS_PROXY and NO_PROXY")


def _why(error: httpx.TransportError, request: httpx.Request) -> str:
    """The cause that lies deepest, and what to do about it."""
    system = _system_error(error)
    if system is None:
        return str(error) or type(error).__name__
    cause = trouble.explain(system)
    port = request.url.port or (443 if request.url.scheme == "https" else 80)
    said = cause.message.replace("{host}", request.url.host).replace("{port}", str(port))
    mend = _MENDS.get(cause.reason)
    return f"{said}; {mend}" if mend else said


def _system_error(error: BaseException) -> OSError | None:
    """What the system said, of the errors that led to one; TLS and the name service included."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None

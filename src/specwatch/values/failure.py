"""Why a request or a probe led to nothing usable: one class per cause, a closed set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """The classes of failure. They are label values, so the set is closed."""

    DNS = "dns"
    CONNECT = "connect"
    REFUSED = "refused"
    RESET = "reset"
    TLS_EXPIRED = "tls_expired"
    TLS_HOSTNAME = "tls_hostname"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS = "tls"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"
    DECODE = "decode"
    REDIRECT = "redirect"
    STATUS = "status"
    CONTRACT = "contract"
    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    INTERNAL = "internal"


PHASES = ("resolve", "connect", "tls", "request", "processing", "transfer")
"""The phases of a request, in their order. One that never ran is absent from `Timings.phases`."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a target showed of itself, also when it could not be verified.

    Args:
        host: the name that was asked for.
        not_after: epoch seconds at which the first certificate of the chain that was looked at expires.
        issuer: the issuer's name, in RFC 4514 form or the like.
        verified: whether chain, name and dates were accepted.
        problem: why not, or empty.
    """

    host: str
    not_after: float
    issuer: str
    verified: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request led to no usable answer.

    Args:
        reason: its class.
        message: one sentence: what was found and what was expected.
        phase: the phase in which it happened, or empty.
        started_at: epoch seconds.
        seconds: until it failed.
        phases: seconds of the phases that ran.
        certificate: what the target showed, if it came to that.
        local: whether it looks like trouble of our own network: no route, a resolver that does not answer.
    """

    reason: Reason
    message: str
    phase: str = ""
    started_at: float = 0.0
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)
    certificate: Certificate | None = None
    local: bool = False

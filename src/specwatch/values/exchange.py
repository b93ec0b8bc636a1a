"""One request and what came back: the value that flows through everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specwatch.values.failure import Certificate
from specwatch.values.sandbox import ACCOUNTS, ANSWER

Headers = tuple[tuple[str, str], ...]

ACCOUNT = "account"


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, whatever the case of its name; None when it is absent."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it went out. `headers` of an exchange that left the transport hold no credential."""

    method: str
    url: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it came in, decoded from its content encoding."""

    status: int
    headers: Headers
    body: bytes
    reason: str = ""
    http_version: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class Timings:
    """When and how long, in seconds.

    Args:
        started_at: epoch seconds when the request began.
        total_seconds: until the last byte of the body was there.
        phases: seconds per phase (`resolve`, `connect`, `tls`, `request`, `processing`, `transfer`); a phase that never
            ran is absent.
    """

    started_at: float
    total_seconds: float
    phases: Mapping[str, float] = field(default_factory=dict)

    @property
    def ended_at(self) -> float:
        """Epoch seconds when the last byte was there."""
        return self.started_at + self.total_seconds


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, what came back, and as whom it was sent.

    Args:
        id: unique in a run.
        api: id of the API.
        operation: `operationId`.
        target: base URL that the request went to.
        credentials: role per security scheme: `account`, `second`, `absent`, `altered`, `wrong_scheme` or the
            name of a state.
        path_parameters: decoded values of the path's parameters.
        query: decoded query parameters.
        vouched: whether our credentials are known to be good, as on the embedded sandbox, so that a refusal of them is
            the target's fault.
        about_us: whether the answer speaks about a state of our credential, as its error code says.
        attempts: how often it was sent until an answer came.
        refused: whether the documentation promises to refuse the request, so that it counted as a read.
        certificate: what the target showed of itself, where TLS was spoken by a transport that looks at it.
    """

    id: str
    api: str
    operation: str
    target: str
    request: Request
    response: Response
    timings: Timings
    credentials: Mapping[str, str] = field(default_factory=dict)
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    vouched: bool = False
    about_us: bool = False
    attempts: int = 1
    refused: bool = False
    certificate: Certificate | None = None

    @property
    def as_account(self) -> bool:
        """Whether every credential was that of one account of ours, so that a refusal is trouble of ours."""
        roles = set(self.credentials.values())
        return len(roles) <= 1 and roles <= ACCOUNTS

    @property
    def own_trouble(self) -> bool:
        """Whether the answer speaks about us instead of the request: refused, used up or rate-limited.

        A rate limit is ours whatever credential was sent, unless a sandbox was asked for that very answer.
        Where no credential is asked for there is no account that could be refused.
        """
        if self.vouched or self.about_us:
            return self.about_us
        if self.response.status == 429:
            return not any(role.startswith(ANSWER) for role in self.credentials.values())
        return bool(self.credentials) and self.as_account and self.response.status in {401, 402, 403, 407}

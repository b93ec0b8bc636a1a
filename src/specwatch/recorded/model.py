"""Recorded exchanges as they were read from a file, before anybody knows which API they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specwatch.values.exchange import Headers

LATEST_SECONDS = 4_102_444_800.0
"""The year 2100. Later times, and those before 1970, are no times at which traffic was recorded."""

LONGEST_SECONDS = 86_400.0
"""A day: exchanges that took longer have a recorder with a broken clock."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a file of specwatch's own says about an exchange; None and empty where it does not.

    Args:
        api: id of the API.
        operation: `operationId`.
        credentials: role per security scheme.
        vouched: whether the credentials were those that a sandbox gave out.
    """

    api: str
    operation: str
    credentials: Mapping[str, str] | None = None
    vouched: bool | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded request with its answer.

    Args:
        where: file and position, for messages: `traffic.har, entry 3`.
        request_body: None where there was one that was not recorded.
        response_body: without its content coding; None where it was not recorded, or only in part.
        started_at: epoch seconds; None where the file does not say.
        seconds: until the last byte; None where the file does not say.
        phases: seconds by phase, as in `Timings`.
        notes: what is missing, as short reasons.
        told: what specwatch itself noted.
    """

    where: str
    method: str
    url: str
    request_headers: Headers
    request_body: bytes | None
    status: int
    response_headers: Headers
    response_body: bytes | None
    reason: str = ""
    http_version: str = "HTTP/1.1"
    started_at: float | None = None
    seconds: float | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that is not judged.

    Args:
        where: file and position.
        reason: why not, in words that are the same for all entries of a kind.
        broken: whether the file is wrong there, as opposed to an entry that shows nothing of the API.
    """

    where: str
    reason: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """What one file holds, in its order.

    Args:
        name: the file as it was named.
        format: what it turned out to be, for people.
    """

    name: str
    format: str
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def size(self) -> int:
        """How many entries the file has."""
        return len(self.entries) + len(self.skipped)

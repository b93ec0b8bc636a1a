"""Violations and drift: what a run finds out about an API."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from specwatch.values.claim import Level
from specwatch.values.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which an exchange, or a series of them, breaks a claim.

    Args:
        api: the API's id.
        claim: the claim's id within the API.
        level: the claim's level.
        operation: `operationId` of the exchange, empty for a scenario without one.
        kind: what was compared: `status`, `code`, `schema`, `inferred`, `media-type`, `json`, `embedded`, `time`,
            `credentials`, `claim`, `series`, `agreement`, `scenario` or `check`.
        message: one sentence.
        expected: what the documentation says.
        found: what came.
        where: JSON pointer into the response body, or empty.
        exchange: the exchange that shows it.
    """

    api: str
    claim: str
    level: Level
    operation: str
    kind: str
    message: str
    expected: str
    found: str
    where: str = ""
    exchange: Exchange | None = None

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What makes two violations the same finding."""
        return (self.api, self.claim, self.operation, self.kind, self.where)

    @property
    def id(self) -> str:
        """A short id that is the same in every run that finds the same thing."""
        return hashlib.sha256("\0".join(self.identity).encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Drift:
    """Something undocumented but allowed, seen in an otherwise valid answer.

    Args:
        kind: `field`, `status` or `code`.
        name: what was seen: a JSON pointer with `*` for positions, a status, a code.
    """

    api: str
    operation: str
    kind: str
    name: str

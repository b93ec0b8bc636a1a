"""Violations and drift: what a run finds out about an API."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from specwatch.values.claim import Level
from specwatch.values.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something failed when it was tried again.

    Args:
        failed: failures, the first one included.
        tries: how often it was tried, the first time included.
    """

    failed: int
    tries: int


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which an exchange, or a series of them, breaks a claim.

    Args:
        api: the API's id.
        claim: the claim's id within the API.
        level: the claim's level.
        operation: `operationId` of the exchange, empty for a scenario without one.
        kind: what was compared: `status`, `code`, `schema`, `inferred`, `header`, `media-type`, `json`, `embedded`,
            `time`, `credentials`, `claim`, `series`, `agreement`, `scenario` or `check`.
        message: one sentence.
        expected: what the documentation says.
        found: what came.
        where: JSON pointer into the response body, or empty.
        exchange: the exchange that shows it.
        rate: how often it failed when it was tried again; None where it was not.
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
    rate: Rate | None = None

    @property
    def sporadic(self) -> bool:
        """Whether it failed at some tries only."""
        return self.rate is not None and self.rate.failed < self.rate.tries

    @property
    def key(self) -> str:
        """The id with its API: what baselines list."""
        return f"{self.api}/{self.id}"

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What makes two violations the same finding."""
        return (self.api, self.claim, self.operation, self.kind, self.where)

    @property
    def id(self) -> str:
        """A short id that is the same in every run that finds the same thing."""
        return hashlib.sha256("\0".join(self.identity).encode("utf-8", "surrogatepass")).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Drift:
    """Something undocumented but allowed, seen in an otherwise valid answer.

    Args:
        kind: `field`, `value` (of an enumeration), `header`, `status`, `code` or `connection`.
        name: what was seen: a JSON pointer with `*` for positions, a pointer with the value, a header's name, a
            status, a code.
    """

    api: str
    operation: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """How often and when something undocumented was seen.

    Args:
        drift: what.
        count: in how many answers.
        first_at: epoch seconds of the first sight.
        last_at: epoch seconds of the last sight.
        status: status of the answer that the example is from; 0 where there is none.
        example: a value as JSON text, without secrets and personal values; empty where there is none.
        sketch: the JSON text of a schema that fits every value that was seen, see `conformance.sketch`; empty where
            there is none.
    """

    drift: Drift
    count: int
    first_at: float
    last_at: float
    status: int = 0
    example: str = ""
    sketch: str = ""

"""Violations and drift: what a run finds out about an API."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from specwatch.values.claim import Level
from specwatch.values.exchange import Exchange


class Breach(StrEnum):
    """What was compared, where a violation was found."""

    STATUS = "status"
    CODE = "code"
    SCHEMA = "schema"
    INFERRED = "inferred"
    HEADER = "header"
    MEDIA_TYPE = "media-type"
    JSON = "json"
    EMBEDDED = "embedded"
    TIME = "time"
    DELIVERY = "delivery"
    SURVIVES = "survives"
    CREDENTIALS = "credentials"
    REJECTS = "rejects"
    CLAIM = "claim"
    SERIES = "series"
    AGREEMENT = "agreement"
    SCENARIO = "scenario"
    CHECK = "check"


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
        kind: what was compared, one of `Breach`.
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
        """What makes two violations the same finding; of a scenario, which plays many steps, what was expected too."""
        where = self.where or (gist(self.expected) if self.kind == Breach.SCENARIO else "")
        return (self.api, self.claim, self.operation, self.kind, where)

    @property
    def id(self) -> str:
        """A short id that is the same in every run that finds the same thing."""
        return hashlib.sha256("\0".join(self.identity).encode("utf-8", "surrogatepass")).hexdigest()[:10]


def gist(text: str) -> str:
    """A text without what differs from run to run: JSON, quotations, times, and words with digits in them.

    A status stays where a sentence begins with it or names it as one: a 404 that was expected is no 200.
    """
    text = _VALUE.sub("#", text)
    text = _DATE.sub("#", text)
    text = re.sub(r"\S*\d\S*", lambda word: word[0] if _is_status(text, word) else "#", text)
    return re.sub(r"#(\W*#)+", "#", " ".join(text.split()))


_VALUE = re.compile(r"""\{.*\}|\[.*\]|"[^"]*"|(?<!\w)'[^']*'(?!\w)""", re.DOTALL)
_DATE = re.compile(r"(?:\w+,? )?\b\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{4}\b")


def _is_status(text: str, word: re.Match[str]) -> bool:
    plain = word[0].strip(",;:.")
    before = text[: word.start()].rstrip()
    return re.fullmatch("[1-5][0-9]{2}", plain) is not None and (not before or before.endswith(("status", "code")))


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

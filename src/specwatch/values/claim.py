"""Claims: the statements of a documentation that can be true or false of a live API."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How binding a claim is: said by the document, or only shown by its examples."""

    PROMISE = "promise"
    INFERENCE = "inference"


class Concern(StrEnum):
    """What about an API's answers a claim speaks of, so that a score shows where a contract is blind."""

    SCHEMA = "schema"
    STATUS = "status"
    HEADERS = "headers and media type"
    AUTHENTICATION = "authentication"
    ERRORS = "error bodies"
    INPUT = "input validation"
    SEMANTICS = "semantics and state"
    ROBUSTNESS = "robustness"


class Verdict(StrEnum):
    """What a run knows about a claim. Unknown is never shown as a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    UNKNOWN = "unknown"


class Rule(StrEnum):
    """How the values of a series relate to each other."""

    ORDER = "order"
    CONSTANT = "constant"
    UNIQUE = "unique"
    NOT_BEFORE = "not-before"


@dataclass(frozen=True, slots=True)
class Holds:
    """A claim about one exchange: a CEL expression that must be true."""

    expression: str


@dataclass(frozen=True, slots=True)
class Series:
    """A claim about the exchanges that share a key.

    Args:
        key: CEL expression; exchanges with equal keys belong together.
        value: CEL expression; the value that is compared.
        rule: how the values relate.
        order: the only allowed direction, for `Rule.ORDER`.
        others_first: whether values that `order` does not list are allowed, and come before those that it lists.
        each: CEL expression of a list; every element is bound to `item` and is one observation.
    """

    key: str
    value: str
    rule: Rule
    order: tuple[object, ...] = ()
    each: str | None = None
    others_first: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an agreement between operations: where the value is seen."""

    operation: str
    key: str
    value: str
    when: str | None = None
    each: str | None = None


@dataclass(frozen=True, slots=True)
class Observe:
    """A claim that all observations of one key agree, whichever operation showed them."""

    observations: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A claim that a contract test has to make happen and judge."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A claim that follows from the spec itself.

    Args:
        kind: what is compared: `response`, `inferred`, `status`, `code`, `media-type`, `json`, `time`,
            `delivery`, `survives`, `credentials`, `accepts` or `rejects`.
        status: the documented status, for `response` and `inferred`.
        code: the provider's error code, for `response`.
    """

    kind: str
    status: str = ""
    code: str = ""


Form = Holds | Series | Observe | Scenario | Derived


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of the documentation.

    Args:
        api: the API's id.
        id: the claim's id within the API, kebab-case; derived ones start with the operation.
        level: promise or inference.
        text: the statement in our words.
        source: section of the document.
        form: how it is judged.
        operations: the operations whose exchanges it speaks about.
        when: CEL condition; false or in error means that the claim does not apply to an exchange.
        concern: what about answers it speaks of; how an answer fits its request and others, where nothing else is said.
    """

    api: str
    id: str
    level: Level
    text: str
    source: str
    form: Form
    operations: frozenset[str]
    when: str | None = None
    concern: Concern = Concern.SEMANTICS

    @property
    def full_id(self) -> str:
        """The id that is unique in a workspace: `exaroutes-bulk/one-shot-download`."""
        return f"{self.api}/{self.id}"

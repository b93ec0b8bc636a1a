"""Faults: deliberate deviations of the sandbox from the documentation, and variations, which it allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from specwatch.sandbox.interface import Edit, unchanged
from specwatch.values import Concern, Level


class FaultKind(StrEnum):
    """Where a fault comes from, and whether it is one."""

    DERIVED = "derived"
    BEHAVIOUR = "behaviour"
    VARIATION = "variation"


@dataclass(frozen=True, slots=True)
class Fault:
    """One deviation that can be switched on.

    Args:
        name: unique in the sandbox: `<api-id>/...`.
        operation: whose answers it touches; None for every operation of the API.
        level: of what it breaks.
        breaks: the claim that it breaks; a few words where it is derived and none is known to; empty for a variation.
        text: what deviates, in a sentence.
        apply: makes the deviating answer from the honest one, which it leaves as it is.
        concern: what about the answers it changes.
        excuses: pairs of security scheme and problem (`absent`, `unknown`, `wrong_scheme` or a state) that are
            overlooked.
        unclaimed: why it may go unnoticed, where no claim is known to show it; empty otherwise.
    """

    name: str
    api: str
    operation: str | None
    kind: FaultKind
    level: Level
    breaks: str
    text: str
    apply: Edit = field(default=unchanged, repr=False)
    concern: Concern = Concern.SEMANTICS
    excuses: frozenset[tuple[str, str]] = frozenset()
    unclaimed: str = ""

    @property
    def short_name(self) -> str:
        """The name without the API's id."""
        return self.name.removeprefix(f"{self.api}/")


@dataclass(frozen=True, slots=True)
class Underivable:
    """A fault that cannot be built from a spec, and why.

    Args:
        api: the API's id.
        what: what it would be, such as `getTask/200/drop/carrier` or `claim/one-shot-download`.
        reason: why it cannot be built, in a few words.
    """

    api: str
    what: str
    reason: str

    @property
    def name(self) -> str:
        """The name that the fault would have: `<api-id>/<what>`."""
        return f"{self.api}/{self.what}"

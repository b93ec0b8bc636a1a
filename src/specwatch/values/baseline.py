"""Baselines: violations that a team knows of and accepts for a while, each with a reason and a last day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One violation that is accepted.

    Args:
        violation: `<api>/<id>`, where the id is that of the violation, the same in every run that finds it.
        claim: full id of the claim that it breaks, for people.
        reason: why it is accepted.
        until: the last day on which it is.
        where: file and line, for messages.
        profile: of the run that found it; empty where nobody wrote it down.
    """

    violation: str
    claim: str
    reason: str
    until: date
    where: str = ""
    profile: str = ""

    @property
    def api(self) -> str:
        """The id of the API."""
        return self.violation.partition("/")[0]

    def days_left(self, today: date) -> int:
        """How many days it is still accepted after this one: 0 on its last day, less when it has run out."""
        return (self.until - today).days


@dataclass(frozen=True, slots=True)
class Baseline:
    """All violations that are accepted, by their key `<api>/<id>`."""

    acceptances: Mapping[str, Acceptance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run beside a baseline.

    Args:
        accepted: the violations of the run that are accepted today, by key.
        expired: violations of the run whose acceptance has run out, by key; they count as new.
        gone: accepted ones that the run looked for and did not find.
        unseen: accepted ones that it did not find, and may not have sent what shows them.
        scope: why that is: it is what a small `profile`, a `selection` or recorded `traffic` may lack.
        unchecked: accepted ones whose claim is unknown in this run, so that nothing can be said.
    """

    accepted: Mapping[str, Acceptance] = field(default_factory=dict)
    expired: Mapping[str, Acceptance] = field(default_factory=dict)
    gone: tuple[Acceptance, ...] = ()
    unchecked: tuple[Acceptance, ...] = ()
    unseen: tuple[Acceptance, ...] = ()
    scope: str = "profile"

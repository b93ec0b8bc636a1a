"""The claim ledger: what a run knows about every claim of one API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from specwatch.conformance.sightings import Sightings
from specwatch.spec.model import Api
from specwatch.values.claim import Claim, Level, Verdict
from specwatch.values.violation import Sighting, Violation

NOT_REACHED = "no exchange of this run could show it"


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """What a run found out about one claim.

    Args:
        observations: how many exchanges or scenarios kept or broke it.
        reason: why it is unknown, else None.
        broken: how many of the observations broke it.
        accepted: whether everything that breaks it is accepted by the run's baseline.
        breach: the level of the gravest violation that is not accepted, or of the gravest of all where all are; None
            unless it is broken. A promise may be broken in a way that only examples speak of.
    """

    claim: Claim
    verdict: Verdict
    observations: int
    reason: str | None
    broken: int = 0
    accepted: bool = False
    breach: Level | None = None

    @property
    def level(self) -> Level:
        """How much weight its verdict has: that of what broke it, else its own."""
        return self.breach or self.claim.level


@dataclass
class Ledger:
    """Collects observations of one API; order of arrival does not change a verdict.

    Args:
        api: the API.
        selected: ids of the claims that count in this run.
    """

    api: Api
    selected: Collection[str]
    violations: dict[tuple[str, ...], Violation] = field(default_factory=dict)
    sightings: Sightings = field(default_factory=Sightings)
    responses: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _kept: Counter[str] = field(default_factory=Counter)
    _broken: Counter[str] = field(default_factory=Counter)
    _breach: dict[str, Level] = field(default_factory=dict)
    _reasons: dict[str, str] = field(default_factory=dict)

    def keep(self, claims: Iterable[str]) -> None:
        """Note that an exchange or a scenario kept these claims."""
        self._kept.update(claims)

    def break_(self, violation: Violation) -> bool:
        """Note a violation; True when it is the first of its kind."""
        self._broken[violation.claim] += 1
        if self._breach.get(violation.claim) is not Level.PROMISE:
            self._breach[violation.claim] = violation.level
        if violation.claim not in self.selected or violation.identity in self.violations:
            return False
        self.violations[violation.identity] = violation
        return True

    def note(self, sighting: Sighting) -> None:
        """Note something undocumented."""
        self.sightings.add(sighting)

    def explain(self, claim: str, reason: str) -> None:
        """Note why a claim could not be checked; the first reason stays."""
        self._reasons.setdefault(claim, reason)

    def counts(self, claim: str) -> tuple[int, int]:
        """How often the claim was kept and broken so far."""
        return self._kept[claim], self._broken[claim]

    def is_broken(self, claim: str) -> bool:
        """Whether any exchange broke the claim so far."""
        return self._broken[claim] > 0

    def results(self, default_reason: Callable[[Claim], str] = lambda _claim: NOT_REACHED) -> tuple[ClaimResult, ...]:
        """All selected claims in the order of the spec; unknown ones without a reason of their own get the default."""
        return tuple(self._result(claim, default_reason) for claim in self.api.claims if claim.id in self.selected)

    def _result(self, claim: Claim, default_reason: Callable[[Claim], str]) -> ClaimResult:
        observations = self._kept[claim.id] + self._broken[claim.id]
        if self._broken[claim.id]:
            broken, breach = self._broken[claim.id], self._breach[claim.id]
            return ClaimResult(claim, Verdict.FAIL, observations, None, broken, breach=breach)
        if self._kept[claim.id]:
            return ClaimResult(claim, Verdict.PASS, observations, None)
        return ClaimResult(claim, Verdict.UNKNOWN, 0, self._reasons.get(claim.id) or default_reason(claim))


def verdict_over(claims: Iterable[ClaimResult], *, established: bool, strict: bool) -> Verdict:
    """The verdict over the claims of one API: decided here and nowhere else.

    Fail if a promise (strict: any claim) is broken in a way that is not accepted; else pass, unless nothing is known of
    any claim or nothing was established.

    Args:
        claims: all of the run.
        established: whether an answer was about the API: refusals of bad credentials alone establish nothing about it.
        strict: whether a broken inference fails the run, too.
    """
    known = [claim for claim in claims if claim.verdict is not Verdict.UNKNOWN]
    broken = [claim for claim in known if claim.verdict is Verdict.FAIL and not claim.accepted]
    if any(strict or claim.level is Level.PROMISE for claim in broken):
        return Verdict.FAIL
    return Verdict.PASS if known and established else Verdict.UNKNOWN

"""The values of a score: what is tried, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median_low

from specwatch.sandbox.faults import Fault, FaultKind
from specwatch.values import Concern, Level


class Result(StrEnum):
    """What one run showed."""

    DETECTED = "detected"
    MISSED = "missed"
    FALSE_ALARM = "false alarm"
    QUIET = "quiet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Task:
    """One run: an API of the sandbox with one fault or variation, or honest.

    Args:
        name: the fault's full name; the API's id alone for the honest sandbox.
        source: `derived`, `behaviour`, `variation` or `honest`.
        breaks: the claim that the fault breaks, or a few words; empty where nothing is broken.
        text: what deviates, in a sentence.
        allowed: whether the document allows it, so that nothing may be reported.
        unclaimed: why it may go unnoticed, where no claim is known to show it; empty otherwise.
    """

    name: str
    api: str
    kind: Concern
    source: str
    level: Level
    breaks: str
    text: str
    allowed: bool = False
    unclaimed: str = ""

    @classmethod
    def of(cls, fault: Fault) -> Task:
        """The run with this fault switched on."""
        allowed = fault.kind is FaultKind.VARIATION
        return cls(
            name=fault.name,
            api=fault.api,
            kind=fault.concern,
            source=fault.kind.value,
            level=fault.level,
            breaks=fault.breaks,
            text=fault.text,
            allowed=allowed,
            unclaimed=fault.unclaimed,
        )

    @classmethod
    def honest(cls, api: str) -> Task:
        """The run without any fault."""
        text = "The sandbox as it is documented."
        return cls(api, api, Concern.SEMANTICS, "honest", Level.PROMISE, "", text, allowed=True)

    @property
    def fault(self) -> str | None:
        """What is switched on, if anything is."""
        return self.name if "/" in self.name else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation that a run reported."""

    claim: str
    level: Level
    operation: str
    kind: str
    message: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one run.

    Args:
        findings: what was reported, each claim once.
        requests: how many were sent, up to the first detection or to the end.
        seconds: wall time of the run.
        cpu_seconds: processor time of the run, the sandbox included.
        reason: why nothing can be said, or why the fault was missed; empty otherwise.
        broken: whether the run itself came to nothing.
    """

    task: Task
    findings: tuple[Finding, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    reason: str = ""
    broken: bool = False

    @property
    def result(self) -> Result:
        """What the run showed."""
        if self.broken:
            return Result.UNKNOWN
        if self.task.allowed:
            return Result.FALSE_ALARM if self.findings else Result.QUIET
        return Result.DETECTED if self.findings else Result.MISSED

    @property
    def by(self) -> tuple[str, ...]:
        """Ids of the claims that were reported as broken."""
        return tuple(dict.fromkeys(finding.claim for finding in self.findings))


@dataclass(frozen=True, slots=True)
class Score:
    """All runs.

    Args:
        outcomes: those that were finished, in the order of the catalogue.
        not_run: how many runs an interruption left out.
        started_at: epoch seconds.
    """

    profile: str
    outcomes: tuple[Outcome, ...]
    not_run: int
    started_at: float
    seconds: float
    jobs: int

    @property
    def interrupted(self) -> bool:
        """Whether the score ended before it was through."""
        return self.not_run > 0

    @property
    def faults(self) -> tuple[Outcome, ...]:
        """The runs with a fault."""
        return tuple(outcome for outcome in self.outcomes if not outcome.task.allowed)

    @property
    def allowed(self) -> tuple[Outcome, ...]:
        """The runs in which nothing may be reported."""
        return tuple(outcome for outcome in self.outcomes if outcome.task.allowed)

    def having(self, result: Result) -> tuple[Outcome, ...]:
        """The runs with this result."""
        return tuple(outcome for outcome in self.outcomes if outcome.result is result)

    def groups(self) -> dict[tuple[str, Concern], list[Outcome]]:
        """The runs with a fault by API and kind of drift, kinds in the order of their definition."""
        found: dict[tuple[str, Concern], list[Outcome]] = {}
        order = list(Concern)
        for outcome in sorted(self.faults, key=lambda each: (each.task.api, order.index(each.task.kind))):
            found.setdefault((outcome.task.api, outcome.task.kind), []).append(outcome)
        return found


def detected(outcomes: Sequence[Outcome]) -> int:
    """How many of them were detected."""
    return sum(outcome.result is Result.DETECTED for outcome in outcomes)


def tried(outcomes: Sequence[Outcome]) -> int:
    """How many of them show anything: those that came to nothing are neither detected nor missed."""
    return sum(outcome.result is not Result.UNKNOWN for outcome in outcomes)


def requests(outcomes: Sequence[Outcome]) -> tuple[int, int]:
    """Median and largest number of requests up to the detection; 0 and 0 when nothing was detected."""
    counts = [outcome.requests for outcome in outcomes if outcome.result is Result.DETECTED]
    return (median_low(counts), max(counts)) if counts else (0, 0)

"""What a contract run found: values for reports and for the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from specwatch.contract.ledger import ClaimResult
from specwatch.values.baseline import Comparison
from specwatch.values.claim import Level, Verdict
from specwatch.values.defect import Defect
from specwatch.values.exchange import Exchange
from specwatch.values.violation import Drift, Sighting, Violation

OK, BROKEN, USAGE, NOTHING = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class ApiResult:
    """One API in one run.

    Args:
        cost: spent, in the units of `x-cost`.
        seconds: time spent on this API.
        responses: how often each (operation, status, code) was seen; code is empty where none is documented.
        drift: how often each thing was seen, as in `drift_of`.
        trouble: what went wrong on our side, as sentences.
        sightings: the drift with when it was seen and an example.
        established: whether any answer was about the API, see `verdict_over`.
    """

    id: str
    verdict: Verdict
    requests: int
    cost: float
    seconds: float
    claims: tuple[ClaimResult, ...]
    violations: tuple[Violation, ...]
    drift: Mapping[Drift, int]
    responses: Mapping[tuple[str, str, str], int]
    trouble: tuple[str, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    established: bool = True

    def count(self, verdict: Verdict) -> int:
        """How many claims have that verdict."""
        return sum(result.verdict is verdict for result in self.claims)


def drift_of(sightings: Iterable[Sighting]) -> Mapping[Drift, int]:
    """How often each undocumented thing was seen, under whatever status."""
    counts: Counter[Drift] = Counter()
    for sighting in sightings:
        counts[sighting.drift] += sighting.count
    return dict(counts)


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run.

    Args:
        started_at: epoch seconds.
        seed: repeats the run's random choices.
        interrupted: whether Ctrl-C ended it early.
        exchanges: everything that was sent and came back, without secrets.
        baseline: the run beside a baseline, None without one.
        faults: those that were on in the embedded sandbox, so that a replay can switch them on again.
        defects: what went wrong with the run itself; with one, nothing reads as a pass.
    """

    target: str
    profile: str
    seed: int
    started_at: float
    seconds: float
    strict: bool
    apis: tuple[ApiResult, ...]
    interrupted: bool = False
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)
    baseline: Comparison | None = None
    faults: tuple[str, ...] = ()
    defects: tuple[Defect, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Fail if any API fails; unknown if nothing was established for any, or the run did not go well; else pass."""
        verdicts = {api.verdict for api in self.apis}
        for verdict in (Verdict.FAIL, Verdict.UNKNOWN):
            if verdict in verdicts:
                return verdict
        went_well = not self.interrupted and not self.defects
        return Verdict.PASS if verdicts and went_well else Verdict.UNKNOWN

    @property
    def broken_promises(self) -> int:
        """How many violations break a promise and are not accepted."""
        return sum(v.level is Level.PROMISE and not self.accepts(v) for api in self.apis for v in api.violations)

    @property
    def warnings(self) -> int:
        """How many violations break only an inference and are not accepted."""
        return sum(v.level is Level.INFERENCE and not self.accepts(v) for api in self.apis for v in api.violations)

    def accepts(self, violation: Violation) -> bool:
        """Whether the baseline of the run accepts a violation."""
        return self.baseline is not None and violation.key in self.baseline.accepted


def exit_code(result: RunResult, *, fail_on_unknown: bool = False) -> int:
    """The exit code of `check`: 1 a promise is broken, 3 nothing could be established, 0 otherwise.

    Args:
        result: the run.
        fail_on_unknown: whether a single unknown claim counts as "nothing could be established".
    """
    if result.verdict is Verdict.FAIL:
        return BROKEN
    if result.verdict is Verdict.UNKNOWN:
        return NOTHING
    unknown = any(api.count(Verdict.UNKNOWN) for api in result.apis)
    return NOTHING if fail_on_unknown and unknown else OK

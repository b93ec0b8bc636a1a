"""How much a run asks: three profiles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from specwatch.spec.model import Operation

_DIRECTED: Final = 7
"""So many directed requests at most an operation gets, and each of its credentials: the ways in which it is bad."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a contract run sends at most, per API.

    Args:
        max_requests: default of `--budget`.
        coverage: whether schemathesis's coverage phase runs, with values the spec allows and rules out.
        cases: the most that schemathesis may send per operation, so that no operation uses up the budget of the others.
        fuzz_examples: random cases per operation.
        walks: random walks along the links of an API.
        steps: calls per walk.
        behaviour_examples: hypothesis examples per behaviour test that varies its input.
        repeats: how often a free read is repeated to see whether it stays the same.
        large_bodies: whether body limits of many megabytes are tried.
    """

    name: str
    max_requests: int
    coverage: bool
    cases: int
    fuzz_examples: int
    walks: int
    steps: int
    behaviour_examples: int
    repeats: int
    large_bodies: bool

    def enough(self, operations: Collection[Operation], spent: int) -> int:
        """A budget with which a run that spent its own would probably get through, rounded up to tens.

        Args:
            operations: the selected ones of an API.
            spent: the budget that was too small; what contract tests of one's own send is not known, so that it is
                doubled at least.
        """
        cases = sum(self.cases + _DIRECTED * (1 + len(each.security)) + len(each.responses) for each in operations)
        return -(-max(cases + self.walks * self.steps, 2 * spent) // 10) * 10


def _profile(
    name: str, max_requests: int, *, cases: int, fuzz: int, walks: int, steps: int, behaviour: int, repeats: int
) -> Profile:
    full = fuzz > 0
    return Profile(name, max_requests, full, cases, fuzz, walks, steps, behaviour, repeats, full)


PROFILES: Final[Mapping[str, Profile]] = {
    "smoke": _profile("smoke", 39, cases=5, fuzz=0, walks=0, steps=0, behaviour=1, repeats=3),
    "standard": _profile("standard", 149, cases=26, fuzz=5, walks=2, steps=4, behaviour=3, repeats=20),
    "deep": _profile("deep", 1500, cases=260, fuzz=60, walks=20, steps=8, behaviour=25, repeats=60),
}

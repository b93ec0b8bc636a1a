"""What a run would send: found out by carrying it out against a sandbox that stands in for the target.

Contract tests are programs, so the only truthful list of their requests is the one that they make. The stand-in gets
what the target would get: under the same permissions and budgets, with as many credentials and identifiers as there
are for the target. What is unknown in the end would be unknown there, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from specwatch.contract.ledger import NOT_REACHED, ClaimResult
from specwatch.contract.profile import PROFILES
from specwatch.contract.run import ApiRun, ContractRun
from specwatch.spec.model import Effect, Operation
from specwatch.transport.permission import needed
from specwatch.values.claim import Claim, Verdict
from specwatch.values.exchange import ACCOUNT
from specwatch.values.violation import Violation

_LARGER: Final = "standard"


@dataclass(frozen=True, slots=True)
class PlannedCalls:
    """What one operation would get.

    Args:
        operation: the operation.
        kinds: what a call of it needs to be allowed: `create`, `consume`, `paid`; empty for a free read.
        served: requests that the target is meant to serve.
        refused: requests that its document promises to refuse, so that they have no effect and no price.
        cost: of those that are served, in units of `x-cost`.
    """

    operation: Operation
    kinds: tuple[str, ...]
    served: int
    refused: int
    cost: float

    @property
    def requests(self) -> int:
        """All requests."""
        return self.served + self.refused


@dataclass(frozen=True, slots=True)
class ApiPlan:
    """What one API would get, and what that would settle.

    Args:
        calls: one per selected operation, in the order of the spec.
        budget: the most requests that may be sent.
        settled: the claims that would be judged.
        unknown: the claims that would not, each with its reason.
        broken: claims that the sandbox itself breaks; empty unless sandbox, spec or contract tests have a defect.
    """

    id: str
    calls: tuple[PlannedCalls, ...]
    budget: int
    settled: tuple[ClaimResult, ...]
    unknown: tuple[ClaimResult, ...]
    broken: tuple[Violation, ...]

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(calls.requests for calls in self.calls)

    @property
    def cost(self) -> float:
        """What they cost, in units of `x-cost`."""
        return sum(calls.cost for calls in self.calls)


def plan_of(run: ContractRun) -> tuple[ApiPlan, ...]:
    """The plan that a run against a stand-in amounts to, once it is through."""
    return tuple(_plan(api) for api in run.apis.values())


def _plan(api: ApiRun) -> ApiPlan:
    result = api.result()
    return ApiPlan(
        id=api.api.id,
        calls=tuple(_calls(api)),
        budget=api.budget.max_requests,
        settled=tuple(claim for claim in result.claims if claim.verdict is not Verdict.UNKNOWN),
        unknown=tuple(_explained(api, claim) for claim in result.claims if claim.verdict is Verdict.UNKNOWN),
        broken=result.violations,
    )


def _explained(api: ApiRun, result: ClaimResult) -> ClaimResult:
    """A claim that no exchange could show, with what would bring such an exchange about where that is known."""
    needs = list(dict.fromkeys(_needs(api, result.claim))) if result.reason == NOT_REACHED else []
    return replace(result, reason=f"{NOT_REACHED}: {'; '.join(needs)}") if needs else result


def _needs(api: ApiRun, claim: Claim) -> Iterator[str]:
    """What the operations of a claim lack: credentials of ours, permission, known identifiers, a larger profile."""
    operations = [operation for operation in api.api.operations if operation.id in claim.operations]
    needs = [need for operation in operations for need in _unset_credentials(api, operation)]
    # What one operation reads may have to be created by another one before.
    makers = [operation for operation in api.api.operations if operation.effect is Effect.CREATE]
    refused = [each for each in (*operations, *makers) if not api.permission.permits(each)]
    needs += [str(api.permission.refusal(operation)) for operation in refused]
    known = api.api.known.items()
    needs += [f"{each.setting} is not set" for name, each in known if each.setting and name not in api.known]
    if not needs and api.settings.profile.max_requests < PROFILES[_LARGER].max_requests:
        needs = [f"`--profile {_LARGER}` asks more, and may show it"]
    yield from needs


def _unset_credentials(api: ApiRun, operation: Operation) -> Iterator[str]:
    for scheme in operation.security:
        names = api.api.schemes[scheme].variables.get(ACCOUNT, ())
        if names and not api.wallet.has(scheme, ACCOUNT):
            yield f"{' or '.join(names)} is not set"


def _calls(api: ApiRun) -> Iterator[PlannedCalls]:
    for operation in api.api.operations:
        if operation.id in api.operations:
            served, refused = api.calls[operation.id, False], api.calls[operation.id, True]
            price = operation.cost.amount if operation.cost is not None else 0.0
            yield PlannedCalls(operation, tuple(needed(operation)), served, refused, served * price)

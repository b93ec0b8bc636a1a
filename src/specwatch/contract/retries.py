"""Once more: what failed is tried again at the end of a run, so that a report can say how often it fails.

Only violations that stand on one exchange can be tried again by sending its request, and only requests that may be
sent twice are. What comes back is judged as any other answer is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from specwatch.errors import CannotTell
from specwatch.spec.model import Effect
from specwatch.transport.draft import Draft
from specwatch.values.claim import Level
from specwatch.values.violation import Breach, Rate, Violation

if TYPE_CHECKING:
    from specwatch.contract.run import ApiRun, ContractRun

TRIES: Final[Mapping[str, int]] = {"smoke": 2, "standard": 4, "deep": 9}
"""Profile to how often a failure is tried again."""

MAX_GROUPS: Final = 10
"""So many different requests of an API are tried again; where more fail, it is not by chance."""

ALONE: Final = frozenset(
    {
        Breach.STATUS,
        Breach.CODE,
        Breach.SCHEMA,
        Breach.INFERRED,
        Breach.HEADER,
        Breach.MEDIA_TYPE,
        Breach.JSON,
        Breach.EMBEDDED,
        Breach.TIME,
        Breach.CREDENTIALS,
        Breach.REJECTS,
        Breach.SURVIVES,
        Breach.CLAIM,
    }
)
"""Kinds of violations that one exchange shows, whatever came before it."""

TOGETHER: Final = frozenset({Breach.SERIES, Breach.AGREEMENT, Breach.SCENARIO, Breach.DELIVERY, Breach.CHECK})
"""Kinds of violations that several exchanges show, an answer that never arrived, or a judge that is not ours."""


def stands_alone(violation: Violation) -> bool:
    """Whether one exchange shows it, so that sending its request again can show it again."""
    if violation.exchange is None or violation.kind not in ALONE:
        return False
    return violation.claim != f"{violation.operation}/accepts"  # which compares a refusal with what came before


def reserve(profile: str) -> int:
    """How many requests are kept for trying again, once something has failed."""
    return TRIES.get(profile, 0)


@dataclass(eq=False)
class _Group:
    """The violations of one exchange, and what came of trying it again."""

    draft: Draft
    violations: tuple[Violation, ...]
    failed: dict[tuple[str, ...], int]
    tries: dict[tuple[str, ...], int]


def try_again(run: ContractRun) -> None:
    """Send again what failed, and note in the ledgers how often it fails.

    Each request is tried once before any is tried twice, so that a budget that ends early is shared out.
    """
    tries = TRIES.get(run.settings.profile.name, 0)
    for api in run.apis.values():
        api.budget.held = 0
        groups = list(_groups(api))[:MAX_GROUPS]
        try:
            for _ in range(tries):
                for group in groups:
                    _once(api, group)
        except CannotTell:
            pass  # the budget is used up, or there is trouble, which the run has noted
        for group in groups:
            _note(api, group)
        _note_deliveries(api)


def _groups(api: ApiRun) -> Iterator[_Group]:
    """What can be tried again, the gravest first."""
    found: dict[str, list[Violation]] = {}
    for violation in sorted(api.ledger.violations.values(), key=lambda each: each.level is not Level.PROMISE):
        if violation.exchange is not None and stands_alone(violation):
            found.setdefault(violation.exchange.id, []).append(violation)
    for exchange_id, violations in found.items():
        draft = api.drafts.get(exchange_id)
        if draft is not None and may_repeat(api, draft, violations):
            yield _Group(draft, tuple(violations), {}, {})


def may_repeat(api: ApiRun, draft: Draft, violations: Sequence[Violation]) -> bool:
    """Whether the request may be sent again and means the same then.

    A free read does, and a request that is promised to be refused, unless it was not. A call that creates does where
    that is allowed and free, and it is certain what became of it. One that consumes does not: it would find nothing
    left. One that is paid does not, wherever it goes: a check costs what its plan says.
    """
    operation = draft.operation
    statuses = [violation.exchange.response.status for violation in violations if violation.exchange is not None]
    refused = all(400 <= status < 500 for status in statuses)
    if operation.cost is not None:
        return draft.refused and refused
    if draft.refused:
        return operation.effect is Effect.READ or refused
    if operation.effect is Effect.READ or api.is_sandbox:
        return operation.effect is not Effect.CONSUME and api.permission.permits(operation)
    settled = all(status < 500 for status in statuses)
    return operation.effect is Effect.CREATE and settled and api.permission.permits(operation)


def _once(api: ApiRun, group: _Group) -> None:
    before = {v.identity: api.ledger.counts(v.claim) for v in group.violations}
    api.send(group.draft)
    broken = {violation.claim for violation in api.last_violations}
    for violation in group.violations:
        key = violation.identity
        if violation.claim in broken:
            group.failed[key] = group.failed.get(key, 0) + 1
        elif api.ledger.counts(violation.claim)[0] == before[key][0]:
            continue  # the answer was of another kind, and says nothing about the claim
        group.tries[key] = group.tries.get(key, 0) + 1


def _note(api: ApiRun, group: _Group) -> None:
    for violation in group.violations:
        key = violation.identity
        if tries := group.tries.get(key, 0):
            rate = Rate(group.failed.get(key, 0) + 1, tries + 1)
            api.ledger.violations[key] = replace(violation, rate=rate)


def _note_deliveries(api: ApiRun) -> None:
    """An answer that broke off cannot be asked for again: its rate is that of all calls of the operation."""
    for key, violation in list(api.ledger.violations.items()):
        if violation.kind == Breach.DELIVERY:
            kept, broken = api.ledger.counts(violation.claim)
            api.ledger.violations[key] = replace(violation, rate=Rate(broken, kept + broken))

"""What a run of a workflow takes when all goes well, read off the workflow itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from specwatch.spec import Api, Effect
from specwatch.workflow import Step, Workflow

PAID: Final = "paid"
"""What a call with an `x-cost` needs to be allowed, beside its effect."""


@dataclass(frozen=True, slots=True)
class Expense:
    """What a run takes that goes through every step once.

    Args:
        requests: how many it sends.
        cost: what they cost, in the unit of `x-cost`; what the documentation promises to refuse costs nothing.
        needs: effects that a target has to allow: of `create`, `consume`, `paid`; empty for free reads.
    """

    requests: int
    cost: float
    needs: frozenset[str]


@lru_cache(maxsize=4096)
def expense(workflow: Workflow) -> Expense:
    """What a run of a workflow takes, the workflows that it runs or depends on included; no step is repeated."""
    steps = [step for step in all_steps(workflow) if step.operation is not None]
    granted = [step.operation for step in steps if step.operation is not None and not step.refused]
    effects = {operation.effect.value for operation in granted if operation.effect is not Effect.READ}
    costs = [operation.cost.amount for operation in granted if operation.cost is not None]
    return Expense(len(steps), sum(costs), frozenset(effects | ({PAID} if costs else set())))


def apis_of(workflow: Workflow) -> tuple[Api, ...]:
    """The APIs that a run calls."""
    return tuple(dict.fromkeys(step.api for step in all_steps(workflow) if step.api is not None))


def all_steps(workflow: Workflow, _around: tuple[Workflow, ...] = ()) -> Iterator[Step]:
    """The steps of a workflow and of those that it runs or depends on, as often as they run."""
    if any(workflow is outer for outer in _around):  # a circle, which is no concern of ours
        return
    around = (*_around, workflow)
    for ref in workflow.depends_on:
        if ref.workflow is not None:
            yield from all_steps(ref.workflow, around)
    for step in workflow.steps:
        yield step
        if step.workflow is not None and step.workflow.workflow is not None:
            yield from all_steps(step.workflow.workflow, around)

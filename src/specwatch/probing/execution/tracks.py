"""The tracks that a run leaves in its journal, so that nothing is made or used up twice, and nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from specwatch.probing.ports import Journal, Json, Progress
from specwatch.spec import Effect
from specwatch.workflow import Scope, Step, Workflow

DEPENDENCY: Final = "$workflows."
"""Before the id of a workflow that another depends on, where a journal has steps. No step's id starts with it."""


class Tracks:
    """Writes the progress of a run.

    Args:
        journal: where to; None for a run that leaves no tracks.
        scope: of the outermost workflow.
        begun: whether the journal has something already, as in a run that is resumed.
    """

    __slots__ = ("begun", "journal", "scope")

    def __init__(self, journal: Journal | None, scope: Scope, *, begun: bool) -> None:
        self.journal = journal
        self.scope = scope
        self.begun = begun

    async def intend(self, step: str) -> None:
        """Note that a step is about to be sent that must not be sent twice.

        Raises:
            CannotTell: that cannot be written.
        """
        if self.journal is not None:
            await self.journal.intend(self._progress(following=step, in_doubt=step))
            self.begun = True

    async def keep(self, step: str, body: bytes) -> None:
        """Keep what cannot be had again.

        Raises:
            OSError: it could not be written.
        """
        if self.journal is not None:
            await self.journal.keep(step, body)

    async def done(self, following: str) -> None:
        """Note that everything up to here is done, once something was intended."""
        if self.journal is not None and self.begun:
            await self.journal.done(self._progress(following=following))

    def _progress(self, *, following: str, in_doubt: str = "") -> Progress:
        outputs: dict[str, Json] = dict(self.scope.steps)
        outputs |= {f"{DEPENDENCY}{name}": ran for name, ran in self.scope.workflows.items()}
        return Progress(dict(self.scope.inputs), outputs, following, in_doubt)


def is_lasting(step: Step) -> bool:
    """Whether a step makes something or uses something up, by itself or in the workflow that it calls."""
    if step.operation is not None:
        return step.operation.effect is not Effect.READ and not step.refused
    called = None if step.workflow is None else step.workflow.workflow
    return called is not None and leaves_something(called)


@lru_cache(maxsize=4096)
def lasting_calls(workflow: Workflow) -> frozenset[tuple[str, str]]:
    """Step and operation wherever a workflow, or one that it leads to, makes something or uses something up."""
    calls: set[tuple[str, str]] = set()
    pending = [workflow]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        for step in each.steps:
            if step.operation is not None and is_lasting(step):
                calls.add((step.id, step.operation.id))
            actions = (*step.on_success, *step.on_failure)
            refs = [step.workflow, *(action.workflow for action in actions)]
            pending += [ref.workflow for ref in refs if ref is not None and ref.workflow is not None]
        pending += [ref.workflow for ref in each.depends_on if ref.workflow is not None]
    return frozenset(calls)


def leaves_something(workflow: Workflow) -> bool:
    """Whether any step of a workflow, or of those that it leads to, makes something or uses something up."""
    return bool(lasting_calls(workflow))


def holds_something(workflow: Workflow, progress: Progress) -> bool:
    """Whether what a run has made so far would be lost if nobody went on with it."""
    lasting = {step.id for step in workflow.steps if is_lasting(step)}
    lasting |= {
        f"{DEPENDENCY}{ref.id}" for ref in workflow.depends_on if ref.workflow and leaves_something(ref.workflow)
    }
    return bool(lasting & progress.outputs.keys()) or bool(progress.in_doubt and progress.outputs)


def split_outputs(outputs: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Mapping[str, Json]]]:
    """The outputs of steps, and the inputs and outputs of workflows, that a journal has in one mapping."""
    steps = {name: value for name, value in outputs.items() if not name.startswith(DEPENDENCY)}
    workflows: dict[str, Mapping[str, Json]] = {}
    for name, value in outputs.items():
        if name.startswith(DEPENDENCY):
            sides = {side: part for side, part in value.items() if isinstance(part, Mapping)}
            workflows[name.removeprefix(DEPENDENCY)] = sides
    return steps, workflows

"""Running a workflow: a plain function of a workflow, its inputs and a sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specwatch.probing.execution.run import Frame, Halt, Run, Trouble, outputs_of
from specwatch.probing.execution.tracks import DEPENDENCY, Tracks, is_lasting, split_outputs
from specwatch.probing.ports import Journal, Progress, Sender
from specwatch.spec import Effect
from specwatch.transport.clock import AsyncClock
from specwatch.values.observation import StepResult
from specwatch.workflow import Scope, Step, Workflow, fill_inputs, input_problems


@dataclass(frozen=True, slots=True)
class Execution:
    """What a run came to. Nothing in it is redacted.

    Args:
        steps: in the order in which they ended; a step that is a workflow comes after the steps of that workflow.
        outputs: of the workflow, as far as they have a value.
        met: whether the workflow ended with a step that succeeded.
        message: what went wrong, one sentence; empty where it was met.
        unknown: why its outcome cannot be told, or empty.
        finished: whether it came to an end; not so where its time was up, or where what was asked for last may have
            been used up and can be looked up.
        again: whether it can be gone on with later from where its journal ends: it is not finished, or trouble of our
            own kept it from that.
    """

    steps: tuple[StepResult, ...]
    outputs: Mapping[str, object] = field(default_factory=dict)
    met: bool = False
    message: str = ""
    unknown: str = ""
    finished: bool = True
    again: bool = False


async def execute(
    workflow: Workflow,
    inputs: Mapping[str, object],
    sender: Sender,
    clock: AsyncClock,
    *,
    until: float,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Execution:
    """Run a workflow. Whatever a target does is a result; nothing is raised for it.

    A step that makes something or uses something up is in the journal before it is sent; what it gave and cannot be
    had again is kept before its criteria are looked at; then it is noted as done.

    Args:
        workflow: with all its sources; a step whose source is missing makes the outcome unknown.
        inputs: of the workflow; those left out have the defaults of its schema.
        sender: sends the requests.
        clock: for waits.
        until: when the run has to be over, in seconds of `clock.monotonic()`.
        journal: where a run that makes something or uses something up leaves its tracks.
        progress: how far the run had come, to go on from there; `inputs` are then those of the progress.
    """
    given = fill_inputs(workflow, inputs if progress is None else progress.inputs)
    if problems := input_problems(workflow, given):
        return Execution((), unknown="; ".join(problems))
    steps, ran = split_outputs({} if progress is None else progress.outputs)
    scope = Scope(given, steps, ran)
    run = Run(sender, clock, until, Tracks(journal, scope, begun=_has_begun(progress)))
    try:
        end = await run.workflow(Frame(workflow, scope), _start(workflow, progress))
    except Halt as halt:
        outputs = outputs_of(workflow.outputs, scope)
        finished = bool(halt.unknown)
        return Execution(
            tuple(run.results),
            outputs,
            met=False,
            message=halt.message,
            unknown=halt.unknown,
            finished=finished,
            again=halt.again,
        )
    finished = run.trouble in {Trouble.NONE, Trouble.OURS}
    again = run.trouble is not Trouble.NONE
    return Execution(tuple(run.results), end.outputs, end.met, end.message, finished=finished, again=again)


def _has_begun(progress: Progress | None) -> bool:
    return progress is not None and bool(progress.outputs or progress.following or progress.in_doubt)


def _start(workflow: Workflow, progress: Progress | None) -> int:
    """The position of the step to begin with.

    Raises:
        Halt: that cannot be told without asking the provider.
    """
    if progress is None or not _has_begun(progress):
        return 0
    name = progress.in_doubt or progress.following
    if not name:
        raise Halt(unknown=f"{workflow.id} had ended, but its verdict was not written")
    if name.startswith(DEPENDENCY):
        raise Halt(unknown=_in_doubt(f"the workflow {name.removeprefix(DEPENDENCY)}"))
    if name not in workflow.positions:
        raise Halt(unknown=f"{workflow.id} has no step {name} any more: it was changed while the run was interrupted")
    position = workflow.positions[name]
    return _before(workflow.steps, position) if progress.in_doubt else position


def _before(steps: tuple[Step, ...], position: int) -> int:
    """Where to go on when a step is in doubt: at the nearest read before what may have been used up already."""
    step = steps[position]
    if step.operation is not None and step.operation.effect is Effect.CONSUME:
        for earlier in range(position - 1, -1, -1):
            if steps[earlier].operation is not None and not steps[earlier].refused and not is_lasting(steps[earlier]):
                return earlier
    raise Halt(unknown=_in_doubt(step.id))


def _in_doubt(what: str) -> str:
    return f"whether {what} took effect is not known, so it was not sent again: ask the provider"

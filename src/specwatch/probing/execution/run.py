"""One run of a workflow: its steps, their attempts, and where they lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from specwatch.conformance import MISSING
from specwatch.errors import CannotTell, Unreachable
from specwatch.probing.execution.drafts import Unsendable, plan_of
from specwatch.probing.execution.tracks import DEPENDENCY, Tracks, is_lasting, leaves_something
from specwatch.probing.ports import Sender
from specwatch.spec import Effect, Operation
from specwatch.transport.clock import AsyncClock
from specwatch.transport.retry_after import parse_retry_after
from specwatch.values.exchange import Exchange, header
from specwatch.values.observation import Criterion, Sent, StepResult
from specwatch.workflow import (
    Action,
    ActionKind,
    Expression,
    Parameter,
    Scope,
    Step,
    Workflow,
    WorkflowRef,
    fill_inputs,
    input_problems,
)
from specwatch.workflow.template import lacking

MAX_STEPS: Final = 1_000
"""How many times steps are run in one run, attempts included."""

MAX_DEPTH: Final = 16
"""How deeply workflows may call each other."""

SUCCESS: Final = "a 2xx status"
"""What a step without criteria is held to: Arazzo leaves it open; RFC 9110, section 15.3 calls a 2xx success."""

ANSWER: Final = "a usable answer"
"""What a step is held to whose request led to none, so that its criteria have nothing to look at."""

BEFORE_SENDING: Final = frozenset({"resolve", "connect", "tls"})
"""Phases in which a request that fails has not reached the target."""


class Trouble(Enum):
    """What kept a step from ending, beside an answer that is not the one asked for.

    OURS: we were refused, asked to slow down, or our own network was down. CUT: the time of the run was up. LOST:
    something may have been made or used up, and no answer says so.
    """

    NONE = 0
    OURS = 1
    CUT = 2
    LOST = 3


class Halt(Exception):  # noqa: N818 - an outcome of the run
    """The run goes no further.

    Args:
        message: why, for a run that has no verdict because it is not finished.
        unknown: why, for one whose outcome cannot be told.
        again: whether it can be gone on with where it stands, later.
    """

    def __init__(self, message: str = "", unknown: str = "", *, again: bool = False) -> None:
        self.message = message
        self.unknown = unknown
        self.again = again
        super().__init__(message or unknown)


@dataclass(frozen=True, slots=True)
class End:
    """How a workflow ended; `trouble` is that of its last step."""

    met: bool
    message: str
    outputs: Mapping[str, object]
    trouble: Trouble = Trouble.NONE


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt of a step came to."""

    met: bool
    criteria: tuple[Criterion, ...]
    message: str = ""
    trouble: Trouble = Trouble.NONE

    @property
    def lost(self) -> bool:
        """Whether something may have been made or used up, and no answer says so."""
        return self.trouble is Trouble.LOST


@dataclass(frozen=True, slots=True)
class Frame:
    """A workflow that is being run.

    Args:
        prefix: the ids of the steps around it, each with a slash behind it.
        depth: how many workflows are around it.
    """

    workflow: Workflow
    scope: Scope
    prefix: str = ""
    depth: int = 0


@dataclass(slots=True)
class Visit:
    """One visit of a step, through all its attempts."""

    step: Step
    path: str
    sent: list[Sent] = field(default_factory=list)
    retries: dict[str, int] = field(default_factory=dict)


class Run:
    """Runs a workflow and those that it calls.

    Args:
        until: on the clock's monotonic time; nothing is sent and nothing waited for beyond it.
        tracks: of the outermost workflow.

    `trouble` says, once it has ended, what keeps it from going on although it can: later, from where its tracks end.
    """

    def __init__(self, sender: Sender, clock: AsyncClock, until: float, tracks: Tracks) -> None:
        self.sender = sender
        self.clock = clock
        self.until = until
        self.tracks = tracks
        self.results: list[StepResult] = []
        self.last: Exchange | None = None
        self.trouble = Trouble.NONE
        self._count = 0

    # -------------------------------------------------------------------------------------------------- workflows

    async def workflow(self, frame: Frame, start: int = 0) -> End:
        """Run a workflow from a step on.

        Raises:
            Halt: the run goes no further.
        """
        for ref in frame.workflow.depends_on:
            if ref.id not in frame.scope.workflows:
                end = await self._dependency(frame, ref)
                if not end.met:
                    message = f"{frame.workflow.id} depends on {ref.id}: {end.message}"
                    return End(met=False, message=message, outputs={}, trouble=end.trouble)
        steps = frame.workflow.steps
        index = start
        while True:
            step = steps[index]
            attempt, action = await self._visit(frame, step)
            top = frame.depth == 0
            if action is not None and action.kind is ActionKind.GOTO and action.workflow is not None:
                return await self._transfer(frame, step, action, action.workflow)
            following = self._following(frame, index, attempt, action)
            if top:
                await self._leave(step, attempt, "" if following is None else steps[following].id)
            if following is None:
                outputs = outputs_of(frame.workflow.outputs, frame.scope)
                return End(attempt.met, attempt.message, outputs, attempt.trouble)
            index = following

    async def _leave(self, step: Step, attempt: Attempt, following: str) -> None:
        """Note that a step of the outermost workflow is over, or that it is to be tried again some day."""
        if not following and can_be_tried_again(step, attempt):
            self.trouble, following = attempt.trouble, step.id
        if not attempt.lost:
            await self.tracks.done(following)

    def _following(self, frame: Frame, index: int, attempt: Attempt, action: Action | None) -> int | None:
        if action is not None:
            return frame.workflow.positions[action.step] if action.kind is ActionKind.GOTO else None
        return index + 1 if attempt.met and index + 1 < len(frame.workflow.steps) else None

    async def _dependency(self, frame: Frame, ref: WorkflowRef) -> End:
        target = self._target(ref)
        marked = frame.depth == 0 and leaves_something(target)
        if marked:
            await self._intend(f"{DEPENDENCY}{ref.id}")
        end = await self._call(frame, target, self._handed_on(frame, target, ()), f"{frame.prefix}{ref.id}/")
        if marked and end.met:
            await self.tracks.done(frame.workflow.steps[0].id)
        return end

    async def _transfer(self, frame: Frame, step: Step, action: Action, ref: WorkflowRef) -> End:
        """Hand over to another workflow for good: its end is the end of this one."""
        target = self._target(ref)
        if frame.depth == 0 and (self.tracks.begun or leaves_something(target)):
            await self._intend(step.id)
        inputs = self._handed_on(frame, target, action.parameters)
        end = await self._call(frame, target, inputs, f"{frame.prefix}{ref.id}/")
        if frame.depth == 0 and end.trouble is not Trouble.LOST:
            await self.tracks.done("")
        outputs = {**outputs_of(frame.workflow.outputs, frame.scope), **end.outputs}
        return End(end.met, end.message, outputs, end.trouble)

    async def _call(self, frame: Frame, target: Workflow, inputs: Mapping[str, object], prefix: str) -> End:
        if frame.depth >= MAX_DEPTH:
            raise Halt(unknown=f"{target.id}: workflows call each other more than {MAX_DEPTH} deep")
        filled = fill_inputs(target, inputs)
        if problems := input_problems(target, filled):
            return End(met=False, message="; ".join(problems[:3]), outputs={})
        end = await self.workflow(Frame(target, Scope(filled), prefix, frame.depth + 1))
        frame.scope.workflows[target.id] = {"inputs": filled, "outputs": end.outputs}
        return end

    @staticmethod
    def _target(ref: WorkflowRef) -> Workflow:
        target = ref.workflow
        if target is None:
            raise Halt(unknown=f"the workflow {ref.text} cannot run: its source is missing")
        return target

    @staticmethod
    def _handed_on(frame: Frame, target: Workflow, parameters: tuple[Parameter, ...]) -> dict[str, object]:
        """The inputs of a workflow that no step calls: those of this one that it knows too, and an action's own."""
        given = frame.scope.inputs
        inputs = {name: given[name] for name in target.input_names if name in given}
        values = {parameter.name: parameter.value.read(frame.scope) for parameter in parameters}
        return inputs | {name: value for name, value in values.items() if value is not MISSING}

    async def _intend(self, step: str) -> None:
        try:
            await self.tracks.intend(step)
        except CannotTell as error:
            raise Halt(unknown=error.reason, again=True) from error

    # ------------------------------------------------------------------------------------------------------ steps

    async def _visit(self, frame: Frame, step: Step) -> tuple[Attempt, Action | None]:
        """Run a step until it succeeds, or nothing says that it should be tried again."""
        visit = Visit(step, f"{frame.prefix}{step.id}")
        attempt = Attempt(met=False, criteria=())
        try:
            while True:
                attempt = await self._attempt(frame, visit)
                if attempt.met:
                    frame.scope.steps[step.id] = outputs_of(step.outputs, frame.scope)
                    action = _first(step.on_success, frame.scope)
                    break
                action = self._failure_action(frame, visit)
                if action is None or action.kind is not ActionKind.RETRY or attempt.lost:
                    action = None if attempt.lost and _is_retry(action) else action
                    break
                await self._prepare_retry(frame, visit, action, attempt)
        except Halt as halt:
            self._note(visit, Attempt(met=False, criteria=attempt.criteria), halt.unknown)
            raise
        self._note(visit, attempt, "")
        return attempt, action

    def _note(self, visit: Visit, attempt: Attempt, unknown: str) -> None:
        result = StepResult(visit.path, attempt.met, attempt.criteria, tuple(visit.sent), unknown)
        self.results.append(result)

    def _failure_action(self, frame: Frame, visit: Visit) -> Action | None:
        """The first action whose criteria hold; a retry only as often as it may, then those behind it."""
        for action in visit.step.on_failure:
            if action.kind is ActionKind.RETRY and visit.retries.get(action.name, 0) >= action.retry_limit:
                continue
            if all(check.judge(frame.scope).met for check in action.criteria):
                return action
        return None

    async def _prepare_retry(self, frame: Frame, visit: Visit, action: Action, attempt: Attempt) -> None:
        visit.retries[action.name] = visit.retries.get(action.name, 0) + 1
        top = frame.depth == 0
        if top and is_lasting(visit.step):  # it was answered, so that it is in doubt no more
            await self.tracks.done(visit.step.id)
        seconds = self._wait(frame, action)
        if self.clock.monotonic() + seconds >= self.until:
            raise Halt(
                f"{visit.path} had to wait {seconds:g} s to try again, beyond the end of the run: {attempt.message}",
                again=True,
            )
        if seconds:
            await self.clock.sleep(seconds)
        if action.workflow is not None:
            target = self._target(action.workflow)
            if top and leaves_something(target):
                await self._intend(visit.step.id)
            inputs = self._handed_on(frame, target, action.parameters)
            await self._call(frame, target, inputs, f"{visit.path}/{target.id}/")
        elif action.step:
            await self._once(frame, frame.workflow.step(action.step))

    async def _once(self, frame: Frame, step: Step) -> None:
        """Run a step that a retry asks for before it: one attempt, and its actions are not looked at."""
        visit = Visit(step, f"{frame.prefix}{step.id}")
        try:
            attempt = await self._attempt(frame, visit)
        except Halt as halt:
            self._note(visit, Attempt(met=False, criteria=()), halt.unknown)
            raise
        if attempt.met:
            frame.scope.steps[step.id] = outputs_of(step.outputs, frame.scope)
        self._note(visit, attempt, "")

    def _wait(self, frame: Frame, action: Action) -> float:
        """Seconds until a retry: what the target asks for (RFC 9110, section 10.2.3), else what the workflow says."""
        exchange = frame.scope.exchange
        value = None if exchange is None else header(exchange.response.headers, "retry-after")
        asked = None if value is None else parse_retry_after(value, self.clock.now())
        return action.retry_after if asked is None else asked

    # --------------------------------------------------------------------------------------------------- attempts

    async def _attempt(self, frame: Frame, visit: Visit) -> Attempt:
        step = visit.step
        self._count += 1
        if self._count > MAX_STEPS:
            raise Halt(f"{visit.path}: the run was stopped after {MAX_STEPS} steps")
        if self.clock.monotonic() >= self.until:
            raise Halt(f"{visit.path} was not sent: the time of the run was up", again=True)
        if step.unresolved:
            raise Halt(unknown=f"{visit.path} cannot run: {step.unresolved}")
        for needed in step.depends_on:
            if needed not in frame.scope.steps:
                return _failed(frame.scope, visit, f"{needed} to have succeeded before", "that it did not")
        if step.operation is not None:
            return await self._request(frame, visit, step.operation)
        return await self._called(frame, visit)

    async def _request(self, frame: Frame, visit: Visit, operation: Operation) -> Attempt:
        step, scope = visit.step, frame.scope
        try:
            draft = plan_of(step, operation).draft(scope)
        except Unsendable as error:
            return _failed(scope, visit, "a request that can be sent", str(error))
        lasting = is_lasting(step)
        if lasting and frame.depth == 0:
            await self._intend(step.id)
        until = self.until if step.timeout is None else min(self.until, self.clock.monotonic() + step.timeout)
        try:
            sent = await self.sender.send(draft, visit.path, until)
        except CannotTell as error:
            if lasting and frame.depth == 0 and not isinstance(error, Unreachable):
                await self.tracks.done(step.id)
            raise Halt(unknown=error.reason, again=True) from error
        visit.sent.append(sent)
        scope.see(sent.exchange)
        self.last = sent.exchange
        if sent.exchange is None:
            trouble = _silence(sent, lasting=lasting, cut=self.clock.monotonic() >= self.until)
            return _unanswered(visit, sent, trouble)
        if lasting and operation.effect is Effect.CONSUME and 200 <= sent.exchange.response.status < 300:
            await self._keep(visit, sent.exchange)
        attempt = _judged(scope, visit)
        ours = not attempt.met and sent.failure is not None and sent.exchange.own_trouble
        return replace(attempt, trouble=Trouble.OURS) if ours else attempt

    async def _keep(self, visit: Visit, exchange: Exchange) -> None:
        try:
            await self.tracks.keep(visit.path, exchange.response.body)
        except OSError as error:
            reason = f"what cannot be had again could not be kept: {error.strerror or error}"
            raise Halt(unknown=f"{visit.path}: {reason}") from error

    async def _called(self, frame: Frame, visit: Visit) -> Attempt:
        """A step that is a workflow: it has to succeed, and the step's own criteria have to hold on top."""
        step, scope = visit.step, frame.scope
        if step.workflow is None:
            raise Halt(unknown=f"{visit.path} cannot run: it calls nothing")
        target = self._target(step.workflow)
        inputs: dict[str, object] = {}
        for parameter in step.parameters:
            value = parameter.value.read(scope)
            if value is not MISSING:
                inputs[parameter.name] = value
            elif (needed := lacking(parameter.value, scope)) is not None:
                return _failed(scope, visit, f"input {parameter.name}", f"that {needed.text} is absent")
        if frame.depth == 0 and is_lasting(step):
            await self._intend(step.id)
        self.last = None
        end = await self._call(frame, target, inputs, f"{visit.path}/")
        scope.see(self.last, end.outputs)
        if not end.met:
            return Attempt(met=False, criteria=(), message=end.message, trouble=end.trouble)
        return _judged(scope, visit, ended=True)


def outputs_of(outputs: Mapping[str, Expression], scope: Scope) -> dict[str, object]:
    """The outputs that have a value."""
    found = {name: expression.read(scope) for name, expression in outputs.items()}
    return {name: value for name, value in found.items() if value is not MISSING}


def _is_retry(action: Action | None) -> bool:
    return action is not None and action.kind is ActionKind.RETRY


def _first(actions: tuple[Action, ...], scope: Scope) -> Action | None:
    for action in actions:
        if all(check.judge(scope).met for check in action.criteria):
            return action
    return None


def _judged(scope: Scope, visit: Visit, *, ended: bool = False) -> Attempt:
    criteria = tuple([check.judge(scope) for check in visit.step.criteria])
    if not criteria and not ended and scope.exchange is not None:
        status = scope.exchange.response.status
        if not 200 <= status < 300:
            criteria = (Criterion(SUCCESS, met=False, found=f"status {status}"),)
    for criterion in criteria:
        if not criterion.met:
            message = f"{visit.path}: expected {criterion.text}, found {criterion.found}"
            return Attempt(met=False, criteria=criteria, message=message)
    return Attempt(met=True, criteria=criteria)


def can_be_tried_again(step: Step, attempt: Attempt) -> bool:
    """Whether a step that did not end well can be sent once more without making or using up anything twice.

    What may have been used up can be looked up before; where something may have been made that cannot be known.
    """
    if attempt.met or attempt.trouble is Trouble.NONE:
        return False
    if attempt.lost:
        return step.operation is not None and step.operation.effect is Effect.CONSUME
    return step.operation is not None or not is_lasting(step)


def _silence(sent: Sent, *, lasting: bool, cut: bool) -> Trouble:
    """What a request without a usable answer means for the run."""
    failure = sent.failure
    if lasting and (failure is None or failure.phase not in BEFORE_SENDING):
        return Trouble.LOST
    if failure is not None and failure.local:
        return Trouble.OURS
    return Trouble.CUT if cut else Trouble.NONE


def _unanswered(visit: Visit, sent: Sent, trouble: Trouble) -> Attempt:
    """An attempt without a usable answer: that is told once, since no criterion could be looked at."""
    found = "none" if sent.failure is None else sent.failure.message
    lost = "; whether it took effect is not known" if trouble is Trouble.LOST else ""
    criteria = (Criterion(ANSWER, met=False, found=found),)
    return Attempt(met=False, criteria=criteria, message=f"{visit.path}: {found}{lost}", trouble=trouble)


def _failed(scope: Scope, visit: Visit, expected: str, found: str) -> Attempt:
    scope.see(None)
    criterion = Criterion(expected, met=False, found=found)
    return Attempt(met=False, criteria=(criterion,), message=f"{visit.path}: expected {expected}, found {found}")

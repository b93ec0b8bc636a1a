"""Arazzo workflows as they are loaded: frozen objects, made once by `specwatch.workflow.load_document`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from specwatch.errors import Problem
from specwatch.spec.model import Api, Operation
from specwatch.spec.schema import Schema
from specwatch.values.exchange import ACCOUNT
from specwatch.workflow.scope import Expression, Judge, Value


@dataclass(frozen=True, eq=False)
class SourceDescription:
    """One entry of `sourceDescriptions`.

    Args:
        name: by which expressions call it.
        type: `openapi` or `arazzo`.
        url: as written in the document.
        api: the API that it describes; None for an Arazzo document and for what could not be resolved.
        document: the Arazzo document; None for an API and for what could not be resolved.
    """

    name: str
    type: str
    url: str
    api: Api | None = None
    document: Document | None = field(default=None, repr=False)

    @property
    def resolved(self) -> bool:
        """Whether it is there to be used."""
        return self.api is not None or self.document is not None


@dataclass(frozen=True, slots=True)
class Check:
    """One criterion: of success, or of an action.

    Args:
        text: the condition as the document has it.
        kind: `simple`, `regex` or `jsonpath`.
        context: the expression that a regex or JSONPath looks into, or None.
        judge: whether it holds, given the scope of a run; never raises.
        place: `file:line`.
    """

    text: str
    kind: str
    context: Expression | None
    judge: Judge = field(repr=False)
    place: str = ""


class ActionKind(StrEnum):
    """What comes next after a step."""

    END = "end"
    GOTO = "goto"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class WorkflowRef:
    """A workflow that another one names.

    Args:
        id: its `workflowId`.
        among: the workflows of the document that it is in, complete once loading is over; None where that document
            could not be resolved.
        text: the reference as written.
    """

    id: str
    among: Mapping[str, Workflow] | None = field(repr=False, default=None)
    text: str = ""

    @property
    def workflow(self) -> Workflow | None:
        """The workflow; None where its document could not be resolved."""
        return None if self.among is None else self.among.get(self.id)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that is passed to an operation or a workflow.

    Args:
        name: of the parameter, or of the input of a workflow.
        location: `path`, `query`, `header` or `cookie`; empty for the input of a workflow.
        value: how it is made.
    """

    name: str
    location: str
    value: Value


@dataclass(frozen=True, slots=True)
class Action:
    """A success or failure action.

    Args:
        name: for messages.
        kind: what comes next.
        step: where `goto` leads, or what a `retry` runs before the step itself; empty for none.
        workflow: the same, for a workflow.
        parameters: the inputs of that workflow (Arazzo 1.1).
        criteria: all of them have to hold.
        retry_after: seconds to wait before a retry.
        retry_limit: how many retries at most.
    """

    name: str
    kind: ActionKind
    step: str = ""
    workflow: WorkflowRef | None = None
    parameters: tuple[Parameter, ...] = ()
    criteria: tuple[Check, ...] = ()
    retry_after: float = 0.0
    retry_limit: int = 1
    place: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a step's request.

    Args:
        content_type: as the document has it, else the first that the operation declares, else `application/json`.
        payload: how it is made; replacements are part of it.
        as_text: whether the payload is a text that is sent as it is, not a JSON string.
    """

    content_type: str
    payload: Value
    as_text: bool = False


@dataclass(frozen=True, eq=False)
class Step:
    """One call of an operation or of a workflow.

    Args:
        id: unique in its workflow.
        operation: what is called; None for a workflow, and where the source could not be resolved.
        api: the API of that operation.
        workflow: the workflow that is called instead.
        parameters: those of the workflow included, unless the step has its own.
        criteria: what has to hold; none means that any 2xx will do.
        on_success: looked at in order; those of the workflow included, unless the step has one of that name.
        outputs: name to expression.
        roles: as whom it is sent: a role for every scheme, or one per scheme (`x-credentials`).
        place: `file:line`.
        refused: whether the documentation promises to refuse the request, as a criterion that asks for a 4xx says.
        unresolved: why the step cannot run although the document is right: its source is missing. Else empty.
        timeout: seconds that one attempt may take (Arazzo 1.1), or None.
        depends_on: steps of the workflow that must have run before (Arazzo 1.1).
    """

    id: str
    operation: Operation | None
    api: Api | None
    workflow: WorkflowRef | None
    parameters: tuple[Parameter, ...]
    body: Body | None
    criteria: tuple[Check, ...]
    on_success: tuple[Action, ...]
    on_failure: tuple[Action, ...]
    outputs: Mapping[str, Expression]
    roles: str | Mapping[str, str] = ACCOUNT
    place: str = ""
    refused: bool = False
    unresolved: str = ""
    timeout: float | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Workflow:
    """A series of steps that reaches a goal.

    Args:
        id: its `workflowId`, unique in its document.
        inputs: the schema that its inputs have to fit, or None where there is none.
        input_names: the names that the schema knows.
        required_inputs: those that have to be given.
        defaults: those that the schema has a value for.
        depends_on: workflows that run before it.
        success_actions: of all steps; each step has them in its own `on_success` already.
        failure_actions: the same for `on_failure`.
        outputs: name to expression.
        parameters: of all steps; each step has them in its own already.
        document: the document that it is in.
        place: `file:line`.
    """

    id: str
    summary: str
    inputs: Schema | None
    input_names: tuple[str, ...]
    required_inputs: frozenset[str]
    defaults: Mapping[str, object]
    depends_on: tuple[WorkflowRef, ...]
    steps: tuple[Step, ...]
    success_actions: tuple[Action, ...]
    failure_actions: tuple[Action, ...]
    outputs: Mapping[str, Expression]
    parameters: tuple[Parameter, ...]
    document: Document = field(repr=False)
    place: str = ""
    positions: Mapping[str, int] = field(default_factory=dict, repr=False)

    def step(self, step_id: str) -> Step:
        """The step with that id.

        Raises:
            KeyError: there is none.
        """
        return self.steps[self.positions[step_id]]


@dataclass(frozen=True, eq=False)
class Document:
    """An Arazzo document.

    Args:
        version: of the specification that it follows: 1.0.x or 1.1.x.
        sources: its source descriptions by name.
        workflows: by id, in their order.
        notes: what `missing` gives; it grows while the document is loaded.
    """

    path: Path
    version: str
    title: str
    sources: Mapping[str, SourceDescription] = field(repr=False)
    workflows: Mapping[str, Workflow]
    notes: Sequence[Problem] = field(default=(), repr=False)

    @property
    def missing(self) -> tuple[Problem, ...]:
        """What keeps workflows from running although they are well-formed.

        Sources that could not be resolved, those of the documents that it names included, and names that lead nowhere
        in workflows that cannot run for that reason. The document is loaded all the same.
        """
        return tuple(self.notes)

    def workflow(self, workflow_id: str) -> Workflow:
        """The workflow with that id.

        Raises:
            KeyError: there is none.
        """
        return self.workflows[workflow_id]

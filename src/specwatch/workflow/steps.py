"""Steps: what they call, with what, and what is expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from specwatch.spec.model import Operation
from specwatch.values.exchange import ACCOUNT
from specwatch.values.roles import BAD_ROLES
from specwatch.workflow.condition import UNKNOWN
from specwatch.workflow.criteria import Compiled
from specwatch.workflow.model import Action, Parameter, Step, WorkflowRef
from specwatch.workflow.names import Declared, listed, suggest
from specwatch.workflow.parts import Parts, merged
from specwatch.workflow.reader import Place, Reader
from specwatch.workflow.sources import Called

CALLS: Final = ("operationId", "operationPath", "workflowId")
CREDENTIALS: Final = "x-credentials"
WRONG: Final = Called(unresolved="what it calls is wrong")
"""For a step whose call is a problem: the rest of it is read all the same, so that every problem is told."""


class Shared:
    """What the steps of a workflow have in common."""

    def __init__(
        self,
        parameters: Mapping[tuple[str, str], Parameter],
        successes: Mapping[str, Action],
        failures: Mapping[str, Action],
    ) -> None:
        self.parameters = parameters
        self.successes = successes
        self.failures = failures


def read_step(parts: Parts, at: Place, raw: object, shared: Shared) -> Step | None:
    """A step, or None and problems."""
    reader = parts.reader
    node = reader.node(at, raw, "step")
    if node is None or not isinstance(raw, Mapping):
        return None
    called, workflow = _call(parts, at, node)
    inner = _seeing(parts, workflow)
    operation = called.operation
    criteria = inner.criteria((*at, "successCriteria"), node.get("successCriteria"))
    successes = inner.actions((*at, "onSuccess"), node.get("onSuccess"), success=True)
    failures = inner.actions((*at, "onFailure"), node.get("onFailure"), success=False)
    if "successCriteria" in node and not node["successCriteria"]:
        reader.problem((*at, "successCriteria"), "no criteria", "at least one, or no successCriteria")
    timeout = node.get("timeout")
    if workflow is not None and "requestBody" in node:
        reader.problem((*at, "requestBody"), "a body for a workflow", "parameters: they are its inputs")
    return Step(
        id=str(node["stepId"]),
        operation=operation,
        api=called.api,
        workflow=workflow,
        parameters=_parameters(inner, at, node, shared, called, workflow),
        body=inner.body((*at, "requestBody"), node["requestBody"], operation) if "requestBody" in node else None,
        criteria=tuple(made.check for made in criteria),
        on_success=merged(successes.values(), shared.successes.values()),
        on_failure=merged(failures.values(), shared.failures.values()),
        outputs=inner.outputs((*at, "outputs"), node.get("outputs")),
        roles=_roles(reader, at, raw, called),
        place=reader.source.place(*at),
        refused=operation is not None and promises_refusal(criteria),
        unresolved=called.unresolved,
        timeout=timeout / 1000 if isinstance(timeout, int) else None,
        depends_on=_depends_on(parts, (*at, "dependsOn"), node),
    )  # fmt: skip


def _call(parts: Parts, at: Place, node: Mapping[str, object]) -> tuple[Called, WorkflowRef | None]:
    calls = [key for key in CALLS if key in node]
    if len(calls) != 1:
        found = f"a step with {' and '.join(calls) or 'nothing to call'}"
        parts.reader.problem(at, found, f"exactly one of {listed(CALLS)}")
        return WRONG, None
    text, place = str(node[calls[0]]), (*at, calls[0])
    if calls[0] == "operationId":
        return parts.reader.attempt(place, lambda: parts.sources.operation(text)) or WRONG, None
    if calls[0] == "operationPath":
        return parts.reader.attempt(place, lambda: parts.sources.operation_path(text)) or WRONG, None
    workflow = parts.workflow(place, text) or WorkflowRef(text, None, text)
    return Called(unresolved="" if workflow.among is not None else f"the source of {text} is missing"), workflow


def _seeing(parts: Parts, workflow: WorkflowRef | None) -> Parts:
    """The parts with `$outputs` being those of the workflow that the step calls."""
    declared = _declared(parts, workflow) if workflow is not None else Declared((), ())
    names = replace(parts.names, outputs=None if declared is None else declared.outputs)
    return Parts(parts.reader, parts.sources, parts.components, parts.own, names)


def _declared(parts: Parts, workflow: WorkflowRef) -> Declared | None:
    """What a called workflow declares; None where it is missing."""
    if workflow.among is parts.own:
        return parts.names.workflows[workflow.id]
    target = workflow.workflow
    if target is None:
        return None
    return Declared(target.input_names or (() if target.inputs is None else None), tuple(target.outputs))


def _parameters(
    parts: Parts,
    at: Place,
    node: Mapping[str, object],
    shared: Shared,
    called: Called,
    workflow: WorkflowRef | None,
) -> tuple[Parameter, ...]:
    place = (*at, "parameters")
    own = parts.parameters(place, node.get("parameters"), inputs=workflow is not None)
    if workflow is not None:
        return _inputs(parts, place, own, shared, workflow)
    names = None if called.operation is None else called.operation.path_names
    found = {key: each for key, each in shared.parameters.items() if _concerns(each, names)} | own
    _check_locations(parts.reader, place, found, called)
    return tuple(found.values())


def _concerns(parameter: Parameter, path_names: tuple[str, ...] | None) -> bool:
    """Whether a parameter of the whole workflow is one of an operation."""
    return bool(parameter.location) and (
        parameter.location != "path" or path_names is None or parameter.name in path_names
    )


def _inputs(
    parts: Parts, at: Place, own: Mapping[tuple[str, str], Parameter], shared: Shared, workflow: WorkflowRef
) -> tuple[Parameter, ...]:
    """What a step passes to a workflow: its own parameters, and those of its workflow that the other knows."""
    declared = _declared(parts, workflow)
    known = None if declared is None else declared.inputs
    for name, _ in own:
        if known is not None and name not in known:
            found = f"{workflow.id} has no input {name!r}"
            parts.reader.problem(at, found, f"one of {listed(known)}", suggest(name, known))
    inherited = {
        key: each
        for key, each in shared.parameters.items()
        if not each.location and (known is None or each.name in known)
    }
    return tuple((inherited | dict(own)).values())


def _check_locations(
    reader: Reader, at: Place, parameters: Mapping[tuple[str, str], Parameter], called: Called
) -> None:
    for name, location in parameters:
        if not location:
            reader.problem(at, f"parameter {name} without in", "in: path, query, header or cookie")
    operation = called.operation
    if operation is None:
        return
    given = {name for name, location in parameters if location == "path"}
    for name in sorted(given - set(operation.path_names)):
        found = f"{operation.path} has no parameter {name!r}"
        reader.problem(at, found, f"one of {listed(operation.path_names)}", suggest(name, operation.path_names))
    for name in (name for name in operation.path_names if name not in given):
        reader.problem(at[:-1], f"the path parameter {name} of {operation.id} is not given", "a parameter in: path")
    if called.api is not None:
        headers = {called.api.schemes[scheme].header: scheme for scheme in operation.security}
        for name in (name for name, location in parameters if location == "header" and name.lower() in headers):
            found = f"header {name} is the credential {headers[name.lower()]}"
            mend = f"write `{CREDENTIALS}:` with a role"
            reader.problem(at, found, "no credential: they come from the environment", mend)


def _roles(reader: Reader, at: Place, raw: Mapping[str, object], called: Called) -> str | Mapping[str, str]:
    roles = raw.get(CREDENTIALS, ACCOUNT)
    place = (*at, CREDENTIALS)
    pairs = roles if isinstance(roles, Mapping) else dict.fromkeys(_schemes(called.operation), roles)
    for scheme, role in pairs.items():
        if not isinstance(role, str):
            reader.problem(place, f"role {role!r}", "a role such as altered, or a role per scheme")
            return ACCOUNT
        if called.operation is None or called.api is None:
            continue
        if scheme not in called.operation.security:
            known = called.operation.security
            reader.problem(place, f"scheme {scheme!r}", f"one of {listed(known)}", suggest(scheme, known))
            continue
        allowed = (ACCOUNT, "second", *sorted(BAD_ROLES), *called.api.schemes[scheme].states)
        if role not in allowed:
            reader.problem(place, f"role {role!r} for {scheme}", f"one of {listed(allowed)}", suggest(role, allowed))
    if not isinstance(roles, str | Mapping):
        reader.problem(place, f"{CREDENTIALS} is {roles!r}", "a role such as altered, or a role per scheme")
        return ACCOUNT
    return roles


def _schemes(operation: Operation | None) -> tuple[str, ...]:
    return () if operation is None else operation.security


def _depends_on(parts: Parts, at: Place, node: Mapping[str, object]) -> tuple[str, ...]:
    found: list[str] = []
    for place, item in parts.reader.items(at, node.get("dependsOn")):
        if item not in parts.steps or item == node["stepId"]:
            expected = f"another step of the workflow: one of {listed(parts.steps)}; others are not supported"
            parts.reader.problem(place, f"depends on {item!r}", expected, suggest(str(item), parts.steps))
        else:
            found.append(str(item))
    return tuple(found)


def promises_refusal(criteria: tuple[Compiled, ...]) -> bool:
    """Whether criteria can hold for a 4xx only, as far as the status decides that."""
    possible = [
        status for status in range(100, 600) if all(made.at(status) is UNKNOWN or made.at(status) for made in criteria)
    ]
    return bool(possible) and all(400 <= status < 500 for status in possible)

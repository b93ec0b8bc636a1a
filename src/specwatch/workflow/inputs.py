"""The inputs of a workflow: what its schema names, asks for and has a value for."""

from __future__ import annotations

from collections.abc import Mapping

from specwatch.spec.schema import Schema
from specwatch.workflow.model import Workflow
from specwatch.workflow.names import suggest


def input_schema(raw: Mapping[str, object], components: object) -> Schema:
    """The schema of a workflow's inputs, with the `components/inputs` that its references lead to."""
    shared = {"inputs": components} if isinstance(components, Mapping) else {}
    return Schema({**raw, "components": shared}, shared)


def described(schema: Schema) -> tuple[tuple[str, ...] | None, frozenset[str], dict[str, object]]:
    """The names that a schema knows (None where it lists none), those that it requires, and its defaults."""
    names: dict[str, None] = {}
    required: set[str] = set()
    defaults: dict[str, object] = {}
    for node in schema.flatten(schema.raw):
        properties = node.get("properties")
        for name, raw in properties.items() if isinstance(properties, Mapping) else ():
            names[str(name)] = None
            resolved = schema.resolve(raw)
            if "default" in resolved:
                defaults.setdefault(str(name), resolved["default"])
        asked = node.get("required")
        required.update(str(name) for name in asked if isinstance(name, str)) if isinstance(asked, list) else None
    return tuple(names) or None, frozenset(required), defaults


def fill_inputs(workflow: Workflow, given: Mapping[str, object]) -> Mapping[str, object]:
    """The given inputs, with the schema's defaults for those that are left out."""
    return {**workflow.defaults, **given} if workflow.defaults else given


def input_problems(workflow: Workflow, given: Mapping[str, object]) -> tuple[str, ...]:
    """What is wrong with the inputs of a run, one sentence each; none where they fit.

    Args:
        workflow: what they are for.
        given: defaults included.
    """
    if workflow.inputs is None or workflow.inputs.is_valid(given):
        return ()
    return tuple(
        f"input {error.where.lstrip('/') or 'of the workflow'} of {workflow.id}: found {error.found},"
        f" expected {error.expected}"
        for error in workflow.inputs.errors(given)
    )


def unknown_inputs(workflow: Workflow, given: Mapping[str, object]) -> tuple[str, ...]:
    """The given names that the workflow does not know, one sentence each."""
    if workflow.inputs is None:
        return tuple(f"input {name}: {workflow.id} has no inputs" for name in given)
    if not workflow.input_names:
        return ()
    return tuple(
        f"input {name}: {workflow.id} knows {', '.join(workflow.input_names)}"
        + (f"; {mend}" if (mend := suggest(name, workflow.input_names)) else "")
        for name in given
        if name not in workflow.input_names
    )

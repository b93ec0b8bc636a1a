"""Parts of steps and workflows: parameters, bodies, criteria, actions, outputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from specwatch.conformance.facts import is_json
from specwatch.spec.load import essence
from specwatch.spec.model import Operation
from specwatch.workflow.criteria import Compiled, compile_criterion
from specwatch.workflow.model import Action, ActionKind, Body, Parameter, Workflow, WorkflowRef
from specwatch.workflow.names import Mistake, Names, listed, suggest
from specwatch.workflow.reader import Place, Reader
from specwatch.workflow.scope import Expression, Value
from specwatch.workflow.sources import Sources
from specwatch.workflow.template import (
    Rules,
    compile_output,
    compile_text_body,
    compile_value,
    constant,
    expression_type,
    replace,
)

LOCATIONS: Final = ("path", "query", "header", "cookie")
OWN_HEADERS: Final = frozenset({"connection", "content-length", "cookie", "host", "transfer-encoding"})
"""Headers that the transport sets, or that have a location of their own."""

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REFERENCE = re.compile(r"\$components\.([A-Za-z]+)\.([A-Za-z0-9._-]+)")


@dataclass(frozen=True, slots=True)
class Placed:
    """An object of the document and its place; a reference may have given it another value."""

    at: Place
    node: Mapping[str, object]


class Parts:
    """Reads the parts of one workflow.

    Args:
        reader: where problems go.
        sources: of the document.
        components: well-formed components by kind and name.
        own: the workflows of the document, complete only later.
        names: what its expressions may name.
    """

    def __init__(
        self,
        reader: Reader,
        sources: Sources,
        components: Mapping[str, Mapping[str, Mapping[str, object]]],
        own: Mapping[str, Workflow],
        names: Names,
    ) -> None:
        self.reader = reader
        self.sources = sources
        self.components = components
        self.own = own
        self.ids = tuple(names.workflows)
        self.steps = tuple(names.steps)
        self.names = names

    def rules(self) -> Rules:
        """How values are read."""
        return Rules(self.names, selectors=self.reader.modern)

    def value(self, at: Place, raw: object) -> Value | None:
        """A value, or None and a problem."""
        return self.reader.attempt(at, lambda: compile_value(raw, self.rules()))

    def workflow(self, at: Place, text: str) -> WorkflowRef | None:
        """The workflow that a `workflowId` names, or None and a problem."""
        return self.reader.attempt(at, lambda: self.sources.workflow(text, self.own, self.ids))

    # ------------------------------------------------------------------------------------------------- references

    def referable(self, at: Place, raw: object, form: str, kind: str) -> Placed | None:
        """An object that stands there, or in the components that it refers to; None and a problem where neither."""
        if not isinstance(raw, Mapping) or "reference" not in raw:
            node = self.reader.node(at, raw, form)
            return None if node is None else Placed(at, node)
        node = self.reader.node(at, raw, "reference")
        if node is None:
            return None
        match = _REFERENCE.fullmatch(str(node["reference"]))
        known = self.components.get(kind, {})
        if match is None or match[1] != kind or match[2] not in known:
            expected = f"one of {listed(f'$components.{kind}.{name}' for name in known)}"
            self.reader.problem((*at, "reference"), f"reference {node['reference']}", expected)
            return None
        found = known[match[2]]
        return Placed(("components", kind, match[2]), {**found, "value": node["value"]} if "value" in node else found)

    # ------------------------------------------------------------------------------------------------- parameters

    def parameters(self, at: Place, raw: object, *, inputs: bool) -> dict[tuple[str, str], Parameter]:
        """The parameters of a list by name and location.

        Args:
            at: place of the list.
            raw: the list.
            inputs: whether they are inputs of a workflow, so that a location means nothing.
        """
        found: dict[tuple[str, str], Parameter] = {}
        for place, item in self.reader.items(at, raw):
            parameter = self._parameter(place, item, inputs=inputs)
            if parameter is None:
                continue
            key = (parameter.name, parameter.location)
            if key in found:
                self.reader.problem(place, f"parameter {parameter.name} again", "each parameter once")
            found[key] = parameter
        return found

    def _parameter(self, at: Place, raw: object, *, inputs: bool) -> Parameter | None:
        found = self.referable(at, raw, "parameter", "parameters")
        if found is None:
            return None
        name, location = str(found.node["name"]), str(found.node.get("in", ""))
        if location and location not in LOCATIONS:
            mend = "use single query parameters" if location == "querystring" else suggest(location, LOCATIONS)
            self.reader.problem((*found.at, "in"), f"parameter in {location!r}", f"one of {listed(LOCATIONS)}", mend)
            return None
        value = self.value((*(at if "value" in _as_mapping(raw) else found.at), "value"), found.node["value"])
        if location in {"header", "cookie"} and not inputs and not self._header(found.at, name, location):
            return None
        return Parameter(name, "" if inputs else location, value or constant(""))

    def _header(self, at: Place, name: str, location: str) -> bool:
        if not _TOKEN.fullmatch(name):
            self.reader.problem((*at, "name"), f"{location} named {name!r}", "a token of RFC 9110, section 5.6.2")
        elif location == "header" and name.lower() in OWN_HEADERS:
            self.reader.problem((*at, "name"), f"header {name}", "a header that is not set by the transport")
        else:
            return True
        return False

    # ------------------------------------------------------------------------------------------------------ bodies

    def body(self, at: Place, raw: object, operation: Operation | None) -> Body | None:
        """The body of a step, or None where it has none or it cannot be read."""
        node = self.reader.node(at, raw, "body")
        if node is None or "payload" not in node:
            return None
        declared = next(iter(operation.body.media), "") if operation is not None and operation.body else ""
        content_type = str(node.get("contentType") or declared or "application/json")
        media = "json" if is_json(essence(content_type)) else ""
        media = "form" if essence(content_type) == "application/x-www-form-urlencoded" else media
        replacements = self._replacements((*at, "replacements"), node.get("replacements"))

        def make() -> Body:
            payload, as_text = self._payload(node["payload"], media, content_type)
            return Body(content_type, replace(payload, replacements) if replacements else payload, as_text)

        return self.reader.attempt((*at, "payload"), make)

    def _payload(self, raw: object, media: str, content_type: str) -> tuple[Value, bool]:
        if isinstance(raw, str):
            return compile_text_body(raw, media, self.rules())
        if not media:
            raise Mistake(f"a structure as {content_type}", "a text, or JSON or a form (x-www-form-urlencoded)")
        if media == "form" and not isinstance(raw, Mapping):
            raise Mistake("a form that is no mapping", "a mapping of names to values, or a text")
        return compile_value(raw, self.rules()), False

    def _replacements(self, at: Place, raw: object) -> tuple[tuple[str, Value], ...]:
        found: list[tuple[str, Value]] = []
        for place, item in self.reader.items(at, raw):
            node = self.reader.node(place, item, "replacement")
            if node is None:
                continue
            selector = node.get("targetSelectorType", "jsonpointer")
            kind = self.reader.attempt(place, partial(expression_type, selector))
            if kind not in {None, "jsonpointer"}:
                found_type = f"a target by {kind}"
                self.reader.problem(place, found_type, "a JSON pointer; others are not supported")
            elif (value := self.value((*place, "value"), node["value"])) is not None:
                found.append((str(node["target"]), value))
        return tuple(found)

    # ----------------------------------------------------------------------------------------- criteria and actions

    def criteria(self, at: Place, raw: object) -> tuple[Compiled, ...]:
        """The criteria of a list that can be read."""
        found: list[Compiled] = []
        for place, item in self.reader.items(at, raw):
            node = self.reader.node(place, item, "criterion")
            if node is None:
                continue
            where = self.reader.source.place(*place)
            made = self.reader.attempt(place, partial(compile_criterion, node, self.names, where))
            found += [made] if made is not None else []
        return tuple(found)

    def actions(self, at: Place, raw: object, *, success: bool) -> dict[str, Action]:
        """The success or failure actions of a list by name."""
        form = "success action" if success else "failure action"
        kind = "successActions" if success else "failureActions"
        found: dict[str, Action] = {}
        for place, item in self.reader.items(at, raw):
            target = self.referable(place, item, form, kind)
            action = None if target is None else self._action(target.at, target.node, success=success)
            if action is None:
                continue
            if action.name in found:
                self.reader.problem(place, f"action {action.name} again", "each action once")
            found[action.name] = action
        return found

    def _action(self, at: Place, node: Mapping[str, object], *, success: bool) -> Action | None:
        kinds = ("end", "goto") if success else ("end", "goto", "retry")
        kind = str(node["type"])
        if kind not in kinds:
            self.reader.problem(
                (*at, "type"), f"action of type {kind!r}", f"one of {listed(kinds)}", suggest(kind, kinds)
            )
            return None
        if not self._target_fits(at, kind, node):
            return None
        workflow = self.workflow((*at, "workflowId"), str(node["workflowId"])) if "workflowId" in node else None
        parameters = self.parameters((*at, "parameters"), node.get("parameters"), inputs=True)
        retry_after, retry_limit = node.get("retryAfter", 0), node.get("retryLimit", 1)
        return Action(
            name=str(node["name"]),
            kind=ActionKind(kind),
            step=str(node.get("stepId", "")),
            workflow=workflow,
            parameters=tuple(parameters.values()),
            criteria=tuple(made.check for made in self.criteria((*at, "criteria"), node.get("criteria"))),
            retry_after=float(retry_after) if isinstance(retry_after, int | float) else 0.0,
            retry_limit=retry_limit if isinstance(retry_limit, int) else 1,
            place=self.reader.source.place(*at),
        )

    def _target_fits(self, at: Place, kind: str, node: Mapping[str, object]) -> bool:
        targets = [key for key in ("stepId", "workflowId") if key in node]
        if kind == "end" and targets:
            self.reader.problem((*at, targets[0]), f"{targets[0]} in an action that ends", "type goto, or no target")
        elif kind == "goto" and len(targets) != 1:
            self.reader.problem(at, f"goto with {' and '.join(targets) or 'no target'}", "stepId or workflowId")
        elif len(targets) > 1:
            self.reader.problem(at, "stepId and workflowId", "one of them")
        elif "stepId" in node and node["stepId"] not in self.steps:
            found, step = f"no step of the workflow is called {node['stepId']!r}", str(node["stepId"])
            self.reader.problem((*at, "stepId"), found, f"one of {listed(self.steps)}", suggest(step, self.steps))
        else:
            return True
        return False

    def outputs(self, at: Place, raw: object) -> dict[str, Expression]:
        """The outputs of a step or a workflow."""
        found: dict[str, Expression] = {}
        for name, node in raw.items() if isinstance(raw, Mapping) else ():
            place = (*at, name)
            if not _NAME.fullmatch(name):
                self.reader.problem(place, f"output named {name!r}", "letters, digits, dots, - and _")
            made = self.reader.attempt(place, partial(compile_output, node, self.rules()))
            if made is not None:
                found[name] = made
        return found


def _as_mapping(raw: object) -> Mapping[str, object]:
    return raw if isinstance(raw, Mapping) else {}


def merged(own: Iterable[Action], shared: Iterable[Action]) -> tuple[Action, ...]:
    """The actions of a step, then those of its workflow that it does not override by name."""
    first = tuple(own)
    names = {action.name for action in first}
    return (*first, *(action for action in shared if action.name not in names))

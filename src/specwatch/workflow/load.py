"""From an Arazzo file to a `Document`: everything is checked here, and every complaint names its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec.model import Api
from specwatch.spec.schema import Schema
from specwatch.spec.source import Source
from specwatch.workflow.inputs import described, input_schema
from specwatch.workflow.model import Document, Step, Workflow, WorkflowRef
from specwatch.workflow.names import Declared, Names, listed
from specwatch.workflow.parts import Parts
from specwatch.workflow.reader import Place, Reader
from specwatch.workflow.sources import Apis, Sources
from specwatch.workflow.steps import Shared, read_step

VERSIONS = "1.0.x or 1.1.x"
_VERSION = re.compile(r"1\.([01])\.[0-9]+(-[A-Za-z0-9.-]+)?")
_ID = re.compile(r"[A-Za-z0-9_-]+")
KINDS = {
    "parameters": "parameter",
    "successActions": "success action",
    "failureActions": "failure action",
}


def load_document(path: Path, apis: Mapping[Path, Api] | Callable[[Path], Api | None]) -> Document:
    """Load one Arazzo document (1.0.x or 1.1.x), and those that it names.

    Args:
        path: the file.
        apis: the API of a spec file, by its resolved path; None, or a `WorkspaceError` from the function, means that
            the source is missing.

    Raises:
        WorkspaceError: with every problem that was found, each with file, line, expectation and mend.
    """
    return _load(path.resolve() if path.is_symlink() else path, _as_function(apis), ())


def _as_function(apis: Mapping[Path, Api] | Callable[[Path], Api | None]) -> Apis:
    if callable(apis):
        return apis
    known = {path.resolve(): api for path, api in apis.items()}
    return known.get


def _load(path: Path, apis: Apis, above: tuple[Path, ...]) -> Document:
    resolved = path.resolve()
    if resolved in above:
        found = "a circle: documents name each other as sources"
        raise WorkspaceError(Problem(str(path), found, "workflows of both in one document"))
    source = Source.read(path)
    return _Loader(source, apis, (*above, resolved)).document()


class _Loader:
    """Loads one document; collects problems instead of stopping at the first."""

    def __init__(self, source: Source, apis: Apis, above: tuple[Path, ...]) -> None:
        self.raw = source.mapping()
        self.version = self._version(source)
        self.reader = Reader(source, modern=self.version.startswith("1.1"))
        self.sources = Sources(self.reader, apis, lambda path: _load(path, apis, above))
        self.workflows: dict[str, Workflow] = {}
        self.nodes: dict[str, tuple[Place, Mapping[str, object]]] = {}
        self.components: dict[str, dict[str, Mapping[str, object]]] = {kind: {} for kind in KINDS}
        self.schemas: Mapping[str, Schema | None] = {}

    def _version(self, source: Source) -> str:
        version = self.raw.get("arazzo")
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            found = f"arazzo is {version!r}" if "arazzo" in self.raw else "no Arazzo document: `arazzo` is missing"
            problem = Problem(
                source.place("arazzo"), found, f"a version: {VERSIONS}", "write `arazzo: 1.0.1` at the top"
            )
            raise WorkspaceError(problem)
        return version

    def document(self) -> Document:
        """The document.

        Raises:
            WorkspaceError: something is wrong with it.
        """
        root = self.reader.node((), self.raw, "document") or {}
        info = self.reader.node(("info",), self.raw["info"], "info") if "info" in self.raw else None
        self.sources.read(root.get("sourceDescriptions"))
        self._components(self.raw.get("components"))
        document = Document(
            path=self.reader.source.path,
            version=self.version,
            title=str((info or {}).get("title", "")),
            sources=self.sources.found,
            workflows=self.workflows,
            notes=self.sources.missing,
        )
        self._workflows(root.get("workflows"), document)
        self._check_circles()
        if self.reader.problems:
            told = dict.fromkeys(self.reader.problems)  # an alias of YAML repeats what is wrong with it
            raise WorkspaceError(*sorted(told, key=_line))
        return document

    def _components(self, raw: object) -> None:
        node = self.reader.node(("components",), raw, "components") if raw is not None else {}
        for kind, form in KINDS.items():
            items = (node or {}).get(kind, {})
            for name, item in items.items() if isinstance(items, Mapping) else ():
                usable = self.reader.node(("components", kind, name), item, form)
                if usable is not None:
                    self.components[kind][name] = usable

    def _workflows(self, raw: object, document: Document) -> None:
        if raw is not None and not raw:
            self.reader.problem(("workflows",), "no workflows", "at least one")
        nodes = self.nodes
        for at, item in self.reader.items(("workflows",), raw):
            node = self.reader.node(at, item, "workflow")
            if node is not None and self._is_new(at, "workflowId", str(node["workflowId"]), nodes):
                nodes[str(node["workflowId"])] = (at, node)
        self.schemas = {name: self._schema(at, node) for name, (at, node) in nodes.items()}
        declared = {name: self._declared(name, node) for name, (_, node) in nodes.items()}
        for name, (at, node) in nodes.items():
            self.workflows[name] = self._workflow(at, node, declared, document)

    def _is_new(self, at: Place, key: str, name: str, known: Mapping[str, object]) -> bool:
        if not _ID.fullmatch(name):
            self.reader.problem((*at, key), f"{key} {name!r}", "letters, digits, - and _")
        if name in known:
            self.reader.problem((*at, key), f"{key} {name!r} again", "an id of its own")
        return name not in known

    def _schema(self, at: Place, node: Mapping[str, object]) -> Schema | None:
        raw = node.get("inputs")
        if not isinstance(raw, Mapping):
            return None
        components = self.raw.get("components")
        schema = input_schema(raw, components.get("inputs") if isinstance(components, Mapping) else None)
        if schema.defect is None:
            return schema
        self.reader.problem((*at, "inputs"), f"not a JSON Schema: {schema.defect}", "a schema of JSON Schema 2020-12")
        return None

    def _declared(self, name: str, node: Mapping[str, object]) -> Declared:
        schema, outputs = self.schemas[name], node.get("outputs")
        inputs = described(schema)[0] if schema is not None else (None if "inputs" in node else ())
        return Declared(inputs, tuple(outputs) if isinstance(outputs, Mapping) else ())

    def _workflow(
        self, at: Place, node: Mapping[str, object], declared: Mapping[str, Declared], document: Document
    ) -> Workflow:
        name = str(node["workflowId"])
        schema = self.schemas[name]
        parts = self._parts(at, node, declared)
        names, required, defaults = described(schema) if schema is not None else (None, frozenset[str](), {})
        shared = Shared(
            parts.parameters((*at, "parameters"), node.get("parameters"), inputs=False),
            parts.actions((*at, "successActions"), node.get("successActions"), success=True),
            parts.actions((*at, "failureActions"), node.get("failureActions"), success=False),
        )
        steps = self._steps(parts, (*at, "steps"), node["steps"], shared)
        workflow = Workflow(
            id=name,
            summary=str(node.get("summary", "")),
            inputs=schema,
            input_names=names or (),
            required_inputs=required,
            defaults=defaults,
            depends_on=self._depends_on(parts, (*at, "dependsOn"), node.get("dependsOn")),
            steps=steps,
            success_actions=tuple(shared.successes.values()),
            failure_actions=tuple(shared.failures.values()),
            outputs=parts.outputs((*at, "outputs"), node.get("outputs")),
            parameters=tuple(shared.parameters.values()),
            document=document,
            place=self.reader.source.place(*at),
            positions={step.id: index for index, step in enumerate(steps)},
        )
        self._settle(any(step.unresolved for step in steps) and not self.reader.problems)
        return workflow

    def _parts(self, at: Place, node: Mapping[str, object], declared: Mapping[str, Declared]) -> Parts:
        steps: dict[str, tuple[str, ...]] = {}
        for _, item in self.reader.items((*at, "steps"), node["steps"]):
            if isinstance(item, Mapping) and isinstance(item.get("stepId"), str):
                outputs = item.get("outputs")
                steps[item["stepId"]] = tuple(outputs) if isinstance(outputs, Mapping) else ()
        own = self.raw.get("$self") if self.reader.modern else None
        names = Names(
            inputs=declared[str(node["workflowId"])].inputs,
            steps=steps,
            outputs=(),
            workflows=declared,
            sources=self.sources.fields(),
            self_uri=own if isinstance(own, str) else None,
        )
        return Parts(self.reader, self.sources, self.components, self.workflows, names)

    def _steps(self, parts: Parts, at: Place, raw: object, shared: Shared) -> tuple[Step, ...]:
        found: dict[str, Step] = {}
        if not raw:
            self.reader.problem(at, "no steps", "at least one")
        for place, item in self.reader.items(at, raw):
            step = read_step(parts, place, item, shared)
            if step is not None and self._is_new(place, "stepId", step.id, found):
                found[step.id] = step
        return tuple(found.values())

    def _depends_on(self, parts: Parts, at: Place, raw: object) -> tuple[WorkflowRef, ...]:
        found: list[WorkflowRef] = []
        for place, item in self.reader.items(at, raw):
            if not isinstance(item, str):
                self.reader.problem(place, f"depends on {item!r}", "a workflowId")
            elif (workflow := parts.workflow(place, item)) is not None:
                found.append(workflow)
        return tuple(found)

    def _settle(self, cannot_run: bool) -> None:  # noqa: FBT001 - private, and one word says it
        """What leads nowhere is a problem, but only noted where the workflow cannot run anyway."""
        (self.sources.missing if cannot_run else self.reader.problems).extend(self.reader.dangling)
        self.reader.dangling.clear()

    def _check_circles(self) -> None:
        """Note every circle of workflows that run each other, by a step or by what they depend on."""
        calls = self._calls()
        while circle := _circle(calls):
            caller, called = circle[0], circle[1]
            found = f"workflows depend on each other in a circle: {listed(circle)}"
            if len(circle) == 2:
                found = f"workflow {caller!r} runs itself"
            self.reader.problem(calls[caller].pop(called), found, "an order in which they can run")

    def _calls(self) -> dict[str, dict[str, Place]]:
        """The workflows of the document that each of them runs first or by a step, with the place that says so."""
        calls: dict[str, dict[str, Place]] = {}
        for name, (at, node) in self.nodes.items():
            found = self.reader.items((*at, "dependsOn"), node.get("dependsOn"))
            for place, step in self.reader.items((*at, "steps"), node.get("steps")):
                if isinstance(step, Mapping) and not {"operationId", "operationPath"} & step.keys():
                    found.append(((*place, "workflowId"), step.get("workflowId")))
            calls[name] = {}
            for place, called in found:
                if isinstance(called, str) and called in self.nodes:
                    calls[name].setdefault(called, place)
        return calls


def _circle(calls: Mapping[str, Mapping[str, Place]]) -> tuple[str, ...]:
    """One circle, from the first of its workflows in the document back to it; empty where there is none."""
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        names: list[str] = error.args[1][:0:-1]  # who is called comes first, and the first once more at the end
        order = list(calls)
        first = min(range(len(names)), key=lambda at: order.index(names[at]))
        return (*names[first:], *names[: first + 1])
    return ()


def _line(problem: Problem) -> int:
    return int(problem.where.rpartition(":")[2])

"""JSON Schemas of a spec, compiled once: fast to judge with, and able to explain themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from specwatch.spec.shape import Shape
from specwatch.spec.source import escape, pointer_parts

MAX_ERRORS: Final = 100
"""So many ways in which one value does not fit are told: a hostile one may be wrong in a million places."""

MAX_NODES: Final = 5_000
"""A value with more parts counts as large."""

_INTEGERS: Final = {"int32": 32, "int64": 64}

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One way in which a value does not fit a schema.

    Args:
        where: JSON pointer into the value.
        found: the offending value, shortened.
        expected: what the schema asks for at that place.
    """

    where: str
    message: str
    found: str
    expected: str


@dataclass(frozen=True, eq=False)
class Schema:
    """A schema of a spec with the components that its references lead to.

    Args:
        raw: the schema object as written.
        components: the `components` of the document.
    """

    raw: Mapping[str, Any]
    components: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def document(self) -> dict[str, Any]:
        """A self-contained schema document: the schema, its dialect and the components."""
        return {"$schema": DIALECT, "components": {"schemas": self.components.get("schemas", {})}, **self.raw}

    @cached_property
    def _compiled(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(self.document, validate_formats=True)

    @property
    def defect(self) -> str | None:
        """Why nothing can be judged by this schema (a wrong keyword, a dead reference), or None."""
        try:
            self._compiled  # noqa: B018 - compiling is what shows it
        except ValueError as error:
            return str(error).split("\n", 1)[0]
        return self.content.defect if self.content is not None else None

    @cached_property
    def content(self) -> Schema | None:
        """The schema of the document inside a string (`contentSchema`), or None where none is declared."""
        declared = self.resolve(self.raw).get("contentSchema")
        return Schema(declared, self.components) if isinstance(declared, Mapping) else None

    @cached_property
    def in_range(self) -> Schema:
        """The same schema, in which the formats `int32` and `int64` are bounds: requests beyond them can be refused."""
        text = json.dumps((self.raw, self.components.get("schemas", {})), default=str)
        if not any(f'"{name}"' in text for name in _INTEGERS):
            return self
        raw, schemas = _ranged(self.raw), _ranged(self.components.get("schemas", {}))
        return Schema(raw, {**self.components, "schemas": schemas})

    @cached_property
    def shape(self) -> Shape:
        """Which fields it describes, through references and combinations."""
        return Shape([self.raw], self.flatten, {})

    @cached_property
    def content_media_type(self) -> str:
        """The declared media type of the document inside a string, or an empty text."""
        return str(self.resolve(self.raw).get("contentMediaType", ""))

    def is_valid(self, value: object) -> bool:
        """Whether the value fits; no text does that cannot be encoded, for it has half of a character."""
        try:
            return self._compiled.is_valid(value)
        except UnicodeEncodeError:
            return False

    def errors(self, value: object) -> tuple[SchemaError, ...]:
        """The ways in which the value does not fit, the deepest and most telling ones first; `MAX_ERRORS` at most.

        Of a large value only the first: the library finds all of them before it hands out one.
        """
        leaves = islice(self._leaves(self._errors_of(value)), MAX_ERRORS)
        found = {error.where: error for error in map(_shape, leaves)}
        return tuple(sorted(found.values(), key=lambda error: (-error.where.count("/"), error.where)))

    def _errors_of(self, value: object) -> Iterable[Any]:
        if not is_larger(value, MAX_NODES):
            return self._compiled.iter_errors(value)
        try:
            self._compiled.validate(value)
        except jsonschema_rs.ValidationError as error:
            return (error,)
        return ()

    def _leaves(self, errors: Any) -> Iterator[Any]:
        """Errors with the branches of `oneOf`/`anyOf` opened up: the branch that came nearest tells the cause."""
        for error in errors:
            branches = error.kind.context if error.kind.name in {"oneOf", "anyOf"} else None
            if not branches or not all(branches):  # a branch without errors is one too many that fits
                yield error
                continue
            nearest = min(branches, key=_distance)
            yield from self._leaves(nearest)

    def resolve(self, node: object) -> Mapping[str, Any]:
        """A sub-schema with its local reference followed; an empty one for booleans and dead references."""
        seen: set[str] = set()
        while isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
            ref = node["$ref"]
            if ref in seen:
                return {}
            seen.add(ref)
            node = lookup({"components": self.components}, ref)
        return node if isinstance(node, Mapping) else {}

    def at(self, pointer: str) -> Iterator[Mapping[str, Any]]:
        """The sub-schemas that describe the value at a JSON pointer, through references and combinations."""
        nodes = [self.raw]
        for part in pointer_parts(pointer):
            nodes = [child for node in nodes for child in self._children(node, part)]
        for node in nodes:
            yield from self.flatten(node)

    def flatten(self, node: object) -> Iterator[Mapping[str, Any]]:
        """The sub-schema itself and the branches of its combinations, references followed, each of them once."""
        pending: list[object] = [node]
        seen: set[int] = set()
        while pending:
            resolved = self.resolve(pending.pop(0))
            if id(resolved) in seen:
                continue
            seen.add(id(resolved))
            yield resolved
            branches = [branch for keyword in ("allOf", "anyOf", "oneOf") for branch in resolved.get(keyword, ())]
            pending[:0] = [*branches, *(resolved[keyword] for keyword in ("then", "else") if keyword in resolved)]

    def _children(self, node: object, part: str) -> Iterator[Mapping[str, Any]]:
        for flat in self.flatten(node):
            properties = flat.get("properties", {})
            if part in properties:
                yield properties[part]


def follow(document: Mapping[str, Any], node: object) -> Mapping[str, Any]:
    """A node with its local reference followed; an empty one where it leads nowhere."""
    seen: set[str] = set()
    while isinstance(node, Mapping) and isinstance(node.get("$ref"), str) and node["$ref"] not in seen:
        seen.add(node["$ref"])
        node = lookup(document, node["$ref"])
    return node if isinstance(node, Mapping) else {}


def _ranged(node: Any) -> Any:
    if isinstance(node, list):
        return [_ranged(child) for child in node]
    if not isinstance(node, Mapping):
        return node
    found = {key: _ranged(child) for key, child in node.items()}
    bits = _INTEGERS.get(str(node.get("format")))
    if bits is None or node.get("type") not in ("integer", ["integer", "null"]):
        return found
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return {**found, "minimum": max(node.get("minimum", low), low), "maximum": min(node.get("maximum", high), high)}


def lookup(document: Mapping[str, Any], ref: str) -> object:
    """What a local reference (`#/components/...`) leads to, or None."""
    node: object = document
    if ref != "#" and not ref.startswith("#/"):
        return None
    for part in pointer_parts(ref):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    return node


def _distance(errors: list[Any]) -> tuple[int, int]:
    """How far a branch of a combination is from fitting: a wrong constant or type is farther than a wrong detail."""
    wrong_kind = sum(error.kind.name in {"const", "enum", "type"} for error in errors)
    deepest = max((len(error.instance_path) for error in errors), default=0)
    return (len(errors) + wrong_kind, -deepest)


def _shape(error: Any) -> SchemaError:
    parts = [str(part) for part in error.instance_path]
    missing = error.kind.name == "required"
    if missing:
        parts.append(str(error.kind.property))
    return SchemaError(
        where="".join(f"/{escape(part)}" for part in parts),
        message=shorten(error.message, 300),
        found="nothing" if missing else shorten(as_text(error.instance), 200),
        expected="a required field" if missing else shorten(_expected(error.kind), 200),
    )


def _expected(kind: Any) -> str:
    """What a keyword asks for; some keep their argument to themselves."""
    if kind.name == "oneOf":
        return "to fit exactly one of the forms"
    if kind.name == "falseSchema":
        return "nothing at this place"
    if kind.name == "propertyNames":
        return f"propertyNames: {kind.error.message}"
    if kind.name == "type":
        return f"type {' or '.join(kind.value)}"
    return kind.name if kind.value is None else f"{kind.name} {as_text(kind.value)}"


def as_text(value: object) -> str:
    """A value as JSON text, for messages."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def shorten(text: str, limit: int) -> str:
    """The text, cut to a length with an ellipsis where it is longer."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def is_larger(value: object, limit: int) -> bool:
    """Whether a JSON value has more than so many parts; found out without looking at more of them."""
    waiting: list[object] = [value]
    seen = 0
    while waiting:
        node = waiting.pop()
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        seen += len(children)
        if seen > limit:
            return True
        waiting += children
    return False

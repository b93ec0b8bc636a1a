"""What a spec asks of a request, and the same with one constraint let go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specwatch.sandbox.interface import Call
from specwatch.spec import Operation, Schema

KEYWORDS = (
    "enum", "const", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
    "additionalProperties", "unevaluatedProperties",
)  # fmt: skip
NO_JSON = object()
_DEPTH = 12
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """One part of a request that has a schema: the body, or a parameter.

    Args:
        location: `body`, `path`, `query` or `header`.
        name: of the parameter; empty for the body.
    """

    location: str
    name: str
    required: bool
    schema: Schema

    def value(self, call: Call) -> object:
        """What a request has there: JSON for a body, text for a parameter, `NO_JSON` when it is absent or no JSON."""
        if self.location == "body":
            try:
                return call.json()
            except ValueError:
                return NO_JSON
        source = {"path": call.path, "query": call.query, "header": call.headers}.get(self.location, {})
        name = self.name.lower() if self.location == "header" else self.name
        return _parsed(source[name], self.schema) if name in source else NO_JSON

    def accepts(self, value: object) -> bool:
        """Whether the spec allows a value there."""
        return not self.required if value is NO_JSON else self.schema.is_valid(value)


def inputs_of(operation: Operation) -> Iterator[Input]:
    """The parts of an operation's requests that have a schema."""
    media = operation.body.media.get("application/json") if operation.body else None
    if operation.body and media and media.schema:
        yield Input("body", "", operation.body.required, media.schema)
    for parameter in operation.parameters:
        if parameter.schema is not None:
            yield Input(parameter.location, parameter.name, parameter.required, parameter.schema)


def is_valid(operation: Operation, call: Call) -> bool:
    """Whether a request satisfies the spec."""
    return all(part.accepts(part.value(call)) for part in inputs_of(operation))


def inlined(schema: Schema) -> Any:
    """The schema with its references replaced by what they lead to, and every `oneOf` opened to `anyOf`."""
    return _inline(schema, schema.raw, 0)


def _inline(schema: Schema, node: object, depth: int) -> object:
    if isinstance(node, list):
        return [_inline(schema, item, depth + 1) for item in node]
    if not isinstance(node, Mapping):
        return node
    if depth > _DEPTH:
        return {}
    followed = {**schema.resolve(node), **{key: value for key, value in node.items() if key != "$ref"}}
    return {"anyOf" if key == "oneOf" else key: _inline(schema, value, depth + 1) for key, value in followed.items()}


def loosened(part: Input) -> Iterator[tuple[str, str, Schema]]:
    """The schema of a part of requests with one of its constraints let go at a time.

    Yields:
        a name (`without-id`, `ids-minItems`), what is let go, and the schema without it.
    """
    root = inlined(part.schema)
    groups: dict[tuple[str, str], list[Path]] = {}
    place = (f"{part.location}-{part.name}",) if part.name else ()
    for name, text, path in _constraints(root, (), place):
        if not _is_always_text(part, root, path):
            groups.setdefault((name, text), []).append(path)
    for (name, text), paths in groups.items():
        copied = json.loads(json.dumps(root))
        for path in paths:
            _let_go(copied, path)
        yield name, text, Schema(copied)


def unenforceable(part: Input) -> Iterator[tuple[str, str]]:
    """The constraints of a part of requests that no request can break, each with the reason."""
    root = inlined(part.schema)
    for name, _, path in _constraints(root, (), (f"{part.location}-{part.name}",) if part.name else ()):
        if _is_always_text(part, root, path):
            yield name, "the text of a parameter is a string, whatever is sent"


def _is_always_text(part: Input, root: Mapping[str, Any], path: Path) -> bool:
    return bool(part.name) and path == ("type",) and root.get("type") == "string"


def _constraints(node: object, at: Path, place: tuple[str, ...]) -> Iterator[tuple[str, str, Path]]:
    """Name, description and path of each constraint; the same place in several branches has the same name."""
    if not isinstance(node, Mapping):
        return
    label = ".".join(place) or "body"
    for name in node.get("required", ()):
        field = ".".join((*place, name))
        yield f"without-{field}", f"a request without {field}", (*at, "required", name)
    if "type" in node and not {"enum", "const"} & node.keys():
        yield f"{label}-type", f"a request in which {label} has another type", (*at, "type")
    for keyword in KEYWORDS:
        if keyword in node and not (keyword.endswith("Properties") and node[keyword] is True):
            yield f"{label}-{keyword}", f"a request that breaks {keyword} of {label}", (*at, keyword)
    for name, child in node.get("properties", {}).items():
        yield from _constraints(child, (*at, "properties", name), (*place, name))
    if isinstance(node.get("items"), Mapping):
        yield from _constraints(node["items"], (*at, "items"), (*place, "0"))
    for keyword in ("allOf", "anyOf"):
        for index, child in enumerate(node.get(keyword, ())):
            yield from _constraints(child, (*at, keyword, index), place)


def _let_go(node: Any, path: Path) -> None:
    for step in path[:-1]:
        node = node[step]
    if isinstance(node, list):
        node.remove(path[-1])
    else:
        node.pop(path[-1])


def _parsed(text: str, schema: Schema) -> object:
    """A parameter's text as the type that its schema asks for, where it can be read so."""
    if schema.resolve(schema.raw).get("type") in {"integer", "number", "boolean"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text

"""What a spec asks of a request, and the same with one constraint let go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from specwatch.sandbox.examples import is_json
from specwatch.sandbox.interface import Call
from specwatch.spec import MediaType, Operation, Schema, essence
from specwatch.spec.forms import FORMS, decoded_form
from specwatch.spec.parameters import UNDECODABLE, Key, counts, decoded, parameters_fit

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
        location: `body`, `path`, `query`, `header` or `cookie`.
        name: of the parameter; empty for the body.
    """

    location: str
    name: str
    required: bool
    schema: Schema
    operation: Operation

    def value(self, call: Call) -> object:
        """What a request has there: a body or parameter as the value that its text stands for.

        `NO_JSON` when it is absent or no JSON, `UNDECODABLE` when nobody can tell.
        """
        if self.location == "body":
            return _body(self.operation, call)
        return _parameters(self.operation, call).get((self.location, self.name), NO_JSON)

    def accepts(self, value: object) -> bool:
        """Whether the spec allows a value there."""
        if value is NO_JSON:
            return not self.required
        return value is UNDECODABLE or self.schema.in_range.is_valid(value)


def inputs_of(operation: Operation) -> Iterator[Input]:
    """The parts of an operation's requests that have a schema."""
    media = _judged_media(operation)
    if operation.body and media and media.schema:
        yield Input("body", "", operation.body.required, media.schema, operation)
    for parameter in operation.parameters:
        if parameter.schema is not None and counts(parameter):
            yield Input(parameter.location, parameter.name, parameter.required, parameter.schema, operation)


def is_valid(operation: Operation, call: Call) -> bool:
    """Whether a request satisfies the spec; what cannot be read is not held against it."""
    if not parameters_fit(operation, _parameters(operation, call)):
        return False
    if operation.body is None:
        return True
    if not call.body:
        return not operation.body.required
    media, value = _media_of(operation, call), _body(operation, call)
    if media is None or media.schema is None or value is UNDECODABLE:
        return True
    return value is not NO_JSON and media.schema.in_range.is_valid(value)


def _parameters(operation: Operation, call: Call) -> Mapping[Key, object]:
    query = call.query_string or urlencode(call.query)
    return decoded(operation, call.path, query, call.headers.items())


def _judged_media(operation: Operation) -> MediaType | None:
    """The first documented media type of a body that can be read."""
    found = operation.body.media if operation.body else {}
    return next((media for name, media in found.items() if is_json(name) or name in FORMS), None)


def _media_of(operation: Operation, call: Call) -> MediaType | None:
    """The documented media type of a request; JSON where it names none that is documented."""
    found = operation.body.media if operation.body else {}
    named = essence(call.headers.get("content-type", ""))
    for name in (named, f"{named.split('/', 1)[0]}/*", "*/*"):
        if name in found:
            return found[name]
    return next((media for name, media in found.items() if is_json(name)), None)


def _body(operation: Operation, call: Call) -> object:
    """The body of a request as a value."""
    media = _media_of(operation, call)
    if not call.body:
        return NO_JSON
    if media is None or media.schema is None:
        return UNDECODABLE
    content_type = call.headers.get("content-type", "")
    name = essence(content_type) or "application/json"
    if name in FORMS and essence(media.name) == name:
        return decoded_form(media.schema, content_type, call.body)
    if not is_json(name) and (name in operation.body.media if operation.body else False):
        return UNDECODABLE
    try:
        return call.json()
    except ValueError:
        return NO_JSON


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

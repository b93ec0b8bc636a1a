"""A schema that fits values that were seen: types and formats, fields and elements, and nothing that was not seen.

A sketch is a JSON Schema of `type` (a list), `format`, `properties`, `items`, and `additionalProperties: true` for an
object whose keys are values. The empty sketch fits everything. Merging sketches is associative, commutative and
idempotent, and what one of them fits, the merged one fits too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, Final

from specwatch.conformance.anonymous import format_of, is_name

Sketch = dict[str, Any]

MAX_DEPTH: Final = 6
MAX_FIELDS: Final = 50
"""An object with more fields is taken for a map."""

_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_ANYTHING: Final[Sketch] = {}


def sketch_of(value: object, depth: int = 0) -> Sketch:
    """The sketch of one JSON value."""
    if isinstance(value, str):
        found = format_of(value)
        return {"type": ["string"], "format": found or None}
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, list):
        return _array(value, depth)
    return {"type": [_scalar(value)]}


def is_sketch(value: object, depth: int = 0) -> bool:
    """Whether a JSON value is a sketch, as read from a file that anybody may have written."""
    if not isinstance(value, dict) or depth > MAX_DEPTH + 1:
        return False
    types = value.get("type", [])
    if not isinstance(types, list) or not all(isinstance(each, str) and each in _TYPES for each in types):
        return False
    if (value and not types) or not isinstance(value.get("format"), str | None):
        return False
    fields = value.get("properties", {})
    if not isinstance(fields, dict):
        return False
    inner = [*fields.values(), *([value["items"]] if "items" in value else [])]
    return all(is_sketch(each, depth + 1) for each in inner)


def merged(one: Sketch, other: Sketch) -> Sketch:
    """The sketch of what either of two sketches fits."""
    if one == other:
        return one
    if not one or not other:
        return _ANYTHING
    types = _types({*one["type"], *other["type"]})
    result: Sketch = {"type": types}
    if "string" in types:
        formats = {each["format"] for each in (one, other) if "format" in each}
        result["format"] = formats.pop() if len(formats) == 1 else None
    if "object" in types:
        result |= _fields(one, other)
    items = [each["items"] for each in (one, other) if "items" in each]
    if items:
        result["items"] = reduce(merged, items)
    return result


def schema_of(sketch: Mapping[str, Any]) -> dict[str, Any]:
    """A sketch as it is written into a document; of what was only ever null nothing is said."""
    types = sketch.get("type", [])
    if not types or types == ["null"]:
        return {}
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else list(types)}
    if sketch.get("format"):
        schema["format"] = sketch["format"]
    if sketch.get("properties"):
        schema["properties"] = {name: schema_of(each) for name, each in sketch["properties"].items()}
    if sketch.get("items"):
        schema["items"] = schema_of(sketch["items"])
    return schema


def _object(value: Mapping[str, object], depth: int) -> Sketch:
    if depth >= MAX_DEPTH or len(value) > MAX_FIELDS or not all(map(is_name, value)):
        return {"type": ["object"], "additionalProperties": True}
    return {"type": ["object"], "properties": {name: sketch_of(value[name], depth + 1) for name in sorted(value)}}


def _array(value: list[object], depth: int) -> Sketch:
    if depth >= MAX_DEPTH:
        return {"type": ["array"], "items": _ANYTHING}
    return {"type": ["array"], **({"items": reduce(merged, (sketch_of(v, depth + 1) for v in value))} if value else {})}


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "number"


def _types(types: set[str]) -> list[str]:
    """The types in order; an integer is a number."""
    return sorted(types - {"integer"} if "number" in types else types)


def _fields(one: Sketch, other: Sketch) -> Sketch:
    if any(each.get("additionalProperties") for each in (one, other)):
        return {"additionalProperties": True}
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    names = sorted({*mine, *theirs})
    if len(names) > MAX_FIELDS:
        return {"additionalProperties": True}
    both = {name: [each[name] for each in (mine, theirs) if name in each] for name in names}
    return {"properties": {name: reduce(merged, each) for name, each in both.items()}}

"""Values that schemas allow, for specs without examples: the simplest one, or one that is generated."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from specwatch.spec.schema import Schema

NO_VALUE: Final = object()
"""No value that a schema allows could be made."""

_DEPTH = 8
_TRIES = 20
_STRINGS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T12:00:00Z",
    "duration": "P1D",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "12:00:00Z",
    "uri": "https://example.com/",
    "uri-reference": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample(schema: Schema) -> Any:
    """A value that a schema allows, always the same one; where none can be made, the simplest that comes near."""
    value = fitting(schema)
    return _simplest(schema, schema.raw, 0) if value is NO_VALUE else value


def simplest(schema: Schema) -> Any:
    """The simplest value that a schema asks for, in no time; it need not fit patterns, and what excludes values."""
    return copy.deepcopy(_simplest(schema, schema.raw, 0))


def fitting(schema: Schema) -> Any:
    """A value that a schema allows, always the same one, or `NO_VALUE` where none can be made."""
    value = _fitting(schema)
    return value if value is NO_VALUE else copy.deepcopy(value)


@lru_cache(maxsize=4096)
def _fitting(schema: Schema) -> Any:
    simplest = _simplest(schema, schema.raw, 0)
    return simplest if schema.is_valid(simplest) else _generated(schema)


def _simplest(schema: Schema, node: object, depth: int) -> Any:
    """The simplest value that a schema asks for; patterns and what excludes values are not looked at."""
    raw = schema.resolve(node)
    for keyword in ("const", "default", "example"):
        if keyword in raw:
            return raw[keyword]
    for keyword in ("examples", "enum"):
        if raw.get(keyword):
            return raw[keyword][0]
    for keyword in ("oneOf", "anyOf"):
        if raw.get(keyword):
            return _branch(schema, raw, keyword, depth)
    if raw.get("allOf"):
        return _all(schema, raw, depth)
    kind = raw.get("type", "object" if "properties" in raw else "string")
    return _of_kind(schema, raw, kind[0] if isinstance(kind, list) else kind, depth)


def _branch(schema: Schema, raw: Mapping[str, Any], keyword: str, depth: int) -> Any:
    """The first branch whose simplest value fits the whole, else the first."""
    rest = {key: value for key, value in raw.items() if key != keyword}
    whole = Schema(raw, schema.components)
    values = [_simplest(schema, {**rest, **schema.resolve(branch)}, depth + 1) for branch in raw[keyword][:_DEPTH]]
    return next((value for value in values if depth < 2 and whole.is_valid(value)), values[0])


def _all(schema: Schema, raw: Mapping[str, Any], depth: int) -> Any:
    merged: dict[str, Any] = {key: value for key, value in raw.items() if key != "allOf"}
    for part in map(schema.resolve, raw["allOf"]):
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= {**part, "properties": properties, "required": required}
    return _simplest(schema, merged, depth + 1) if depth < _DEPTH else None


def _of_kind(schema: Schema, raw: Mapping[str, Any], kind: str, depth: int) -> Any:
    if kind == "object" and depth < _DEPTH:
        fields = raw.get("properties", {})
        return {name: _simplest(schema, fields.get(name, {}), depth + 1) for name in raw.get("required", ())}
    if kind == "array" and depth < _DEPTH:
        first = [_simplest(schema, item, depth + 1) for item in raw.get("prefixItems", ())]
        rest = range(len(first), raw.get("minItems", 0))
        return [*first, *(_simplest(schema, raw.get("items", {}), depth + 1) for _ in rest)]
    if kind in {"integer", "number"}:
        return _number(raw)
    if kind == "string":
        return _STRINGS.get(raw.get("format", ""), "text")[: raw.get("maxLength")].ljust(raw.get("minLength", 0), "x")
    return {"object": {}, "array": [], "boolean": True}.get(kind)


def _number(raw: Mapping[str, Any]) -> int | float:
    """The lowest number that the bounds allow, or the highest where there is no lowest; a multiple where asked."""
    low = raw.get("minimum", raw.get("exclusiveMinimum", -1) + 1)
    high = raw.get("maximum", raw.get("exclusiveMaximum", low + 1) - 1)
    number: int | float = low if "minimum" in raw or "exclusiveMinimum" in raw else min(low, high)
    step = raw.get("multipleOf")
    return number if not step else -(-number // step) * step


def _generated(schema: Schema) -> Any:
    """A value that schemathesis makes for a schema, with what is random about it fixed."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis.errors import HypothesisException
    from schemathesis.openapi import from_dict

    found: list[Any] = []
    content = {"application/json": {"schema": schema.raw}}
    body = {"requestBody": {"required": True, "content": content}, "responses": {"200": {"description": "ok"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "sample", "version": "1"},
        "paths": {"/": {"post": body}},
        "components": {"schemas": schema.components.get("schemas", {})},
    }
    quiet = settings(
        max_examples=_TRIES, database=None, phases=[Phase.generate], deadline=None, suppress_health_check=[*HealthCheck]
    )

    def keep(case: Any) -> None:
        if not found and _is_plain(case.body) and schema.is_valid(case.body):
            found.append(case.body)

    try:
        strategy = from_dict(json.loads(json.dumps(document)))["/"]["POST"].as_strategy()
        seed(0)(quiet(given(strategy)(keep)))()
    except (HypothesisException, ValueError, TypeError, RecursionError):
        return found[0] if found else NO_VALUE
    except Exception as error:
        if not type(error).__module__.startswith(("schemathesis", "hypothesis", "jsonschema_rs")):
            raise
        return found[0] if found else NO_VALUE
    return found[0] if found else NO_VALUE


def _is_plain(value: object) -> bool:
    """Whether a value is JSON that goes over the wire as it is."""
    try:
        json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError):
        return False
    return True

"""Answers that follow from a spec alone: its examples, or the simplest value that a schema allows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from specwatch.conformance.headers import documented_headers
from specwatch.sandbox.interface import Answer
from specwatch.spec import Api, MediaType, Operation, ResponseSpec, Schema

_DEPTH = 8
_STRINGS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T12:00:00Z",
    "email": "somebody@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def is_json(essence: str) -> bool:
    """Whether a media type without parameters is JSON or built on it."""
    return essence == "application/json" or essence.endswith("+json")


def spec_answer(api: Api, operation: Operation, status: int, code: str | None = None) -> Answer | None:
    """The documented answer with a status and, if given, the provider's code; None when it is not documented."""
    response = operation.response(status)
    if response is None or (code is not None and code not in response.codes):
        return None
    headers = _required_headers(api, operation, response)
    for media in response.media.values():
        values = list(media.examples.values()) or ([sample(media.schema)] if media.schema else [])
        if not values:
            continue
        value = values[0]
        if code is not None and api.error_code_pointer:
            steps = api.error_code_pointer.strip("/").split("/")
            value = next((v for v in values if value_at(v, steps) == code), None) or with_value(value, steps, code)
        return answer_with(status, media, value, headers)
    return Answer(status, headers=headers)


def answer_with(status: int, media: MediaType, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that carries a value in a media type."""
    headers = headers or {}
    if not is_json(media.name.split(";")[0].strip().lower()):
        text = value if isinstance(value, str) else json.dumps(value)
        return Answer(status, headers=headers, media_type=media.name, raw=text.encode())
    if value is None:
        return Answer(status, headers=headers, media_type=media.name, raw=b"null")
    return Answer(status, value, headers, media.name)


def success(api: Api, operation: Operation) -> Answer:
    """The first documented success of an operation; an empty 200 when the spec knows none."""
    for status in success_statuses(operation):
        answer = spec_answer(api, operation, status)
        if answer is not None:
            return answer
    return Answer(200)


def success_statuses(operation: Operation) -> tuple[int, ...]:
    """The documented statuses of success, with 200 for a range."""
    return tuple(int(key.replace("X", "0")) for key in operation.responses if key[0] == "2")


def refusal(api: Api, operation: Operation) -> Answer:
    """The documented answer to bad credentials; an empty 401 when the spec knows none."""
    for status in (401, 403):
        answer = spec_answer(api, operation, status)
        if answer is not None:
            return answer
    return Answer(401)


def value_at(value: object, steps: list[str]) -> object:
    """What stands at a place of nested objects, or None."""
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def with_value(value: object, steps: list[str], new: object) -> object:
    """The value with a place of its nested objects replaced or added."""
    if not steps:
        return new
    inner = value if isinstance(value, Mapping) else {}
    return {**inner, steps[0]: with_value(inner.get(steps[0]), steps[1:], new)}


def _required_headers(api: Api, operation: Operation, response: ResponseSpec) -> dict[str, str]:
    """The headers that a response promises, each with the value that the spec shows, or the simplest one."""
    found = {}
    for header in documented_headers(api, operation, response.status):
        value = sample(header.schema) if header.example is None and header.schema else header.example
        if header.required and value is not None:
            found[header.name] = value if isinstance(value, str) else json.dumps(value)
    return found


def sample(schema: Schema, node: object = None, depth: int = 0) -> Any:
    """The simplest value that a schema asks for; for specs without examples. Patterns are not looked at."""
    raw = schema.resolve(schema.raw if node is None else node)
    for keyword in ("const", "default", "example"):
        if keyword in raw:
            return raw[keyword]
    for keyword in ("examples", "enum"):
        if raw.get(keyword):
            return raw[keyword][0]
    for keyword in ("oneOf", "anyOf"):
        if raw.get(keyword):
            rest = {key: value for key, value in raw.items() if key != keyword}
            return sample(schema, {**rest, **schema.resolve(raw[keyword][0])}, depth)
    if raw.get("allOf"):
        return _sample_all(schema, raw, depth)
    kind = raw.get("type", "object" if "properties" in raw else "string")
    return _sample_kind(schema, raw, kind[0] if isinstance(kind, list) else kind, depth)


def _sample_all(schema: Schema, raw: Mapping[str, Any], depth: int) -> Any:
    merged: dict[str, Any] = {key: value for key, value in raw.items() if key != "allOf"}
    for part in map(schema.resolve, raw["allOf"]):
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= {**part, "properties": properties, "required": required}
    return sample(schema, merged, depth)


def _sample_kind(schema: Schema, raw: Mapping[str, Any], kind: str, depth: int) -> Any:
    if kind == "object" and depth < _DEPTH:
        fields = raw.get("properties", {})
        return {name: sample(schema, fields.get(name, {}), depth + 1) for name in raw.get("required", ())}
    if kind == "array" and depth < _DEPTH:
        return [sample(schema, raw.get("items", {}), depth + 1) for _ in range(raw.get("minItems", 0))]
    if kind in {"integer", "number"}:
        return raw.get("minimum", raw.get("exclusiveMinimum", -1) + 1)
    if kind == "string":
        return _STRINGS.get(raw.get("format", ""), "text").ljust(raw.get("minLength", 0), "x")
    return {"object": {}, "array": [], "boolean": True}.get(kind)

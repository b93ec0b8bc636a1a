"""The headers that a spec documents for a response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from specwatch.conformance.facts import Facts, text_fits
from specwatch.spec.model import Api, Operation
from specwatch.spec.schema import Schema, as_text, lookup
from specwatch.values.exchange import header

_IGNORED: Final = frozenset({"content-type"})
"""OpenAPI 3.1, Response Object: a header of this name is to be ignored, since `content` says it."""


@dataclass(frozen=True, slots=True)
class HeaderSpec:
    """One documented header of a response.

    Args:
        name: as the spec writes it.
        required: whether every such response has it.
        schema: what its text says, read as a text, a number or a boolean; None where nothing is asked of it.
        example: a value that the spec shows; None where it shows none.
    """

    name: str
    required: bool
    schema: Schema | None
    example: object = None


@dataclass(frozen=True, slots=True)
class HeaderProblem:
    """A documented header that is missing or malformed, as expected and found."""

    name: str
    expected: str
    found: str


@lru_cache(maxsize=1024)
def documented_headers(api: Api, operation: Operation, status: str) -> tuple[HeaderSpec, ...]:
    """The headers that a documented response has.

    Args:
        api: the API.
        operation: the operation.
        status: as the spec writes it: `200`, a range or `default`.
    """
    response = _followed(api, _mapping(operation.raw.get("responses")).get(status))
    found = []
    for name, raw in _mapping(response.get("headers")).items():
        node = _followed(api, raw)
        schema = node.get("schema")
        if name.lower() not in _IGNORED:
            asked = Schema(schema, _mapping(api.raw.get("components"))) if isinstance(schema, Mapping) else None
            found.append(HeaderSpec(name, node.get("required") is True, asked, _example(node)))
    return tuple(found)


def _example(header: Mapping[str, Any]) -> object:
    named, schema = _mapping(header.get("examples")), _mapping(header.get("schema"))
    first = _mapping(next(iter(named.values()), None))
    shown = (header.get("example"), first.get("value"), schema.get("example"), schema.get("const"))
    return next((value for value in shown if value is not None), None)


def header_problems(facts: Facts) -> Iterator[HeaderProblem]:
    """The documented headers of an answer that are missing or malformed."""
    spec = facts.response_spec
    for declared in documented_headers(facts.api, facts.operation, spec.status) if spec else ():
        value = header(facts.exchange.response.headers, declared.name)
        if value is None and declared.required:
            yield HeaderProblem(declared.name, "a required header", "nothing")
        elif value is not None and not text_fits(value, declared.schema):
            yield HeaderProblem(declared.name, as_text(declared.schema.raw if declared.schema else {}), value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _followed(api: Api, node: object) -> Mapping[str, Any]:
    seen: set[str] = set()
    while isinstance(node, Mapping) and isinstance(node.get("$ref"), str) and node["$ref"] not in seen:
        seen.add(node["$ref"])
        node = lookup(api.raw, node["$ref"])
    return _mapping(node)

"""Checks of the named examples of a spec: each fits its schema, and what only examples show as well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from specwatch.errors import Problem
from specwatch.spec import Api, MediaType, Operation, Schema, Source
from specwatch.spec.schema import as_text, lookup, shorten

Place = tuple[str | int, ...]

_LONGEST = 120


def example_problems(api: Api, source: Source) -> Iterator[Problem]:
    """The examples of parameters, requests and answers that do not fit."""
    for operation in api.operations:
        at = ("paths", operation.path, operation.method.lower())
        yield from _parameters(api, source, operation)
        if operation.body is not None:
            yield from _media(api, source, (*at, "requestBody"), operation.body.media)
        for response in operation.responses.values():
            yield from _media(api, source, (*at, "responses", response.status), response.media)


def _parameters(api: Api, source: Source, operation: Operation) -> Iterator[Problem]:
    path = ("paths", operation.path)
    for parameter in operation.parameters:
        place = _parameter_place(api, path, operation, parameter.name)
        for name, value in parameter.examples.items():
            yield from _misfits(api, source, (*place, "examples", name), name, value, parameter.schema, "schema")


def _parameter_place(api: Api, path: Place, operation: Operation, name: str) -> Place:
    for at in ((*path, operation.method.lower(), "parameters"), (*path, "parameters")):
        node = _at(api.raw, at)
        for index in range(len(node) if isinstance(node, list) else 0):
            place = follow(api.raw, (*at, index))
            found = _at(api.raw, place)
            if isinstance(found, Mapping) and found.get("name") == name:
                return place
    return path


def _media(api: Api, source: Source, at: Place, media: Mapping[str, MediaType]) -> Iterator[Problem]:
    for each in media.values():
        for name, value in each.examples.items():
            place = (*at, "content", each.name, "examples", name)
            yield from _misfits(api, source, place, name, value, each.schema, "schema")
            yield from _misfits(api, source, place, name, value, each.inferred, "x-inferred")


def _misfits(
    api: Api, source: Source, at: Place, name: str, value: object, schema: Schema | None, what: str
) -> Iterator[Problem]:
    if schema is None:
        return
    place = follow(api.raw, at)
    for where, found, expected in _errors(schema, value):
        inside = tuple(part for part in where.split("/") if part)
        yield Problem(
            source.place(*place, "value", *inside),
            f"example {name!r} does not fit its {what}: {where or 'the value'} is {shorten(found, _LONGEST)}",
            expected,
            "correct the example or the schema",
        )


def _errors(schema: Schema, value: object) -> Iterator[tuple[str, str, str]]:
    try:
        errors = schema.errors(value)
    except ValueError as error:  # the schema itself does not compile, which the OpenAPI validator says better
        yield "", as_text(value), f"a schema that compiles: {error}"
        return
    yield from ((error.where, error.found, error.expected) for error in errors)
    if schema.content is not None and isinstance(value, str) and not errors:
        yield from _embedded_errors(schema.content, value)


def _embedded_errors(schema: Schema, text: str) -> Iterator[tuple[str, str, str]]:
    try:
        content = json.loads(text)
    except ValueError as error:
        yield "", as_text(text), f"JSON inside the string: {error}"
        return
    yield from ((f"(inside the string){where}", found, expected) for where, found, expected in _errors(schema, content))


def follow(raw: Mapping[str, Any], at: Place) -> Place:
    """A place with every reference on the way followed, so that it is where the text really stands."""
    place: Place = ()
    for part in at:
        place = _resolved(raw, (*place, part))
    return place


def _resolved(raw: Mapping[str, Any], place: Place) -> Place:
    for _ in range(20):  # references may form a circle
        node = _at(raw, place)
        ref = node.get("$ref") if isinstance(node, Mapping) else None
        if not isinstance(ref, str) or lookup(raw, ref) is None:
            break
        place = tuple(part.replace("~1", "/").replace("~0", "~") for part in ref.removeprefix("#/").split("/"))
    return place


def _at(node: object, place: Place) -> object:
    for part in place:
        if isinstance(node, Mapping):
            node = node.get(str(part))
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return None
    return node

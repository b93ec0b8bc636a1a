"""What the documentation asks of a JSON value, so that a change can be sorted: allowed, or breaking which level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from specwatch.sandbox.examples import is_json, sample
from specwatch.sandbox.interface import Answer
from specwatch.spec import MediaType, Operation, Schema, essence
from specwatch.values import Level


@dataclass(frozen=True)
class Shape:
    """A promise and an inference about one value.

    Args:
        schema: what is promised, or None.
        inferred: what only examples show, or None.
    """

    schema: Schema | None
    inferred: Schema | None

    @classmethod
    def of(cls, media: MediaType) -> Shape:
        """The shape of a body."""
        return cls(media.schema, media.inferred)

    def breaks(self, value: object) -> Level | None:
        """The level that a value breaks; None when all is well."""
        if self.schema is not None and not self.schema.is_valid(value):
            return Level.PROMISE
        if self.inferred is not None and not self.inferred.is_valid(value):
            return Level.INFERENCE
        return None

    @cached_property
    def keys(self) -> frozenset[str]:
        """The names of all fields that are declared anywhere in it."""
        schemas = [schema for schema in (self.schema, self.inferred) if schema]
        return frozenset(key for schema in schemas for key in _declared(schema, schema.raw, ()))

    def embedded(self, pointer: str) -> Shape | None:
        """The shape of the JSON that the string at a place holds; None when it is declared to hold none."""
        schema, inferred = (_content(side, pointer) for side in (self.schema, self.inferred))
        return Shape(schema, inferred) if schema or inferred else None


def _content(schema: Schema | None, pointer: str) -> Schema | None:
    for node in schema.at(pointer) if schema else ():
        if schema and isinstance(node.get("contentSchema"), Mapping):
            return Schema(node["contentSchema"], schema.components)
    return None


_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
"""Keywords whose values are sub-schemas by name; the names may be those of keywords."""


def _declared(schema: Schema, node: object, seen: tuple[int, ...]) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _declared(schema, item, seen)
    elif isinstance(node, Mapping):
        resolved = schema.resolve(node)
        if id(resolved) in seen:
            return
        properties = resolved.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for keyword, child in resolved.items():
            inner = list(child.values()) if keyword in _MAPS and isinstance(child, Mapping) else child
            if isinstance(inner, Mapping | list):
                yield from _declared(schema, inner, (*seen, id(resolved)))


def json_media(operation: Operation, status: int) -> MediaType | None:
    """The JSON media type of a documented response, or None."""
    response = operation.response(status)
    found = (media for name, media in response.media.items() if is_json(name)) if response else iter(())
    return next(found, None)


def shape_of(operation: Operation, answer: Answer) -> Shape | None:
    """The shape that the document gives to the body of an answer, or None."""
    response = operation.response(answer.status)
    media = response.media.get(essence(answer.media_type)) if response else None
    return Shape.of(media) if media else None


def examples_of(media: MediaType) -> list[object]:
    """The examples of a body, or the simplest body that its schema allows."""
    return list(media.examples.values()) or ([sample(media.schema)] if media.schema else [])

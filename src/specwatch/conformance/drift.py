"""Undocumented fields: allowed, but worth knowing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specwatch.spec.schema import Schema
from specwatch.spec.source import escape


def undocumented_fields(schema: Schema | None, value: object) -> tuple[str, ...]:
    """JSON pointers, with `*` for array positions, of the fields that no part of the schema describes.

    An object that the schema does not describe at all (no `properties` anywhere) is free-form and yields nothing.
    """
    if schema is None:
        return ()
    return tuple(dict.fromkeys(_walk(schema, [schema.raw], value, "")))


def _walk(schema: Schema, nodes: list[Mapping[str, Any]], value: object, at: str) -> Iterator[str]:
    flat = [part for node in nodes for part in schema.flatten(node)]
    if isinstance(value, Mapping):
        described: dict[str, list[Mapping[str, Any]]] = {}
        for part in flat:
            for name, child in part.get("properties", {}).items():
                described.setdefault(name, []).append(child)
        others = [part["additionalProperties"] for part in flat if part.get("additionalProperties", True) is not True]
        for name, item in value.items():
            if name in described:
                yield from _walk(schema, described[name], item, f"{at}/{escape(str(name))}")
            elif others:
                yield from _walk(schema, others, item, f"{at}/*")
            elif described:
                yield f"{at}/{escape(str(name))}"
    elif isinstance(value, list):
        items = [part["items"] for part in flat if isinstance(part.get("items"), Mapping)]
        for item in value if items else ():
            yield from _walk(schema, items, item, f"{at}/*")

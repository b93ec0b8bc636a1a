"""Undocumented fields: allowed, but worth knowing."""

from __future__ import annotations

from typing import Final

from specwatch.spec.schema import Schema
from specwatch.spec.shape import Shape
from specwatch.spec.source import escape

MAX_FIELDS: Final = 100
"""So many undocumented fields of one answer are told: a hostile one may have a million."""


def undocumented_fields(schema: Schema | None, value: object) -> tuple[str, ...]:
    """JSON pointers, with `*` for array positions, of the fields that no part of the schema describes.

    An object that the schema does not describe at all (no `properties` anywhere) is free-form and yields nothing.

    Args:
        schema: what describes the value; None describes nothing.
        value: a JSON value.
    """
    if schema is None or not isinstance(value, (dict, list)):
        return ()
    found: dict[str, None] = {}
    _walk(schema.shape, value, "", found)
    return tuple(found)[:MAX_FIELDS]


def _walk(shape: Shape, value: object, at: str, found: dict[str, None]) -> None:
    if len(found) >= MAX_FIELDS:
        return
    if isinstance(value, dict):
        described, others = shape.fields, shape.others
        for name, item in value.items():
            if name in described:
                if isinstance(item, (dict, list)):
                    _walk(described[name], item, f"{at}/{escape(name)}", found)
            elif others is not None:
                _walk(others, item, f"{at}/*", found)
            elif described and len(found) < MAX_FIELDS:
                found[f"{at}/{escape(name)}"] = None
    elif isinstance(value, list) and shape.items is not None:
        for item in value:
            _walk(shape.items, item, f"{at}/*", found)

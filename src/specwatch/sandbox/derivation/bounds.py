"""Values just beyond a bound of a schema, keyword by keyword."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from specwatch.sandbox.mutations import ENTRY, Steps
from specwatch.spec import Schema

MOST_ADDED: Final = 10_000
"""A text or list is not made longer than this to break a bound; above, the fault is told as one that is not built."""

EXTRA: Final = "specwatch_extra"
Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound of a place, and how a value goes beyond it.

    Args:
        keyword: of JSON Schema.
        limit: what the schema says.
        text: what is the matter with a value beyond it, for `{}` being the place.
    """

    keyword: str
    limit: Any
    text: str

    def beyond(self, value: object) -> object | None:
        """A value just beyond, made of one that is within; None where there is none."""
        match value:
            case bool() | None:
                return None
            case str():
                return _text(self.keyword, self.limit, value)
            case list():
                return _list(self.keyword, self.limit, value)
            case dict():
                return _object(self.keyword, self.limit, value)
            case _:
                return _number(self.keyword, self.limit)


TEXTS: Final = {
    "minimum": "{} is below its minimum",
    "exclusiveMinimum": "{} is not above its minimum",
    "maximum": "{} is above its maximum",
    "exclusiveMaximum": "{} is not below its maximum",
    "multipleOf": "{} is between two allowed steps",
    "minLength": "{} is too short",
    "maxLength": "{} is too long",
    "pattern": "{} has another form than documented",
    "format": "{} is not in its format",
    "minItems": "{} has too few items",
    "maxItems": "{} has too many items",
    "uniqueItems": "{} has an item twice",
    "minProperties": "{} has too few fields",
    "maxProperties": "{} has too many fields",
    "additionalProperties": "{} has a field that is ruled out",
    "unevaluatedProperties": "{} has a field that is ruled out",
}
"""The keywords that bound a value, with what is the matter beyond."""

_RULED_OUT: Final = frozenset({"additionalProperties", "unevaluatedProperties"})


def bounds_at(schema: Schema, steps: Steps, keywords: Sequence[str] = tuple(TEXTS)) -> Iterator[Bound]:
    """What a schema says about the value at a place in some of its keywords, through references and combinations."""
    seen: set[str] = set()
    for node in nodes_at(schema, steps):
        for keyword in (name for name in keywords if name in node):
            bound = Bound(keyword, node[keyword], TEXTS.get(keyword, ""))
            if (keyword not in _RULED_OUT or node[keyword] is False) and repr(bound) not in seen:
                seen.add(repr(bound))
                yield bound


def nodes_at(schema: Schema, steps: Steps) -> Iterator[Node]:
    """The sub-schemas that describe the value at a place, through references and combinations."""
    nodes: list[Node] = [schema.raw]
    for step in steps:
        nodes = [child for node in nodes for flat in schema.flatten(node) for child in _children(flat, step)]
    for node in nodes:
        yield from schema.flatten(node)


def _children(node: Node, step: object) -> Iterator[Node]:
    if isinstance(step, int):
        found = [node.get("items"), *node.get("prefixItems", ())[:1]]
    elif step is ENTRY:
        found = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
    else:
        found = [node.get("properties", {}).get(step)]
    yield from (child for child in found if isinstance(child, Mapping))


def _number(keyword: str, limit: float) -> float | None:
    beyond = {"minimum": -1, "exclusiveMinimum": 0, "maximum": 1, "exclusiveMaximum": 0}
    if keyword in beyond:
        return limit + beyond[keyword]
    return limit * 1.5 if keyword == "multipleOf" else None


def _text(keyword: str, limit: Any, value: str) -> object | None:
    match keyword:
        case "minLength":
            return value[: limit - 1] if limit else None
        case "maxLength":
            return (value or "x").ljust(limit + 1, (value or "x")[-1]) if limit < MOST_ADDED else None
        case "pattern" | "format":
            return f"not {value} at all"
    return None


def _list(keyword: str, limit: Any, value: list[object]) -> object | None:
    match keyword:
        case "minItems":
            return value[: limit - 1] if limit else None
        case "maxItems":
            return (value * (limit + 1))[: limit + 1] if value and limit < MOST_ADDED else None
        case "uniqueItems":
            return value[:1] + value if value and limit else None
    return None


def _object(keyword: str, limit: Any, value: dict[str, object]) -> object | None:
    match keyword:
        case "minProperties":
            return dict(list(value.items())[: limit - 1]) if limit else None
        case "maxProperties":
            more = {f"{EXTRA}_{number}": None for number in range(limit + 1)} if limit < MOST_ADDED else {}
            return value | more if more else None
        case "additionalProperties" | "unevaluatedProperties":
            return value | {EXTRA: {"added": True}}
    return None

"""Undocumented fields, found with shapes that are made once, are those that following the schema finds."""

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from specwatch.conformance.anonymous import is_name
from specwatch.conformance.drift import MAX_FIELDS, undocumented_fields
from specwatch.spec import Schema
from specwatch.spec.source import escape

NAMES = st.sampled_from(["a", "b", "c/d", "e~"])
REFERENCES = st.sampled_from(["One", "Two", "Nothing"]).map(lambda name: {"$ref": f"#/components/schemas/{name}"})
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([{}, {"type": "string"}, {"additionalProperties": False}]) | REFERENCES,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "additionalProperties": st.booleans() | inner,
            "items": st.booleans() | inner,
            "allOf": st.lists(inner, max_size=2),
            "oneOf": st.lists(inner, max_size=2),
            "then": inner,
        },
    ),
    max_leaves=8,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.text(max_size=2),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=12,
)


def followed(schema: Schema, nodes: list[Any], value: object, at: str) -> Iterator[str]:
    """The undocumented fields, found by following the schema along the value."""
    flat = [part for node in nodes for part in schema.flatten(node)]
    if isinstance(value, Mapping):
        described: dict[str, list[Any]] = {}
        for part in flat:
            for name, child in part.get("properties", {}).items():
                described.setdefault(name, []).append(child)
        others = [part["additionalProperties"] for part in flat if part.get("additionalProperties", True) is not True]
        for name, item in value.items():
            if name in described:
                yield from followed(schema, described[name], item, f"{at}/{escape(name)}")
            elif others:
                yield from followed(schema, others, item, f"{at}/*")
            elif described:
                yield f"{at}/{escape(name) if is_name(name) else '*'}"
    elif isinstance(value, list):
        items = [part["items"] for part in flat if isinstance(part.get("items"), Mapping)]
        for item in value if items else ():
            yield from followed(schema, items, item, f"{at}/*")


@settings(deadline=None)
@given(SCHEMAS, SCHEMAS, SCHEMAS, VALUES)
def test_shapes_find_what_following_the_schema_finds(raw: Any, one: Any, two: Any, value: object) -> None:
    """The same pointers in the same order, also where a schema leads back to itself."""
    schema = Schema(raw, {"schemas": {"One": one, "Two": two}})
    expected = tuple(dict.fromkeys(followed(schema, [raw], value, "")))

    assert undocumented_fields(schema, value) == expected
    assert undocumented_fields(schema, value) == expected


def test_a_flood_of_fields_is_cut() -> None:
    """A target can make up names without end; some of them are told."""
    schema = Schema({"type": "object", "properties": {"known": {}}})
    assert len(undocumented_fields(schema, {f"field-{number}": 1 for number in range(100_000)})) == MAX_FIELDS

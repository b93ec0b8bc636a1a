"""What is seen beyond the document: with examples that show nobody, and schemas that fit all of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specwatch.conformance import Facts, judge
from specwatch.conformance.anonymous import placeholder
from specwatch.conformance.drift import sightings, undocumented
from specwatch.conformance.sightings import MAX_SIGHTINGS, Sightings, redacted, together
from specwatch.conformance.sketch import Sketch, is_sketch, merged, schema_of, sketch_of
from specwatch.spec import Schema
from specwatch.values.secrets import Redactor
from specwatch.values.violation import Drift, Sighting

Make = Callable[..., Facts]

STRINGS = st.sampled_from(
    ["", "red", "2026-01-01", "2026-01-01T00:00:00Z", "a@example.org", "https://example.org/", "1.2.3.4"]
) | st.text(max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STRINGS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "@1"]), inner, max_size=3)
    ),
    max_leaves=10,
)
SKETCHES = VALUES.map(sketch_of)


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_schema_fits_all_that_it_was_made_of(values: list[object]) -> None:
    """Formats included: what would be refused afterwards would turn drift into a violation."""
    sketches = [sketch_of(value) for value in values]
    both: Sketch = reduce(merged, sketches)
    schema = schema_of(both)
    judge_ = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert all(judge_.is_valid(value) for value in values)


@given(SKETCHES, SKETCHES, SKETCHES)
def test_the_order_of_merging_does_not_matter(a: Any, b: Any, c: Any) -> None:
    """Associative, commutative, idempotent; and a sketch stays one."""
    assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert merged(a, b) == merged(b, a)
    assert merged(a, a) == a
    assert is_sketch(json.loads(json.dumps(merged(a, b))))


@pytest.mark.parametrize(
    "value", [1, [], {"type": "string"}, {"type": ["x"]}, {"items": {}}, {"type": ["array"], "items": 1}]
)
def test_what_is_no_sketch(value: object) -> None:
    """A file that anybody may have written is looked at first."""
    assert not is_sketch(value)


def kinds(value: object) -> object:
    """A value with the names of types in the place of plain values."""
    if isinstance(value, dict):
        return {key: kinds(item) for key, item in value.items()}
    return [kinds(item) for item in value] if isinstance(value, list) else type(value).__name__


@given(STRINGS | st.integers() | st.booleans() | st.none())
def test_a_placeholder_has_the_same_type_and_format(value: object) -> None:
    """So a schema can be written of the example."""
    shown = placeholder(value)
    assert type(shown) is type(value)
    assert sketch_of(shown) == sketch_of(value)


@pytest.mark.parametrize(
    "value, name, shown",
    [
        ("in_progress", "state", "in_progress"),
        ("image/png", "kind", "image/png"),
        ("USD", "currency", "USD"),
        ("1000", "limit", "1000"),
        (42, "count", 42),
        (True, "admin", True),
        ("Rosa", "by", "string"),
        ("rosa", "user_name", "string"),
        ("rosa", "ownerName", "string"),
        ("rosa.l@example.org", "by", "user@example.com"),
        ("+49 170 1234567", "reach", "string"),
        ("01701234567", "reach", "string"),
        (4111111111111111, "paid_with", 0),
        (1701234567, "reach", 0),
        (12, "account_id", 0),
        ("sk-live-51H8xY", "value", "string"),
        ("https://example.org/a?sig=1", "link", "https://example.com/"),
        ("e2c65b20-a970-431e-99c1-76721e799df8", "task", "00000000-0000-4000-8000-000000000000"),
        ("1990-01-31", "born", "2000-01-01"),
        ("10.1.2.3", "from", "192.0.2.1"),
        ("call me tomorrow", "note", "string"),
        ([{"a": "Rosa"}, {"a": "Karl"}], "people", [{"a": "string"}]),
        ({"rosa@example.org": 1}, "by_mail", {}),
    ],
)
def test_examples_show_nobody(value: object, name: str, shown: object) -> None:
    """Constants and small numbers stay; everything else becomes a placeholder."""
    assert placeholder(value, name) == shown


def seen(name: str = "/a", **more: Any) -> Sighting:
    """A sighting of a field."""
    given_ = {"count": 1, "first_at": 1.0, "last_at": 1.0, "status": 200, "example": '"a"', **more}
    return Sighting(Drift("shop", "getItem", "field", name), **given_)


SEEN = st.builds(
    seen,
    count=st.integers(1, 9),
    first_at=st.floats(0, 9),
    last_at=st.floats(9, 99),
    example=VALUES.map(json.dumps) | st.just(""),
    sketch=SKETCHES.map(json.dumps) | st.just(""),
)


@settings(deadline=None)
@given(SEEN, SEEN, SEEN)
def test_sightings_add_up_in_any_order(a: Sighting, b: Sighting, c: Sighting) -> None:
    """The sum, the earliest first, the latest last: from whichever file each comes."""
    both = together(a, b)
    assert together(both, c) == together(a, together(b, c))
    assert (both.count, both.first_at, both.last_at) == (
        a.count + b.count,
        min(a.first_at, b.first_at),
        max(a.last_at, b.last_at),
    )


def test_statuses_are_told_apart() -> None:
    """The same field under another status is another thing to document."""
    collected = Sightings([seen(), seen(status=404), seen(count=2)])
    assert [(each.status, each.count) for each in collected.all()] == [(200, 3), (404, 1)]


def test_a_flood_is_bounded() -> None:
    """A target can make up names without end."""
    assert len(Sightings(seen(f"/{n}") for n in range(MAX_SIGHTINGS + 9)).all()) == MAX_SIGHTINGS


def test_secrets_and_own_identifiers_leave_no_trace() -> None:
    """In the name, in the example and in the schema; the example stays JSON."""
    secret = "tok-alpha-0001"
    sighting = seen(
        f"/{secret}", example='{"a": "my-task"}', sketch=json.dumps({"type": ["object"], "properties": {secret: {}}})
    )
    clean = redacted(sighting, Redactor([secret]), ["my-task"])
    assert secret not in repr(clean)
    assert json.loads(clean.example) == {"a": "string"}
    assert redacted(seen(example='{"true1": true}'), Redactor(["true"])).example == ""


def told(facts: Facts) -> list[str]:
    """What is seen in an answer, as `kind name`."""
    return [f"{each.drift.kind} {each.drift.name}" for each in sightings(facts)]


OPEN = {
    "listed": {"type": "string", "x-extensible-enum": ["red", "green"]},
    "beside": {"anyOf": [{"enum": ["red", "green"]}, {"type": "string"}]},
    "shown": {"type": "string", "examples": ["red", "green"]},
    "closed": {"type": "string", "enum": ["red", "green", "blue"]},
    "one": {"type": "string", "examples": ["red"]},
    "mixed": {"anyOf": [{"const": ""}, {"type": "string", "format": "uri-reference"}]},
    "owner": {"type": "string", "examples": ["anna", "karl"]},
}


@pytest.mark.parametrize("name, found", [(name, name in {"listed", "beside", "shown"}) for name in OPEN])
def test_values_of_open_lists(name: str, found: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Where a document lists values and more may come; not where a list is closed, or where people are named."""
    schema = Schema({"type": "object", "properties": OPEN})
    assert list(undocumented(schema, {name: "blue"})) == ([("value", f"/{name}=blue")] if found else [])
    assert not undocumented(schema, {name: "red"})
    assert not undocumented(schema, {name: "x7-f3a9"})


def test_fields_inside_strings_of_json() -> None:
    """At any depth, where the schema says that a string holds JSON."""
    inner = {"type": "array", "items": {"properties": {"line": {}}}}
    text = {"type": "string", "contentMediaType": "application/json", "contentSchema": inner}
    schema = Schema({"type": "object", "properties": {"letter": text, "letters": {"items": text}}})
    body = json.dumps([{"line": 1, "new": 2}])
    found = undocumented(schema, {"letter": body, "letters": [body, "no JSON"]})
    assert list(found) == [("field", "/letter#/*/new"), ("field", "/letters/*#/*/new")]
    assert list(undocumented(Schema(text), body)) == [("field", "#/*/new")]


def test_fields_that_patterns_describe() -> None:
    """A name that matches is documented; what is in it may have more."""
    schema = Schema({"properties": {"a": {}}, "patternProperties": {"^x-": {"properties": {"b": {}}}}})
    assert list(undocumented(schema, {"a": 1, "x-1": {"b": 1, "c": 1}, "y": 1})) == [("field", "/*/c"), ("field", "/y")]


def test_names_that_are_values_are_stars() -> None:
    """An address as a key is told as a star, as positions are."""
    found = undocumented(Schema({"properties": {"a": {}}}), {"rosa@example.org": 1, "4711471147114711": 2})
    assert dict(found) == {("field", "/*"): [1, 2]}


def test_headers_that_not_every_server_sends(facts: Make) -> None:
    """Date, cache, CORS, tracing and cookies are no news; each other header is told once."""
    made = facts(body={"id": "t-1"})
    usual = (("Date", "x"), ("X-Request-ID", "1"), ("Access-Control-Allow-Origin", "*"), ("Set-Cookie", "s=1"))
    unusual = (("X-Plan", "gold"), ("x-plan", "silver"), ("X-Owner", "rosa"))
    response = made.exchange.response
    exchange = replace(made.exchange, response=replace(response, headers=(*response.headers, *usual, *unusual)))
    found = [each for each in sightings(Facts(made.api, made.operation, exchange)) if each.drift.kind == "header"]
    assert {each.drift.name: each.example for each in found} == {"x-plan": '"gold"', "x-owner": '"string"'}


def test_only_valid_answers_show_drift(facts: Make) -> None:
    """In an answer that breaks its schema, a strange field is part of the violation."""
    assert judge(facts(body={"new": 1})).drift == ()
    assert [each.name for each in judge(facts(body={"id": "t-1", "new": 1})).drift] == ["/new"]


def test_a_sighting_says_when_and_how(facts: Make) -> None:
    """Time and status of the answer, an example, and a schema of all values in it."""
    parts = [{"new": None}, {"new": "red"}, {"new": 2}]
    (found,) = judge(facts(body={"id": "t-1", "parts": parts})).sightings
    assert (found.first_at, found.last_at, found.status, found.count) == (100.0, 100.0, 200, 1)
    assert found.example == '"red"'
    assert schema_of(json.loads(found.sketch)) == {"type": ["integer", "null", "string"]}

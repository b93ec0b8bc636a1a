"""Drift as JSON: the published JSON Schema is what is printed, and what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.drift.conftest import MakeSighting

from specwatch.drift.table import as_document, as_lines, schema
from specwatch.values.violation import Drift, Sighting

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "drift.md"
ENTRY = {"api": "garden", "operation": "getPlant", "kind": "field", "name": "/colour", "count": 1}


def errors(document: object) -> list[str]:
    """What the schema has against a document."""
    validator = Draft202012Validator(schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(document)]


def test_schema_is_a_schema() -> None:
    """The published schema is itself valid under JSON Schema 2020-12."""
    Draft202012Validator.check_schema(schema())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1, 1) | st.text() | st.just("2026-01-31"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES)
def test_what_was_seen_fits_it(seen: MakeSighting, value: object) -> None:
    """Whatever value it was, with its sketch."""
    document = as_document([seen("field /colour", value)])
    assert errors(document) == []


def test_what_is_not_known_is_left_out() -> None:
    """A sighting without status, times, example and sketch fits, too."""
    document = as_document([Sighting(Drift("garden", "getPlant", "connection", "closed"), 1, 0.0, 0.0)])
    assert document["drift"] == [{**ENTRY, "kind": "connection", "name": "closed"}]
    assert errors(document) == []


@pytest.mark.parametrize(
    "change",
    [
        {"count": 0},
        {"first_at": "2026-01-31"},
        {"status": "200"},
        {"more": 1},
        {"sketch": {"type": "string"}},
        {"sketch": {"type": []}},
        {"sketch": {"items": {}}},
        {"sketch": {"type": ["array"], "items": {"type": ["text"]}}},
    ],
)
def test_what_is_something_else_does_not(change: dict[str, object]) -> None:
    """Another type, a day for a time, a sketch that is none, and a part that nobody has heard of."""
    assert errors({"schema": "specwatch.drift/1", "drift": [ENTRY]}) == []
    assert errors({"schema": "specwatch.drift/1", "drift": [{**ENTRY, **change}]})


def test_the_page_shows_such_a_document() -> None:
    """Its example fits, and every field is named."""
    page = PAGE.read_text(encoding="utf-8")
    example = page.partition("```json\n")[2].partition("```")[0]
    assert errors(json.loads(example)) == []
    assert set(json.loads(example)["drift"][0]) == set(schema()["$defs"]["drift"]["properties"])  # type: ignore[index]


def test_the_table_has_days_and_the_document_times(seen: MakeSighting) -> None:
    """Both in UTC."""
    sighting = seen("field /colour", last_at=1_700_086_400.5)
    row = list(as_lines([sighting]))[-1].split()
    assert row[4:7] == ["1", "2023-11-14", "2023-11-15"]
    (entry,) = json.loads(json.dumps(as_document([sighting])))["drift"]
    assert (entry["first_at"], entry["last_at"]) == ("2023-11-14T22:13:20.000Z", "2023-11-15T22:13:20.500Z")

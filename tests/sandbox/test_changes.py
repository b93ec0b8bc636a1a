"""The small laws of derivation: what is beyond a bound, and answers that differ in one respect."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from tests.sandbox.library import LIBRARY

from specwatch.sandbox import Answer
from specwatch.sandbox.derivation.bounds import TEXTS, Bound, bounds_at
from specwatch.sandbox.derivation.candidates import Reads, candidates
from specwatch.spec import Schema

FREE_TEXT = {"pattern", "format"}
LIMITS = {
    "uniqueItems": st.just(value=True),
    "additionalProperties": st.just(value=False),
    "unevaluatedProperties": st.just(value=False),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.data(), JSON)
def test_beyond_a_bound_is_not_allowed(data: st.DataObject, value: object) -> None:
    """Whatever value is within a bound, the one made of it is not, or there is none."""
    keyword = data.draw(st.sampled_from(sorted(TEXTS.keys() - FREE_TEXT)))
    limit = data.draw(LIMITS.get(keyword, st.integers(1, 5)))
    schema = Schema({keyword: limit})
    new = Bound(keyword, limit, TEXTS[keyword]).beyond(value)
    assert new is None or not schema.is_valid(value) or not schema.is_valid(new)


def test_bounds_are_found_through_references_and_branches() -> None:
    """Items, entries of maps and branches of combinations all lead to the bounds of a place."""
    schema = Schema(
        {
            "allOf": [{"properties": {"list": {"items": {"$ref": "#/components/schemas/Text"}}}}],
            "anyOf": [{"properties": {"map": {"additionalProperties": {"maximum": 3}}}}, {"type": "null"}],
            "additionalProperties": {"minLength": 1},
        },
        {"schemas": {"Text": {"maxLength": 4}}},
    )
    assert [(each.keyword, each.limit) for each in bounds_at(schema, ("list", 0))] == [("maxLength", 4)]
    assert [(each.keyword, each.limit) for each in bounds_at(schema, ("map", None))] == [("maximum", 3)]
    assert list(bounds_at(schema, ())) == []


def test_a_bound_that_takes_too_much_is_not_broken() -> None:
    """Nothing of ten thousand characters is made to break a bound."""
    assert Bound("maxLength", 10**6, "").beyond("text") is None
    assert Bound("maxItems", 10**6, "").beyond([1]) is None
    assert Bound("maxProperties", 10**6, "").beyond({}) is None


@given(st.dictionaries(st.sampled_from(["id", "loans", "tags", "more"]), JSON, min_size=1))
def test_candidates_leave_the_honest_answer_alone(body: dict[str, object]) -> None:
    """However many variants are made of an answer, it stays as it was."""
    before, answer = json.dumps(body), Answer(body=body, headers={"X-Left": "3"})
    reads = Reads.of("response.json.id == response.json.loans", 'response.headers["x-left"]', "response.status")
    labels = [each.label for each in candidates(LIBRARY, LIBRARY.operation("getBook"), answer, reads)]
    assert json.dumps(body) == before
    assert "status 404 no_book" in labels
    assert "header X-Left missing" in labels
    assert {"tags", "more"}.isdisjoint(label.split()[0].split(".")[0] for label in labels if label[0] in "tm")


def test_only_what_is_read_is_changed() -> None:
    """Names in the expression decide; texts that it quotes may be names of fields."""
    reads = Reads.of("""response.json.books.all(book, book["id"] != "")""", None)
    assert reads.parts == {"json"}
    assert {"books", "id"} <= reads.words
    assert not reads.whole
    assert Reads.of("size(response.json) > 0").whole
    assert Reads.of("request.path.id == 'response.json'").parts == frozenset()

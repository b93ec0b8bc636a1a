"""Of two long values that should be alike, what differs is told, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from specwatch.claims.differing import PLAIN, TOLD, differing

FIELDS = [f"field_{number}" for number in range(30)]
NAMED = f"""
  ["id"].map(name, name in item ? item[name] : null)
  + {json.dumps(FIELDS)}
  .map(name, name in item.response ? item.response[name] : null)
"""


def test_fields_are_named_as_the_expression_names_them() -> None:
    """Thirty alike fields are counted, the one that differs stands with its name on either side."""
    one, other = (["p1", *range(1_000, 1_029), last] for last in (768, 0))
    expected, found = differing(json.dumps(one), json.dumps(other), NAMED)
    assert json.loads(expected) == {"/response/field_29": 768, "…": "30 are alike"}
    assert json.loads(found) == {"/response/field_29": 0, "…": "30 are alike"}


@pytest.mark.parametrize(
    "form",
    [
        {"series": {"key": "request.path.id", "value": NAMED.replace("item", "response.json"), "constant": True}},
        {
            "observe": [
                {"operation": name, "key": "'all'", "value": NAMED.replace("item", "response.json")}
                for name in ("getThing", "makeThing")
            ]
        },
    ],
    ids=["series", "agreement"],
)
def test_a_claim_names_the_field(bench: Callable[..., Any], form: dict[str, object]) -> None:
    """What a series or an agreement finds is told by the names in the claim's own expression."""
    show = bench({"operations": ["getThing"]} | form if "series" in form else form)
    one: dict[str, object] = {name: f"value of {name}" for name in FIELDS}
    show.show({"id": "p1", "response": one})
    (found,) = show.show({"id": "p1", "response": one | {"field_7": "another"}})
    assert json.loads(found) == {"/json/response/field_7": "another", "…": "30 are alike"}


@pytest.mark.parametrize("expression", ["", "response.json.values", '["a", "b"].map(x, x in item ? item[x] : 1)'])
def test_without_names_there_are_places(expression: str) -> None:
    """An expression that names no elements, or another number of them, leaves their positions."""
    one, other = ([*range(60), last] for last in ({"a": [1]}, {"a": [True], "b": 2}))
    expected, found = differing(json.dumps(one), json.dumps(other), expression)
    assert json.loads(expected) == {"/60/a/0": 1, "/60/b": "(nothing there)", "…": "60 are alike"}
    assert json.loads(found) == {"/60/a/0": True, "/60/b": 2, "…": "60 are alike"}


def test_a_list_of_paths_names_its_elements() -> None:
    """Each element is called by the path that is read."""
    one, other = (["x" * PLAIN, last] for last in (1, 2))
    expected, _ = differing(json.dumps(one), json.dumps(other), "[response.json.text, response.json.count]")
    assert json.loads(expected) == {"/response.json.count": 1, "…": "1 is alike"}


@pytest.mark.parametrize("expected", ["1", '"a"', "anything but 1, which was seen before", "x" * 500, "[1]", "[" * 500])
def test_what_is_short_or_no_value_stays(expected: str) -> None:
    """Nothing is taken from what can be read as it is, or not at all."""
    assert differing(expected, '{"a": 1}') == (expected, '{"a": 1}')


def test_a_long_text_is_told_from_where_it_parts() -> None:
    """Both sides begin shortly before the first letter that differs, and what is told stays short."""
    one, other = (json.dumps(["a" * 400 + end + "z" * 400]) for end in ("left", "right"))
    expected, found = map(json.loads, differing(one, other))
    assert ("left" in expected["/0"], "right" in found["/0"]) == (True, True)
    assert max(len(expected["/0"]), len(found["/0"])) < 130


def test_where_much_differs_the_rest_is_counted() -> None:
    """What is told fits into the room for it, and is a JSON value still."""
    one, other = (json.dumps([f"{side} {number}" for number in range(200)]) for side in ("left", "right"))
    for side in differing(one, other):
        assert len(side) <= TOLD + 60
        told = json.loads(side)
        assert told["…"] == f"{200 - len(told) + 1} more differ, 0 are alike"

"""Actions on plain data: what they make of a document, and whether a document says it already."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from specwatch.drift.merging import carried_out, carry_out, located
from specwatch.drift.overlay import Action


def update(target: str, value: object) -> Action:
    """An action that merges or appends."""
    return Action(target, update=value)


def remove(target: str) -> Action:
    """An action that takes away."""
    return Action(target, remove=True)


def shared(part: object) -> dict[object, object]:
    """A document with the same part at two places, as an anchor of YAML makes it."""
    return {"a": part, "b": part}


# what it is about: document, action, whether the document says it already, what the action makes of it, as JSON
TABLE: dict[str, tuple[object, Action, bool, str]] = {
    "a new entry": ({"a": 1}, update("$", {"b": 2}), False, '{"a": 1, "b": 2}'),
    "an entry that is there": ({"a": 1, "b": 2}, update("$", {"b": 2}), True, '{"a": 1, "b": 2}'),
    "one entry of two": ({"a": 1}, update("$", {"a": 1, "b": 2}), False, '{"a": 1, "b": 2}'),
    "an entry further in": ({"a": {"b": 1}}, update("$", {"a": {"c": 1}}), False, '{"a": {"b": 1, "c": 1}}'),
    "another value": ({"a": "x"}, update("$", {"a": "y"}), False, '{"a": "y"}'),
    "1 is not true": ({"a": 1}, update("$", {"a": True}), False, '{"a": true}'),
    "false is not 0": ({"a": False}, update("$", {"a": 0}), False, '{"a": 0}'),
    "a value for a list": ({"a": ["x"]}, update("$.a", "y"), False, '{"a": ["x", "y"]}'),
    "a value that a list has": ({"a": ["x", "y"]}, update("$.a", "y"), True, '{"a": ["x", "y", "y"]}'),
    "true for a list with 1": ({"a": [1]}, update("$.a", value=True), False, '{"a": [1, true]}'),
    "true in an object of a list": (
        {"a": [{"b": 1}]},
        update("$.a", {"b": True}),
        False,
        '{"a": [{"b": 1}, {"b": true}]}',
    ),
    "an object that a list has": (
        {"a": [{"b": 1, "c": 2}]},
        update("$.a[0]", {"c": 2}),
        True,
        '{"a": [{"b": 1, "c": 2}]}',
    ),
    "one value of two for a list": ({"a": ["x"]}, update("$", {"a": ["x", "y"]}), False, '{"a": ["x", "x", "y"]}'),
    "true for a list in an update": ({"a": [1]}, update("$", {"a": [True]}), False, '{"a": [1, true]}'),
    "one place of two": (
        {"a": {"x": 1}, "b": {}},
        update("$.*", {"x": 1}),
        False,
        '{"a": {"x": 1}, "b": {"x": 1}}',
    ),
    "every place": ({"a": {"x": 1}, "b": {"x": 1}}, update("$.*", {"x": 1}), True, '{"a": {"x": 1}, "b": {"x": 1}}'),
    "an update that is nowhere": ({"a": 1}, update("$.b", {"x": 1}), False, '{"a": 1}'),
    "a removal": ({"a": 1, "b": 2}, remove("$.b"), False, '{"a": 1}'),
    "a removal that was done": ({"a": 1}, remove("$.b"), True, '{"a": 1}'),
    "a removal at one place of two": ({"a": {"x": 1}, "b": {}}, remove("$.*.x"), False, '{"a": {}, "b": {}}'),
    "entries of a list": ({"a": [{}, [], {}]}, remove("$.a[0, 2]"), False, '{"a": [[]]}'),
    "a shared list grows once": (shared(["x"]), update("$.*", "y"), False, '{"a": ["x", "y"], "b": ["x", "y"]}'),
    "a shared entry goes once": (shared({"x": 1}), remove("$.*.x"), False, '{"a": {}, "b": {}}'),
    "a key that is a boolean": (
        {True: {}, False: {}},
        update("$.true", {"x": 1}),
        False,
        '{"true": {"x": 1}, "false": {}}',
    ),
    "a key that is null": ({None: {}}, update("$", {"null": {"x": 1}}), False, '{"null": {"x": 1}}'),
    "a key that is a number": ({200: {}}, update("$['200']", {"x": 1}), False, '{"200": {"x": 1}}'),
}


@pytest.mark.parametrize("case", TABLE)
def test_what_an_action_does_and_whether_it_was_done(case: str) -> None:
    """The document after it, types and order included; and before it, whether there is anything left to do."""
    document, action, done, after = TABLE[case]
    as_json = json.loads(json.dumps(document))
    changed: Any = copy.deepcopy(document)  # what is shared stays shared
    assert carried_out(as_json, action) is done
    carry_out(changed, action, located(as_json, action), copy.deepcopy)
    assert json.dumps(changed) == after


@pytest.mark.parametrize(
    "document, action",
    [
        ({"a": ["x"]}, remove("$.a[0]")),
        ({"a": 1}, remove("$")),
        ({"a": 1}, update("$.a", {})),
        ({"a": {}}, update("$.a", 1)),
    ],
)
def test_what_cannot_be_done_was_not_done(document: object, action: Action) -> None:
    """An action that is refused does not count as carried out, and least of all a removal."""
    assert not carried_out(document, action)

"""Expected and found are compared where both are values."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from specwatch.reports.html.sides import sides
from specwatch.reports.html.view import Side


def text(side: Side) -> str:
    """A side without marks."""
    return "".join(piece for _, piece in side.pieces)


def marked(side: Side) -> list[str]:
    """What is marked of a side."""
    return [piece for differs, piece in side.pieces if differs]


def test_letters_that_differ_are_marked() -> None:
    """Of two values that are alike, only what differs is marked."""
    expected, found, compares = sides('"task_17"', '"task_18"')
    assert compares
    assert (marked(expected), marked(found)) == (["7"], ["8"])


def test_nested_values_are_set_in_lines() -> None:
    """Objects are compared word by word, one key to a line."""
    expected, found, _ = sides('{"a": 1, "b": 2}', '{"a": 1, "b": 30}')
    assert text(expected).splitlines() == ["{", '  "a": 1,', '  "b": 2', "}"]
    assert (marked(expected), marked(found)) == (["2"], ["30"])


def test_values_that_have_nothing_in_common_are_marked_as_a_whole() -> None:
    """Single letters that happen to be the same would only confuse."""
    expected, found, _ = sides('"completed"', "17")
    assert (marked(expected), marked(found)) == (['"completed"'], ["17"])


def test_words_are_not_compared_with_values() -> None:
    """A rule on one side is shown as it is."""
    expected, found, compares = sides("minimum 10", "7")
    assert not compares
    assert (text(expected), text(found), marked(found)) == ("minimum 10", "7", [])


def test_values_that_an_expression_read_stand_in_lines() -> None:
    """Evidence of several values is a list."""
    _, found, _ = sides("a == b", 'response.json.a = "x; y"; size(response.json.b) = 2; request.path.id is absent')
    assert text(found).splitlines() == [
        'response.json.a = "x; y"',
        "size(response.json.b) = 2",
        "request.path.id is absent",
    ]


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_is_lost(expected: str, found: str) -> None:
    """Whatever is compared, both sides say what they said."""
    left, right, compares = sides(json.dumps(expected), json.dumps(found))
    assert compares
    assert (json.loads(text(left)), json.loads(text(right))) == (expected, found)


def test_long_texts_are_cut_and_say_so() -> None:
    """No side takes over the page."""
    _, found, _ = sides("short", "x" * 10_000)
    assert text(found).endswith("8,000 more characters left out")

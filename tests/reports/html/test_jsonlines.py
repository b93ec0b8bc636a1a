"""JSON text becomes lines that say the same, and each line knows its pointer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.reports.html.jsonlines import Broken, JsonLine, read
from specwatch.spec.source import pointer_parts

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def lines(text: str) -> tuple[JsonLine, ...]:
    """The lines of a text that is JSON."""
    found = read(text)
    assert not isinstance(found, Broken)
    return found


@given(value=values, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 3))
def test_lines_say_what_the_text_says(value: object, ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001
    """Put together again, the lines are the same JSON, however the text was written."""
    found = lines(json.dumps(value, ensure_ascii=ascii_only, indent=indent))
    assert json.loads("\n".join(f"{line.key}{line.value}{line.tail}" for line in found)) == value
    assert not any(line.problem for line in found)


@given(value=values)
def test_a_pointer_leads_to_the_value_of_its_line(value: object) -> None:
    """Following the pointer of a line gives the value that stands there."""
    for line in lines(json.dumps(value)):
        if line.pointer is not None and line.value not in "[{":
            node = value
            for part in pointer_parts(line.pointer):
                node = node[int(part)] if isinstance(node, list) else node[part]  # type: ignore[index]
            assert json.loads(line.value) == node


def test_values_are_spelt_as_they_came() -> None:
    """A number keeps its digits, a string its escapes, an empty list its line."""
    text = '{"a": 1.50, "b": 10000000000000000000000001, "c": "\\u00e9", "d": [], "e": {}}'
    assert [line.value for line in lines(text)] == [
        "{",
        "1.50",
        "10000000000000000000000001",
        '"\\u00e9"',
        "[]",
        "{}",
        "}",
    ]


@pytest.mark.parametrize(
    "text, position", [("", 0), ('{"a" 1}', 5), ("[1, 2", 5), ("bulk_1", 0), ("[1] x", 4), ("\ufeff[]", 0)]
)
def test_broken_text_says_where(text: str, position: int) -> None:
    """What is no JSON says at which character it stops to be."""
    found = read(text)
    assert isinstance(found, Broken)
    assert found.position == position


def test_what_only_lenient_parsers_take_is_told() -> None:
    """A repeated key and a literal that JSON does not have are problems of their lines."""
    problems = {line.value: line.problem for line in lines('{"a": 1, "a": 2, "b": NaN, "c": -Infinity, "d": -0.5e+3}')}
    assert problems == {
        "{": "",
        "1": "",
        "2": "this key is repeated",
        "NaN": "this is no JSON value",
        "-Infinity": "this is no JSON value",
        "-0.5e+3": "",
        "}": "",
    }


def test_deep_nesting_is_told_not_fatal() -> None:
    """A text that would exhaust a parser's stack is broken text."""
    assert isinstance(read("[" * 100_000), Broken)

"""What is shown of an exchange that breaks an expression: the values that matter, and never an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.claims.cel import Context, compile_expression
from specwatch.claims.evidence import VALUE_CHARACTERS, evidence

ITEMS = [{"id": 1, "a": "x"}, {"id": 2, "a": "y"}]
SHOWN_ITEMS = 'response.json.items = [{"a": "x", "id": 1}, {"a": "y", "id": 2}]'
CONTEXT = Context.of(
    {
        "request": {"method": "GET", "path": {"id": "a && b"}, "headers": {"x-2": 2}},
        "response": {"status": 200, "json": {"count": 3, "items": ITEMS, "none": None, "text": "z" * 1000}},
        "known": {"thing": "t-1"},
    }
)


@pytest.mark.parametrize(
    "expression, shown",
    [
        ("response.json.count == size(response.json.items)", "response.json.count = 3; size(response.json.items) = 2"),
        ("response.status in [400, 401]", "response.status = 200"),
        ("response.json.none != null", "response.json.none = null"),
        ("request.path.id == known.thing", 'request.path.id = "a && b"; known.thing = "t-1"'),
        ("response.json.none == 'a && b == c'", "response.json.none = null"),
        ("response.status == 200 && response.json.count == 2", "response.json.count = 3"),
        ("response.status == 400 || response.json.count > 3", "response.status = 200; response.json.count = 3"),
        ("response.status == 200 ? response.json.count == 2 : true", "response.status = 200; response.json.count = 3"),
        ("response.json.size > request.headers['x-2']", "response.json.size is absent; request.headers['x-2'] = 2"),
        ("known.thing.startsWith(request.method)", 'known.thing = "t-1"; request.method = "GET"'),
        ("!has(response.json.none)", "response.json.none = null"),
        ("response.json.items.all(item, item.id == 1 && item.a == 'x')", 'item.id = 2; item.a = "y"'),
        ("response.json.items.all(t, t.id <= response.json.count - 2)", "t.id = 2; response.json.count = 3"),
        ("response.json.items.all(t, type(t) == string)", 't = {"a": "x", "id": 1}'),
        ("response.json.items.all(t, t.request.size == 1)", SHOWN_ITEMS),
        ("false", ""),
        ("1 ==", ""),
        (")(]", ""),
    ],
)  # fmt: skip
def test_the_values_that_an_expression_reads_are_shown(expression: str, shown: str) -> None:
    """Both sides of a comparison, the element that is not as it should be, or whatever the expression names."""
    assert evidence(expression, CONTEXT) == shown


def test_long_values_are_cut() -> None:
    """One value does not push the others out."""
    assert evidence("response.json.text == known.thing", CONTEXT) == (
        f'response.json.text = "{"z" * (VALUE_CHARACTERS - 2)}…; known.thing = "t-1"'
    )


@given(st.text(st.sampled_from("abit.&|=?:<> ()[]{}'\"\\") | st.characters()), st.booleans())
def test_nothing_that_an_expression_can_be_is_an_error(text: str, behind: bool) -> None:  # noqa: FBT001
    """Whatever the text, what is shown is a text."""
    compile_expression.cache_clear()
    assert isinstance(evidence(f"{text} == response.json.count" if behind else f"response.json{text}", CONTEXT), str)

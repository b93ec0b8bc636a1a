"""What is shown of an exchange that breaks an expression: the values that matter, and never an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.claims.cel import Context, compile_expression
from specwatch.claims.evidence import VALUE_CHARACTERS, evidence

ITEMS = [{"id": 1, "a": "x"}, {"id": 2, "a": "y"}]
SECOND_ID = "response.json.items[1].id = 2"
SECOND = f'{SECOND_ID}; response.json.items[1].a = "y"'
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
        ("response.json.items.all(item, item.id == 1 && item.a == 'x')", SECOND),
        ("response.json.items.all(t, t.id <= response.json.count - 2)", f"{SECOND_ID}; response.json.count = 3"),
        ("response.json.items.all(t, type(t) == string)", 'response.json.items[0] = {"a": "x", "id": 1}'),
        ("response.json.items.all(t, t.request.size == 1)", SHOWN_ITEMS),
        ("response.json.items.filter(t, t.id > 1).all(t, t.a == 'x')", 't.a = "y"'),
        ("false", ""),
        ("1 ==", ""),
        (")(]", ""),
    ],
)  # fmt: skip
def test_the_values_that_an_expression_reads_are_shown(expression: str, shown: str) -> None:
    """Both sides of a comparison, the element that is not as it should be, or whatever the expression names."""
    assert evidence(expression, CONTEXT) == shown


def listed(*ids: str) -> Context:
    """An answer with long elements of these ids to a request for a, b and c."""
    items = [{"_id": "z" * 200, "id": each} for each in ids]
    return Context.of({"request": {"json": {"ids": ["a", "b", "c"]}}, "response": {"json": {"items": items}}})


SIZES = "size(response.json.items) = {}; size(request.json.ids) = 3"
ONCE = (
    "size(response.json.items) == size(request.json.ids)"
    " && request.json.ids.all(id, response.json.items.exists_one(task, task.id == id))"
)


@pytest.mark.parametrize(
    "expression, ids, shown",
    [
        (ONCE, "aac", 'request.json.ids[0] = "a"; response.json.items[0].id = "a"; response.json.items[1].id = "a"'),
        (ONCE, "abd", 'request.json.ids[2] = "c"; response.json.items[2].id = "d"'),
        (
            ONCE,
            "abbc",
            f'{SIZES.format(4)}; response.json.items[1].id = "b"; response.json.items[2].id = "b"',
        ),
        (
            ONCE,
            "ab",
            f'{SIZES.format(2)}; response.json.items.map(task, task.id) = ["a", "b"]',
        ),
        (
            "isDistinct(response.json.items.map(x, x.id))",
            "abcb",
            'response.json.items[1].id = "b"; response.json.items[3].id = "b"',
        ),
        (
            "isDistinct(response.json.items.filter(x, has(x.id)).map(x, x.id))",
            "aba",
            'response.json.items[0].id = "a"; response.json.items[2].id = "a"',
        ),
        (
            "response.json.items.map(task, task.id) == request.json.ids",
            "acb",
            'response.json.items[1].id = "c"; request.json.ids[1] = "b"',
        ),
        (
            "response.json.items.map(task, task.id) == request.json.ids.filter(id, id != 'b')",
            "a",
            "response.json.items[1].id is absent; (request.json.ids.filter(id, id != 'b'))[1] = \"c\"",
        ),
        ("response.json.items.exists(t, t.id == 'x')", "ab", 'response.json.items.map(t, t.id) = ["a", "b"]'),
    ],
)
def test_of_long_elements_what_decides_is_shown(expression: str, ids: str, shown: str) -> None:
    """The value that is there twice, missing, or in another's place, and where; not the beginning of the whole list."""
    assert evidence(expression, listed(*ids)) == shown


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

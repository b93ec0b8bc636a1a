"""Expressions, and the values that they work on."""

import json
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specwatch.claims import CelError, compile_expression
from specwatch.claims.cel import Context, canonical, fit

TEXTS = st.text(max_size=10)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))
SMALL = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 0.5]) | st.sampled_from(["", "1", "a"])
)


def value(text: str, item: object = None) -> object:
    """The value of an expression that sees `item`."""
    return compile_expression(text).value(Context.of({"item": fit(item)}))


@pytest.mark.parametrize(
    "text, result",
    [
        ("distinct([1, 2, 1])", [1, 2]),
        ("distinct([2, 1, 2])", [2, 1]),
        ("distinct([1, 1.0, '1', true])", [1, "1", True]),
        ("distinct([null, null])", [None]),
        ("distinct([{'a': 1, 'b': 2}, {'b': 2.0, 'a': 1}])", [{"a": 1, "b": 2}]),
        ("distinct([])", []),
        ("isDistinct([])", True),
        ("isDistinct([1, 2, '1'])", True),
        ("isDistinct([1, 2, 1.0])", False),
        ("isDistinct([{'a': 1}, {'a': 1}])", False),
        ("json('{\"a\": [1, null, 2.5, true]}')", {"a": [1, None, 2.5, True]}),
        ("json('12345678901234567890123') > 1.0e22", True),
        ("json('\"\\\\ud800\"')", "\ufffd\ufffd\ufffd"),
        ("'a,b'.split(',')", ["a", "b"]),
        ("['a', 'b'].join('-')", "a-b"),
        ("' X '.trim().lowerAscii()", "x"),
        ("dyn(1) == 1.0", True),
        ("type(1) == int", True),
        ("null", None),
        ("timestamp('2021-05-01T12:00:00Z') < timestamp('2021-05-01T12:00:01+00:00')", True),
    ],
)
def test_expressions_have_values(text: str, result: object) -> None:
    """CEL's own functions, its extension for texts, and the two of ours."""
    assert value(text) == result


@pytest.mark.parametrize(
    "text", ["item.missing", "item[3]", "1 / 0", "json('{')", "int('x')", "json('[' + '[')", "item + 1"]
)
def test_what_has_no_value_is_a_cel_error(text: str) -> None:
    """A missing name, a wrong type, a failing function: one kind of error, which says why."""
    with pytest.raises(CelError, match=r"\w"):
        value(text, {})


@pytest.mark.parametrize(
    "text, reason",
    [
        ("1 +", "Syntax error"),
        ("nothing.at.all", "undeclared reference to 'nothing.at.all'"),
        ("size(", "Syntax error"),
        ("frobnicate(1)", "undeclared reference to 'frobnicate'"),
    ],
)
def test_what_does_not_compile_says_why(text: str, reason: str) -> None:
    """An unknown name is found before anything is sent."""
    with pytest.raises(CelError, match=reason):
        compile_expression(text)


@pytest.mark.parametrize(
    "text, holds", [("true", True), ("false", False), ("1", False), ("'true'", False), ("[true]", False)]
)
def test_nothing_but_true_holds(text: str, holds: bool) -> None:  # noqa: FBT001
    """A claim cannot be kept by accident."""
    assert compile_expression(text).holds(Context.of({})) is holds


@pytest.mark.parametrize(
    "given_, fitted",
    [
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, 2.0**63),
        (-(2**63) - 1, -(2.0**63)),
        (10**400, float("inf")),
        (-(10**400), float("-inf")),
        (True, True),
        ("a\ud800b", "a\ufffd\ufffd\ufffdb"),
        ({"a\0b": "\0"}, {"a\ufffdb": "\ufffd"}),
        ({"\udfff": (1, 2)}, {"\ufffd\ufffd\ufffd": [1, 2]}),
    ],
)
def test_values_are_made_to_fit(given_: object, fitted: object) -> None:
    """Integers beyond 64 bits become doubles, half characters and NUL are replaced, tuples are lists."""
    assert fit(given_) == fitted
    assert type(fit(given_)) is type(fitted)


@given(VALUES)
@example("\0")
@example({"": 1, "\0": 2})
def test_every_json_value_can_be_seen(item: object) -> None:
    """Whatever an answer holds, an expression gets it and gives it back."""
    assert canonical(value("item", item)) == canonical(fit(item))


@given(VALUES)
def test_canonical_ignores_order_and_spelling(item: object) -> None:
    """Equal JSON has one text, whatever the order of its keys."""

    def turned(node: object) -> object:
        if isinstance(node, dict):
            return {key: turned(node[key]) for key in reversed(node)}
        return [turned(each) for each in node] if isinstance(node, list) else node

    assert canonical(turned(item)) == canonical(item)


@given(SMALL, SMALL)
def test_canonical_is_equality_as_json_means_it(one: object, other: object) -> None:
    """1 is 1.0, but no true and no text."""
    same = one == other and isinstance(one, bool) == isinstance(other, bool)

    assert (canonical(one) == canonical(other)) == same


@given(st.lists(SMALL, max_size=6))
def test_distinct_leaves_one_of_each(items: list[object]) -> None:
    """As many as there are different ones, the first of each, in order."""
    texts = [json.loads(canonical(item)) for item in items]
    expected = list(dict.fromkeys(canonical(text) for text in texts))

    result = value("distinct(item)", items)

    assert isinstance(result, list)
    assert [canonical(each) for each in result] == expected


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "[null, null]",
        "{'a': null}",
        "item",
        "item[0]",
        "item.map(x, x)",
        "distinct(item)",
        "json('[null]')",
        "item[0] == null",
    ],
)
def test_no_reference_to_none_is_lost(text: str) -> None:
    """The binding's own conversion gives one away for each null, until the interpreter aborts."""
    expression, item = compile_expression(text), [None, None, {"a": None}]
    before = sys.getrefcount(None)

    for _ in range(10_000):
        expression.value(Context.of({"item": item}))

    assert sys.getrefcount(None) > before - 2_000

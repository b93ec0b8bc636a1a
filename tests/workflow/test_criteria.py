"""Expressions and criteria: what they see, what they mean, and that no data makes them run for long."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.conformance import MISSING
from specwatch.values import Exchange, Request, Response, Timings
from specwatch.workflow.condition import compare, compile_condition, truth
from specwatch.workflow.criteria import compile_criterion
from specwatch.workflow.expression import compile_expression
from specwatch.workflow.names import Declared, Mistake, Names
from specwatch.workflow.scope import Scope
from specwatch.workflow.template import Rules, compile_value

NAMES = Names(
    inputs=("a", "a.b", "list", "pattern"),
    steps={"s": ("id", "list")},
    outputs=None,
    workflows={"w": Declared(("in",), ("out",))},
    sources={"shop": {"url": "shop.yaml", "type": "openapi"}},
    self_uri="https://example.com/self",
)
BODY = {"id": "i-1", "n": 3, "yes": True, "nothing": None, "a/b": {"~": [1, {"x": "y"}]}, "list": [1, 2], "text": "CUP"}


def scope(body: object = None, *, status: int = 200, media: str = "application/json") -> Scope:
    """A scope after one exchange."""
    content = body if isinstance(body, bytes) else json.dumps(BODY if body is None else body).encode()
    found = Scope(
        {"a": {"b": 1, "c": 2}, "a.b": "dotted", "list": [1, [2]], "pattern": "^i"},
        {"s": {"id": "i-9", "list": [{"k": "v"}]}},
        {"w": {"inputs": {"in": 1}, "outputs": {"out": {"deep": [2]}}}},
    )
    found.see(
        Exchange(
            id="1",
            api="shop",
            operation="get",
            target="https://shop.example.com",
            request=Request("POST", "https://shop.example.com/x?q=1", (("Accept", "a/b"),), b'{"sent": [1]}'),
            response=Response(status, (("Content-Type", media), ("X-Left", "10")), content),
            timings=Timings(0.0, 0.1),
            path_parameters={"id": "p"},
            query={"q": "1"},
        ),
        {"given": 5},
    )
    return found


@pytest.mark.parametrize(
    "text, value",
    [
        ("$url", "https://shop.example.com/x?q=1"),
        ("$method", "POST"),
        ("$statusCode", 200),
        ("$self", "https://example.com/self"),
        ("$request.header.accept", "a/b"),
        ("$request.query.q", "1"),
        ("$request.path.id", "p"),
        ("$request.path.other", MISSING),
        ("$request.body#/sent/0", 1),
        ("$response.header.x-left", "10"),
        ("$response.header.absent", MISSING),
        ("$response.body", BODY),
        ("$response.body#/a~1b/~0/1/x", "y"),
        ("$response.body#/list/01", MISSING),
        ("$response.body#/list/2", MISSING),
        ("$response.body.list[1]", 2),
        ("$response.body#/nothing", None),
        ("$response.body#", BODY),
        ("$inputs.a.b", "dotted"),
        ("$inputs.a.c", 2),
        ("$inputs.a#/c", 2),
        ("$inputs.list[1][0]", 2),
        ("$outputs.given", 5),
        ("$steps.s.outputs.id", "i-9"),
        ("$steps.s.outputs.list#/0/k", "v"),
        ("$steps.s.outputs.list[0].k", "v"),
        ("$workflows.w.inputs.in", 1),
        ("$workflows.w.outputs.out.deep", [2]),
        ("$sourceDescriptions.shop.url", "shop.yaml"),
    ],
)
def test_expressions_lead_to_their_values(text: str, value: object) -> None:
    """Every kind of runtime expression gives what it names, or nothing."""
    assert compile_expression(text, NAMES).read(scope()) == value


@pytest.mark.parametrize(
    "body, media, value",
    [
        (b'{"x": 1}', "application/json", {"x": 1}),
        (b'{"x": 1}', "application/problem+json; charset=utf-8", {"x": 1}),
        (b'{"x": 1}', "text/plain", '{"x": 1}'),
        (b"\xff", "text/plain", "\ufffd"),
        (b"no json", "application/json", MISSING),
        (b"[1]", "", [1]),
        (b"no json", "", "no json"),
        (b"", "text/plain", MISSING),
    ],
)
def test_a_body_is_read_as_its_media_type_says(body: bytes, media: str, value: object) -> None:
    """JSON is a value, everything else is text, and a broken JSON body is nothing."""
    assert compile_expression("$response.body", NAMES).read(scope(body, media=media)) == value


@pytest.mark.parametrize(
    "text, holds",
    [
        ("$statusCode == 200", True),
        ("$statusCode != 200", False),
        ("$statusCode >= 200 && $statusCode < 300", True),
        ("$statusCode == 500 || $response.body#/yes", True),
        ("!($statusCode == 500) && !$response.body#/nothing", True),
        ("$response.body#/text == 'cup'", True),
        ('$response.body#/text == "cup"', True),
        ("$response.body#/id == 'it''s'", False),
        ("$response.body#/absent == null", True),
        ("$response.body#/id != null", True),
        ("$response.body#/nothing < 1", False),
        ("$response.header.X-Left == 10", True),
        ("$response.header.X-Left > 9", True),
        ("$response.body#/yes == true", True),
        ("$response.body#/n == true", False),
        ("$response.body#/list[1] == 2", True),
        ("$response.body#/a~1b/~0[1].x == 'y'", True),
        ("$response.body.n == 3.0", True),
        ("$steps.s.outputs.id == 'i-9'", True),
        ("$response.body#/list", True),
        ("true", True),
        ("null", False),
    ],
)
def test_simple_conditions(text: str, holds: bool) -> None:  # noqa: FBT001 - a parameter
    """Literals, operators, grouping, indices and members; texts without regard to case; numbers in texts count."""
    assert truth(compile_condition(text, NAMES).read(scope())) is holds


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


@given(scalars, scalars)
def test_comparison_keeps_its_laws(left: object, right: object) -> None:
    """Equality is symmetric and the contrary of inequality; order is never both ways."""
    assert compare("==", left, right) == compare("==", right, left) != compare("!=", left, right)
    assert not (compare("<", left, right) and compare(">", left, right))
    assert compare("<", left, right) == compare(">", right, left)


@given(st.text(alphabet="$()[]!&|<>='\". abstuCode0123#/{}", max_size=30))
def test_no_condition_crashes_the_reader(text: str) -> None:
    """Whatever stands as a condition is read, or is a mistake that is told."""
    try:
        compile_condition(text, NAMES)
    except Mistake:
        return


def judged(condition: str, body: object, kind: str = "regex", context: str = "$response.body") -> tuple[bool, str]:
    """Whether a criterion holds for a body, and what was found."""
    raw = {"condition": condition, "type": kind, "context": context}
    found = compile_criterion(raw, NAMES, "x:1").check.judge(scope(body))
    return found.met, found.found


@pytest.mark.parametrize(
    "condition, body, met",
    [
        ("$.items[?@.id == 'x']", {"items": [{"id": "x"}]}, True),
        ("$.items[?@.id == 'x']", {"items": []}, False),
        ("$.name == 'x'", {"name": "x"}, True),
        ("$.name == 'x'", {"name": "y"}, False),
        ("$[?count(@.pets) > 0]", [{"pets": []}], True),
        ("$[?match(@.id, 'i-[0-9]+')]", [{"id": "i-10"}], True),
        ('$[?@ == "{$steps.s.outputs.id}"]', ["i-9"], True),
        ("$[?@.n > {$inputs.a.c}]", [{"n": 3}], True),
        ("$", "no structure", False),
    ],
)
def test_jsonpath_criteria(condition: str, body: object, met: bool) -> None:  # noqa: FBT001 - a parameter
    """A JSONPath of RFC 9535 holds where it selects anything; a comparison is a filter of the whole."""
    assert judged(condition, body, "jsonpath")[0] is met


def test_what_a_target_sent_cannot_change_a_condition() -> None:
    """Values that are filled into a condition stand there as text, whatever they hold."""
    seen = scope()
    for text in ('x"] | $[?true', "'", '"', "\\", "]", ".*"):
        seen.steps["s"] = {"id": text, "list": []}
        for condition in ('$[?@ == "{$steps.s.outputs.id}"]', "$[?@ == '{$steps.s.outputs.id}']"):
            raw = {"condition": condition, "type": "jsonpath", "context": "$inputs.list"}
            seen.inputs = {"list": [text, "other"]}
            assert compile_criterion(raw, NAMES, "x:1").check.judge(seen).met, text
            seen.inputs = {"list": ["other"]}
            assert not compile_criterion(raw, NAMES, "x:1").check.judge(seen).met, text
        raw = {"condition": "^{$steps.s.outputs.id}$", "type": "regex", "context": "$inputs.a"}
        seen.inputs = {"a": "other"}
        assert not compile_criterion(raw, NAMES, "x:1").check.judge(seen).met, text


def test_inputs_may_be_patterns() -> None:
    """What we put into a regular expression ourselves is part of it."""
    assert judged("{$inputs.pattern}-[0-9]$", "i-5")[0]


@pytest.mark.parametrize(
    "condition, kind, body, told",
    [
        ("^(a|aa)+$", "regex", "a" * 5000 + "b", "the search took longer than 0.05 s"),
        ("x", "regex", "a" * 200_000, "the text has more than 100000 characters"),
        ("$[?search(@, '^(a|aa)+$')]", "jsonpath", ["a" * 5000 + "b"], "the search took longer than 0.05 s"),
        ("$..x", "jsonpath", [1] * 30_000, "the JSON has more than 20000 values"),
        ("$..[?count($..x) > 0]", "jsonpath", [[1]] * 2_000, "the JSON has more than 500 values"),
        ("$..x", "jsonpath", json.loads("[" * 150 + "]" * 150), "the JSON could not be searched"),
    ],
)
def test_hostile_data_is_given_up(condition: str, kind: str, body: object, told: str) -> None:
    """Data that would keep a search busy does not meet a criterion, is told, and costs little time."""
    before = time.process_time()

    met, found = judged(condition, body, kind)

    assert (met, told in found) == (False, True), found
    assert time.process_time() - before < 2.0


def test_a_structure_is_filled_in_without_being_copied_where_nothing_changes() -> None:
    """A value without expressions is given as it is; one with expressions keeps their types."""
    fixed = {"a": [1, {"b": "c"}]}
    assert compile_value(fixed, Rules(NAMES)).read(scope()) is fixed

    value = compile_value({"n": "$response.body#/n", "t": "n={$response.body#/n}, {$inputs.list}"}, Rules(NAMES))
    assert value.read(scope()) == {"n": 3, "t": "n=3, [1, [2]]"}


@pytest.mark.parametrize("text", ["$5.00", "$", "{$5}", "a { b", "$ref", "{}"])
def test_texts_that_only_look_like_expressions_stay_texts(text: str) -> None:
    """A dollar sign alone makes no expression."""
    assert compile_value(text, Rules(NAMES)).constant == text

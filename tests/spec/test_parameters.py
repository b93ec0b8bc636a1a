"""Values of parameters: where their text can be told, and where nobody can."""

from __future__ import annotations

import pytest

from specwatch.spec.forms import decoded_form
from specwatch.spec.model import Effect, Operation, Parameter
from specwatch.spec.parameters import UNDECODABLE, decoded, parameters_fit
from specwatch.spec.schema import Schema

NESTED = {"type": "object", "properties": {"a": {"type": "object"}}, "additionalProperties": False}
PART = (
    b'--x\r\ncontent-disposition: form-data; name="deep"\r\ncontent-type: application/json\r\n\r\n{"c": 1}\r\n--x--\r\n'
)
DEEP = {"type": "array", "items": {"type": "array"}}


def operation(parameter: Parameter) -> Operation:
    """An operation with one parameter."""
    return Operation("a", "get", "GET", "/", "", Effect.READ, None, (), (parameter,), None, {}, {})


@pytest.mark.parametrize(
    "schema, style, query, value",
    [
        ({"type": "integer"}, "", "p=7", 7),
        ({"type": "integer"}, "", "p=x", "x"),
        ({"type": "string"}, "", "p=7", "7"),
        ({"type": ["integer", "null"]}, "", "p=null", None),
        ({"type": "boolean"}, "", "p=true", True),
        ({"enum": [1, 2]}, "", "p=2", 2),
        ({"type": "number"}, "", "p=1e999", "1e999"),
        ({"anyOf": [{"type": "string", "maxLength": 2}, {"type": "array"}]}, "", "p=abc&p=d", ["abc", "d"]),
        ({"type": "array", "items": {"type": "integer"}}, "", "p=1&p=2", [1, 2]),
        ({"type": "array", "items": {"type": "integer"}}, "spaceDelimited", "p=1%202", [1, 2]),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, "", "a=1", {"a": 1}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "deepObject", "p[a]=1", {"a": 1}),
        (NESTED, "deepObject", "p[a]=x", UNDECODABLE),
        (DEEP, "", "p=1", UNDECODABLE),
    ],
)
def test_a_query_is_decoded(schema: dict[str, object], style: str, query: str, value: object) -> None:
    """By type, style and explode; the reading that fits wins."""
    explode = False if style == "spaceDelimited" else None
    asked = operation(
        Parameter("p", "query", required=True, schema=Schema(schema), examples={}, style=style, explode=explode)
    )
    found = decoded(asked, {}, query, ())
    assert found == {("query", "p"): value}
    assert type(found["query", "p"]) is type(value)


@pytest.mark.parametrize("name, fitting", [("Accept", True), ("X-Own", False)])
def test_headers_that_are_described_elsewhere_are_passed_over(name: str, fitting: bool) -> None:  # noqa: FBT001
    """OpenAPI says that parameters named Accept, Content-Type or Authorization are none."""
    asked = operation(Parameter(name, "header", required=True, schema=Schema({"type": "string"}), examples={}))
    assert parameters_fit(asked, decoded(asked, {}, "", ())) is fitting


def test_what_cannot_be_decoded_is_allowed() -> None:
    """Nobody can say that it is wrong."""
    asked = operation(Parameter("p", "query", required=True, schema=Schema(DEEP), examples={}))
    assert parameters_fit(asked, decoded(asked, {}, "p=1", ()))
    unnamed = operation(Parameter("p", "query", required=True, schema=None, examples={}))
    assert parameters_fit(unnamed, decoded(unnamed, {}, "p=1", ()))
    assert not parameters_fit(unnamed, decoded(unnamed, {}, "", ()))


@pytest.mark.parametrize(
    "schema, number, fits",
    [
        ({"type": "integer", "format": "int32"}, 2**31, False),
        ({"type": "integer", "format": "int64"}, 2**31, True),
        ({"type": ["integer", "null"], "format": "int64"}, -(2**63) - 1, False),
        ({"type": "integer", "format": "int32", "maximum": 5}, 6, False),
        ({"type": "integer"}, 2**70, True),
    ],
)
def test_formats_of_integers_bound_requests(schema: dict[str, object], number: int, fits: bool) -> None:  # noqa: FBT001
    """A request beyond what `int32` and `int64` hold breaks the document."""
    assert Schema(schema).in_range.is_valid(number) is fits


@pytest.mark.parametrize(
    "content_type, body, value",
    [
        ("multipart/form-data", b"", UNDECODABLE),
        ("application/x-www-form-urlencoded", b"a=1&b=x+y", {"a": 1, "b": "x y"}),
        ("application/x-www-form-urlencoded", b"deep=1", UNDECODABLE),
        (
            'multipart/form-data; boundary="x"',
            PART,
            {"deep": {"c": 1}},
        ),
    ],
)
def test_a_form_is_decoded(content_type: str, body: bytes, value: object) -> None:
    """Fields are read by their schemas; a part that says it is JSON is JSON."""
    fields = {"a": {"type": "integer"}, "b": {"type": "string"}, "deep": {"type": "object"}}
    assert decoded_form(Schema({"type": "object", "properties": fields}), content_type, body) == value

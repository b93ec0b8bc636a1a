"""A schema judges fast, and says what is wrong where."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specwatch.spec import Api, Schema, SchemaError, load_api
from specwatch.spec.schema import MAX_ERRORS

SPECS = Path(__file__).parents[2] / "specs"

VALUES: st.SearchStrategy[object] = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 2.0, 0.5, 10**12, 10**30),
        *("", "x", "é", "failed", "completed", "2024-07-09T04:01:48Z"),
        *("https://example.com/x", "not a uri", "e2c65b20-a970-431e-99c1-76721e799df8"),
        *([], ["x"], [{}], {}, {"x": 1}),
    ]
)


@pytest.mark.parametrize(
    "schema, value, error",
    [
        pytest.param(
            {"required": ["id", "size"]},
            {"id": 1},
            SchemaError("/size", '"size" is a required property', "nothing", "a required field"),
            id="a missing field is named",
        ),
        pytest.param(
            {"properties": {"a/b~c": {"type": "integer"}}},
            {"a/b~c": "x"},
            SchemaError("/a~1b~0c", '"x" is not of type "integer"', '"x"', "type integer"),
            id="a place is a JSON pointer",
        ),
        pytest.param(
            {"items": {"type": ["string", "null"]}},
            ["x", 1],
            SchemaError("/1", '1 is not of types "null", "string"', "1", "type null or string"),
            id="several types are all named",
        ),
        pytest.param(
            {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
            3,
            SchemaError(
                "",
                "3 is valid under more than one of the schemas listed in the 'oneOf' keyword",
                "3",
                "to fit exactly one of the forms",
            ),
            id="one branch too many fits",
        ),
        pytest.param(
            {"properties": {"old": False}},
            {"old": 1},
            SchemaError("/old", "False schema does not allow 1", "1", "nothing at this place"),
            id="nothing is allowed there",
        ),
        pytest.param(
            {"propertyNames": {"pattern": "^b"}},
            {"a": 1},
            SchemaError("", '"a" does not match "^b"', '{"a": 1}', 'propertyNames: "a" does not match "^b"'),
            id="a name of a field",
        ),
        pytest.param(
            {"uniqueItems": True},
            [1, 1],
            SchemaError("", "[1,1] has non-unique elements", "[1, 1]", "uniqueItems"),
            id="a keyword without argument",
        ),
        pytest.param(
            {"format": "uuid"},
            "x",
            SchemaError("", '"x" is not a "uuid"', '"x"', 'format "uuid"'),
            id="formats are checked",
        ),
    ],
)
def test_an_error_says_what_and_where(schema: dict[str, Any], value: object, error: SchemaError) -> None:
    """Place, what is there and what should be: enough to mend it."""
    assert Schema(schema).errors(value) == (error,)


@pytest.mark.parametrize(
    "value, where",
    [
        ({"kind": "cat", "lives": "nine"}, "/lives"),
        ({"kind": "dog", "tail": {"length": "long"}}, "/tail/length"),
        ({"kind": "dog"}, "/tail"),
        ({"kind": "fish"}, "/kind"),
    ],
)
@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_the_nearest_branch_tells_the_cause(keyword: str, value: object, where: str) -> None:
    """Of several forms, the one that was meant is the one whose constants fit."""
    cat = {"required": ["kind", "lives"], "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}}
    length = {"properties": {"length": {"type": "integer"}}}
    dog = {"required": ["kind", "tail"], "properties": {"kind": {"const": "dog"}, "tail": length}}

    errors = Schema({keyword: [cat, dog]}).errors(value)

    assert where in [error.where for error in errors]


def test_the_deepest_error_comes_first() -> None:
    """The farther down, the more telling; equals in alphabetical order."""
    schema = Schema(
        {
            "required": ["b"],
            "properties": {
                "a": {"properties": {"deep": {"items": {"type": "string"}}, "flat": {"type": "string"}}},
            },
        }
    )

    errors = schema.errors({"a": {"flat": 1, "deep": [1]}})

    assert [error.where for error in errors] == ["/a/deep/0", "/a/flat", "/b"]


def test_long_values_are_shortened() -> None:
    """A report stays readable, however much came."""
    (error,) = Schema({"type": "integer"}).errors("x" * 10_000)

    assert len(error.found) == 200
    assert error.found.endswith("x…")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strnig"},
        {"pattern": "("},
        {"minimum": "1"},
        {"$ref": "#/components/schemas/None"},
        {"contentSchema": {"type": 1}},
    ],
)
def test_a_defect_is_known_before_judging(schema: dict[str, Any]) -> None:
    """A schema that cannot be compiled says why."""
    assert Schema(schema).defect


def test_references_lead_to_components() -> None:
    """A schema brings along what it refers to, circles included."""
    tree = {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}}}
    schema = Schema({"$ref": "#/components/schemas/Tree"}, {"schemas": {"Tree": tree}})

    assert schema.defect is None
    assert schema.is_valid({"left": {"left": {}}})
    assert [error.where for error in schema.errors({"left": {"left": 1}})] == ["/left/left"]


def test_content_has_its_own_schema() -> None:
    """What a string holds is described beside it."""
    text = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"type": "array"}}
    schema = Schema({"$ref": "#/components/schemas/Text"}, {"schemas": {"Text": text}})

    assert schema.content_media_type == "application/json"
    assert schema.content is not None
    assert schema.content.is_valid([])
    assert not schema.content.is_valid({})


def schemas(api: Api) -> Iterator[tuple[str, Schema, list[object]]]:
    """Every schema of a spec with the examples that fit it."""
    for operation in api.operations:
        bodies = [(status, response.media) for status, response in operation.responses.items()]
        bodies += [("request", operation.body.media)] if operation.body else []
        for part, media in bodies:
            for each in media.values():
                for kind, schema in (("schema", each.schema), ("inferred", each.inferred)):
                    if schema is not None:
                        yield f"{operation.id}-{part}-{kind}-{each.name}", schema, list(each.examples.values())


ALL = [
    pytest.param(schema, examples, id=f"{path.stem}-{name}")
    for path in sorted(SPECS.glob("*.yaml"))
    for name, schema, examples in schemas(load_api(path))
]


def mutate(data: st.DataObject, value: object) -> object:
    """The value with one part, somewhere in it, taken out, renamed or replaced."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        rest = {key: item for key, item in value.items() if key != name}
        return data.draw(
            st.sampled_from([rest, {**rest, "other": value[name]}, {**value, name: mutate(data, value[name])}])
        )
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [mutate(data, value[0]), *value[1:]]
    return data.draw(VALUES)


@pytest.mark.parametrize("schema, examples", ALL)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_both_validators_agree(schema: Schema, examples: list[object], data: st.DataObject) -> None:
    """The fast validator says of mutated examples what the thorough one says, and explains what it refuses."""
    value = mutate(data, copy.deepcopy(data.draw(st.sampled_from(examples))))
    oracle = jsonschema.Draft202012Validator(
        schema.document, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )

    valid = schema.is_valid(value)

    assert valid == oracle.is_valid(value)
    assert valid == (schema.errors(value) == ())


def test_a_large_value_is_explained_in_little_time() -> None:
    """Of a value that is wrong in thousands of places the first is told, of one that is wrong in many some."""
    schema = Schema({"type": "array", "items": {"type": "object", "required": ["a", "b"]}})
    assert len(schema.errors([{}] * 40_000)) == 1
    assert len(schema.errors([{}] * 1_000)) == MAX_ERRORS
    assert schema.errors([{"a": 1, "b": 2}] * 40_000) == ()

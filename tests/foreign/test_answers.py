"""What the sandbox answers by a document without examples: something that the document allows."""

from __future__ import annotations

import httpx
import pytest
from tests.foreign.conftest import foreign

from specwatch.sandbox.examples import unanswerable
from specwatch.spec import Schema
from specwatch.spec.samples import NO_VALUE, fitting, sample


def test_what_has_no_example_fits_its_schema(client: httpx.Client) -> None:
    """A value is made that keeps every keyword, and always the same one."""
    media = foreign("answers").operation("getValues").responses["200"].media["application/json"]
    first, second = client.get("/base/values"), client.get("/base/values")
    assert media.schema is not None
    assert media.schema.errors(first.json()) == ()
    assert first.content == second.content


@pytest.mark.parametrize(
    "path, status, media_type",
    [
        ("moved", 302, None),
        ("whatever", 200, None),
        ("gone", 410, None),
        ("wild", 200, "application/json"),
        ("text", 200, "text/plain"),
    ],
)
def test_every_answer_is_a_documented_one(client: httpx.Client, path: str, status: int, media_type: str | None) -> None:
    """Without a documented success the next best answer is taken; no range of media types is sent as one."""
    answer = client.get(f"/base/{path}")
    assert (answer.status_code, answer.headers.get("content-type")) == (status, media_type)


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "string", "minLength": 5, "maxLength": 3},
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
    ],
)
def test_what_no_value_fits_is_known(raw: dict[str, object]) -> None:
    """A schema that excludes everything has no fitting value, and the sandbox makes do with one that comes near."""
    assert fitting(Schema(raw)) is NO_VALUE
    sample(Schema(raw))


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "array", "minItems": 2, "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        {"type": "number", "exclusiveMaximum": -3},
        {"type": "object", "minProperties": 2, "propertyNames": {"pattern": "^x-"}},
    ],
)
def test_a_fitting_value_is_made(raw: dict[str, object]) -> None:
    """Keywords that the simplest value passes over are kept by the one that is generated."""
    assert Schema(raw).is_valid(fitting(Schema(raw)))


def test_no_documented_answer_is_out_of_reach() -> None:
    """What lint can ask: the answers of which no valid one can be made."""
    assert list(unanswerable(foreign("answers"))) == []

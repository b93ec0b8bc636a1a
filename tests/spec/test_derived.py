"""What a spec claims without saying so."""

from collections.abc import Callable

import pytest

from specwatch.spec import Api
from specwatch.spec.derived import can_be_invalid
from specwatch.values import Concern

SPEC = """\
openapi: 3.1.0
info: {title: Things, version: '1'}
x-error-code: /error/code
security: [{key: []}]
paths:
  /things/{id}:
    get:
      operationId: getThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        '200':
          description: The thing.
          content:
            application/json:
              schema: {type: object}
              x-inferred: {required: [id]}
        '401':
          description: Who are you?
          content:
            application/json:
              schema: {properties: {error: {properties: {code: {enum: [no_key, bad_key]}}}}}
        '404': {description: No such thing.}
  /things:
    post:
      operationId: makeThing
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses:
        '201': {description: Made.}
  /health:
    get:
      operationId: health
      security: []
      responses:
        '204': {description: Well.}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
"""


def test_claims_follow_from_the_spec(load: Callable[[str], Api]) -> None:
    """Each documented answer, each code, what examples show, and what holds for every answer, with their levels."""
    api = load(SPEC)

    assert [(claim.id, claim.level.value) for claim in api.claims] == [
        ("getThing/200", "promise"),
        ("getThing/200/inferred", "inference"),
        ("getThing/401/no_key", "promise"),
        ("getThing/401/bad_key", "promise"),
        ("getThing/404", "promise"),
        ("getThing/status", "promise"),
        ("getThing/code", "promise"),
        ("getThing/media-type", "promise"),
        ("getThing/json", "promise"),
        ("getThing/survives", "inference"),
        ("getThing/delivery", "inference"),
        ("getThing/time", "inference"),
        ("getThing/credentials", "promise"),
        ("getThing/accepts", "inference"),
        ("makeThing/201", "promise"),
        ("makeThing/status", "promise"),
        ("makeThing/survives", "inference"),
        ("makeThing/delivery", "inference"),
        ("makeThing/time", "inference"),
        ("makeThing/credentials", "inference"),
        ("makeThing/accepts", "inference"),
        ("makeThing/rejects", "inference"),
        ("health/204", "promise"),
        ("health/status", "promise"),
        ("health/survives", "inference"),
        ("health/delivery", "inference"),
        ("health/time", "inference"),
    ]


def test_a_derived_claim_knows_what_it_speaks_of(load: Callable[[str], Api]) -> None:
    """Successes are a matter of schema, failures of error bodies; each general claim has a concern of its own."""
    api = load(SPEC)

    assert {
        claim.id.partition("/")[2]: claim.concern.value for claim in api.claims if claim.id.startswith("getThing/")
    } == {
        "200": "schema",
        "200/inferred": "schema",
        "401/no_key": "error bodies",
        "401/bad_key": "error bodies",
        "404": "error bodies",
        "status": "status",
        "code": "error bodies",
        "media-type": "headers and media type",
        "json": "robustness",
        "survives": "robustness",
        "delivery": "robustness",
        "time": "robustness",
        "credentials": "authentication",
        "accepts": "authentication",
    }
    assert api.concern("makeThing/rejects") is Concern.INPUT
    assert api.concern("no claim, but words") is Concern.SEMANTICS


@pytest.mark.parametrize(
    "parameters, possible",
    [
        ("[]", False),
        ("[{name: id, in: path, schema: {type: string}}]", False),
        ("[{name: id, in: path, schema: {type: string, minLength: 1}}]", False),
        ("[{name: id, in: path}]", False),
        ("[{name: id, in: path, schema: {type: string, pattern: x}}]", True),
        ("[{name: id, in: path, schema: {type: string, format: uuid}}]", True),
        ("[{name: q, in: query, schema: {type: string}}]", True),
    ],
)
def test_free_texts_in_a_path_rule_nothing_out(load: Callable[[str], Api], parameters: str, possible: bool) -> None:  # noqa: FBT001
    """Only where some request breaks the spec can one be refused for it."""
    path = "parameters: [{name: id, in: path, required: true, schema: {type: string}}]"
    api = load(SPEC.replace(path, f"parameters: {parameters}"))

    assert can_be_invalid(api.operation("getThing")) is possible

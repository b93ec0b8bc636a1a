"""Documented response headers, and the credentials of two accounts in one request."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from specwatch.conformance.facts import Facts
from specwatch.conformance.headers import documented_headers
from specwatch.conformance.judge import judge
from specwatch.spec import Api, load_api
from specwatch.values import Exchange, Level, Request, Response, Timings

SPEC = """
openapi: 3.1.0
info: {title: Queue, version: '1'}
paths:
  /next:
    get:
      operationId: next
      security: [{client: [], key: []}]
      responses:
        '200':
          description: The next one.
          headers:
            Content-Type: {required: true, schema: {const: never looked at}}
            X-Left: {$ref: '#/components/headers/Left'}
            X-Note: {schema: {type: string, maxLength: 4}}
            X-Free: {required: true, example: anything}
        '401': {$ref: '#/components/responses/Refused'}
components:
  headers:
    Left: {required: true, schema: {type: integer, minimum: 0}, examples: {some: {value: 3}}}
  responses:
    Refused: {description: No., headers: {X-Why: {required: true, schema: {type: string}}}}
  securitySchemes:
    client: {type: apiKey, in: header, name: X-Client, x-credential: {env: [QUEUE_CLIENT]}}
    key: {type: apiKey, in: header, name: X-Key, x-credential: {env: [QUEUE_KEY]}}
"""
GOOD = {"x-left": "3", "X-Free": ""}


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Api:
    """An API with headers of every kind."""
    path = tmp_path_factory.mktemp("specs") / "queue.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return load_api(path)


def _facts(api: Api, headers: Mapping[str, str], status: int = 200, roles: Mapping[str, str] | None = None) -> Facts:
    exchange = Exchange(
        id="1",
        api=api.id,
        operation="next",
        target="https://api.example.com",
        request=Request("GET", "https://api.example.com/next", (), b""),
        response=Response(status, tuple(headers.items()), b""),
        timings=Timings(100.0, 0.1),
        credentials={"client": "account", "key": "account"} if roles is None else roles,
    )
    return Facts(api, api.operation("next"), exchange)


@pytest.mark.parametrize(
    "headers, broken",
    [
        (GOOD, []),
        (GOOD | {"X-Note": "fine"}, []),
        ({"X-Free": ""}, [("X-Left", "a required header", "nothing")]),
        ({"x-left": "3"}, [("X-Free", "a required header", "nothing")]),
        (GOOD | {"x-left": "many"}, [("X-Left", '{"type": "integer", "minimum": 0}', "many")]),
        (GOOD | {"x-left": "-1"}, [("X-Left", '{"type": "integer", "minimum": 0}', "-1")]),
        (GOOD | {"X-Note": "too long"}, [("X-Note", '{"type": "string", "maxLength": 4}', "too long")]),
    ],
)
def test_headers_are_held_to_the_document(queue: Api, headers: Mapping[str, str], broken: list[object]) -> None:
    """Required ones are there, and those that are there read as their schema says, whatever the case of their names."""
    violations = judge(_facts(queue, headers)).violations
    assert [(each.where, each.expected, each.found) for each in violations] == broken
    assert {(each.claim, each.kind) for each in violations} <= {("next/200", "header")}


def test_references_are_followed_and_examples_kept(queue: Api) -> None:
    """Headers and responses may be components; Content-Type is not one of the headers."""
    found = documented_headers(queue, queue.operation("next"), "200")
    assert [(each.name, each.required, each.example) for each in found] == [
        ("X-Left", True, 3),
        ("X-Note", False, None),
        ("X-Free", True, "anything"),
    ]
    assert [violation.where for violation in judge(_facts(queue, {}, status=401)).violations] == ["X-Why"]


def test_credentials_of_two_accounts_open_nothing(queue: Api) -> None:
    """That a call with one credential of each of two accounts succeeds breaks an inference; a refusal shows nothing."""
    mixed = {"client": "account", "key": "second"}
    (violation,) = judge(_facts(queue, GOOD, roles=mixed)).violations
    assert (violation.claim, violation.level) == ("next/credentials", Level.INFERENCE)
    assert violation.where == "client account key second"
    refused = judge(_facts(queue, {"X-Why": "mixed"}, status=401, roles=mixed))
    assert refused.violations == ()
    assert "next/credentials" not in refused.verified

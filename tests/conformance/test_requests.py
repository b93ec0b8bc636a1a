"""Which requests a document rules out, and which it cannot be said of; and who may have been let in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from specwatch.conformance import Facts, judge
from specwatch.conformance.facts import media_is_declared, request_is_valid
from specwatch.spec import Api, load_api
from specwatch.values import Exchange, Request, Response, Timings

SPEC = """\
openapi: 3.1.0
info: {title: Finds, version: '1'}
paths:
  /finds:
    get:
      operationId: find
      parameters:
        - {name: id, in: query, schema: {type: array, minItems: 2, items: {type: integer, minimum: 0}}}
        - name: f
          in: query
          style: deepObject
          schema: {type: object, properties: {a: {type: integer}, b: {type: string}}, additionalProperties: false}
        - {name: size, in: query, schema: {type: integer}}
        - {name: crumb, in: cookie, schema: {type: string, pattern: '^[a-z]+$'}}
        - name: deep
          in: query
          schema: {type: array, items: {type: array, items: {type: integer}}}
      responses:
        '200':
          description: Found.
          content:
            application/*+json: {schema: {type: object, required: [id]}}
            image/*: {}
        '400': {description: No.}
    post:
      operationId: put
      security: [{token: [], key: []}, {key: []}, {other: []}]
      requestBody:
        content:
          application/*+json: {schema: {type: object, required: [id]}}
      responses: {'200': {description: Put.}, '400': {description: No.}, '401': {description: Who are you?}}
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
    key: {type: apiKey, in: header, name: X-Key}
    other: {type: apiKey, in: header, name: X-Other}
"""


@pytest.fixture(scope="module")
def finds(tmp_path_factory: pytest.TempPathFactory) -> Api:
    """The API above."""
    path = tmp_path_factory.mktemp("spec") / "finds.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return load_api(path)


def facts(
    api: Api,
    operation: str = "find",
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    media_type: str = "application/vnd.find+json",
    answer: bytes = b'{"id": 1}',
    roles: Mapping[str, str] | None = None,
) -> Facts:
    """One exchange; what is not named is as it should be."""
    found = api.operation(operation)
    exchange = Exchange(
        id="1",
        api=api.id,
        operation=operation,
        target="https://finds.example.com",
        request=Request(found.method, f"https://finds.example.com/finds?{query}", tuple((headers or {}).items()), body),
        response=Response(200, (("content-type", media_type),), answer),
        timings=Timings(100.0, 0.1),
        credentials=roles or {},
        query=dict(pair.partition("=")[::2] for pair in query.split("&") if pair),
    )
    return Facts(api, found, exchange)


@pytest.mark.parametrize(
    "query, cookie, ruled_out, valid",
    [
        ("id=0&id=0", "", False, True),
        ("id=0", "", True, False),
        ("id=0&id=-1", "", True, False),
        ("f[a]=1&f[b]=x", "", False, True),
        ("f%5Ba%5D=1", "", False, True),
        ("f[a]=x", "", True, False),
        ("f[c]=x", "", True, False),
        ("size=1", "crumb=abc", False, True),
        ("size=x", "crumb=abc", True, False),
        ("", "crumb=ABC", True, False),
        ("deep=1,2", "", False, False),
    ],
)
def test_lists_objects_and_cookies_are_read(
    finds: Api,
    query: str,
    cookie: str,
    ruled_out: bool,  # noqa: FBT001
    valid: bool,  # noqa: FBT001
) -> None:
    """A request breaks the document only where that is sure, and keeps it only where that is sure."""
    made = facts(finds, query=query, headers={"cookie": cookie} if cookie else {})

    assert (made.request_ruled_out, made.request_valid) == (ruled_out, valid)
    assert ("find/rejects" in {violation.claim for violation in judge(made).violations}) is ruled_out


@pytest.mark.parametrize(
    "pairs, whole, valid",
    [
        ([("id", "0"), ("id", "1")], True, True),
        ([("id", "0"), ("id", "1")], False, True),
        ([("id", "0")], True, False),
        ([("id", "0")], False, True),
        ([("size", "x")], False, False),
    ],
)
def test_what_a_mapping_loses_is_not_judged(
    finds: Api,
    pairs: list[tuple[str, str]],
    whole: bool,  # noqa: FBT001
    valid: bool,  # noqa: FBT001
) -> None:
    """Of a query in which only the last of several values is left, lists and objects are not looked at."""
    more: dict[str, Any] = {"query_string": urlencode(pairs)} if whole else {}
    found = request_is_valid(
        finds.operation("find"), path_parameters={}, query=dict(pairs), headers=(), body=b"", **more
    )

    assert found is valid


@pytest.mark.parametrize(
    "media_type, documented",
    [
        ("application/vnd.find+json", True),
        ("application/vnd.find+json; v=1", True),
        ("image/png", True),
        ("image/svg+xml", True),
        ("application/json", False),
        ("application/vnd.find+xml", False),
        ("text/plain+json", False),
    ],
)
def test_a_range_with_a_suffix_is_a_range(finds: Api, media_type: str, documented: bool) -> None:  # noqa: FBT001
    """`application/*+json` covers every JSON format of that kind, and nothing else."""
    made = facts(finds, media_type=media_type)

    assert (made.media is not None) is documented
    assert ("find/media-type" in judge(made).verified) is documented


def test_the_schema_of_a_range_counts(finds: Api) -> None:
    """What came in a media type of the range is held to its schema, in answers and in requests."""
    broken = judge(facts(finds, answer=b"{}"))
    headers = {"content-type": "application/vnd.find+json"}

    assert [violation.claim for violation in broken.violations] == ["find/200"]
    assert facts(finds, "put", headers=headers, body=b'{"id": 1}').request_valid
    assert facts(finds, "put", headers=headers, body=b"{}").request_ruled_out
    put = finds.operation("put")
    assert media_is_declared(put, tuple(headers.items()), b"{}")
    assert not media_is_declared(put, (("content-type", "text/plain"),), b"{}")


@pytest.mark.parametrize(
    "roles, headers, broken",
    [
        ({"token": "absent", "key": "absent"}, {}, True),
        ({"token": "account", "key": "absent"}, {"authorization": "Bearer x"}, True),
        ({"token": "absent", "key": "account"}, {"x-key": "x"}, False),
        ({"token": "altered", "key": "account"}, {"authorization": "Bearer x", "x-key": "x"}, False),
        ({"token": "absent", "key": "altered"}, {"x-key": "x"}, True),
        ({"token": "absent", "key": "absent"}, {"X-Other": "x"}, False),
    ],
)
def test_another_complete_alternative_lets_in(
    finds: Api,
    roles: Mapping[str, str],
    headers: Mapping[str, str],
    broken: bool,  # noqa: FBT001
) -> None:
    """Success is no violation where all the credentials of any alternative came, and one where none is complete."""
    made = facts(finds, "put", roles=roles, headers=headers)

    assert ("put/credentials" in {violation.claim for violation in judge(made).violations}) is broken

"""Variations: answers that look different and are still as documented."""

import asyncio
import json
import time
from dataclasses import replace

import httpx
import pytest

from specwatch.sandbox import Answer, Call, EmbeddedSandbox, FaultKind, SandboxSettings, derive_variations
from specwatch.sandbox.shape import shape_of
from specwatch.spec import Api

NAMES = [
    "extra-fields",
    "other-error-wording",
    "403-for-401",
    "key-order",
    "slower",
    "media-type-case",
    "charset",
    "whitespace",
]
HONEST = Call("getParcel", "GET", {}, {}, {}, b"", "account", 0.0, 0.0, {}, frozenset())


def examples(api: Api) -> list[tuple[Call, Answer]]:
    """Every documented example as an answer to a call."""
    return [
        (replace(HONEST, operation=operation.id, spec=operation), Answer(int(status), value))
        for operation in api.operations
        for status, response in operation.responses.items()
        for media in response.media.values()
        for value in media.examples.values()
    ]


def test_all_variations_are_offered(api: Api) -> None:
    """The names that the documentation of the sandbox lists."""
    variations = derive_variations(api)
    assert [variation.short_name for variation in variations] == [f"variation/{name}" for name in NAMES]
    assert {variation.kind for variation in variations} == {FaultKind.VARIATION}


@pytest.mark.parametrize("name", NAMES)
def test_a_varied_answer_is_still_as_documented(api: Api, name: str) -> None:
    """Whatever is varied, the body fits the schema of its status, and at least one answer did change."""
    variation = next(v for v in derive_variations(api) if v.short_name == f"variation/{name}")
    changed = 0
    for call, honest in examples(api):
        answer = variation.apply(call, honest)
        shape = shape_of(api.operation(call.operation), answer)
        assert shape is not None
        body = json.loads(answer.raw) if answer.raw is not None else answer.body
        assert shape.breaks(body) is None
        changed += answer != honest or list(_keys(answer.body)) != list(_keys(honest.body))
    assert changed


def _keys(value: object) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def test_extra_fields_go_only_where_the_schema_is_open(sandbox: EmbeddedSandbox, client: httpx.Client) -> None:
    """The body and the items of a list get one; an object whose values are fixed in type does not."""
    sandbox.app_state.enable("parcels/variation/extra-fields")
    body = client.get("/v1/parcels/P-1").json()
    assert body["specwatch_extra"] == {"added": True}
    assert "specwatch_extra" in body["history"][0]
    assert "specwatch_extra" not in body["labels"]


def test_keys_come_in_reverse(sandbox: EmbeddedSandbox, client: httpx.Client) -> None:
    """The last key comes first, at every depth, and the content is the same."""
    honest = client.get("/v1/parcels/P-1").json()
    sandbox.app_state.enable("parcels/variation/key-order")
    varied = client.get("/v1/parcels/P-1").json()
    assert list(varied) == list(reversed(honest))
    assert varied | {"seen": 1} == honest


@pytest.mark.parametrize(
    "name, media_type",
    [("media-type-case", "Application/Json; Charset=UTF-8"), ("charset", "application/json; charset=utf-8")],
)
def test_media_types_are_written_otherwise(
    sandbox: EmbeddedSandbox, client: httpx.Client, name: str, media_type: str
) -> None:
    """Case and parameters of a media type carry no meaning."""
    sandbox.app_state.enable(f"parcels/variation/{name}")
    assert client.get("/v1/parcels/P-1").headers["content-type"] == media_type


def test_errors_are_worded_otherwise_but_still_name_what_was_asked_for(
    sandbox: EmbeddedSandbox, client: httpx.Client
) -> None:
    """A text that names the parcel keeps its words and gets more; another one is replaced."""
    sandbox.app_state.enable("parcels/variation/other-error-wording")
    missing = client.get("/v1/parcels/X-9").json()["error"]
    refused = client.get("/v1/parcels/X-9", headers={"authorization": "Bearer x"}).json()["error"]
    assert missing == {"code": "no_parcel", "message": "There is no X-9. See the documentation."}
    assert refused == {"code": "bad_token", "message": "Other words for the same thing."}


def test_forbidden_may_stand_for_unauthorized(sandbox: EmbeddedSandbox, client: httpx.Client) -> None:
    """Where both are documented, a bad token may be answered 403; where 403 is not, it stays 401."""
    sandbox.app_state.enable("parcels/variation/403-for-401")
    assert client.get("/v1/parcels/P-1", headers={"authorization": "Bearer x"}).status_code == 403
    assert client.post("/v1/parcels/find").status_code == 401


def test_slower_answers_take_a_little_longer(api: Api) -> None:
    """The answer is held back for 0.3 s, far within any objective."""
    held: list[float] = []

    async def hold(seconds: float) -> None:
        held.append(seconds)
        await asyncio.sleep(seconds)

    settings = SandboxSettings(faults=("parcels/variation/slower",), hold=hold)
    with EmbeddedSandbox([api], settings=settings) as sandbox:
        started = time.monotonic()
        assert httpx.get(f"{sandbox.url}/v1/health", trust_env=False, timeout=60).status_code == 200
        assert time.monotonic() - started >= 0.3
    assert held == [0.3]


def test_all_variations_at_once(sandbox: EmbeddedSandbox, client: httpx.Client, api: Api) -> None:
    """They do not get in each other's way."""
    sandbox.app_state.enable(*(variation.name for variation in derive_variations(api)))
    response = client.get("/v1/parcels/P-1")
    assert response.json()["specwatch_extra"]
    assert response.text.startswith('{\n  "')
    media = api.operation("getParcel").responses["200"].media["application/json"]
    assert media.schema is not None
    assert media.schema.is_valid(response.json())

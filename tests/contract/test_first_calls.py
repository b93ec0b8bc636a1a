"""The first good call of an operation that needs input: sent where nothing else has shown a success."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.contract.conftest import MakeWorkspace, Runner, Serve
from tests.contract.test_cases import only, operation
from tests.loopback import Received, answer

from specwatch.values.claim import Verdict

CHECKS = ("test_access.py",)
PLACE = {
    "type": "object",
    "required": ["kind", "note"],
    "properties": {"kind": {"enum": ["shelf", "box"]}, "note": {"type": "string", "pattern": "^[A-Z]{3}$"}},
}


def making(**media: Any) -> dict[str, Any]:
    """An operation that takes a body and parameters, all required."""
    made = operation("makePlace")
    made["requestBody"] = {"required": True, "content": {"application/merge-patch+json": media}}
    made["parameters"] = [
        {"name": "floor", "in": "query", "required": True, "schema": {"type": "integer", "minimum": 3}},
        {"name": "X-Note", "in": "header", "required": True, "schema": {"type": "string"}, "example": "a note"},
        {"name": "crumb", "in": "cookie", "required": True, "schema": {"const": "c1"}},
        {"name": "left", "in": "query", "schema": {"type": "string"}},
    ]
    return made


def places(got: Received) -> bytes:
    """A server that takes a place only as it is documented."""
    told = json.loads(got.body) if got.body else {}
    good = told.get("kind") in {"shelf", "box"} and str(told.get("note")).isupper()
    return answer(200, {"id": "t-1"}) if good else answer(400, {})


@pytest.mark.parametrize(
    "media, sent",
    [
        (
            {"schema": PLACE, "examples": {"box": {"value": {"kind": "box", "note": "ABC"}}}},
            {"kind": "box", "note": "ABC"},
        ),
        ({"schema": PLACE}, None),
    ],
    ids=["by the example", "by the schema"],
)
def test_a_success_is_asked_for(
    runner: Runner, workspace: MakeWorkspace, serve: Serve, media: dict[str, Any], sent: dict[str, str] | None
) -> None:
    """With the example of the document, or a value that fits, and everything else that is required."""
    server = serve(places)
    folder = only(workspace(common=CHECKS), making(**media))

    outcome = runner.check(folder, server.url, profile="smoke")

    assert outcome.claim("makePlace/200").verdict is Verdict.PASS
    (first, *others) = server.received
    body = json.loads(first.body)
    assert sent is None or body == sent
    assert first.headers["content-type"] == "application/merge-patch+json"
    assert (first.path.partition("?")[2], first.headers["x-note"]) == ("floor=3", "a note")
    assert first.headers["cookie"] == "crumb=c1"
    assert others == []


def test_what_cannot_be_made_is_left_out(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """No value fits a schema that contradicts itself: nothing is sent, the claim is unknown, and nothing is broken."""
    server = serve(places)
    never = {"type": "string", "minLength": 3, "maxLength": 1}
    outcome = runner.check(only(workspace(common=CHECKS), making(schema=never)), server.url, profile="smoke")

    assert (outcome.defect, outcome.api.violations, server.received) == (None, (), [])
    assert outcome.claim("makePlace/200").verdict is Verdict.UNKNOWN


def test_who_has_shown_a_success_is_not_asked_again(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """A request that other tests have made needless is not sent."""
    server = serve(lambda _: answer(200, {"id": "t-1"}))
    own = """
from specwatch.contract.caller import Caller
from specwatch.contract.current import current_run

def test_made():
    given = {"query": {"floor": "3"}, "headers": [("x-note", "x"), ("cookie", "crumb=c1")]}
    Caller(current_run().apis["shop"]).call("makePlace", json={"kind": "box", "note": "ABC"}, **given)
"""
    folder = only(workspace(own, common=CHECKS), making(schema=PLACE))
    runner.check(folder, server.url, profile="smoke")

    assert len(server.received) == 1

"""Which directed requests follow from a document: bad credentials, documented failures, links, and how many of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.contract.conftest import MakeRun, MakeWorkspace, Outcome, Runner, Serve
from tests.loopback import Received, answer

from specwatch.contract.profile import PROFILES
from specwatch.values.claim import Verdict

ENVIRONMENT = {"SHOP_TOKEN": "tok-alpha-0001", "SHOP_KEY": "key-0004"}
CHECKS = ("test_access.py", "test_conformance.py")
THING = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}


def operation(name: str, *, security: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """A read of a thing, which may be missing."""
    content = {"application/json": {"schema": THING, "example": {"id": "t-1"}}}
    responses = {"200": {"description": "The thing.", "content": content}, "401": {"description": "Who are you?"}}
    return {"operationId": name, "security": security or [], "responses": responses, **more}


def document(*operations: dict[str, Any]) -> dict[str, Any]:
    """A document with these operations, each at a path of its own."""
    key = {"type": "apiKey", "in": "header", "name": "X-Key", "x-credential": {"env": ["SHOP_KEY"]}}
    token = {"type": "http", "scheme": "bearer", "x-credential": {"env": ["SHOP_TOKEN"]}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "servers": [{"url": "https://things.example.com"}],
        "paths": {f"/{each['operationId']}": {"get": each} for each in operations},
        "components": {"securitySchemes": {"token": token, "key": key}},
    }


def only(folder: Path, *operations: dict[str, Any]) -> Path:
    """The workspace with this API alone."""
    (folder / "specs" / "shop.yaml").write_text(json.dumps(document(*operations)), encoding="utf-8")
    return folder


def told(outcome: Outcome) -> list[tuple[str, str]]:
    """What a run found: claim and sentence."""
    return [(violation.claim, violation.message) for violation in outcome.api.violations]


def test_no_credential_no_request_for_a_failure(runner: Runner, workspace: MakeWorkspace) -> None:
    """Where no credential can ask a sandbox for a failure, its claim is unknown, and what would settle it is said."""
    open_read = operation("readThing")
    open_read["responses"]["404"] = {"description": "No such thing."}

    outcome = runner.check(only(workspace(common=CHECKS), open_read))

    assert (told(outcome), outcome.defect) == ([], None)
    missing = outcome.claim("readThing/404")
    assert missing.verdict is Verdict.UNKNOWN
    assert "takes no credential" in str(missing.reason)
    assert "a contract test whose request is answered so would settle it" in str(missing.reason)


@pytest.mark.parametrize("profile", ["smoke", "standard"])
def test_an_optional_credential_is_no_duty(
    runner: Runner, workspace: MakeWorkspace, serve: Serve, profile: str
) -> None:
    """With an empty alternative, who asks without a credential is served: nothing bad is sent, nothing claimed."""
    server = serve(lambda _: answer(200, {"id": "t-1"}))
    folder = only(workspace(common=CHECKS), operation("readThing", security=[{"token": []}, {}]))

    outcome = runner.check(folder, server.url, profile=profile, environment=ENVIRONMENT)

    assert told(outcome) == []
    assert [claim.claim.id for claim in outcome.api.claims if claim.claim.id.endswith("/credentials")] == []
    assert outcome.claim("readThing/accepts").verdict is Verdict.PASS
    assert {got.headers.get("authorization") for got in server.received} == {"Bearer tok-alpha-0001"}


def test_another_alternative_lets_in(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """Where the token alone is enough, a call without the key may succeed; one with a bad token may not."""

    def by_token(got: Received) -> bytes:
        return (
            answer(200, {"id": "t-1"}) if got.headers.get("authorization") == "Bearer tok-alpha-0001" else answer(401)
        )

    security: list[dict[str, Any]] = [{"token": [], "key": []}, {"token": []}]
    folder = only(workspace(common=CHECKS), operation("readThing", security=security))

    outcome = runner.check(folder, serve(by_token).url, profile="standard", environment=ENVIRONMENT)
    open_to_all = serve(lambda _: answer(200, {"id": "t-1"}))
    broken = runner.check(folder, open_to_all.url, profile="standard", environment=ENVIRONMENT)

    assert told(outcome) == []
    assert outcome.claim("readThing/credentials").verdict is Verdict.PASS
    assert broken.claim("readThing/credentials").verdict is Verdict.FAIL
    assert not any("key" in sentence for _, sentence in told(broken) if "token" not in sentence)
    assert all("x-key" in got.headers for got in open_to_all.received if "authorization" in got.headers)


def test_links_that_cannot_be_walked_leave_claims_open(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """The run goes on, and the claims that a walk would have served say what is wrong with which link."""
    first, second = operation("listThings"), operation("readThing")
    second["responses"]["404"] = {"description": "No such thing."}
    link = {"operationId": "readThing", "parameters": {"query.of": "$request.header.X-Own"}}
    second["parameters"] = [{"name": "of", "in": "query", "schema": {"type": "string"}}]
    first["responses"]["200"]["links"] = {"own": link}
    server = serve(lambda _: answer(200, {"id": "t-1"}))
    folder = only(workspace(common=("test_conformance.py",)), first, second)

    outcome = runner.check(folder, server.url, profile="standard")

    assert (told(outcome), outcome.defect) == ([], None)
    assert outcome.claim("readThing/200").verdict is Verdict.PASS
    reason = str(outcome.claim("readThing/404").reason)
    assert reason.startswith("the links were not walked, since own of GET /listThings cannot be followed: ")
    assert "X-Own" in reason


def test_a_spent_budget_says_which_would_do(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """With the budget that the reasons name, the same run gets through: no claim gives the budget as a reason."""
    server = serve(lambda got: answer(200, {"id": "t-1"}) if got.headers.get("x-key") == "key-0004" else answer(401))
    many = [operation(f"readThing{number}", security=[{"key": []}]) for number in range(19)]
    for each in many:
        each["parameters"] = [{"name": "of", "in": "query", "schema": {"type": "integer", "minimum": 1}}]
    folder = only(workspace(common=CHECKS), *many)

    short = runner.check(folder, server.url, profile="standard", environment=ENVIRONMENT)
    reasons = {claim.reason for claim in short.api.claims if claim.reason and "budget" in claim.reason}

    (reason,) = reasons
    spent = re.fullmatch(
        r"the budget of 149 requests was used up before; --budget raises it, (\d+) would probably do", reason
    )
    assert spent is not None
    enough = runner.check(
        folder, server.url, profile="standard", environment=ENVIRONMENT, max_requests=int(spent[1]), hasty=True
    )
    assert [claim.reason for claim in enough.api.claims if claim.reason and "budget" in claim.reason] == []
    assert int(spent[1]) < 10 * enough.api.requests


def test_every_reason_about_the_budget_says_which_would_do(
    runner: Runner, workspace: MakeWorkspace, start: MakeRun
) -> None:
    """Also those of failures that a sandbox was to be asked for, and of claims whose contract test came too late."""
    secured = operation("readThing", security=[{"key": []}])
    secured["responses"]["404"] = {"description": "No such thing."}
    run = start("http://127.0.0.1:1")
    run.budget.exhausted = True

    outcome = runner.check(only(workspace(common=("test_access.py",)), secured), max_requests=2)
    run.explain("known-item-found", "the budget of 149 requests is used up; --budget raises it")

    missing = outcome.claim("readThing/404").reason
    played = next(claim.reason for claim in run.result().claims if claim.claim.id == "known-item-found")
    assert [str(reason).endswith(" would probably do") for reason in (missing, played)] == [True, True]


def test_a_small_selection_needs_more_than_was_spent() -> None:
    """What contract tests of one's own send is not known, so a budget that was used up is doubled at least."""
    assert PROFILES["smoke"].enough([], 39) == 80

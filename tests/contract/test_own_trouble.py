"""Trouble of our own is never shown as the provider's, and hides nothing that the provider really does wrong."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.conftest import TOKENS, MakeRun, Serve
from tests.loopback import Answer, Received, TurnedClock, answer

from specwatch.conformance import Facts
from specwatch.contract.blame import Cause, own_cause
from specwatch.contract.caller import Caller
from specwatch.errors import CannotTell, CredentialRefused, MissingCredential, NotAllowed, RateLimited, UsageError
from specwatch.spec import Api, load_api
from specwatch.values import Exchange, Request, Response, Timings
from specwatch.values.claim import Verdict

ITEM = {"id": "i-1", "name": "a cup"}
USED_UP = {"error": {"code": "used_up"}}
BAD_TOKEN = {"error": {"code": "bad_token"}}


def call(caller: Caller, times: int = 1, *, credentials: str = "account") -> str:
    """Read an item that often; the last reason why that did not work."""
    reason = ""
    for _ in range(times):
        with contextlib.suppress(UsageError):
            try:
                caller.call("getItem", path={"id": "i-1"}, credentials=credentials)
            except CannotTell as error:
                reason = str(error)
    return reason


@pytest.mark.parametrize(
    "said, reason",
    [
        (answer(401, BAD_TOKEN), "getItem answered 401 to our own credential"),
        (answer(401, b"<html>", headers={"Content-Type": "text/html"}), "getItem answered 401 to our own credential"),
        (answer(403, b""), "getItem answered 403 to our own credential"),
        (answer(402, b""), "getItem answered 402: our balance is used up"),
        (answer(401, USED_UP), "getItem answered 401: our balance is used up"),
        (answer(429, b"slow down", headers={"Retry-After": "99"}), "getItem answered 429 to our own account"),
        (answer(429, b"<html>"), "getItem answered 429 to our own account"),
        (None, "127.0.0.1 broke the protocol: Server disconnected without sending a response."),
        (b"SSH-2.0\r\n\r\n", "127.0.0.1 broke the protocol"),
    ],
)
def test_own_trouble_breaks_no_contract(serve: Serve, start: MakeRun, said: bytes | None, reason: str) -> None:
    """Refused, used up, limited or not understood: unknown, with its reason, and no violation."""
    run = start(serve(lambda _: said).url)

    assert call(Caller(run)).startswith(reason)

    result = run.result()
    assert (result.verdict, result.violations) == (Verdict.UNKNOWN, ())
    assert [line.startswith(reason) for line in result.trouble] == [True]
    found = next(each for each in result.claims if each.claim.id == "getItem/200")
    assert (found.verdict, str(found.reason).startswith(reason)) == (Verdict.UNKNOWN, True)


@pytest.mark.parametrize(
    "credentials, said, is_established",
    [
        ("account", answer(401, BAD_TOKEN), False),
        ("account", answer(429, b"slow down", headers={"Retry-After": "99"}), False),
        ("account", answer(400, USED_UP), False),
        ("absent", answer(401, BAD_TOKEN), False),
        ("account", answer(404, b""), True),
        ("account", answer(200, ITEM), True),
    ],
)
def test_refusals_establish_nothing(
    serve: Serve,
    start: MakeRun,
    credentials: str,
    said: bytes,
    is_established: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Only an answer about the request establishes anything: neither trouble of ours does nor a refusal that is due."""
    run = start(serve(lambda _: said).url)

    call(Caller(run), credentials=credentials)

    result = run.result()
    assert result.established is is_established
    assert result.verdict is (Verdict.PASS if is_established else Verdict.UNKNOWN)


@pytest.mark.parametrize("url", ["http://shop.invalid", "http://127.0.0.1:1"])
def test_nobody_there_breaks_no_contract(start: MakeRun, url: str) -> None:
    """Neither does a name that leads nowhere, or a port on which nobody listens."""
    run = start(url, send_credentials=True)

    assert call(Caller(run), credentials="absent").find("cannot be reached") > 0
    assert (run.result().verdict, run.result().violations) == (Verdict.UNKNOWN, ())


def test_a_broken_contract_beside_it_is_reported(serve: Serve, start: MakeRun) -> None:
    """Our credential is refused, and a call without one succeeds: only the second is the provider's doing."""
    server = serve(lambda got: answer(401, BAD_TOKEN) if "authorization" in got.headers else answer(200, ITEM))
    run = start(server.url)

    call(Caller(run))
    call(Caller(run), credentials="absent")

    assert [violation.claim for violation in run.result().violations] == ["getItem/credentials"]
    assert run.result().verdict is Verdict.FAIL


def test_a_limit_without_credential_is_ours(serve: Serve, start: MakeRun) -> None:
    """A rate limit counts requests, whoever sends them: an undocumented 429 is no violation there either."""
    run = start(serve(lambda _: answer(429, headers={"Retry-After": "99"})).url)

    assert call(Caller(run), credentials="absent") != ""
    assert run.result().violations == ()


def test_a_refusal_without_credential_is_theirs(serve: Serve, start: MakeRun) -> None:
    """An operation that asks for no credential has none that could be refused, so its 401 is undocumented."""
    run = start(serve(lambda _: answer(401, BAD_TOKEN)).url)

    Caller(run).call("getHealth")

    assert [violation.claim for violation in run.result().violations] == ["getHealth/status"]


@pytest.mark.parametrize("script, limit", [(lambda _: answer(401, BAD_TOKEN), 2), (lambda _: b"garbage\r\n\r\n", 3)])
def test_a_run_gives_up_early(serve: Serve, start: MakeRun, script: Callable[[Received], bytes], limit: int) -> None:
    """After two refusals, or three calls without an answer, nothing more is sent, and each reason stays."""
    server = serve(script)
    run = start(server.url)

    reason = call(Caller(run), 10)

    assert len(server.received) == limit
    assert reason != ""


def test_giving_up_is_per_account(serve: Serve, start: MakeRun) -> None:
    """A second account that is refused says nothing about the first, nor against the provider."""
    server = serve(lambda got: answer(200, ITEM) if "alpha" in got.headers["authorization"] else answer(401, BAD_TOKEN))
    run = start(server.url, {**TOKENS, "SHOP_TOKEN_2": "tok-beta-0002"})
    caller = Caller(run)

    assert call(caller, 5, credentials="second").startswith("the target refuses the credential of shop")
    assert call(caller) == ""
    assert call(caller) == ""

    assert len(server.received) == 4
    assert run.result().violations == ()


def test_a_refusal_in_between_is_a_contradiction(serve: Serve, start: MakeRun) -> None:
    """The same credential accepted, refused and accepted again cannot be a bad one: that is worth a warning."""
    said = iter([answer(200, ITEM), answer(401, BAD_TOKEN), answer(200, ITEM)])
    run = start(serve(lambda _: next(said)).url)

    call(Caller(run), 3)

    assert [(each.claim, each.level) for each in run.result().violations] == [("getItem/accepts", "inference")]


def test_a_long_pause_is_noted(serve: Serve, start: MakeRun, clock: TurnedClock) -> None:
    """Calls that are not sent because the target asked for peace say so."""
    server = serve(lambda _: answer(429, headers={"Retry-After": "600"}))
    run = start(server.url)

    call(Caller(run))
    with pytest.raises(RateLimited, match="another 600 s"):
        Caller(run).call("getItem", path={"id": "i-1"})

    assert len(server.received) == 1
    assert clock.slept == []


def test_no_cookie_stands_in_for_a_credential(serve: Serve, start: MakeRun) -> None:
    """What a server sets with a good credential is not sent along without one."""
    server = serve(lambda _: answer(200, ITEM, headers={"Set-Cookie": "session=1"}))

    call(Caller(start(server.url)), 2)

    assert [received.headers.get("cookie") for received in server.received] == [None, None]


def test_a_missing_credential_is_no_refusal(serve: Serve, start: MakeRun) -> None:
    """Without the variable nothing is sent, and the reason names it."""
    server = serve(lambda _: answer(200, ITEM))

    with pytest.raises(MissingCredential, match="SHOP_TOKEN or SHARED_TOKEN is not set"):
        Caller(start(server.url, {})).call("getItem", path={"id": "i-1"})
    assert server.received == []


@pytest.mark.parametrize(
    "url, options, reason",
    [
        ("https://shop.invalid", {}, "https://shop.invalid is no server of shop; --send-credentials sends"),
        ("http://shop.invalid", {"send_credentials": True}, "http://shop.invalid is not https"),
        ("https://shop.invalid", {"send_credentials": True}, "cannot be reached"),
        ("http://localhost:1", {}, "cannot be reached"),
    ],
)
def test_strangers_get_no_credential(start: MakeRun, url: str, options: dict[str, bool], reason: str) -> None:
    """A target that the spec does not name gets them by request and over https only, this machine always."""
    with pytest.raises(CannotTell, match=reason) as caught:
        Caller(start(url, **options)).call("getItem", path={"id": "i-1"})
    assert isinstance(caught.value, NotAllowed) == ("cannot be reached" not in reason)


@pytest.mark.parametrize("option", ["ca", "cert"])
def test_a_bad_certificate_file_is_told(start: MakeRun, option: str) -> None:
    """The option and the file are named before anything is sent."""
    with pytest.raises(UsageError, match=rf"--{option} /nowhere.pem: cannot be used"):
        start("https://localhost:1", **{option: "/nowhere.pem"})


def test_a_budget_of_nothing_sends_nothing(serve: Serve, start: MakeRun) -> None:
    """Zero is a budget, not the absence of one."""
    server = serve(lambda _: answer(200, ITEM))

    assert call(Caller(start(server.url, max_requests=0))).startswith("the budget of 0 requests is used up")
    assert server.received == []


def test_a_refused_credential_is_an_error(serve: Serve, start: MakeRun) -> None:
    """The kind of the error says what to mend."""
    run = start(serve(lambda _: answer(401, BAD_TOKEN)).url)
    with pytest.raises(CredentialRefused):
        Caller(run).call("getItem", path={"id": "i-1"})


def cut() -> Iterator[bytes]:
    """The beginning of an answer, after which the connection closes."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}"
    raise ConnectionError


def test_an_answer_cut_between_whole_ones_is_theirs(serve: Serve, start: MakeRun) -> None:
    """Where answers before and after arrive whole, one that breaks off is the target's doing: worth a warning."""
    said: Iterator[Answer] = iter([answer(200, ITEM), cut(), answer(200, ITEM)])
    run = start(serve(lambda _: next(said)).url)

    call(Caller(run), 3)

    assert [(each.claim, each.level) for each in run.result().violations] == [("getItem/delivery", "inference")]
    assert run.result().trouble == ()


def test_an_answer_cut_at_the_end_is_unknown(serve: Serve, start: MakeRun) -> None:
    """Where nothing arrives afterwards, the network may be to blame."""
    said: Iterator[Answer] = iter([answer(200, ITEM), cut()])
    run = start(serve(lambda _: next(said)).url)

    call(Caller(run), 2)

    assert run.result().violations == ()
    assert run.result().trouble != ()


def test_a_closed_connection_is_drift(serve: Serve, start: MakeRun) -> None:
    """A read whose connection closes without an answer is sent once more, and that is told."""
    said = iter([None, answer(200, ITEM)])
    run = start(serve(lambda _: next(said)).url)

    assert call(Caller(run)) == ""

    assert [(each.kind, each.name) for each in run.result().drift] == [("connection", "closed without an answer")]


def test_a_documented_state_speaks_of_our_credential(serve: Serve, start: MakeRun) -> None:
    """An error that is documented for a state of a credential is ours, whatever its status, until a call succeeds."""
    said = iter([answer(400, USED_UP), answer(200, ITEM), answer(400, USED_UP)])
    run = start(serve(lambda _: next(said)).url)
    caller = Caller(run)

    assert call(caller).startswith("getItem answered 400: our balance is used up")
    assert call(caller, 2) == ""


def test_a_spent_quota_is_not_asked_again(serve: Serve, start: MakeRun) -> None:
    """A 429 to a call that creates something ends such calls, since asking again would not bring the quota back."""
    server = serve(lambda _: answer(429))
    run = start(server.url, allow=("create", "consume", "paid"))

    for _ in range(4):
        with contextlib.suppress(CannotTell):
            Caller(run).call("makeItem", json={"name": "a cup"})

    assert len(server.received) == 1


def guarded(folder: Path, *statuses: str, states: object) -> Api:
    """An API with one operation that answers 200 and these statuses, each with an error code of two or of none."""
    codes = {"properties": {"error": {"properties": {"code": {"type": "string", "enum": ["unknown", "old"]}}}}}
    refusal = {"description": "No.", "content": {"application/json": {"schema": codes}}}
    responses = {"200": {"description": "Well."}, **dict.fromkeys(statuses, refusal)}
    operation = {"operationId": "getThing", "x-effect": "read", "security": [{"key": []}], "responses": responses}
    key = {"type": "apiKey", "in": "header", "name": "X-Key", "x-credential": {"env": ["KEY"], "states": states}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Guarded", "version": "1"},
        "servers": [{"url": "https://guarded.example.com"}],
        "x-error-code": "/error/code",
        "paths": {"/thing": {"get": operation}},
        "components": {"securitySchemes": {"key": key}},
    }
    path = folder / "guarded.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return load_api(path)


def said_to(api: Api, role: str, status: int, code: str | None) -> Facts:
    """An answer of that API to a credential in that role."""
    body = json.dumps({"error": {} if code is None else {"code": code}}).encode()
    exchange = Exchange(
        id="guarded-1",
        api=api.id,
        operation="getThing",
        target=api.servers[0],
        request=Request("GET", f"{api.servers[0]}/thing", (), b""),
        response=Response(status, (("Content-Type", "application/json"),), body),
        timings=Timings(0.0, 0.1),
        credentials={"key": role},
    )
    return Facts(api, api.operation("getThing"), exchange)


def expired(status: int, **code: str) -> object:
    """The state of a credential that is answered like this."""
    return {"expired": {"env": ["OLD_KEY"], "answer": {"status": status, **code}}}


@pytest.mark.parametrize(
    "responses, status, cause",
    [
        (["403"], 403, Cause.STATE),
        (["401"], 401, Cause.STATE),
        (["401", "403"], 401, Cause.STATE),
        (["401", "403"], 403, None),
    ],
)
def test_a_credential_that_should_be_expired_may_be_unknown(
    tmp_path: Path, responses: list[str], status: int, cause: Cause | None
) -> None:
    """A 401 says that a credential is unknown, or a 403 where no 401 is documented; a 403 beside a 401 does not."""
    api = guarded(tmp_path, *responses, states=expired(status, code="old"))

    assert own_cause(said_to(api, "expired", status, "unknown"), succeeded=False) is cause
    assert own_cause(said_to(api, "expired", status, "old"), succeeded=False) is None


@pytest.mark.parametrize("code", ["never heard of", None])
@pytest.mark.parametrize("has_code", [False, True])
def test_a_state_without_a_code_explains_no_code(tmp_path: Path, code: str | None, *, has_code: bool) -> None:
    """An undocumented error code may be that of a state only if the state is told by a code."""
    api = guarded(tmp_path, "400", states=expired(400, code="old") if has_code else expired(400))

    found = own_cause(said_to(api, "account", 400, code), succeeded=False)

    assert found is (Cause.CREDENTIAL if has_code else None)

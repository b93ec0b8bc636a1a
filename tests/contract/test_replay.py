"""Replays send what a report holds, exactly as it was, to nobody who did not allow it, and judge it as before."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.contract.conftest import TOKENS, MakeRun, Serve
from tests.loopback import Received, TurnedClock, answer, shop_api

from specwatch.contract.caller import Caller
from specwatch.contract.likeness import asked_again
from specwatch.contract.profile import PROFILES
from specwatch.contract.redraft import draft_of
from specwatch.contract.replay import (
    Attempt,
    Recording,
    Way,
    made_values,
    overall,
    send_again,
    way_of,
)
from specwatch.contract.run import ContractRun, Selection, Settings
from specwatch.errors import CannotTell
from specwatch.reports.har import to_har
from specwatch.reports.json_report import to_json
from specwatch.reports.read_back import read_back
from specwatch.spec import Api
from specwatch.transport.target import Kind, Target
from specwatch.values import Verdict, Violation

ALL = ("create", "consume", "paid")
WRONG = answer(299, b"")
"""A status that no operation of the shop documents."""

Record = Callable[..., Recording]
Script = Callable[[Received], bytes]


def always(said: bytes) -> Script:
    """A server that says one thing."""
    return lambda _: said


WRONGLY = always(WRONG)


@pytest.fixture
def record(api: Api, serve: Serve, clock: TurnedClock, tmp_path: Path) -> Record:
    """Makes a run of one call, writes its report and reads that back."""

    def make(operation: str, script: Script = WRONGLY, kind: str = "json", **call: Any) -> Recording:
        settings = Settings(
            Target(Kind.URL, serve(script).url), PROFILES["smoke"], environment=TOKENS, allow=ALL, seed=3
        )
        run = ContractRun(Selection((api,)), settings, clock=clock)
        with contextlib.closing(run), contextlib.suppress(CannotTell):
            Caller(run.apis["shop"]).call(operation, **call)
        result = run.result()
        path = tmp_path / f"run.{kind}"
        document = to_json(result) if kind == "json" else to_har(result.exchanges)
        path.write_text(json.dumps(document), encoding="utf-8")
        return read_back(path, {"shop": api}.get)

    return make


def status_of(recording: Recording) -> Violation:
    """The violation about the status."""
    return next(each for each in recording.violations if each.kind == "status")


def again(run: ContractRun, violation: Violation, *, trusted: bool = False) -> Attempt:
    """Replay by one request."""
    api = run.apis["shop"].api
    return send_again(run, violation, draft_of(violation, api, trusted=trusted))


@pytest.fixture
def begin(api: Api, clock: TurnedClock) -> Callable[..., ContractRun]:
    """A new run over the shop."""

    def make(url: str, environment: Mapping[str, str] = TOKENS, **options: Any) -> ContractRun:
        settings = Settings(Target(Kind.URL, url), PROFILES["smoke"], environment=environment, **options)
        return ContractRun(Selection((api,)), settings, clock=clock)

    return make


Begin = Callable[..., ContractRun]


@pytest.mark.parametrize("kind", ["json", "har"])
@pytest.mark.parametrize(
    "operation, call",
    [
        ("getItem", {"path": {"id": "i-1"}}),
        ("getItem", {"path": {"id": ".."}}),
        ("getItem", {"path": {"id": "a/b ☃ 50%?#"}}),
        ("getItem", {"path": {"id": ""}}),
        ("getItem", {"path": {"id": "i-1"}, "query": {"a": "1 & 2", "b": ""}}),
        ("getItem", {"path": {"id": "i-1"}, "headers": (("x-note", "one"), ("x-note", "two"), ("accept", "text/*"))}),
        ("getItem", {"path": {"id": "i-1"}, "credentials": "absent"}),
        ("getItem", {"path": {"id": "i-1"}, "credentials": "altered"}),
        ("getItem", {"path": {"id": "i-1"}, "credentials": "wrong_scheme"}),
        ("getPrice", {"path": {"id": "i-1"}, "credentials": {"key": "empty"}}),
        ("getPrice", {"path": {"id": "i-1"}, "credentials": {"client": "absent"}}),
        ("makeItem", {"json": {"name": "☃ \ud800 \x00"}}),
        ("makeItem", {"json": None}),
        ("makeItem", {"body": b"\xff\x00["}),
        ("makeItem", {"body": b"name=x", "headers": (("content-type", "application/x-www-form-urlencoded"),)}),
        ("takeItem", {"path": {"id": "i-1"}}),
        ("getHealth", {}),
    ],
)
def test_the_same_request_arrives(
    record: Record, begin: Begin, serve: Serve, operation: str, call: dict[str, Any], kind: str
) -> None:
    """Method, path, query, headers, body and credentials are those of the first time, and so is the finding."""
    arrived: list[Received] = []

    def script(received: Received) -> bytes:
        arrived.append(received)
        return WRONG

    violation = status_of(record(operation, script, kind, **call))
    run = begin(serve(script).url, allow=ALL)
    with contextlib.closing(run):
        attempt = again(run, violation, trusted=True)

    first, second = ({**vars(each), "headers": {**each.headers, "host": ""}} for each in arrived)
    assert first == second
    assert (attempt.verdict, attempt.found, attempt.same) == (Verdict.FAIL, "299", True)


@pytest.mark.parametrize(
    "now, verdict, found",
    [
        (WRONG, Verdict.FAIL, "299"),
        (answer(298, b""), Verdict.FAIL, "298"),
        (answer(200, {"id": "i-1", "name": "a cup"}), Verdict.PASS, "the claim is kept: status 200"),
        (answer(404, b""), Verdict.PASS, "the claim is kept: status 404"),
        (answer(402, b""), Verdict.UNKNOWN, "getItem answered 402: our balance is used up"),
        (answer(429, b"", headers={"Retry-After": "99"}), Verdict.UNKNOWN, "getItem answered 429 to our own account"),
    ],
)
def test_what_comes_now_decides(
    record: Record, begin: Begin, serve: Serve, now: bytes, verdict: Verdict, found: str
) -> None:
    """It fails still, or not any more, or our own trouble keeps us from telling."""
    violation = status_of(record("getItem", path={"id": "i-1"}))
    run = begin(serve(always(now)).url)
    with contextlib.closing(run):
        attempt = again(run, violation)

    assert attempt.verdict is verdict
    assert attempt.found.startswith(found)
    assert attempt.same is (found != "298")


def test_a_thing_that_was_made_may_be_gone(record: Record, begin: Begin, serve: Serve) -> None:
    """A path that names what the run made finds nothing later: that is said, and is no pass."""
    violation = status_of(record("getItem", path={"id": "made-7"}))
    run = begin(serve(always(answer(404, b""))).url)
    with contextlib.closing(run):
        attempt = again(run, violation)

    assert attempt.verdict is Verdict.UNKNOWN
    assert attempt.found == "status 404: id made-7 was made by an earlier call of the run and may be gone"


def test_an_answer_of_another_kind_tells_nothing(record: Record, begin: Begin, serve: Serve) -> None:
    """A claim about a 200 answer is neither kept nor broken by a 404."""
    recording = record("getItem", always(answer(200, {"id": "i-1"})), path={"id": "i-1"})
    (violation,) = [each for each in recording.violations if each.claim == "getItem/200"]
    run = begin(serve(always(answer(401, b""))).url)
    with contextlib.closing(run):
        attempt = again(run, violation)

    assert attempt.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "operation, call",
    [
        ("makeItem", {"json": {"name": "a cup"}, "refused": True}),
        ("takeItem", {"path": {"id": "i-1"}, "refused": True}),
        ("makeItem", {"json": {"name": "a cup"}}),
    ],
)
def test_a_report_allows_nothing(
    record: Record, begin: Begin, serve: Serve, operation: str, call: dict[str, Any]
) -> None:
    """What creates or consumes is not sent without --allow, even where the report says that it must be refused."""
    violation = status_of(record(operation, **call))
    server = serve(always(WRONG))
    run = begin(server.url)
    with contextlib.closing(run):
        attempt = again(run, violation)

    assert server.received == []
    assert attempt.verdict is Verdict.UNKNOWN
    assert "permits it" in attempt.found


@pytest.mark.parametrize(
    "call",
    [{"json": {"name": "a cup"}, "credentials": "altered", "refused": True}, {"json": {"name": 7}, "refused": True}],
    ids=["a bad credential", "a wrong body"],
)
def test_what_can_be_seen_to_be_refused_is_sent(
    record: Record, begin: Begin, serve: Serve, call: dict[str, Any]
) -> None:
    """A bad credential, or a request that the spec rules out, needs no permission, as in a check."""
    violation = status_of(record("makeItem", **call))
    server = serve(always(WRONG))
    run = begin(server.url)
    with contextlib.closing(run):
        again(run, violation)

    assert len(server.received) == 1


def test_credentials_come_from_the_environment(record: Record, begin: Begin, serve: Serve) -> None:
    """A report holds none: without the variable nothing is sent, with another value that one is."""
    violation = status_of(record("getItem", path={"id": "i-1"}))
    assert violation.exchange is not None
    assert not any(token in str(violation.exchange) for token in TOKENS.values())
    server = serve(always(WRONG))
    for environment in ({}, {"SHOP_TOKEN": "another-one"}):
        run = begin(server.url, environment)
        with contextlib.closing(run):
            attempt = again(run, violation)
        assert attempt.verdict is (Verdict.FAIL if environment else Verdict.UNKNOWN)

    assert [each.headers["authorization"] for each in server.received] == ["Bearer another-one"]


def edited(violation: Violation, **changes: Any) -> Violation:
    """A violation whose exchange was changed by hand."""
    assert violation.exchange is not None
    request = {name: changes.pop(name) for name in ("method", "url", "body", "headers") if name in changes}
    exchange = replace(violation.exchange, request=replace(violation.exchange.request, **request), **changes)
    return replace(violation, exchange=exchange)


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"url": "http://127.0.0.1/items/i-1/take"}, "is no path of getItem"),
        ({"url": "@elsewhere.example/items/i-1"}, "is no path of getItem"),
        ({"method": "POST"}, "getItem is a GET now, and was a POST"),
        ({"operation": "dropItem"}, "the spec of shop has no operation dropItem any more"),
        ({"credentials": {}}, "takes other credentials now"),
        ({"body": b"key=[secret]"}, "it held a secret, which reports leave out"),
    ],
)
def test_a_request_that_is_not_the_operations_is_not_sent(
    api: Api, record: Record, changes: dict[str, Any], told: str
) -> None:
    """What an edited report, or a changed spec, would make of it is said instead."""
    violation = edited(status_of(record("getItem", path={"id": "i-1"})), **changes)
    if "url" in changes:
        assert violation.exchange is not None
        violation = edited(violation, target="http://127.0.0.1")

    with pytest.raises(CannotTell, match=told):
        draft_of(violation, api)


OURS = {"token": "account"}
NAMED = (("content-type", "application/json"),)
NAME = b'{"name": "a cup"}'


@pytest.mark.parametrize(
    "operation, path, changes, told",
    [
        ("getItem", "/items/i-1", {"headers": (("X-HTTP-Method-Override", "DELETE"),)}, "declares no header X-HTTP"),
        ("getItem", "/items/i-1", {"headers": (("content-encoding", "gzip"),)}, "declares no header content-encoding"),
        ("getItem", "/items/i-1?_method=DELETE", {}, "declares no query parameter _method"),
        ("getItem", "/items/i-1", {"body": b"GET / HTTP/1.1"}, "getItem declares no body"),
        ("getItem", "/items/..", {}, "its path may lead elsewhere"),
        ("getItem", "/items/%2E", {}, "its path may lead elsewhere"),
        ("getItem", "/items/", {}, "its path may lead elsewhere"),
        ("getItem", "/items/i-1%2Ftake", {}, "its path may lead elsewhere"),
        ("getItem", "/items/%5C..%5Ctake", {}, "its path may lead elsewhere"),
        ("getItem", "/items/i-1%3Fa", {}, "its path may lead elsewhere"),
        ("getItem", "/items/i-1%23", {}, "its path may lead elsewhere"),
        ("getItem", "/items/i-1%0A", {}, "its path may lead elsewhere"),
        ("getItem", "/items/i-1\\take", {}, "is no path of getItem"),
        ("getItem", "/items/i-1#", {}, "is no path of getItem"),
        ("getItem", "/items/i-1\n", {}, "is no path of getItem"),
        ("takeItem", "/items/i-1/take", {"path_parameters": {}}, "permits it"),
        ("takeItem", "/items/i-1/take", {"path_parameters": {"id": ""}}, "permits it"),
        ("makeItem", "/items", {"headers": NAMED, "body": b"\xef\xbb\xbf" + NAME}, "permits it"),
        ("makeItem", "/items", {"headers": NAMED, "body": b'{"name": 7, "name": "a"}'}, "permits it"),
        ("makeItem", "/items", {"headers": NAMED, "body": b'{"name": "a", "name": 7}'}, "permits it"),
        ("makeItem", "/items", {"headers": NAMED, "body": b'{"name": "a", "x": NaN}'}, "permits it"),
        ("makeItem", "/items", {"headers": (*NAMED, *NAMED), "body": b"{}"}, "permits it"),
    ],
)
def test_an_edited_request_does_not_arrive(
    record: Record, begin: Begin, serve: Serve, operation: str, path: str, changes: dict[str, Any], told: str
) -> None:
    """With our credential nothing is sent that its operation does not declare, or that may arrive elsewhere."""
    server = serve(WRONGLY)
    violation = status_of(record(operation, **({"path": {"id": "i-1"}} if "{" in _path_of(operation) else {"json": 7})))
    changes = {"headers": (), "body": b"", "refused": True, "credentials": OURS, **changes}
    violation = edited(violation, url=f"{server.url}{path}", target=server.url, **changes)
    run = begin(server.url)
    with contextlib.closing(run):
        try:
            reason = again(run, violation).found
        except CannotTell as error:
            reason = str(error)

    assert server.received == []
    assert told in reason


def _path_of(operation: str) -> str:
    return shop_api().operation(operation).path


def test_an_odd_path_is_sent_without_our_credential(record: Record, begin: Begin, serve: Serve) -> None:
    """A claim about bad credentials can be replayed whatever the path holds; half of our value is as good as none."""
    server = serve(WRONGLY)
    violation = status_of(record("getItem", path={"id": ".."}, credentials="altered", refused=True))
    run = begin(server.url)
    with contextlib.closing(run):
        again(run, violation)

    assert [each.path for each in server.received] == ["/items/%2E%2E"]


@pytest.mark.parametrize("trusted", [True, False])
def test_a_credential_of_the_report_is_never_sent(record: Record, begin: Begin, serve: Serve, *, trusted: bool) -> None:
    """With the role absent nothing carries a credential, in whatever header the report has put one."""
    server = serve(WRONGLY)
    violation = status_of(record("makeItem", json={"name": "a cup"}, credentials="absent", refused=True))
    names = ("Authorization", "X-Client", "x-KEY", "Proxy-Authorization", "Cookie")
    violation = edited(violation, headers=(*NAMED, *((name, "tok-alpha-0009") for name in names)))
    run = begin(server.url)
    with contextlib.closing(run):
        again(run, violation, trusted=trusted)

    (arrived,) = server.received
    assert "tok-alpha-0009" not in arrived.headers.values()
    assert set(arrived.headers) == {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "user-agent",
    }


def test_parameters_are_read_from_the_url(record: Record, api: Api) -> None:
    """What a report says beside the URL is not what is sent, so it does not count."""
    violation = status_of(record("getItem", path={"id": "i 1"}, query={"a": "1"}))
    draft = draft_of(edited(violation, path_parameters={"id": "x"}, query={}), api, trusted=True)

    assert (draft.path_parameters, draft.query) == ({"id": "i 1"}, {"a": "1"})


def test_a_body_that_was_cut_is_not_sent(api: Api, record: Record) -> None:
    """A report holds the beginning of a long body only, and says so; a replay does not send half of it."""
    recording = record("makeItem", json={"name": "x" * 30_000})
    violation = status_of(recording)

    assert violation.exchange is not None
    assert violation.exchange.id in recording.cut
    with pytest.raises(CannotTell, match="its body was cut in the report"):
        draft_of(violation, api, cut=True)


def test_a_report_of_an_older_version_has_no_exchange(api: Api, record: Record) -> None:
    """Without what a replay needs, nothing is guessed."""
    with pytest.raises(CannotTell, match="the report has no exchange of it"):
        draft_of(replace(status_of(record("getHealth")), exchange=None), api)


def test_ids_are_those_of_the_report(record: Record, start: MakeRun, serve: Serve) -> None:
    """What is read back has the id that every run gives to the same finding."""
    run = start(serve(always(answer(200, {"id": "i-1"}))).url)
    Caller(run).call("getItem", path={"id": "i-1"})
    recording = record("getItem", always(answer(200, {"id": "i-1"})), path={"id": "i-1"})

    assert {each.id for each in recording.violations} == {each.id for each in run.result().violations}


def test_a_report_knows_its_run(record: Record) -> None:
    """Target, profile and seed are there to be used again."""
    recording = record("getHealth")

    assert recording.target.startswith("http://127.0.0.1:")
    assert (recording.profile, recording.seed, recording.faults) == ("smoke", 3, ())


@pytest.mark.parametrize(
    "operation, item, status, made",
    [
        ("getItem", "i-1", 299, []),
        ("getItem", "i-2", 299, []),
        ("getItem", "m-7", 299, ["id m-7"]),
        ("getItem", "m-7", 500, ["id m-7"]),
        ("getItem", "m-7", 404, []),
    ],
)
def test_what_a_run_made_is_known(
    api: Api, record: Record, operation: str, item: str, status: int, made: list[str]
) -> None:
    """Identifiers that neither the spec nor the settings name were made by the run, unless they must name nothing."""
    violation = status_of(record(operation, path={"id": item}))
    assert violation.exchange is not None
    exchange = replace(violation.exchange, response=replace(violation.exchange.response, status=status))

    known = {"items": ("i-1", "i-2")}
    assert made_values(replace(violation, exchange=exchange), api, known) == made


@pytest.mark.parametrize(
    "kind, item, fresh, way",
    [
        ("status", "i-1", True, Way.REQUEST),
        ("status", "m-7", False, Way.REQUEST),
        ("status", "m-7", True, Way.TEST),
        ("series", "i-1", False, Way.TEST),
        ("agreement", "i-1", False, Way.TEST),
        ("scenario", "i-1", False, Way.TEST),
        ("check", "i-1", False, Way.TEST),
    ],
)
def test_the_way_is_what_can_show_it(api: Api, record: Record, kind: str, item: str, *, fresh: bool, way: Way) -> None:
    """One request where one exchange shows it and can show it again, else the contract tests."""
    violation = replace(status_of(record("getItem", path={"id": item})), kind=kind)

    assert way_of(violation, api, {"items": ("i-1",)}, fresh=fresh)[0] is way


@pytest.mark.parametrize(
    "verdicts, verdict",
    [
        ("pass", Verdict.PASS),
        ("pass fail unknown", Verdict.FAIL),
        ("unknown pass", Verdict.PASS),
        ("unknown unknown", Verdict.UNKNOWN),
    ],
)
def test_several_tries_have_one_verdict(verdicts: str, verdict: Verdict) -> None:
    """One failure is enough; a claim that was kept once and never broken is kept; else nobody knows."""
    assert overall(tuple(Attempt(Verdict(each), "") for each in verdicts.split())) is verdict


def test_what_came_and_went_is_never_kept() -> None:
    """A failure that showed at some tries only may come again after any number of answers without it."""
    kept, failed = Attempt(Verdict.PASS, ""), Attempt(Verdict.FAIL, "")

    assert overall((kept, kept), sporadic=True) is Verdict.UNKNOWN
    assert overall((kept, failed), sporadic=True) is Verdict.FAIL


@pytest.mark.parametrize(
    "changes, kind, alike",
    [
        ({}, "status", True),
        ({"path_parameters": {"id": "x9-42"}}, "status", True),
        ({"path_parameters": {"id": ".."}}, "status", False),
        ({"credentials": {"token": "second"}}, "status", False),
        ({"credentials": {"token": "second"}}, "scenario", False),
        ({"operation": "takeItem"}, "scenario", False),
        ({"query": {"a": "1"}}, "status", False),
        ({"query": {"a": "1"}}, "scenario", True),
        ({"body": b'{"name": "a cup", "n": [1]}'}, "status", True),
        ({"body": b'{"name": "a cup", "n": []}'}, "status", False),
        ({"body": b'{"name": 7, "n": [3]}'}, "status", False),
        ({"body": b"{"}, "status", False),
    ],
)
def test_only_a_request_alike_asks_the_same(record: Record, changes: dict[str, Any], kind: str, *, alike: bool) -> None:
    """The same operation and roles; where one exchange shows it, parameters and bodies of the same shape, too."""
    violation = replace(status_of(record("getItem", path={"id": "i-1"})), kind=kind)
    violation = edited(violation, body=b'{"n": [5], "name": "b"}')
    other = edited(violation, **changes).exchange
    assert other is not None

    assert asked_again(violation, [other]) is alike
    assert asked_again(replace(violation, exchange=None), [])

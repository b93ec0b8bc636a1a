"""What contract tests call, and what arrives of it."""

from __future__ import annotations

import pytest
from tests.contract.conftest import MakeRun, Serve
from tests.loopback import answer

from specwatch.conformance import MISSING
from specwatch.contract.caller import Caller, ClaimBroken, expect
from specwatch.errors import CannotTell, MissingSetting
from specwatch.spec import Api
from specwatch.transport.draft import build_roles
from specwatch.transport.target import Kind, Target


@pytest.mark.parametrize(
    "item, path",
    [
        ("i-1", "/items/i-1"),
        ("..", "/items/%2E%2E"),
        (".", "/items/%2E"),
        ("a/b", "/items/a%2Fb"),
        ("{id}", "/items/%7Bid%7D"),
        ("50%", "/items/50%25"),
        ("☃ ?#", "/items/%E2%98%83%20%3F%23"),
        ("", "/items/"),
    ],
)
def test_identifiers_are_encoded(serve: Serve, start: MakeRun, item: str, path: str) -> None:
    """An identifier cannot lead to another operation, whatever is in it."""
    server = serve(lambda _: answer(404))

    Caller(start(server.url)).call("getItem", path={"id": item})

    assert server.paths == [path]


@pytest.mark.parametrize(
    "options, body",
    [
        ({}, b""),
        ({"json": None}, b"null"),
        ({"json": {"name": "☃"}}, '{"name": "☃"}'.encode()),
        ({"body": b"[{"}, b"[{"),
    ],
)
def test_a_body_arrives(serve: Serve, start: MakeRun, options: dict[str, object], body: bytes) -> None:
    """JSON, null included, or bytes as they are; with the media type that the spec names, where there is a body."""
    server = serve(lambda _: answer(400))

    Caller(start(server.url, allow=["create"])).call("makeItem", **options)  # type: ignore[arg-type]

    (received,) = server.received
    assert received.body == body
    assert received.headers.get("content-type") == ("application/json" if body else None)


def test_query_and_headers_arrive(serve: Serve, start: MakeRun) -> None:
    """Both as they were given; a header that was given is not added a second time."""
    server = serve(lambda _: answer(404))
    headers = (("Accept", "text/plain"), ("X-Note", "caf\xe9"))

    Caller(start(server.url)).call("getItem", path={"id": "i"}, query={"a b": "&"}, headers=headers)

    assert server.paths == ["/items/i?a+b=%26"]
    assert server.received[0].headers["accept"] == "text/plain"
    assert server.received[0].headers["x-note"] == "caf\xe9"


def test_roles_are_per_scheme(api: Api) -> None:
    """One role for all schemes, or one for each; a scheme that is not named is sent as our account."""
    price = api.operation("getPrice")

    assert build_roles(price, "absent") == {"client": "absent", "key": "absent"}
    assert build_roles(price, {"key": "altered"}) == {"client": "account", "key": "altered"}
    assert build_roles(api.operation("getHealth"), "absent") == {}


def test_a_role_is_sent_where_it_belongs(serve: Serve, start: MakeRun) -> None:
    """One of two credentials left out, the other sent."""
    server = serve(lambda _: answer(401, {"error": {"code": "bad_token"}}))

    Caller(start(server.url)).call("getPrice", path={"id": "i"}, credentials={"key": "absent"}, refused=True)

    assert server.received[0].headers["x-client"] == "client-0003"
    assert "x-key" not in server.received[0].headers


def test_a_path_parameter_is_needed(start: MakeRun) -> None:
    """A test that forgets it cannot tell anything."""
    with pytest.raises(CannotTell, match="getItem needs the path parameter id"):
        Caller(start("http://127.0.0.1:1")).call("getItem")


@pytest.mark.parametrize(
    "content, value", [(b'{"a": 1}', {"a": 1}), (b"null", None), (b"", MISSING), (b"<html>", MISSING)]
)
def test_a_reply_is_decoded(serve: Serve, start: MakeRun, content: bytes, value: object) -> None:
    """JSON as values, and a value of its own for what is none: null is JSON."""
    run = start(serve(lambda _: answer(404, content)).url)

    reply = Caller(run).call("getItem", path={"id": "i"})

    assert (reply.status, reply.json, reply.text) == (404, value, content.decode())
    assert str(reply) == f"status 404, {content.decode() or 'no body'}"


def test_known_identifiers_are_at_hand(start: MakeRun) -> None:
    """One, or a list of them."""
    caller = Caller(start("http://127.0.0.1:1"))

    assert caller.known("item") == "i-1"
    assert caller.known_list("items") == ["i-1", "i-2"]


def test_an_unknown_identifier_is_asked_for(start: MakeRun) -> None:
    """On a live account only what is configured is known, and the reason names the variable."""
    run = start("http://127.0.0.1:1")
    run.known.clear()

    with pytest.raises(MissingSetting, match="SHOP_ITEM is not set: the id of an item of yours"):
        Caller(run).known("item")
    assert Target(Kind.LIVE).name == "live"


def test_a_caller_knows_what_it_can(start: MakeRun) -> None:
    """Whether there is a credential of a role, for every scheme of an operation."""
    caller = Caller(start("http://127.0.0.1:1"))

    assert caller.can("getPrice", "account")
    assert not caller.can("getItem", "second")


def test_an_operation_that_is_none_is_told_with_the_nearest(start: MakeRun) -> None:
    """A misspelt operation is a mistake of the contract test; the complaint says which one was meant."""
    caller = Caller(start("http://127.0.0.1:9"))
    for ask in (lambda: caller.call("getItm"), lambda: caller.can("getItm", "account")):
        with pytest.raises(LookupError, match=r"^shop has no operation 'getItm'; did you mean 'getItem'\?$"):
            ask()


def test_an_expectation_says_both_sides() -> None:
    """What was expected, and what was found."""
    expect(1, "anything", "nothing")

    with pytest.raises(ClaimBroken, match="expected a cup, found a plate"):
        expect([], "a cup", "a plate")

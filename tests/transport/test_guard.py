"""What goes out, what comes back, and how the transport behaves when it is asked to slow down."""

from __future__ import annotations

import gzip
from urllib.parse import quote

import httpx
import pytest
from tests.loopback import TurnedClock, answer
from tests.transport.conftest import SECRETS, Guard, Serve

from specwatch.errors import InternalError, RateLimited
from specwatch.transport.guard import Limits, Pauses

SLOW_DOWN = answer(429, headers={"Retry-After": "7"})


def test_credentials_travel_and_stay_out(guard: Guard, serve: Serve) -> None:
    """They arrive at the server, and no exchange holds them."""
    server = serve(lambda _: answer(200, {"id": "i-1"}))
    guarded = guard(server.url)

    exchanges = [guarded.send(operation) for operation in ("getItem", "getPrice", "getHealth")]

    assert server.received[0].headers["authorization"] == "Bearer tok-alpha-0001"
    assert (server.received[1].headers["x-client"], server.received[1].headers["x-key"]) == ("client-0003", "key-0004")
    assert "authorization" not in server.received[2].headers
    assert ("authorization", "Bearer $SHOP_TOKEN") in exchanges[0].request.headers
    assert not any(secret in repr(exchanges) for secret in SECRETS.values())


@pytest.mark.parametrize(
    "item", ["%2E%2E", "..", "a%2Fb", "a%2fb", "%E2%98%83", "%F0%9F%A4%96", "a%20b+c", "~", "%7E", "%00", "a:b@c"]
)
def test_paths_arrive_as_they_are(guard: Guard, serve: Serve, item: str) -> None:
    """No dot is collapsed, no escape undone or added, and the exchange shows what was sent."""
    server = serve(lambda _: answer())
    guarded = guard(f"{server.url}/base")

    exchange = guarded.send("getItem", item)

    sent = quote(item, safe="%")
    assert server.paths == [f"/base/items/{sent}"]
    assert exchange.request.url == f"{server.url}/base/items/{sent}"


def test_an_answer_comes_back_whole(guard: Guard, serve: Serve) -> None:
    """Status, reason, repeated headers and what is not ASCII in them, and the body, decompressed."""
    headers = {"Content-Encoding": "gzip", "X-Word": "caf\xe9", "x-a": "1", "X-A": "2"}
    said = answer(299, gzip.compress(b'{"id": 1}'), headers=headers, reason="Fine").decode("latin-1")
    server = serve(lambda _: said.replace("caf\xc3\xa9", "caf\xe9").encode("latin-1"))

    response = guard(server.url).send("getItem").response

    assert (response.status, response.reason, response.body) == (299, "Fine", b'{"id": 1}')
    assert ("X-Word", "caf\xe9") in response.headers
    assert [pair for pair in response.headers if pair[0].lower() == "x-a"] == [("x-a", "1"), ("X-A", "2")]


def test_redirects_are_not_followed(guard: Guard, serve: Serve) -> None:
    """A redirect is an answer; following it could carry credentials elsewhere."""
    elsewhere = serve(lambda _: answer())
    server = serve(lambda _: answer(302, headers={"Location": f"{elsewhere.url}/items/i-1"}))

    assert guard(server.url).send("getItem").response.status == 302
    assert elsewhere.received == []


def test_phases_that_ran_are_measured(guard: Guard, serve: Serve) -> None:
    """The first call connects, the second reuses the connection, and neither speaks TLS."""
    guarded = guard(serve(lambda _: answer()).url)

    first, second = guarded.send("getItem"), guarded.send("getItem")

    assert set(first.timings.phases) == {"connect", "request", "processing", "transfer"}
    assert set(second.timings.phases) == {"request", "processing", "transfer"}


def test_durations_are_taken_from_the_clock(guard: Guard, clock: TurnedClock, serve: Serve) -> None:
    """A server that takes three seconds is said to have taken three seconds."""

    def slowly(_: object) -> bytes:
        clock.turn(3)
        return answer()

    timings = guard(serve(slowly).url).send("getItem").timings

    assert (timings.started_at, timings.total_seconds) == (1_700_000_000, 3)
    assert sum(timings.phases.values()) == 3


def test_a_read_waits_and_tries_again(guard: Guard, clock: TurnedClock, serve: Serve) -> None:
    """As long as the server asks for, and not longer."""
    said = iter([SLOW_DOWN, SLOW_DOWN, answer()])
    server = serve(lambda _: next(said))

    assert guard(server.url).send("getItem").response.status == 200
    assert clock.slept == [7, 7]


def test_three_tries_are_enough(guard: Guard, clock: TurnedClock, serve: Serve) -> None:
    """A server that always says 429, without saying for how long, is asked three times, ever more slowly."""
    server = serve(lambda _: answer(429))

    assert guard(server.url).send("getItem").response.status == 429
    assert len(server.received) == 3
    assert clock.slept == [1, 2]


def test_only_reads_are_tried_again(guard: Guard, clock: TurnedClock, serve: Serve) -> None:
    """What creates or uses up might have been done all the same, so it is sent once."""
    server = serve(lambda _: SLOW_DOWN)
    guarded = guard(server.url)

    assert guarded.send("makeItem").response.status == 429
    assert len(server.received) == 1
    assert clock.slept == []


def test_patience_has_an_end(guard: Guard, clock: TurnedClock, serve: Serve) -> None:
    """A wait longer than this run's patience is not waited for, and until it is over nothing more is sent."""
    server = serve(lambda _: answer(429, headers={"Retry-After": "600"}))
    guarded = guard(server.url)

    assert guarded.send("getItem").response.status == 429
    clock.turn(100)
    with pytest.raises(RateLimited, match="asked to be left alone for another 500 s"):
        guarded.send("getItem")
    assert len(server.received) == 1

    clock.turn(500)
    assert guarded.send("getItem").response.status == 429


def test_a_pause_belongs_to_a_credential(guard: Guard, serve: Serve) -> None:
    """Whoever comes with the same credential waits, in every API of that origin; another account does not."""
    server = serve(lambda _: SLOW_DOWN)
    pauses = Pauses()
    first = guard(f"{server.url}/one", pauses=pauses)
    other = guard(f"{server.url}/two", pauses=pauses, limits=Limits(patience_seconds=5))

    first.send("makeItem")

    other.send("makeItem", role="second")
    with pytest.raises(RateLimited):
        other.send("makeItem")
    assert len(server.received) == 2


def test_a_draft_is_needed(guard: Guard) -> None:
    """Nothing passes that does not say which operation it belongs to."""
    guarded = guard("http://127.0.0.1:1")

    with pytest.raises(InternalError, match="without a draft"):
        guarded.transport.handle_request(httpx.Request("GET", "http://127.0.0.1:1"))

"""One attempt against real servers: slow, refusing, endless, redirecting, encrypted, behind a proxy."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import trustme
from tests.integration.processes import until
from tests.loopback import Answer as Said
from tests.loopback import Received, Server, answer, refused_port

from specwatch import __version__
from specwatch.notify import Webhook, parse_address
from specwatch.notify.webhook import Answer
from specwatch.notify.worker import NAME
from specwatch.transport.wire import Proxies, Proxy

SECRET = "T0PS3CRET"


def post(url: str, *, proxies: Proxies | None = None, tls: ssl.SSLContext | None = None, seconds: float = 10) -> Answer:
    """One attempt to an address from the environment."""

    async def main() -> Answer:
        webhook = Webhook(parse_address(url, of_option=False), proxies or Proxies(), time.time, tls, seconds)
        try:
            return await webhook.post(b'{"a":1}')
        finally:
            await webhook.aclose()

    return asyncio.run(main())


def said(script: Callable[[Received], Said], path: str = f"/{SECRET}", seconds: float = 10) -> tuple[Answer, Server]:
    """What comes of an attempt at a server with that script."""
    with closing(Server(script)) as server:
        return post(f"{server.url}{path}", seconds=seconds), server


def test_a_message_is_posted_as_json() -> None:
    """To the whole address, with who sends it, with the password that belongs to it, and nothing of the environment."""
    with closing(Server(lambda _: answer(204, b""))) as server:
        url = server.url.replace("http://", "http://user:pass@")
        assert post(f"{url}/hook?key={SECRET}") == Answer(delivered=True)
    (received,) = server.received
    assert (received.method, received.path) == ("POST", f"/hook?key={SECRET}")
    assert json.loads(received.body) == {"a": 1}
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"] == f"specwatch/{__version__}"
    assert received.headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert "cookie" not in received.headers


@pytest.mark.parametrize(
    "status, doubtful, again",
    [
        (400, False, False),
        (404, False, False),
        (408, False, True),
        (425, False, True),
        (429, False, True),
        (500, True, True),
        (503, True, True),
    ],
)
def test_refusals_are_sorted(status: int, doubtful: bool, again: bool) -> None:  # noqa: FBT001
    """A server that fails may have taken it; a moment's refusal passes; others do not get better by repetition."""
    found, _ = said(lambda _: answer(status, b"no", headers={"Retry-After": "7"}))
    assert found == Answer(doubtful=doubtful, again=again, why=f"answered {status}", after=7.0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    """It would carry the message to whoever is named there."""
    with closing(Server(lambda _: answer())) as other:
        found, server = said(lambda _: answer(status, b"", headers={"Location": f"{other.url}/{SECRET}"}))
        assert other.received == []
    assert len(server.received) == 1
    assert (found.delivered, found.again) == (False, False)
    assert "redirects are not followed" in found.why
    assert SECRET not in found.why


def endless(_: Received) -> Iterator[bytes]:
    """An answer whose body never ends."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    yield from itertools.repeat(b"x" * 65536)


def dripping(_: Received) -> Iterator[bytes]:
    """An answer whose headers never end, one byte after the other."""
    yield b"HTTP/1.1 200 OK\r\n"
    pause = threading.Event()
    for number in itertools.count():
        pause.wait(0.02)
        yield f"X-{number}: y\r\n".encode()


def bloated(_: Received) -> Iterator[bytes]:
    """An answer whose headers are larger than anybody needs."""
    yield b"HTTP/1.1 200 OK\r\n"
    yield from itertools.repeat(b"X-Header: " + b"y" * 65536 + b"\r\n")


def test_a_huge_answer_is_not_read() -> None:
    """The status is all that counts."""
    found, _ = said(endless)
    assert found == Answer(delivered=True)


def test_headers_without_end_break_off() -> None:
    """However large they grow."""
    found, _ = said(bloated)
    assert (found.delivered, found.doubtful, found.again) == (False, True, True)
    assert found.why.startswith("broke off: ")


def silent(_: Received) -> Iterator[bytes]:
    """No answer for a while."""
    threading.Event().wait(2.0)
    yield b""


@pytest.mark.parametrize("script", [dripping, silent])
def test_an_attempt_has_one_bound_for_all_of_it(script: Callable[[Received], Said]) -> None:
    """Also where something comes all the time; it may have been taken."""
    began = time.monotonic()
    found, _ = said(script, seconds=0.3)
    assert found == Answer(doubtful=True, why="did not answer within 0.3 s")
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("script", [lambda _: None, lambda _: b"SSH-2.0-nothing\r\n\r\n"])
def test_no_http_is_an_answer_too(script: Callable[[Received], Said]) -> None:
    """Whoever hangs up, or speaks something else, may have taken it."""
    found, _ = said(script)
    assert (found.doubtful, found.again) == (True, True)


def test_nobody_there_is_certain() -> None:
    """What was never sent was not taken; the reason holds no part of the address."""
    found = post(f"http://127.0.0.1:{refused_port()}/{SECRET}")
    assert (found.delivered, found.doubtful, found.again) == (False, False, True)
    assert found.why.startswith("cannot be reached: ")
    assert SECRET not in found.why


def test_certificates_are_verified() -> None:
    """Only who is trusted gets the message, in either protocol's case nobody by default."""
    ca = trustme.CA()
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(serving)
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    with closing(Server(lambda _: answer(), tls=serving)) as server:
        refused = post(f"{server.url}/{SECRET}", tls=ssl.create_default_context())
        assert (refused.delivered, refused.doubtful) == (False, False)
        assert "certificate" in refused.why.lower()
        assert SECRET not in refused.why
        assert server.received == []
        assert post(f"{server.url}/{SECRET}", tls=trusting) == Answer(delivered=True)


def test_a_proxy_is_asked_where_there_is_one() -> None:
    """With its own password, and never for this machine."""
    with closing(Server(lambda _: answer())) as proxy:
        host, _, port = proxy.url.removeprefix("http://").partition(":")
        proxies = Proxies(http=Proxy(host, int(port), b"Basic eA=="))
        assert post("http://hooks.example.com/x", proxies=proxies) == Answer(delivered=True)
        (received,) = proxy.received
        assert received.path == "http://hooks.example.com/x"
        assert received.headers["proxy-authorization"] == "Basic eA=="
        with closing(Server(lambda _: answer())) as server:
            assert post(f"{server.url}/x", proxies=proxies) == Answer(delivered=True)
        assert len(proxy.received) == 1


# ------------------------------------------------------------------------------------ whoever sends, holds nobody up

TICK = 0.005
LATE = 0.05
TRIES = 5
"""Seconds; so late a tick comes only when something else kept the loop."""


def interim(_: Received) -> Iterator[bytes]:
    """Interim answers without end, in pieces as large as a socket takes them."""
    yield from itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 4096)


def blank(_: Received) -> Iterator[bytes]:
    """What is no answer, without end."""
    yield from itertools.repeat(b"\x00\xff\x1b[2J\n\n" * 4096)


def empty_lines(_: Received) -> Iterator[bytes]:
    """A head that never gets further than its first line, with headers of nothing."""
    yield b"HTTP/1.1 200 OK\r\n"
    yield from itertools.repeat(b"a:\r\n" * 4096)


@pytest.mark.parametrize("script", [interim, blank, empty_lines])
def test_what_is_taken_in_is_bounded(script: Callable[[Received], Said]) -> None:
    """The attempt ends by what came and not by the time, and the receiver may have taken the message."""
    found, _ = said(script, seconds=60)
    assert (found.delivered, found.doubtful, found.again) == (False, True, True)
    assert found.why.startswith("broke off: ")


def test_a_few_interim_answers_are_passed_over() -> None:
    """As RFC 9110, section 15.2, asks for."""
    found, _ = said(lambda _: b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5 + answer(204, b""))
    assert found == Answer(delivered=True)


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 99999999999999999999\r\n\r\nx",
        b"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nnot",
        b"Content-Length: 10\r\n\r\nbreaks",
    ],
)
def test_a_broken_body_changes_nothing(body: bytes) -> None:
    """The receiver has said that it took the message."""
    found, _ = said(lambda _: [b"HTTP/1.1 200 OK\r\n" + body])
    assert found == Answer(delivered=True)


async def late_ticks(url: str, attempts: int, seconds: float) -> float:
    """The share of a loop's ticks that came late while it had messages posted."""
    loop = asyncio.get_running_loop()
    webhook = Webhook(parse_address(url, of_option=False), Proxies(), time.time, seconds=seconds)

    async def post_all() -> None:
        for _ in range(attempts):
            assert not (await webhook.post(b"{}")).delivered

    posting = asyncio.create_task(post_all())
    late: list[bool] = []
    while not posting.done():
        due = loop.time() + TICK
        await asyncio.wait({posting}, timeout=TICK)
        late.append(loop.time() - due > LATE)
    await posting
    await webhook.aclose()
    return sum(late) / len(late)


@pytest.mark.parametrize("script", [interim, blank, empty_lines, dripping])
def test_ticks_are_met_whatever_the_receiver_sends(script: Callable[[Received], Said]) -> None:
    """No more of them are late than with a receiver that says nothing, in the same process a moment before.

    Other tests may take the machine away in one of both; work that is done in the loop is late each time.
    """

    async def main(quiet: str, loud: str) -> tuple[float, float]:
        return await late_ticks(quiet, 1, 0.3), await late_ticks(loud, 10, 0.1)

    tried: list[tuple[float, float]] = []
    with closing(Server(silent)) as quiet, closing(Server(script)) as loud:
        while not tried or (tried[-1][1] > tried[-1][0] + 0.2 and len(tried) < TRIES):
            tried.append(asyncio.run(main(quiet.url, loud.url)))
    assert tried[-1][1] <= tried[-1][0] + 0.2, tried


def test_the_work_is_done_in_another_thread() -> None:
    """The loop that asks for it spends no more on a receiver that floods it than on one that says nothing."""

    async def main(url: str) -> float:
        webhook = Webhook(parse_address(url, of_option=False), Proxies(), time.time, seconds=0.2)
        await webhook.post(b"{}")
        assert [thread.name for thread in threading.enumerate()].count(NAME) == 1
        began = time.thread_time()
        await webhook.post(b"{}")
        taken = time.thread_time() - began
        await webhook.aclose()
        return taken

    extra: list[float] = []
    with closing(Server(silent)) as quiet, closing(Server(empty_lines)) as loud:
        while not extra or (extra[-1] > 0.01 and len(extra) < TRIES):
            extra.append(asyncio.run(main(loud.url)) - asyncio.run(main(quiet.url)))
    assert extra[-1] <= 0.01, extra


def test_closing_ends_an_attempt_under_way() -> None:
    """It neither waits for the receiver nor leaves a thread, and afterwards nothing is sent."""

    async def main(server: Server) -> None:
        webhook = Webhook(parse_address(server.url, of_option=False), Proxies(), time.time, seconds=60)
        posting = asyncio.create_task(webhook.post(b"{}"))
        while not server.received:
            await asyncio.wait({posting}, timeout=0.01)
        posting.cancel()
        await webhook.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await webhook.post(b"{}")

    with closing(Server(dripping)) as server:
        asyncio.run(asyncio.wait_for(main(server), 50))
        assert len(server.received) == 1
    until("the thread is gone", lambda: NAME not in [thread.name for thread in threading.enumerate()])


def test_no_log_holds_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """Not even where somebody listens to all that the libraries say."""
    with caplog.at_level(logging.DEBUG):
        said(lambda _: answer(500), path=f"/{SECRET}?key={SECRET}")
    assert SECRET not in caplog.text

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
from tests.loopback import Answer as Said
from tests.loopback import Received, Server, answer, refused_port

from specwatch import __version__
from specwatch.notify import Webhook, parse_address
from specwatch.notify.webhook import Answer
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
    assert time.monotonic() - began < 5


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


def test_no_log_holds_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """Not even where somebody listens to all that the libraries say."""
    with caplog.at_level(logging.DEBUG):
        said(lambda _: answer(500), path=f"/{SECRET}?key={SECRET}")
    assert SECRET not in caplog.text

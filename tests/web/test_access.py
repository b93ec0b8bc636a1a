"""Who may ask for what: tokens, host names, other people's web pages, https, and clients that mean harm."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from specwatch.errors import UsageError
from specwatch.web import Listen, WebSettings, parse_listen
from specwatch.web import server as web_server
from specwatch.web.guard import change_refusal, host_name, is_loopback, token_matches
from specwatch.web.server import bind, load_tls

Browse = Callable[..., None]
PATHS = ("/", "/metrics", "/-/ready", "/probe?probe=read-item")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "authorization, status",
    [
        ("Bearer s3cret", 200),
        ("bearer s3cret", 200),
        ("Bearer s3cre", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("Bearer \xff", 401),
        ("", 401),
    ],
)
def test_a_token_opens_all_but_health(browse: Browse, path: str, authorization: str, status: int) -> None:
    """With a token configured only its bearer gets in, for each endpoint but the one for liveness."""

    async def use(client: httpx.AsyncClient) -> None:
        headers = [(b"authorization", authorization.encode("latin-1"))]
        answer = await client.get(path, headers=headers)
        assert answer.status_code == status
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert (await client.get("/-/healthy")).status_code == 200

    browse(use, token="s3cret")


def test_a_token_reloads_from_anywhere(browse: Browse, view: Any) -> None:
    """Whoever has the token may reload under any host name that is known; nobody else may."""

    async def use(client: httpx.AsyncClient) -> None:
        headers = {"authorization": "Bearer s3cret", "host": "probes.example.com"}
        assert (await client.post("/-/reload", headers=headers)).status_code == 200
        assert (await client.post("/-/reload")).status_code == 401

    browse(use, token="s3cret", names=frozenset({"probes.example.com"}))
    assert view.reloads == 1


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 200),
        ({"host": "localhost:1"}, 200),
        ({"host": "[::1]:9464"}, 200),
        ({"host": "probes.example.com"}, 403),
        ({"host": "192.0.2.1:9464"}, 403),
        ({"host": "localhost", "origin": "http://localhost"}, 200),
        ({"host": "localhost", "origin": "https://localhost"}, 403),
        ({"host": "localhost", "origin": "http://localhost:81"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"x-forwarded-for": "203.0.113.9"}, 403),
        ({"forwarded": "for=203.0.113.9"}, 403),
    ],
)
def test_only_this_machine_reloads_without_a_token(
    browse: Browse, view: Any, headers: dict[str, str], status: int
) -> None:
    """Neither a page of somebody else, nor a proxy's client, nor another name gets through."""

    async def use(client: httpx.AsyncClient) -> None:
        assert (await client.post("/-/reload", headers=headers)).status_code == status

    browse(use, names=frozenset({"probes.example.com"}))
    assert view.reloads == (status == 200)


@pytest.mark.parametrize("peer, refused", [("127.0.0.1", False), ("::1", False), ("192.0.2.7", True), ("", True)])
def test_the_peer_has_to_be_this_machine(peer: str, refused: bool) -> None:  # noqa: FBT001
    """Another machine may not reload, however it calls this one."""
    scope = {"type": "http", "scheme": "http", "client": (peer, 1) if peer else None}
    assert (change_refusal(scope, Headers({"host": "localhost"})) is not None) == refused


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_a_reload_is_a_post(browse: Browse, view: Any, method: str) -> None:
    """A link or an image cannot reload anything."""

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.request(method, "/-/reload")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")

    browse(use)
    assert view.reloads == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"])
def test_what_is_read_is_only_read(browse: Browse, method: str) -> None:
    """No other method than GET and HEAD does anything."""

    async def use(client: httpx.AsyncClient) -> None:
        for path in (*PATHS, "/-/healthy"):
            assert (await client.request(method, path)).status_code == 405

    browse(use)


@pytest.mark.parametrize(
    "host, status",
    [
        ("127.0.0.1", 200),
        ("192.0.2.1:80", 200),
        ("[2001:db8::1]", 200),
        ("LOCALHOST:9464", 200),
        ("localhost.", 200),
        ("Probes.Example.com:9464", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("user@localhost", 421),
        ("localhost:99999", 421),
        ("localhost/x", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_a_foreign_name_is_not_answered(browse: Browse, host: str, status: int) -> None:
    """A name that somebody else points at this machine leads nowhere (DNS rebinding); the answer says why."""

    async def use(client: httpx.AsyncClient) -> None:
        for path in (*PATHS, "/-/healthy"):
            answer = await client.get(path, headers={"host": host})
            assert answer.status_code == status
            assert status == 200 or "localhost" in answer.text

    browse(use, names=frozenset({"probes.example.com"}))


@given(host=st.text() | st.from_regex(r"[\[\]:@./0-9a-z]{1,30}"))
def test_any_host_is_read(host: str) -> None:
    """No header makes the check fail."""
    name = host_name(host)
    assert name is None or not is_loopback(name) or name[0] in "1:"


@given(value=st.text(st.characters(max_codepoint=255)))
def test_no_other_token_matches(value: str) -> None:
    """Only the token itself is taken, and any header can be compared."""
    assert not token_matches(Headers({"authorization": value}), "the-token-of-this-test")


def test_answers_are_kept_by_nobody_and_load_nothing(browse: Browse) -> None:
    """Each answer, refusals too, forbids storing it, framing it, guessing its type, and scripts."""

    async def use(client: httpx.AsyncClient) -> None:
        for path, host in ((PATHS[0], "localhost"), ("/nowhere", "localhost"), ("/", "evil.example")):
            headers = (await client.get(path, headers={"host": host})).headers
            assert headers["cache-control"] == "no-store"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers

    browse(use)


def test_https_is_spoken_with_certificate_and_key(browse: Browse, tmp_path: Path) -> None:
    """With both files there is https, and nothing else."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    issued.private_key_pem.write_to_path(key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    async def use(client: httpx.AsyncClient) -> None:
        assert client.base_url.scheme == "https"
        assert (await client.get("/metrics")).status_code == 200
        origin = str(client.base_url).rstrip("/")
        assert (await client.post("/-/reload", headers={"origin": origin})).status_code == 200
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://{client.base_url.netloc.decode()}/metrics")

    browse(use, certificate=chain, key=key, trust=trust)


def test_files_that_are_no_certificate_are_refused(tmp_path: Path) -> None:
    """A missing file, no PEM, and a key of another certificate are told by name, without a traceback."""
    first, second = trustme.CA().issue_cert("a.example"), trustme.CA().issue_cert("b.example")
    chain, key, junk = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "junk.pem"
    first.cert_chain_pems[0].write_to_path(chain)
    second.private_key_pem.write_to_path(key)
    junk.write_text("junk", encoding="utf-8")
    for certificate, private in ((chain, key), (junk, key), (tmp_path / "absent.pem", key), (chain, None)):
        with pytest.raises(UsageError, match=certificate.name):
            load_tls(certificate, private)


def test_a_port_in_use_is_told_with_a_way_out() -> None:
    """The problem names the option, the place and another choice."""
    with bind(Listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            bind(Listen("127.0.0.1", port))
    (problem,) = caught.value.problems
    assert problem.where == f"--listen 127.0.0.1:{port}"
    assert "in use" in problem.found
    assert "--listen 127.0.0.1:0" in problem.mend


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_foreign_address_cannot_be_listened_on(host: str) -> None:
    """An address of another machine and an unknown name are mistakes of the user, too."""
    with pytest.raises(UsageError, match=host):
        bind(Listen(host, 0))


@pytest.mark.parametrize(
    "text, listen",
    [
        ("127.0.0.1:9464", Listen("127.0.0.1", 9464)),
        ("[::1]:9464", Listen("::1", 9464)),
        ("0.0.0.0:0", Listen("0.0.0.0", 0)),  # noqa: S104 - said explicitly
        ("localhost:80", Listen("localhost", 80)),
        ("my-host.example:65535", Listen("my-host.example", 65535)),
    ],
)
def test_places_to_listen_are_read(text: str, listen: Listen) -> None:
    """Addresses of both families and names, each with a port, and written back as they were."""
    assert parse_listen(text) == listen
    assert str(parse_listen(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1"),
        *("::1:9464", "[::1]", "[::1:80", "[127.0.0.1]:80", "http://x:80", "300.1.1.1:80", "a b:80", "127.0.0.1:٣"),
    ],
)
def test_other_places_are_refused_with_an_example(text: str) -> None:
    """Whoever mistypes the option sees how it is written."""
    with pytest.raises(UsageError, match=r"\[::1\]:9464"):
        parse_listen(text)


def test_the_token_is_in_no_representation() -> None:
    """Settings can be logged."""
    assert "s3cret" not in repr(WebSettings(token="s3cret"))


async def say(client: httpx.AsyncClient, data: bytes) -> bytes:
    """Send raw bytes and read until the server hangs up."""
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


LOCAL = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    "data, status",
    [
        (b"POST /-/reload HTTP/1.1\r\n" + LOCAL + b"Content-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST /-/reload HTTP/1.1\r\n" + LOCAL + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", b"411"),
        (b"GET /metrics HTTP/1.1\r\n" + LOCAL + b"X: " + b"x" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n" + LOCAL + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"400"),
        (b"GET http://evil.example/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
    ],
    ids=["huge", "chunked", "headers", "line", "hostless", "hosts", "tls", "absolute"],
)
def test_hostile_requests_are_refused(browse: Browse, view: Any, data: bytes, status: bytes) -> None:
    """Large, malformed and misdirected requests get an answer of 400 and above, and the server goes on."""

    async def use(client: httpx.AsyncClient) -> None:
        wanted = data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
        answer = await say(client, wanted)
        assert answer.split(b" ")[1] == status
        assert (await client.get("/-/healthy")).status_code == 200

    browse(use)
    assert view.reloads == 0


def test_a_client_that_dawdles_is_hung_up_on(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that asks nothing, or never ends its question, is closed by the server."""
    monkeypatch.setattr(web_server, "PATIENCE", 0.05)

    async def use(client: httpx.AsyncClient) -> None:
        whole = b"GET /-/healthy HTTP/1.1\r\n" + LOCAL + b"\r\n"
        for data in (b"", b"GET / HTTP/1.1\r\nX-Slow: ", whole + b"GET / HTTP/1.1\r\n"):
            try:
                answer = await asyncio.wait_for(say(client, data), 60)
            except ConnectionResetError:
                answer = b""
            assert answer.count(b"HTTP/1.1 200") <= data.count(b"healthy")

    browse(use)


def test_connections_are_bounded(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    """One client cannot use up the descriptors that probing needs: those beyond the bound are dropped at once."""
    monkeypatch.setattr(web_server, "MAX_CONNECTIONS", 4)

    async def use(client: httpx.AsyncClient) -> None:
        url = client.base_url
        opened = [await asyncio.open_connection(url.host, url.port) for _ in range(8)]
        dropped = 0
        for reader, _ in opened[4:]:
            try:
                dropped += await asyncio.wait_for(reader.read(), 60) == b""
            except ConnectionResetError:
                dropped += 1
        assert dropped == 4
        for _, writer in opened:
            writer.close()

    browse(use)


def test_a_stop_does_not_wait_for_idle_clients(browse: Browse) -> None:
    """Open connections without a request keep nobody from stopping: they are closed."""
    idle: list[socket.socket] = []

    async def use(client: httpx.AsyncClient) -> None:
        idle.append(socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=60))
        assert (await client.get("/-/healthy")).status_code == 200

    browse(use)
    with idle.pop() as left:
        assert left.recv(1) == b""


def test_ipv6_is_served(browse: Browse) -> None:
    """A loopback address of version 6 works like one of version 4, reload included."""

    async def use(client: httpx.AsyncClient) -> None:
        assert client.base_url.host == "::1"
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.post("/-/reload")).status_code == 200

    browse(use, host="::1")

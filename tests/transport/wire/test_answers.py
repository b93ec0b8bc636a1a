"""What comes back from targets that behave, in all the forms that HTTP/1.1 allows."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile import OK, Peer, Script, bomb, says, serving, sized, then
from tests.transport.wire.conftest import AMPLE, CAPS, failed, fetched, network_of, request_to, run

from specwatch.transport.wire import ANSWER, Answer, Outgoing, Wire, WireError
from specwatch.transport.wire.decoding import decode
from specwatch.transport.wire.trouble import Broken
from specwatch.values.failure import Reason


def answer_of(script: Script, loop: str = "asyncio", **request: object) -> Answer:
    """The answer of a server with that script."""
    with serving(script) as server:
        return run(fetched(network_of(server), request_to(server, **request)), loop)  # type: ignore[arg-type]


def raw_deflate(data: bytes) -> bytes:
    """What some servers call deflate."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


def test_a_plain_answer_arrives_whole(loop: str) -> None:
    """Status, reason, headers in order and body are there, with the phases that ran and no other."""
    answer = answer_of(says(OK.replace(b"OK", b"Fine"), b"B: 2\r\nA: 1\r\nb: 3\r\nContent-Length: 4\r\n\r\nbody"), loop)

    assert (answer.response.status, answer.response.reason, answer.response.http_version) == (200, "Fine", "HTTP/1.1")
    assert answer.response.headers == (("b", "2"), ("a", "1"), ("b", "3"), ("content-length", "4"))
    assert answer.response.body == b"body"
    assert list(answer.timings.phases) == ["connect", "request", "processing", "transfer"]
    assert sum(answer.timings.phases.values()) <= answer.timings.total_seconds
    assert answer.certificate is None
    assert answer.wire_bytes == 62


@pytest.mark.parametrize(
    "said, body",
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n", b""),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", b"abc"),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"Content-Length: 3\r\n\r\nabc and more that nobody announced", b"abc"),
        (OK + b"\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + sized(b"abc"), b"abc"),
        (b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
def test_every_framing_is_read(said: bytes, body: bytes, loop: str) -> None:
    """Lengths, chunks, the end of the connection, interim answers: RFC 9112, section 6.3."""
    assert answer_of(says(said), loop).response.body == body


def test_a_redirect_is_an_answer() -> None:
    """Nothing is followed here."""
    answer = answer_of(says(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"))

    assert answer.response.status == 302


def test_a_head_has_no_body(loop: str) -> None:
    """The length in an answer to HEAD speaks of another answer."""
    answer = answer_of(says(OK, b"Content-Length: 1000\r\n\r\n"), loop, method="HEAD")

    assert (answer.response.body, answer.response.headers) == (b"", (("content-length", "1000"),))


def test_headers_are_read_as_latin_1_and_unfolded() -> None:
    """Bytes of headers are kept, and a folded one is a single line."""
    answer = answer_of(says(OK, b"X: caf\xe9\r\nY: one\r\n  two\r\nContent-Length: 0\r\n\r\n"))

    assert answer.response.headers[:2] == (("x", "café"), ("y", "one two"))


def test_what_is_sent_is_complete(loop: str) -> None:
    """Host, length, codings and the end of the connection are added where they are missing."""
    received: list[bytes] = []

    def script(peer: Peer) -> None:
        received.append(peer.read_request())
        peer.send(sized(b""))

    with serving(script) as server:
        outgoing = request_to(server, method="POST", headers=((b"X-Key", b"caf\xc3\xa9"),), body=b"{}")
        run(fetched(network_of(server), outgoing), loop)
        own = ((b"Host", b"other"), (b"Accept-Encoding", b"identity"), (b"Connection", b"x"), (b"Content-Length", b"9"))
        run(fetched(network_of(server), request_to(server, headers=own)), loop)

    assert received[0].split(b"\r\n") == [
        b"POST /thing?a=b HTTP/1.1",
        f"host: 127.0.0.1:{server.port}".encode(),
        b"X-Key: caf\xc3\xa9",
        b"accept-encoding: gzip, deflate",
        b"connection: close",
        b"content-length: 2",
        b"",
        b"{}",
    ]
    assert received[1].split(b"\r\n")[1:4] == [b"Host: other", b"Accept-Encoding: identity", b"Connection: x"]
    assert b"ontent-" not in received[1]


@pytest.mark.parametrize(
    "parts",
    [
        {"headers": ((b"X", b"a\r\nb"),)},
        {"headers": ((b"X Y", b"a"),)},
        {"target": b"/a b"},
        {"method": "G ET"},
    ],
)
def test_what_cannot_be_written_is_ours(parts: dict[str, object], loop: str) -> None:
    """A request that is no HTTP is our own defect, and nothing of it is sent or shown."""
    with serving(says(sized(b""))) as server:
        failure = run(failed(network_of(server), request_to(server, **parts)), loop)  # type: ignore[arg-type]

    assert (failure.reason, failure.local) == (Reason.INTERNAL, True)


def test_a_large_body_arrives(loop: str) -> None:
    """25 MB go out in order, and the phase `request` lasts until the last of them is written."""
    body = bytes(range(256)) * (25 << 12)

    def script(peer: Peer) -> None:
        head, _, got = peer.read_request().partition(b"\r\n\r\n")
        peer.send(sized(b"same" if got == body else b"other: " + head))

    answer = answer_of(script, loop, method="POST", body=body)

    assert answer.response.body == b"same"
    assert answer.timings.phases["request"] > answer.timings.phases["processing"] / 10


def test_an_answer_may_come_early(loop: str) -> None:
    """A target that refuses before it has read everything is heard, and it never processed anything."""

    def script(peer: Peer) -> None:
        peer.stream.recv(1000)
        peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        peer.stopped.wait(10)

    answer = answer_of(script, loop, method="POST", body=bytes(25 << 20))

    assert answer.response.status == 413
    assert list(answer.timings.phases) == ["connect", "request", "transfer"]


def test_slow_parts_count_for_their_phase(loop: str) -> None:
    """Waiting for the first byte is processing, an interim answer included; waiting for the last is transfer."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        peer.stopped.wait(0.4)
        peer.send(OK, b"Content-Length: 2\r\n\r\n")
        peer.stopped.wait(0.4)
        peer.send(b"ok")

    phases = answer_of(script, loop).timings.phases

    assert phases["processing"] >= 0.09
    assert phases["transfer"] >= 0.09


@given(data=st.binary(max_size=3000), codings=st.lists(st.sampled_from(sorted(CODERS)), max_size=2))
def test_decoding_undoes_coding(data: bytes, codings: list[str]) -> None:
    """What was coded in that order comes out as it went in; `identity` counts for nothing."""
    body = data
    for coding in codings:
        body = CODERS[coding](body)

    assert asyncio.run(decode(body, tuple(codings), CAPS)) == data


@given(data=st.binary(min_size=1, max_size=3000))
def test_deflate_without_its_header_is_taken(data: bytes) -> None:
    """Some servers leave out what RFC 1950 asks for."""
    assert asyncio.run(decode(raw_deflate(data), ("deflate",), CAPS)) == data


@given(parts=st.lists(st.binary(max_size=500), min_size=1, max_size=4), padding=st.integers(0, 20))
def test_gzip_may_have_members(parts: list[bytes], padding: int) -> None:
    """Several members are one body, and zeros behind them fill up a block (RFC 1952, section 2.2)."""
    coded = b"".join(gzip.compress(part) for part in parts) + bytes(padding)

    assert asyncio.run(decode(coded, ("gzip",), CAPS)) == b"".join(parts)


@given(data=st.binary(min_size=1, max_size=300), cut=st.integers(1, 20), coding=st.sampled_from(["gzip", "deflate"]))
def test_a_cut_body_never_decodes(data: bytes, cut: int, coding: str) -> None:
    """Whatever the length that is missing, a coded body that breaks off is a failure."""
    coded = CODERS[coding](data)
    with pytest.raises(Broken) as caught:
        asyncio.run(decode(coded[: max(1, len(coded) - cut)], (coding,), CAPS))

    assert caught.value.cause.reason is Reason.DECODE


def test_a_body_may_be_as_large_as_the_cap() -> None:
    """The cap is the largest size that is accepted."""
    assert len(asyncio.run(decode(bomb(CAPS.decoded_bytes), ("gzip",), CAPS))) == CAPS.decoded_bytes


def test_any_httpx_client_can_mount_it(loop: str) -> None:
    """An httpx client gets a decoded response, with the answer in its extensions."""

    async def one(base: str, wire: Wire) -> httpx.Response:
        async with httpx.AsyncClient(transport=wire) as client:
            return await client.post(f"{base}/items", json={"a": 1}, params={"q": "é"})

    received: list[bytes] = []

    def script(peer: Peer) -> None:
        received.append(peer.read_request())
        peer.send(sized(gzip.compress(b'{"b": 2}'), b"Content-Encoding: gzip", b"X: caf\xe9"))

    with serving(script) as server:
        response = run(one(f"http://127.0.0.1:{server.port}", Wire(network_of(server))), loop)

    assert received[0].startswith(b"POST /items?q=%C3%A9 HTTP/1.1\r\n")
    assert received[0].lower().count(b"content-length") == 1
    assert (response.json(), response.headers["x"], response.headers["content-length"]) == ({"b": 2}, "café", "8")
    answer = response.extensions[ANSWER]
    assert isinstance(answer, Answer)
    assert ("content-encoding", "gzip") in answer.response.headers


def test_httpx_sees_its_own_kind_of_error() -> None:
    """No answer is an `httpx.TransportError`; the client's timeout is the deadline of everything."""

    async def one(base: str, wire: Wire) -> WireError:
        async with httpx.AsyncClient(transport=wire, timeout=0.2) as client:
            with pytest.raises(httpx.TransportError) as caught:
                await client.get(base, extensions={"target": b"/%2E%2E"})
            assert isinstance(caught.value, WireError)
            return caught.value

    received: list[bytes] = []

    def script(peer: Peer) -> None:
        received.append(peer.read_request())
        peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n")

    with serving(script) as server:
        error = run(one(f"http://127.0.0.1:{server.port}", Wire(network_of(server))))

    assert error.failure.reason in {Reason.TIMEOUT, Reason.TOO_LARGE}
    assert error.request.method == "GET"
    assert received[0].startswith(b"GET /%2E%2E HTTP/1.1\r\n")


def test_requests_do_not_wait_for_each_other(loop: str) -> None:
    """Twenty at once, each with a connection of its own."""

    async def many(outgoing: Outgoing, wire: Wire) -> list[Answer]:
        return await asyncio.gather(*(wire.fetch(outgoing, seconds=AMPLE) for _ in range(20)))

    with serving(then(lambda peer: peer.send(sized(b"x")))) as server:
        answers = run(many(request_to(server), Wire(network_of(server))), loop)

        assert [answer.response.body for answer in answers] == [b"x"] * 20
        assert server.accepted == 20

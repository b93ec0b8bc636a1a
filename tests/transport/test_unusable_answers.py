"""No usable answer, for whatever reason, is `Unreachable`, and the reason says what happened."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator

import pytest
import trustme
from tests.loopback import Answer, Server, TurnedClock, answer, refused_port
from tests.transport.conftest import SECRETS, Guard, Guarded, Serve

from specwatch.errors import CannotTell, Unreachable
from specwatch.transport.guard import Limits

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMITS = Limits(total_seconds=5, body_bytes=1000)


def reason(guarded: Guarded) -> str:
    """Why a call found no answer."""
    with pytest.raises(Unreachable) as caught:
        guarded.send("getItem")
    return str(caught.value)


@pytest.mark.parametrize(
    "said, expected",
    [
        (None, "127.0.0.1 broke the protocol: Server disconnected without sending a response."),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "127.0.0.1 broke the protocol: illegal status line"),
        (b"\x00\x01\x02\x03\r\n\r\n", "127.0.0.1 broke the protocol"),
        (CHUNKED + b"zz\r\n", "127.0.0.1 broke the protocol: illegal chunk header"),
        (answer(200, b"no gzip", headers={"Content-Encoding": "gzip"}), "the answer of 127.0.0.1 cannot be decoded"),
        (answer(200, b"x" * 1001), "the answer is larger than 1000 bytes"),
        (answer(200, zlib.compress(b"x" * 1001), headers={"Content-Encoding": "deflate"}), "larger than 1000 bytes"),
    ],
)
def test_what_is_no_answer_is_told(guard: Guard, serve: Serve, said: bytes | None, expected: str) -> None:
    """Silence, another protocol, garbage, a body that is not what it says or more than anybody wants."""
    assert expected in reason(guard(serve(lambda _: said).url, limits=LIMITS))


def test_a_body_that_breaks_off_is_told(guard: Guard, serve: Serve) -> None:
    """Fewer bytes than were promised are no answer to judge."""

    def breaks_off(_: object) -> Iterator[bytes]:
        yield HEAD + b"only this"
        server.close()

    server = serve(breaks_off)

    assert "broke the protocol: peer closed connection without sending complete message body" in reason(
        guard(server.url)
    )


def test_a_dripping_body_is_cut_off(guard: Guard, clock: TurnedClock, serve: Serve) -> None:
    """Each byte comes in time, the whole does not: the time is for all of the answer."""

    def drips(_: object) -> Iterator[bytes]:
        yield HEAD
        for _second in range(100):
            clock.turn(1)
            yield b"x"

    assert reason(guard(serve(drips).url, limits=LIMITS)) == "the answer was not complete within 5 s"


def test_a_drip_that_decodes_to_nothing_is_cut_off(guard: Guard, clock: TurnedClock, serve: Serve) -> None:
    """Compressed bytes that never become text are looked at too."""
    empty = zlib.compressobj(wbits=31)
    start = empty.compress(b"") + empty.flush(zlib.Z_FULL_FLUSH)

    def drips(_: object) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + start
        for _second in range(100):
            clock.turn(1)
            yield b"\x00\x00\x00\xff\xff"

    assert reason(guard(serve(drips).url, limits=LIMITS)) == "the answer was not complete within 5 s"


def test_a_silent_server_is_told(guard: Guard, serve: Serve) -> None:
    """Nothing within the time is a timeout; the time here is real, and short."""

    def waits(_: object) -> Iterator[bytes]:
        import time

        time.sleep(1.5)
        yield b""

    guarded = guard(serve(waits).url, limits=Limits(total_seconds=0.3))

    assert reason(guarded) == "no answer from 127.0.0.1 in 0.3 s"


def test_a_closed_port_is_told(guard: Guard) -> None:
    """Nobody listens: the reason names host and port."""
    port = refused_port()

    assert reason(guard(f"http://127.0.0.1:{port}")).startswith(f"127.0.0.1:{port} cannot be reached: ")


def test_an_unknown_host_is_told(guard: Guard) -> None:
    """A name that leads nowhere, by the standard that reserves `.invalid` for it."""
    assert reason(guard("http://shop.invalid")).startswith("shop.invalid cannot be reached: ")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[Server]:
    """An https server on this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def well(_: object) -> Answer:
        return answer()

    server = Server(well, context)
    yield server
    server.close()


def test_a_foreign_certificate_is_told(guard: Guard, https: Server) -> None:
    """Without the right authority there is no talk, and no credential leaves."""
    assert "cannot be reached: the certificate of localhost is not trusted" in reason(guard(https.url))
    assert https.received == []


def test_a_trusted_certificate_is_accepted(guard: Guard, https: Server, authority: trustme.CA) -> None:
    """With the right authority it is answered, and the handshake has a phase of its own."""
    context = ssl.create_default_context()
    authority.configure_trust(context)

    exchange = guard(https.url, verify=context).send("getItem")

    assert exchange.response.status == 200
    assert "tls" in exchange.timings.phases


def test_an_unsendable_header_is_ours(guard: Guard, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential with a line break cannot be sent; the reason does not repeat it, and blames nobody else."""
    monkeypatch.setitem(SECRETS, "SHOP_TOKEN", "tok-\nalpha")

    with pytest.raises(CannotTell) as caught:
        guard(serve(lambda _: answer()).url).send("getItem")

    assert not isinstance(caught.value, Unreachable)
    assert "alpha" not in str(caught.value)

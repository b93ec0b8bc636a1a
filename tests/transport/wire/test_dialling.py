"""Names, addresses and proxies: where a connection leads, where it may not, and whose fault it is that it cannot."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile import HostileServer, Peer, Script, says, serving, sized, then
from tests.transport.wire.conftest import AMPLE, SECONDS, failed, fetched, network_of, request_to, run, server_context

from specwatch.errors import UsageError
from specwatch.transport.wire import (
    Network,
    Outgoing,
    Proxies,
    Proxy,
    Resolver,
    Wire,
    WireError,
    configured,
    is_public,
    proxies_from_environment,
    tls_context,
)
from specwatch.transport.wire.trouble import explain
from specwatch.values.failure import Reason

FINE = says(sized(b"fine"))


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """A server that answers."""
    with serving(FINE) as running:
        yield running


def names(**hosts: tuple[str, ...] | OSError) -> Resolver:
    """A resolver that knows these names under `.example`."""

    def look_up(host: str) -> tuple[str, ...]:
        found = hosts[host.removesuffix(".example")]
        if isinstance(found, OSError):
            raise found
        return found

    return Resolver(look_up)


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - to be refused
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_what_is_not_public_is_refused(address: str, loop: str) -> None:
    """An address of that kind is not talked to, as a literal and behind a name, and the message says why."""
    assert not is_public(ipaddress.ip_address(address))
    for host in (address, "a.example"):
        outgoing = Outgoing("GET", "http", host, 80, b"/")
        failure = run(failed(Network(), outgoing, resolver=names(a=(address,))), loop)
        assert failure.reason is Reason.CONNECT
        assert failure.message.endswith(
            f"leads to {address}, which is no public address; --resolve names it where it is meant"
        )
        assert "connect" not in failure.phases


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_what_is_public_may_be_talked_to(address: str) -> None:
    """Addresses that anybody can have."""
    assert is_public(ipaddress.ip_address(address))


@given(address=st.ip_addresses(v=4))
def test_wrapping_an_address_changes_nothing(address: ipaddress.IPv4Address) -> None:
    """Mapped into IPv6, behind a translator or by 6to4, an address is as public as it is."""
    number = int(address)
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | number)
    translated = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number)
    sixtofour = ipaddress.IPv6Address(0x2002 << 112 | number << 80)

    assert {is_public(mapped), is_public(translated), is_public(sixtofour)} == {is_public(address)}


def test_what_is_configured_is_allowed() -> None:
    """Addresses and `localhost` that the user named count; a name that may lead anywhere does not."""
    urls = ["http://127.0.0.1:8080/x", "https://[::1]/", "http://localhost", "http://a.example:80", "https://8.8.8.8"]

    assert configured(urls) == {("127.0.0.1", 8080), ("::1", 443), ("localhost", 80)}


def test_only_the_configured_port_is_allowed(server: HostileServer, loop: str) -> None:
    """Who configures one port of this machine does not mean the others."""
    network = Network(allowed=frozenset({("127.0.0.1", server.port + 1)}))

    assert run(failed(network, request_to(server)), loop).reason is Reason.CONNECT
    assert server.accepted == 0


def test_a_pinned_address_counts_as_configured(server: HostileServer, loop: str) -> None:
    """`--resolve` leads to its address, whatever it is, without a look-up and without that phase."""
    network = Network(resolve={("a.example", server.port): "127.0.0.1"})
    answer = run(fetched(network, request_to(server, host="a.example"), resolver=names()), loop)

    assert answer.response.body == b"fine"
    assert "resolve" not in answer.timings.phases


def test_a_mixed_name_leads_to_its_public_addresses_only(server: HostileServer) -> None:
    """A private address among public ones is left out, so that no name can smuggle it in."""
    outgoing = request_to(server, host="a.example")
    failure = run(failed(Network(), outgoing, 0.3, resolver=names(a=("127.0.0.1", "240.0.0.1", "::1"))))

    assert failure.reason is Reason.CONNECT
    assert server.accepted == 0


# ------------------------------------------------------------------------------------------------------------- look-ups


@pytest.mark.parametrize(
    "error, reason, local",
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Reason.DNS, False),
        (socket.gaierror(socket.EAI_NODATA, "no address"), Reason.DNS, False),
        (socket.gaierror(socket.EAI_FAIL, "failed"), Reason.DNS, False),
        (socket.gaierror(socket.EAI_AGAIN, "again"), Reason.DNS, True),
        (socket.gaierror(socket.EAI_SYSTEM, "system"), Reason.INTERNAL, True),
    ],
)
def test_a_failed_look_up_is_told(error: OSError, reason: Reason, local: bool, loop: str) -> None:  # noqa: FBT001
    """A name that nobody has is the target's; a name service that does not answer is ours."""
    failure = run(failed(Network(), Outgoing("GET", "http", "a.example", 80, b"/"), resolver=names(a=error)), loop)

    assert (failure.reason, failure.local, failure.phase) == (reason, local, "resolve")


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "-", "256.1.1.1"])
def test_an_impossible_name_has_no_address(host: str) -> None:
    """Whatever the system makes of it, it is a matter of names."""
    failure = run(failed(Network(), Outgoing("GET", "http", host, 80, b"/"), 10))

    assert failure.reason is Reason.DNS


def test_a_hanging_look_up_starves_nobody(server: HostileServer, loop: str) -> None:
    """A name that hangs runs out of time, as trouble near us; others are looked up meanwhile, and it only once."""
    release = threading.Event()
    asked: list[str] = []

    def look_up(host: str) -> tuple[str, ...]:
        asked.append(host)
        if host == "hangs.example":
            release.wait(timeout=60)
        return ("127.0.0.1",)

    async def several() -> list[WireError]:
        allowed = frozenset({("fine.example", server.port), ("hangs.example", server.port)})
        wire = Wire(Network(allowed=allowed), resolver=Resolver(look_up))
        hanging = [wire.fetch(request_to(server, host="hangs.example"), seconds=SECONDS) for _ in range(50)]
        tasks = [asyncio.create_task(each) for each in hanging]
        await asyncio.sleep(0)
        for _ in range(5):
            answer = await wire.fetch(request_to(server, host="fine.example"), seconds=AMPLE)
            assert answer.response.body == b"fine"
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await wire.aclose()
        return [result for result in results if isinstance(result, WireError)]

    try:
        errors = run(several(), loop)
    finally:
        release.set()

    assert asked.count("hangs.example") == 1
    found = {(each.failure.reason, each.failure.phase, each.failure.local) for each in errors}
    assert (len(errors), found) == (50, {(Reason.TIMEOUT, "resolve", True)})


def test_many_names_share_few_threads() -> None:
    """A thousand look-ups take as many threads as are busy at once, and they end when the resolver is closed."""
    before = threading.active_count()

    async def many() -> int:
        resolver = Resolver(lambda host: (host,))
        found = await asyncio.gather(*(resolver.resolve(f"h{number}") for number in range(1000)))
        assert found == [(f"h{number}",) for number in range(1000)]
        most = threading.active_count()
        resolver.close()
        return most

    assert run(many()) <= before + 32
    until = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < until:
        threading.Event().wait(0.01)
    assert threading.active_count() <= before


def test_a_dead_address_does_not_take_all_the_time(loop: str) -> None:
    """The first address never answers; the second gets its share of the time and does."""
    with socket.create_server(("127.0.0.2", 0), backlog=0) as full:
        port = full.getsockname()[1]
        clients = _fill(full)
        network = Network(allowed=frozenset({("a.example", port)}))
        outgoing = Outgoing("GET", "http", "a.example", port, b"/")
        with HostileServer(FINE, port=port):
            answer = run(fetched(network, outgoing, 1.6, resolver=names(a=("127.0.0.2", "127.0.0.1"))), loop)
        for client in clients:
            client.close()

    assert answer.response.body == b"fine"
    assert answer.timings.phases["connect"] > 0.7


def _fill(listener: socket.socket) -> list[socket.socket]:
    """Connections that nobody accepts, so that the next one is left without an answer."""
    clients = []
    for _ in range(8):
        client = socket.socket()
        client.settimeout(0)
        client.connect_ex(listener.getsockname())
        clients.append(client)
    return clients


def test_a_second_address_is_tried_when_the_first_refuses(server: HostileServer, loop: str) -> None:
    """In order, until one answers; where none does, what the target did counts more than what we lack."""
    network = network_of(server, resolve={})
    allowed = Network(allowed=network.allowed | {("a.example", server.port)})
    outgoing = request_to(server, host="a.example")

    answer = run(fetched(allowed, outgoing, resolver=names(a=("127.0.0.9", "127.0.0.1"))), loop)
    assert answer.response.body == b"fine"
    failure = run(failed(allowed, outgoing, resolver=names(a=("127.0.0.9", "255.255.255.255"))), loop)
    assert (failure.reason, failure.local) == (Reason.REFUSED, False)


@pytest.mark.parametrize(
    "number, reason, local",
    [
        (errno.ENETUNREACH, Reason.CONNECT, True),
        (errno.EHOSTUNREACH, Reason.CONNECT, True),
        (errno.EADDRNOTAVAIL, Reason.CONNECT, True),
        (errno.EACCES, Reason.CONNECT, True),
        (errno.EMFILE, Reason.INTERNAL, True),
        (errno.ENFILE, Reason.INTERNAL, True),
        (errno.ECONNREFUSED, Reason.REFUSED, False),
        (errno.ECONNRESET, Reason.RESET, False),
        (errno.EPIPE, Reason.RESET, False),
        (errno.ETIMEDOUT, Reason.TIMEOUT, False),
        (errno.EINVAL, Reason.CONNECT, False),
    ],
)
def test_errors_of_the_system_are_sorted(number: int, reason: Reason, local: bool) -> None:  # noqa: FBT001
    """What this machine lacks is told from what the target does."""
    cause = explain(OSError(number, "said"))

    assert (cause.reason, cause.local) == (reason, local)


def test_a_defect_of_ours_shows_no_data() -> None:
    """An error that nobody foresaw may quote what was sent; its text is not repeated."""
    cause = explain(ValueError("Bearer tok-alpha"))

    assert cause.reason is Reason.INTERNAL
    assert "alpha" not in cause.message


# -------------------------------------------------------------------------------------------------------------- proxies


def through(server: HostileServer, **parts: object) -> Network:
    """A network whose only way out is a proxy."""
    proxy = Proxy("127.0.0.1", server.port, b"Basic dG9rLWFscGhh")
    return Network(proxies=Proxies(proxy, proxy), **parts)  # type: ignore[arg-type]


def test_a_proxy_passes_on_plain_requests(loop: str) -> None:
    """It gets the whole URL and its own credentials; the name is its to look up."""
    received: list[bytes] = []

    def script(peer: Peer) -> None:
        received.append(peer.read_request())
        peer.send(sized(b"passed on"))

    with serving(script) as proxy:
        outgoing = Outgoing("GET", "http", "a.example", 8080, b"/x?y")
        answer = run(fetched(through(proxy), outgoing, resolver=names()), loop)

    assert answer.response.body == b"passed on"
    lines = received[0].split(b"\r\n")
    assert lines[:2] == [b"GET http://a.example:8080/x?y HTTP/1.1", b"host: a.example:8080"]
    assert b"proxy-authorization: Basic dG9rLWFscGhh" in lines


def test_a_proxy_opens_a_tunnel_for_tls(authority: trustme.CA, authority_file: Path, loop: str) -> None:
    """Through a tunnel TLS is spoken with the target, and the tunnel is part of the connection."""
    tls = server_context(authority.issue_cert("a.example"))
    received: list[bytes] = []

    def script(peer: Peer) -> None:
        received.append(peer.read_request())
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with tls.wrap_socket(peer.stream, server_side=True) as stream:
            inner = Peer(stream, peer.stopped)
            received.append(inner.read_request())
            inner.send(sized(b"through"))

    with serving(script) as proxy:
        network = through(proxy, tls=tls_context(str(authority_file)))
        answer = run(fetched(network, Outgoing("GET", "https", "a.example", 443, b"/x"), resolver=names()), loop)

    assert answer.response.body == b"through"
    assert list(answer.timings.phases) == ["connect", "tls", "request", "processing", "transfer"]
    assert received[0].startswith(b"CONNECT a.example:443 HTTP/1.1\r\n")
    assert b"proxy-authorization" in received[0]
    assert received[1].startswith(b"GET /x HTTP/1.1\r\n")
    assert b"proxy-authorization" not in received[1]


@pytest.mark.parametrize(
    "scheme, script",
    [
        ("https", says(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")),
        ("https", says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")),
        ("https", then(lambda peer: peer.stream.close())),
        ("http", says(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")),
    ],
)
def test_a_proxy_that_refuses_is_not_the_target(scheme: str, script: Script, loop: str) -> None:
    """What the proxy says of itself is trouble near us, and its credentials are in no message."""
    with serving(script) as proxy:
        outgoing = Outgoing("GET", scheme, "a.example", 443, b"/")
        failure = run(failed(through(proxy), outgoing, resolver=names()), loop)

    assert (failure.reason, failure.local) == (Reason.CONNECT, True)
    assert f"the proxy 127.0.0.1:{proxy.port}" in failure.message
    assert "dG9r" not in failure.message


def test_a_dead_proxy_is_not_the_target(loop: str) -> None:
    """Nobody listens where the proxy should be."""
    proxy = HostileServer(Peer.hang)
    proxy.close()
    failure = run(failed(through(proxy), Outgoing("GET", "http", "a.example", 80, b"/")), loop)

    assert (failure.reason, failure.local) == (Reason.REFUSED, True)
    assert failure.message == f"the proxy 127.0.0.1:{proxy.port} refuses connections"


def test_a_proxy_is_not_asked_for_private_addresses(loop: str) -> None:
    """An address that may not be talked to may not be talked to through others either."""
    with serving(FINE) as proxy:
        failure = run(failed(through(proxy), Outgoing("GET", "http", "169.254.169.254", 80, b"/")), loop)

        assert failure.reason is Reason.CONNECT
        assert proxy.accepted == 0


def test_proxies_come_from_the_environment() -> None:
    """Names in small letters win, a scheme may be missing, credentials are decoded and never shown."""
    proxies = proxies_from_environment(
        {
            "HTTP_PROXY": "http://other:1",
            "http_proxy": "http://us%40er:p%3Ass@proxy.example:3128/",
            "HTTPS_PROXY": "proxy.example",
            "NO_PROXY": " .Internal.example, 10.0.0.0/8 ,b.example:8443, [2001:db8::1]:80,",
        }
    )

    assert proxies.http == Proxy("proxy.example", 3128, b"Basic dXNAZXI6cDpzcw==")
    assert proxies.https == Proxy("proxy.example", 80)
    assert "dXNA" not in repr(proxies)
    for scheme, host, port, direct in [
        ("http", "a.example", 80, False),
        ("http", "internal.example", 80, True),
        ("http", "x.internal.example.", 80, True),
        ("http", "notinternal.example", 80, False),
        ("http", "10.9.8.7", 80, True),
        ("http", "11.9.8.7", 80, False),
        ("https", "b.example", 8443, True),
        ("https", "b.example", 443, False),
        ("http", "2001:db8::1", 80, True),
        ("http", "localhost", 80, True),
        ("http", "127.0.0.1", 80, True),
        ("https", "::1", 80, True),
    ]:
        assert (proxies.choose(scheme, host, port) is None) is direct, host


def test_no_proxy_for_anybody() -> None:
    """A star switches them off; without variables there is none; ALL_PROXY stands in for both."""
    assert proxies_from_environment({}) == Proxies()
    star = proxies_from_environment({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"})
    assert (star.http, star.https) == (Proxy("p", 1), Proxy("p", 1))
    assert star.choose("http", "a.example", 80) is None


@pytest.mark.parametrize(
    "value", ["socks5://user:tok-alpha@p:1", "https://tok-alpha@p", "http://p:tok-alpha", "http://"]
)
def test_other_proxies_are_refused_without_repeating_them(value: str) -> None:
    """A user's mistake is told by the variable's name: its value may hold a password."""
    with pytest.raises(UsageError) as caught:
        proxies_from_environment({"HTTPS_PROXY": value})

    assert str(caught.value).startswith("HTTPS_PROXY: names no http proxy")
    assert "alpha" not in str(caught.value)

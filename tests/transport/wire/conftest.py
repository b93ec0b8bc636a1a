"""Fetching in tests: one request, on either event loop, with its own bound of time."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme
import uvloop
from tests.hostile import HostileServer

from specwatch.transport.wire import Answer, Caps, Network, Outgoing, Resolver, Wire, WireError
from specwatch.values.failure import Failure

Result = TypeVar("Result")

CAPS = Caps(wire_bytes=4 << 20, decoded_bytes=2 << 20)
SECONDS = 0.4
AMPLE = 30.0
"""Time for a request that does not need it: whoever runs into this has hung."""

SLACK = 40.0
"""How much later than its deadline a request may end on a machine that is busy with other tests."""


def run(work: Coroutine[Any, Any, Result], loop: str = "asyncio") -> Result:
    """Run on an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if loop == "uvloop" else None) as runner:
        return runner.run(work)


def request_to(server: HostileServer, *, method: str = "GET", scheme: str = "http", **parts: Any) -> Outgoing:
    """A request to a server of ours."""
    target = parts.pop("target", b"/thing?a=b")
    host = parts.pop("host", server.host)
    return Outgoing(method, scheme, host, parts.pop("port", server.port), target, **parts)


def network_of(*servers: HostileServer, **parts: Any) -> Network:
    """A network in which these servers may be talked to."""
    hosts = {(host, server.port) for server in servers for host in (server.host, "localhost")}
    return Network(allowed=frozenset(hosts), **parts)


async def fetched(network: Network, outgoing: Outgoing, seconds: float = AMPLE, **parts: Any) -> Answer:
    """The answer to one request."""
    wire = Wire(network, parts.pop("caps", CAPS), **parts)
    try:
        return await wire.fetch(outgoing, seconds=seconds)
    finally:
        await wire.aclose()


async def failed(network: Network, outgoing: Outgoing, seconds: float = AMPLE, **parts: Any) -> Failure:
    """Why one request led to nothing, and that it ended in time."""
    started = time.monotonic()
    with pytest.raises(WireError) as caught:
        await fetched(network, outgoing, seconds, **parts)
    failure = caught.value.failure
    assert time.monotonic() - started < seconds + SLACK
    assert str(caught.value) == failure.message
    assert "{" not in failure.message
    return failure


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    """Both event loops that specwatch runs on."""
    return str(request.param)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that is trusted."""
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its certificate, in a file."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """TLS for a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def resolving(**hosts: tuple[str, ...]) -> Resolver:
    """A resolver that knows some names."""
    return Resolver(lambda host: hosts[host.replace(".", "_")])

"""Whatever a target does: one class of failure per cause, in its phase, within the time, and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hostile import (
    BROKEN_OFF,
    ENDLESS,
    GARBAGE,
    HANGING_UP,
    SILENT,
    UNDECODABLE,
    HostileServer,
    Peer,
    Script,
    says,
    serving,
    sized,
    then,
)
from tests.transport.wire.conftest import AMPLE, SECONDS, failed, fetched, network_of, request_to, run

from specwatch.transport.wire import Caps, Wire, WireError
from specwatch.values.failure import Failure, Reason

PROCESSING_ONLY = {"no answer"}


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def failure_of(script: Script, loop: str, seconds: float = AMPLE, caps: Caps | None = None) -> Failure:
    """Why a request to a server with that script leads to nothing."""

    async def one(server: HostileServer) -> Failure:
        parts = {} if caps is None else {"caps": caps}
        return await failed(network_of(server), request_to(server), seconds, **parts)

    with serving(script) as server:
        return run(one(server), loop)


@pytest.mark.parametrize("name", SILENT)
def test_one_deadline_ends_what_only_waits(name: str, loop: str) -> None:
    """A target that keeps one waiting is a timeout, in the phase that it never got out of."""
    failure = failure_of(SILENT[name], loop, SECONDS)

    assert failure.reason is Reason.TIMEOUT
    assert failure.phase == ("processing" if name in PROCESSING_ONLY else "transfer")
    assert failure.seconds >= SECONDS * 0.9
    assert list(failure.phases)[:2] == ["connect", "request"]


@pytest.mark.parametrize("name", ENDLESS)
def test_caps_end_what_never_has_enough(name: str, loop: str) -> None:
    """More than anybody wants is too large, and costs no more memory than the caps."""
    tracemalloc.start()
    try:
        failure = failure_of(ENDLESS[name], loop)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (failure.reason, failure.phase) == (Reason.TOO_LARGE, "transfer")
    assert peak < 24 << 20


@pytest.mark.parametrize("name", BROKEN_OFF)
def test_an_answer_that_breaks_off_is_truncated(name: str, loop: str) -> None:
    """Fewer bytes than were promised are no answer."""
    assert failure_of(BROKEN_OFF[name], loop).reason is Reason.TRUNCATED


@pytest.mark.parametrize("name", HANGING_UP)
def test_who_hangs_up_resets(name: str, loop: str) -> None:
    """A connection that is closed without a byte, or broken at any time, is a reset."""
    failure = failure_of(HANGING_UP[name], loop)

    assert failure.reason is Reason.RESET
    assert not failure.local


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_not_http_breaks_the_protocol(name: str, loop: str) -> None:
    """Whatever is no HTTP/1.1 is told at once, without repeating what was sent."""
    failure = failure_of(GARBAGE[name], loop)

    assert failure.reason is Reason.PROTOCOL
    assert failure.phase in {"processing", "transfer"}
    assert failure.seconds < AMPLE / 2


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_cannot_be_decoded_is_told(name: str, loop: str) -> None:
    """A body that is not what its coding says is a failure of its own, after the transfer."""
    failure = failure_of(UNDECODABLE[name], loop)

    assert (failure.reason, failure.phase) == (Reason.DECODE, "transfer")
    assert "transfer" in failure.phases


def test_a_flood_of_tiny_chunks_keeps_nobody(loop: str) -> None:
    """While one target floods us with one-byte chunks, others are answered as if nothing was."""

    async def both(flooding: HostileServer, honest: HostileServer) -> None:
        network = network_of(flooding, honest)
        flood = asyncio.create_task(failed(network, request_to(flooding), 3.0))
        for _ in range(5):
            assert (await fetched(network, request_to(honest), 2.9)).response.body == b"fine"
        assert (await flood).reason in {Reason.TIMEOUT, Reason.TOO_LARGE}

    flood = then(
        lambda peer: peer.flood(b"1\r\nx\r\n" * 8192), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with serving(flood) as flooding, serving(says(sized(b"fine"))) as honest:
        run(both(flooding, honest), loop)


def test_a_request_that_is_not_taken_runs_out_of_time(loop: str) -> None:
    """A target that does not read leaves the request unwritten: the phase says so."""

    async def one(server: HostileServer) -> Failure:
        outgoing = request_to(server, method="POST", body=bytes(25 << 20))
        return await failed(network_of(server), outgoing, SECONDS)

    def takes_nothing(peer: Peer) -> None:
        peer.stopped.wait(10)

    with serving(takes_nothing) as server:
        failure = run(one(server), loop)

    assert (failure.reason, failure.phase) == (Reason.TIMEOUT, "request")


def test_a_dead_port_refuses(loop: str) -> None:
    """Nobody listens: refused, while connecting."""

    async def one(server: HostileServer) -> Failure:
        return await failed(network_of(server), request_to(server))

    server = HostileServer(Peer.hang)
    server.close()
    failure = run(one(server), loop)

    assert (failure.reason, failure.phase) == (Reason.REFUSED, "connect")
    assert list(failure.phases) == ["connect"]
    assert failure.message == f"127.0.0.1:{server.port} refuses connections"


def test_nothing_stays_behind(loop: str) -> None:
    """After every misbehaviour, and after requests that were cancelled midway, no descriptor is left open."""
    everything = {**SILENT, **BROKEN_OFF, **HANGING_UP, **GARBAGE, **UNDECODABLE}

    async def all_of_them(servers: list[HostileServer]) -> None:
        wire = Wire(network_of(*servers))
        for _ in range(2):
            tasks = [asyncio.create_task(wire.fetch(request_to(server), seconds=0.2)) for server in servers]
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, WireError) for result in results)
        for delay in (0, 0.001, 0.05):
            tasks = [asyncio.create_task(wire.fetch(request_to(server), seconds=5)) for server in servers]
            await asyncio.sleep(delay)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await wire.aclose()
        await asyncio.sleep(0.01)

    before = descriptors()
    servers = [HostileServer(script) for script in everything.values()]
    try:
        run(all_of_them(servers), loop)
    finally:
        for server in servers:
            server.close()

    assert descriptors() <= before + 2  # an event loop of its own may leave its self-pipe to the collector


def test_no_message_repeats_what_was_sent(loop: str) -> None:
    """A target may echo a secret in any place; a piece of one in a message could not be found and removed later."""
    secret = b"tok-alpha-0001"
    places = (
        secret,
        b"HTTP/1.1 " + secret + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + secret + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + secret + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + b"\r\n",
        sized(b"x", b"Content-Encoding: " + secret),
    )
    for place in places:
        assert "alpha" not in failure_of(says(place), loop).message


def test_a_machine_without_descriptors_is_not_an_outage(loop: str) -> None:
    """When this process may open nothing more, that is internal and local, and not the target's."""

    async def one(server: HostileServer) -> Failure:
        with no_descriptors_left():
            return await failed(network_of(server), request_to(server))

    with serving(Peer.hang) as server:
        failure = run(one(server), loop)

    assert (failure.reason, failure.local) == (Reason.INTERNAL, True)


@contextlib.contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Every descriptor that this process may have is in use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in taken:
            os.close(each)


def test_a_process_that_stood_still_does_not_blame_the_target() -> None:
    """A deadline that is noticed a second late is trouble of our own, and no timeout of the target."""

    async def stalled(server: HostileServer) -> Failure:
        asyncio.get_running_loop().call_later(0.05, time.sleep, SECONDS + 1.2)
        return await failed(network_of(server), request_to(server), SECONDS)

    with serving(SILENT["no answer"]) as server:
        failure = run(stalled(server))

    assert failure.reason is Reason.INTERNAL
    assert failure.local
    assert "stood still" in failure.message

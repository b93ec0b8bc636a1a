"""A guarded transport in front of a server of ours, and a clock to turn."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.loopback import Answer, Received, Server, TurnedClock, shop_api

from specwatch.errors import CannotTell
from specwatch.spec import Api
from specwatch.transport.budget import RunBudget
from specwatch.transport.draft import EXCHANGE, EXTENSION, Draft
from specwatch.transport.guard import GuardedTransport, Limits, Pauses
from specwatch.transport.permission import Permission
from specwatch.transport.wallet import Wallet
from specwatch.values.exchange import Exchange

SECRETS = {
    "SHOP_TOKEN": "tok-alpha-0001",
    "SHOP_TOKEN_2": "tok-beta-0002",
    "SHOP_CLIENT": "client-0003",
    "SHOP_KEY": "key-0004",
}


@dataclass
class Guarded:
    """A guarded transport, and what is needed to send through it."""

    api: Api
    base: str
    clock: TurnedClock
    budget: RunBudget = field(default_factory=lambda: RunBudget(20))
    permission: Permission = field(default_factory=lambda: Permission(everything=True))
    limits: Limits = field(default_factory=Limits)
    pauses: Pauses = field(default_factory=Pauses)
    verify: ssl.SSLContext | bool = True

    def __post_init__(self) -> None:
        """Build the transport."""
        self.transport = GuardedTransport(
            httpx.HTTPTransport(verify=self.verify),
            api=self.api.id,
            base=self.base,
            wallet=Wallet(self.api, SECRETS),
            budget=self.budget,
            permission=self.permission,
            limits=self.limits,
            pauses=self.pauses,
            clock=self.clock,
        )

    def send(
        self, operation: str, item: str = "i-1", *, role: str = "account", body: bytes = b"", refused: bool = False
    ) -> Exchange:
        """Send a call, all of whose credentials have that role."""
        found = self.api.operation(operation)
        path = found.path.replace("{id}", quote(item, safe="%"))
        roles = dict.fromkeys(found.security, role)
        draft = Draft(found, path, body=body, roles=roles, path_parameters={"id": item}, refused=refused)
        url = httpx.URL(self.base)
        extensions = {EXTENSION: draft, "target": url.raw_path.rstrip(b"/") + path.encode()}
        request = httpx.Request(found.method, url, content=body, extensions=extensions)
        exchange: Exchange = self.transport.handle_request(request).extensions[EXCHANGE]
        return exchange


Serve = Callable[[Callable[[Received], Answer]], Server]


@pytest.fixture(scope="session")
def api() -> Api:
    """The shop."""
    return shop_api()


@pytest.fixture
def clock() -> TurnedClock:
    """A clock that stands still."""
    return TurnedClock()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """A `CannotTell` that a test does not expect is a failure here; pytest would take it for a skip."""
    try:
        return (yield)
    except CannotTell as error:
        raise AssertionError(f"{type(error).__name__}: {error}") from error


Guard = Callable[..., Guarded]


@pytest.fixture
def guard(api: Api, clock: TurnedClock) -> Iterator[Guard]:
    """Makes guarded transports for a base URL, and closes them."""
    made: list[Guarded] = []

    def make(base: str, **options: Any) -> Guarded:
        made.append(Guarded(api, base, clock, **options))
        return made[-1]

    yield make
    for guarded in made:
        guarded.transport.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that follow a script, and stops them."""
    running: list[Server] = []

    def start(script: Callable[[Received], Answer]) -> Server:
        running.append(Server(script))
        return running[-1]

    yield start
    for server in running:
        server.close()

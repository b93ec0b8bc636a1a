"""The courier: what goes out on whose credentials and budget, what never does, and what is learned from the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import httpx
import pytest
from tests.loopback import Received, Server, TurnedClock, answer
from tests.transport.conftest import SECRETS, Serve

from specwatch.errors import BudgetSpent, CannotTell, InternalError, MissingCredential, NotAllowed, RateLimited
from specwatch.spec import Api
from specwatch.transport.budget import DailyBudget, RunBudget
from specwatch.transport.courier import TERMS, Courier, Terms
from specwatch.transport.draft import EXCHANGE, EXTENSION, Draft
from specwatch.transport.permission import Permission
from specwatch.transport.rate_limit import RateLimits
from specwatch.transport.wallet import Wallet
from specwatch.transport.wire import Network, Wire, WireError, configured
from specwatch.values import Exchange, Reason

T = TypeVar("T")

OK = answer(200, {"id": "i-1", "name": "a cup"})


@dataclass
class Setup:
    """A courier in front of a server, and what it works with."""

    api: Api
    base: str
    clock: TurnedClock
    environment: dict[str, str] = field(default_factory=lambda: dict(SECRETS))
    sandbox: bool = False
    withheld: str | None = None
    limits: RateLimits | None = None
    budget: Any = None
    permission: Permission = field(default_factory=lambda: Permission(everything=True))

    def __post_init__(self) -> None:
        """Build it."""
        self.budget = self.budget or RunBudget(20)
        self.limits = self.limits or RateLimits(self.clock.now)
        wallet = Wallet(self.api, self.environment, sandbox=self.sandbox, withheld=self.withheld)
        wire = Wire(Network(allowed=configured([self.base])))
        self.courier = Courier(wire, api=self.api, base=self.base, wallet=wallet, limits=self.limits)

    @property
    def terms(self) -> Terms:
        """On what terms it sends."""
        return Terms(self.budget, self.permission)

    def draft(self, operation: str = "getItem", role: str = "account", **more: Any) -> Draft:
        """A request, all of whose credentials have a role."""
        found = self.api.operation(operation)
        roles = more.pop("roles", None) or dict.fromkeys(found.security, role)
        return Draft(found, found.path.replace("{id}", "i-1"), roles=roles, **more)

    def send(self, operation: str = "getItem", role: str = "account", **more: Any) -> Exchange:
        """Send it."""
        draft = self.draft(operation, role, **more)
        return run(self.courier.deliver(draft, self.terms, 5.0))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on a loop of its own."""
    return asyncio.run(work)


Make = Callable[..., Setup]


@pytest.fixture
def setup(api: Api, clock: TurnedClock) -> Make:
    """Makes couriers."""

    def make(base: str, **options: Any) -> Setup:
        return Setup(api, base, clock, **options)

    return make


def saying(*answers: bytes) -> Callable[[Received], bytes]:
    """A script of answers, the last one again and again."""
    left = list(answers)
    return lambda _received: left.pop(0) if len(left) > 1 else left[0]


# ------------------------------------------------------------------------------------------------------- credentials


def test_a_request_carries_the_credential_of_the_account(serve: Serve, setup: Make) -> None:
    """The value goes over the wire; the exchange shows the name of its variable."""
    server = serve(saying(OK))
    exchange = setup(server.url).send()
    assert server.received[0].headers["authorization"] == "Bearer tok-alpha-0001"
    assert ("authorization", "Bearer $SHOP_TOKEN") in exchange.request.headers
    assert "tok-alpha-0001" not in repr(exchange)


@pytest.mark.parametrize(
    "role, sent",
    [
        ("second", "Bearer tok-beta-0002"),
        ("absent", None),
        ("empty", "Bearer"),
        ("altered", "Bearer tok-alpxa-0001"),
        ("truncated", "Bearer tok-alp"),
        ("extended", "Bearer tok-alpha-0001x"),
        ("wrong_scheme", "Basic tok-alpha-0001"),
    ],
)
def test_a_role_decides_what_is_sent(serve: Serve, setup: Make, role: str, sent: str | None) -> None:
    """Each role has its own value, and the exchange remembers the role."""
    server = serve(saying(OK))
    exchange = setup(server.url).send(role=role)
    assert server.received[0].headers.get("authorization") == sent
    assert exchange.credentials == {"token": role}


def test_each_scheme_has_its_own_role(serve: Serve, setup: Make) -> None:
    """Of two credentials one can be wrong and the other right."""
    server = serve(saying(OK))
    setup(server.url).send("getPrice", roles={"client": "account", "key": "absent"})
    assert server.received[0].headers["x-client"] == "client-0003"
    assert "x-key" not in server.received[0].headers


def test_a_header_of_the_draft_replaces_no_credential(serve: Serve, setup: Make) -> None:
    """A workflow cannot smuggle a second value in beside the credential."""
    server = serve(saying(OK))
    setup(server.url).send(headers=(("Authorization", "Bearer mine"), ("x-trace", "1")))
    assert server.received[0].headers["authorization"] == "Bearer tok-alpha-0001"
    assert server.received[0].headers["x-trace"] == "1"


def test_a_missing_credential_sends_nothing(serve: Serve, setup: Make) -> None:
    """The reason names the variables that would do, and no budget is spent."""
    server = serve(saying(OK))
    made = setup(server.url, environment={})
    with pytest.raises(MissingCredential, match="SHOP_TOKEN or SHARED_TOKEN is not set"):
        made.send()
    assert server.received == []
    assert made.budget.requests == 0


def test_a_credential_that_is_withheld_is_not_sent(serve: Serve, setup: Make) -> None:
    """A target that must not have it gets requests without it only."""
    server = serve(saying(OK))
    made = setup(server.url, withheld="no server of shop")
    with pytest.raises(NotAllowed, match="no server of shop"):
        made.send()
    made.send(role="absent")
    assert [each.headers.get("authorization") for each in server.received] == [None]


def test_values_beyond_latin_1_travel_as_utf_8(serve: Serve, setup: Make) -> None:
    """A header that a workflow makes of an answer may hold anything."""
    server = serve(saying(OK))
    setup(server.url).send(headers=(("x-name", "Tässchen ☕"),))
    assert server.received[0].headers["x-name"].encode("latin-1").decode("utf-8") == "Tässchen ☕"


# ------------------------------------------------------------------------------------------------- budget, permission


def test_a_request_is_paid_before_it_is_sent(serve: Serve, setup: Make) -> None:
    """While the server has the request, it is booked already."""
    booked: list[int] = []

    def script(_received: Received) -> bytes:
        booked.append(made.budget.requests)
        return OK

    made = setup(serve(script).url)
    made.send()
    assert booked == [1]


def test_an_empty_budget_sends_nothing(serve: Serve, setup: Make, clock: TurnedClock) -> None:
    """What today's budget does not cover is not sent; tomorrow's is another."""
    server = serve(saying(OK))
    made = setup(server.url, budget=DailyBudget(clock.now, max_requests=1))
    made.send()
    with pytest.raises(BudgetSpent):
        made.send()
    assert len(server.received) == 1
    clock.turn(86_400)
    made.send()
    assert len(server.received) == 2


def test_a_price_is_paid_with_the_request(serve: Serve, setup: Make) -> None:
    """What `x-cost` says; a call that is documented to be refused costs nothing."""
    made = setup(serve(saying(OK, answer(401))).url)
    made.send("getPrice")
    assert made.budget.cost == 0.1
    made.send("getPrice", "altered", refused=True)
    assert (made.budget.cost, made.budget.requests) == (0.1, 2)


def test_a_call_that_should_have_been_refused_and_was_not_is_charged(serve: Serve, setup: Make) -> None:
    """It was served, so it was paid for; and it is not asked again where it was not allowed."""
    made = setup(serve(saying(OK)).url, permission=Permission())
    made.send("getPrice", "altered", refused=True)
    assert made.budget.cost == 0.1
    with pytest.raises(NotAllowed, match="accepted what it promises to refuse"):
        made.send("getPrice", "altered", refused=True)


def test_a_request_without_an_answer_is_paid_all_the_same(serve: Serve, setup: Make) -> None:
    """Nobody knows whether it counted."""
    made = setup(serve(lambda _received: None).url)
    with pytest.raises(WireError) as caught:
        made.send("getPrice")
    assert caught.value.failure.reason in {Reason.RESET, Reason.TRUNCATED, Reason.PROTOCOL}
    assert (made.budget.requests, made.budget.cost) == (1, 0.1)


@pytest.mark.parametrize("operation", ["makeItem", "takeItem", "getPrice"])
def test_what_was_not_allowed_is_not_sent(serve: Serve, setup: Make, operation: str) -> None:
    """Effects and prices need permission, each probe its own; no budget is spent without it."""
    server = serve(saying(OK))
    made = setup(server.url, permission=Permission())
    with pytest.raises(NotAllowed):
        made.send(operation)
    assert (server.received, made.budget.requests) == ([], 0)
    made.permission = Permission({"create", "consume", "paid"})
    made.send(operation)
    assert len(server.received) == 1


# ------------------------------------------------------------------------------------------------------------ pauses


def test_429_pauses_the_place(serve: Serve, setup: Make, clock: TurnedClock) -> None:
    """Nothing more is sent with that credential until Retry-After is over."""
    server = serve(saying(answer(429, headers={"Retry-After": "60"}), OK))
    made = setup(server.url)
    assert made.send().own_trouble
    with pytest.raises(RateLimited, match="another 60 s"):
        made.send()
    assert made.budget.requests == 1
    clock.turn(60)
    made.send()
    assert len(server.received) == 2


def test_a_pause_is_of_an_origin_with_a_credential(serve: Serve, setup: Make) -> None:
    """Another credential, and none at all, are other places; another courier of the same place is not."""
    server = serve(saying(answer(429, headers={"Retry-After": "60"}), OK))
    made = setup(server.url)
    made.send()
    made.send(role="second")
    made.send("getHealth")
    other = setup(server.url, limits=made.limits)
    with pytest.raises(RateLimited):
        other.send()


def test_a_place_never_shows_a_secret(serve: Serve, setup: Make) -> None:
    """It is written to the state, so it names variables."""
    made = setup(serve(saying(OK)).url)
    place = made.courier.place(made.api.operation("getPrice"))
    assert place == f"{made.base} x-client=$SHOP_CLIENT x-key=$SHOP_KEY"


def test_a_place_without_a_credential_is_unknown(serve: Serve, setup: Make) -> None:
    """Where the variable is missing there is no place to be limited at."""
    made = setup(serve(saying(OK)).url, environment={})
    with pytest.raises(CannotTell):
        made.courier.place(made.api.operation("getItem"))


def test_any_answer_ends_the_slowness_bit_by_bit(serve: Serve, setup: Make, clock: TurnedClock) -> None:
    """Each answer that is no 429 halves what the pauses added."""
    made = setup(serve(saying(*[answer(429, headers={"Retry-After": "1"})] * 2, OK)).url)
    place = made.courier.place(made.api.operation("getItem"))
    slowdowns = []
    for _ in range(4):
        made.send()
        slowdowns.append(made.limits.limit(place).slowdown if made.limits else 0)
        clock.turn(2)
    assert slowdowns == [2, 4, 2, 1]


def test_a_sandbox_that_is_asked_for_a_limit_does_not_pause_us(serve: Serve, setup: Make) -> None:
    """429 of a vouched target is its own fault, and stops nobody."""
    server = serve(saying(answer(429, headers={"Retry-After": "60"})))
    made = setup(server.url, sandbox=True)
    assert not made.send().own_trouble
    made.send()
    assert len(server.received) == 2


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refusal_of_our_account_is_noted_as_ours(serve: Serve, setup: Make, status: int) -> None:
    """The exchange says so, but not where the credential was wrong on purpose."""
    made = setup(serve(saying(answer(status))).url)
    assert made.send().own_trouble
    assert not made.send(role="altered").own_trouble


# ------------------------------------------------------------------------------------------------------------ origin


def test_credentials_are_bound_to_the_base_url(serve: Serve, setup: Make) -> None:
    """A client that mounts the courier for another host still reaches the target, and nobody else."""
    server, other = serve(saying(OK)), serve(saying(OK))
    made = setup(f"{server.url}/v1")

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=made.courier) as client:
            extensions = {EXTENSION: made.draft(), TERMS: made.terms}
            return await client.get(f"{other.url}/elsewhere", extensions=extensions)

    assert run(send()).status_code == 200
    assert server.paths == ["/v1/items/i-1"]
    assert other.received == []


def test_a_redirect_is_not_followed(serve: Serve, setup: Make) -> None:
    """Wherever it leads: it is the answer."""
    other = serve(saying(OK))
    server = serve(saying(answer(302, headers={"Location": f"{other.url}/items/i-1"})))
    assert setup(server.url).send().response.status == 302
    assert other.received == []


def test_an_httpx_client_can_mount_it(serve: Serve, setup: Make) -> None:
    """It gets the decoded answer, and the exchange with it."""
    made = setup(serve(saying(OK)).url)

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(mounts={"all://": made.courier}) as client:
            extensions = {EXTENSION: made.draft(), TERMS: made.terms}
            return await client.get(made.base, extensions=extensions)

    response = run(send())
    assert response.json() == {"id": "i-1", "name": "a cup"}
    assert cast("Exchange", response.extensions[EXCHANGE]).operation == "getItem"


def test_a_request_without_a_draft_is_a_defect(serve: Serve, setup: Make) -> None:
    """Nothing leaves that nobody has allowed."""
    server: Server = serve(saying(OK))
    made = setup(server.url)

    async def send() -> None:
        async with httpx.AsyncClient(transport=made.courier) as client:
            await client.get(made.base)

    with pytest.raises(InternalError):
        run(send())
    assert server.received == []


def test_an_exchange_tells_where_and_when(serve: Serve, setup: Make) -> None:
    """Target, URL below its base, phases that ran, and an id of its own."""
    made = setup(f"{serve(saying(OK)).url}/v1")
    first = made.send()
    assert first.target == made.base
    assert first.request.url == f"{made.base}/items/i-1"
    assert set(first.timings.phases) >= {"connect", "request", "processing", "transfer"}
    assert "tls" not in first.timings.phases
    assert first.id != made.send().id

"""One exchange, judged: whose fault an answer is, what counts for the ledger, and how long judging may take."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.probing.watching import MIDNIGHT, VARIABLES, Answers, FakeWire, document, reply
from tests.virtual import run_virtual

from specwatch.conformance import judge
from specwatch.probing import desk as module
from specwatch.probing.desk import BIG_BODY_BYTES, Desk, Tools
from specwatch.transport.budget import RunBudget
from specwatch.transport.clock import LoopClock
from specwatch.transport.courier import Courier, Terms
from specwatch.transport.draft import Draft
from specwatch.transport.permission import Permission
from specwatch.transport.rate_limit import RateLimits
from specwatch.transport.wallet import Wallet
from specwatch.transport.wire import Wire
from specwatch.values import Failure, Reason, Response, Sent
from specwatch.values.secrets import Redactor

API = document().workflow("item").steps[0].api
CUP = {"id": "i-1", "name": "a cup"}
REFUSED = {"error": {"code": "bad_token"}}


def make_desk(answers: Answers, *, sandbox: bool = False) -> Desk:
    """A desk of the shop; must be made within a loop."""
    assert API is not None
    clock = LoopClock(MIDNIGHT)
    wallet = Wallet(API, {**VARIABLES, "SHOP_TOKEN_SPENT": "tok-spent-0009"}, sandbox=sandbox)
    courier = Courier(
        cast("Wire", FakeWire(answers)),
        api=API,
        base="https://shop.example.com/v1",
        wallet=wallet,
        limits=RateLimits(clock.now),
    )
    return Desk(API, Tools(courier, {"item": "i-1"}, Redactor(wallet.secrets())), clock)


def draft(operation: str = "getItem", role: str = "account", **more: Any) -> Draft:
    """A request."""
    assert API is not None
    found = API.operation(operation)
    roles = dict.fromkeys(found.security, role)
    made = Draft(found, found.path.replace("{id}", "i-1"), roles=roles, path_parameters={"id": "i-1"})
    return replace(made, **more)


def sent(*answers: Response | Failure, role: str = "account", operation: str = "getItem", **more: Any) -> Sent:
    """What the last of several requests in a row showed."""
    left = list(answers)

    async def main() -> Sent:
        desk = make_desk(lambda _outgoing: left.pop(0), **more)
        terms = Terms(RunBudget(20), Permission(everything=True))
        found = [await desk.send(draft(operation, role), "ask", terms, 10.0) for _ in answers]
        return found[-1]

    return run_virtual(main())


def test_an_honest_answer_keeps_claims() -> None:
    """What it shows counts for the ledger: derived claims and those of `x-claims`."""
    found = sent(reply(200, CUP))
    assert (found.failure, found.violations) == (None, ())
    assert "id-echoed" in found.verified
    assert len(found.verified) > 1


def test_a_broken_claim_is_a_violation_of_that_exchange() -> None:
    """The violation says which, and points to the exchange."""
    found = sent(reply(200, {**CUP, "id": "i-2"}))
    assert [violation.claim for violation in found.violations] == ["id-echoed"]
    assert found.violations[0].exchange is found.exchange


def test_what_is_undocumented_but_allowed_is_drift() -> None:
    """A new field breaks nothing."""
    found = sent(reply(200, {**CUP, "colour": "red"}))
    assert found.violations == ()
    assert [(drift.kind, drift.name) for drift in found.drift] == [("field", "/colour")]


def test_no_answer_is_a_failure_without_an_exchange() -> None:
    """The failure is handed on as the wire has it."""
    failure = Failure(Reason.RESET, "reset", "processing")
    assert sent(failure) == Sent("ask", "getItem", failure=failure)


@pytest.mark.parametrize("status", [401, 402, 403, 407])
def test_a_refusal_of_our_account_is_trouble_of_ours(status: int) -> None:
    """No claim is judged by it: it speaks about us."""
    found = sent(reply(status, REFUSED))
    assert found.failure is not None
    assert found.failure.reason is Reason.AUTH
    assert found.failure.message == f"{status}: the target refuses our own credential"
    assert (found.violations, found.verified) == ((), ())
    assert found.error_code == "bad_token"


def test_a_rate_limit_is_trouble_of_ours() -> None:
    """A class of its own, whatever credential was sent."""
    for role in ("account", "altered"):
        found = sent(reply(429, REFUSED), role=role)
        assert found.failure is not None
        assert found.failure.reason is Reason.RATE_LIMITED


def test_a_refusal_of_a_wrong_credential_is_an_answer() -> None:
    """It is judged like any other."""
    found = sent(reply(401, REFUSED), role="altered")
    assert found.failure is None
    assert found.verified != ()


def test_a_refusal_where_nothing_is_asked_for_is_the_targets() -> None:
    """There is no account that could be refused."""
    assert sent(reply(403), operation="getHealth").failure is None


def test_a_vouched_credential_that_is_refused_is_the_targets_fault() -> None:
    """On the embedded sandbox 401 is of the class `auth`, and is judged: it breaks what is documented or not."""
    found = sent(reply(401, REFUSED), sandbox=True)
    assert found.failure is not None
    assert found.failure.message == "401: a credential that is known to be good was refused"
    assert found.exchange is not None
    assert not found.exchange.own_trouble
    assert found.verified != ()


def test_a_vouched_rate_limit_is_an_answer() -> None:
    """A sandbox that says 429 does not speak about us."""
    found = sent(reply(429), sandbox=True)
    assert found.failure is None
    assert found.violations != ()


def test_a_known_state_of_our_credential_is_ours() -> None:
    """An error that is documented for a used up account, on a good request that never succeeded: it is about us."""
    found = sent(reply(400, {"error": {"code": "used_up"}}))
    assert found.exchange is not None
    assert found.exchange.about_us
    assert found.failure is not None
    assert found.failure.reason is Reason.AUTH


def test_a_known_state_after_a_success_is_judged() -> None:
    """Once the operation has accepted the credential, the same error is no excuse."""
    found = sent(reply(200, CUP), reply(400, {"error": {"code": "used_up"}}))
    assert found.exchange is not None
    assert not found.exchange.about_us
    assert found.failure is None


def test_a_desk_hands_on_what_it_remembers() -> None:
    """After a reload a success from before still counts."""

    async def main() -> Sent:
        terms = Terms(RunBudget(20), Permission(everything=True))
        first = make_desk(lambda _outgoing: reply(200, CUP))
        await first.send(draft(), "ask", terms, 10.0)
        second = make_desk(lambda _outgoing: reply(400, {"error": {"code": "used_up"}}))
        second.remember(first)
        return await second.send(draft(), "ask", terms, 10.0)

    found = run_virtual(main())
    assert found.exchange is not None
    assert not found.exchange.about_us


@pytest.mark.parametrize("size, elsewhere", [(100, False), (BIG_BODY_BYTES + 1, True)])
def test_a_big_body_is_judged_in_a_thread(size: int, elsewhere: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """So that it does not hold up the other probes; a small one is judged at once."""
    threads: list[int] = []

    def noting(facts: Any) -> Any:
        threads.append(threading.get_ident())
        return judge(facts)

    async def main() -> Sent:
        desk = make_desk(lambda _outgoing: reply(200, {**CUP, "name": "x" * size}))
        return await desk.send(draft(), "ask", Terms(RunBudget(20), Permission(everything=True)), 10.0)

    monkeypatch.setattr(module, "judge", noting)
    found = asyncio.run(main())
    assert "id-echoed" in found.verified
    assert (threads != [threading.get_ident()]) is elsewhere


def test_judging_counts_for_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is judged after the time of its request is a timeout, with the answer beside it."""

    def slow(facts: Any) -> Any:
        loop = cast("Any", asyncio.get_running_loop())
        loop.jumping.now += 20.0
        return judge(facts)

    monkeypatch.setattr(module, "judge", slow)
    found = sent(reply(200, CUP))
    assert found.failure is not None
    assert (found.failure.reason, found.failure.phase) == (Reason.TIMEOUT, "transfer")
    assert found.failure.message == "judging the answer was not done within 10 s"
    assert found.exchange is not None

"""Nothing is sent past what a run may send and spend: counted where it arrives."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loopback import answer
from tests.transport.conftest import Guard, Serve

from specwatch.errors import BudgetSpent, Unreachable
from specwatch.spec.model import Cost
from specwatch.transport.budget import RunBudget


def test_nothing_is_sent_past_the_budget(guard: Guard, serve: Serve) -> None:
    """The request after the last one is refused here, and never arrives there."""
    server = serve(lambda _: answer())
    guarded = guard(server.url, budget=RunBudget(3))

    for _ in range(3):
        guarded.send("getItem")
    with pytest.raises(BudgetSpent, match="the budget of 3 requests is used up; --budget raises it"):
        guarded.send("getItem")

    assert len(server.received) == 3


def test_a_second_try_costs_too(guard: Guard, serve: Serve) -> None:
    """A read is repeated after a 429 or a lost connection only as far as the budget goes."""
    limited = serve(lambda _: answer(429, headers={"Retry-After": "1"}))
    silent = serve(lambda _: None)

    for server in (limited, silent):
        guarded = guard(server.url, budget=RunBudget(1))
        with pytest.raises(BudgetSpent):
            guarded.send("getItem")
        assert len(server.received) == 1


def test_cost_is_spent_by_operation(guard: Guard, serve: Serve) -> None:
    """A price counts when it is paid: free calls cost nothing, and three at 0.1 fit into 0.3."""
    server = serve(lambda _: answer())
    guarded = guard(server.url, budget=RunBudget(20, max_cost=0.3))

    guarded.send("getItem")
    for _ in range(3):
        guarded.send("getPrice")
    with pytest.raises(BudgetSpent, match=r"the cost budget of 0\.3 does not cover it; --max-cost raises it"):
        guarded.send("getPrice")

    assert guarded.budget.requests == len(server.received) == 4
    assert guarded.budget.cost == pytest.approx(0.3)


@pytest.mark.parametrize("status, cost", [(404, 0.0), (200, 0.1)])
def test_a_refused_call_costs_nothing(guard: Guard, serve: Serve, status: int, cost: float) -> None:
    """What should be refused is free, unless it was not refused."""
    guarded = guard(serve(lambda _: answer(status)).url)

    guarded.send("getPrice", refused=True)

    assert guarded.budget.cost == cost


@given(
    max_requests=st.integers(0, 5),
    max_cost=st.none() | st.floats(0, 5),
    amounts=st.lists(st.none() | st.floats(0, 3), max_size=12),
)
def test_a_budget_is_never_overdrawn(max_requests: int, max_cost: float | None, amounts: list[float | None]) -> None:
    """Whatever is asked for in whatever order, what is accounted for stays within both bounds."""
    budget = RunBudget(max_requests, max_cost)

    for amount in amounts:
        before = (budget.requests, budget.cost)
        try:
            budget.spend(None if amount is None else Cost(amount))
        except BudgetSpent:
            assert (budget.requests, budget.cost) == before

    assert budget.requests <= max_requests
    assert max_cost is None or budget.cost <= max_cost + 1e-6


def test_an_unreachable_target_uses_up_requests(guard: Guard, serve: Serve) -> None:
    """What was sent was sent, also when nothing came back: the call, and its one repetition."""
    server = serve(lambda _: None)
    guarded = guard(server.url)

    with contextlib.suppress(Unreachable):
        guarded.send("getItem")

    assert guarded.budget.requests == len(server.received) == 2

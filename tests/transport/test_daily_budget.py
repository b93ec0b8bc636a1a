"""The budget of a day: what it covers, when it is full again, and how many runs are left in it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.errors import BudgetSpent
from specwatch.spec.model import Cost
from specwatch.transport.budget import DAY_SECONDS, DailyBudget

NOON = 20_000 * DAY_SECONDS + DAY_SECONDS / 2


def test_requests_beyond_the_budget_are_not_covered() -> None:
    """The request after the last one of the day is refused, and nothing is booked for it."""
    budget = DailyBudget(lambda: NOON, max_requests=2)
    budget.spend(None)
    budget.spend(None)
    with pytest.raises(BudgetSpent, match="today's budget of 2 requests"):
        budget.spend(None)
    assert budget.requests == 2


def test_costs_beyond_the_budget_are_not_covered() -> None:
    """A paid call that the cost budget does not cover is refused, a free one is not."""
    budget = DailyBudget(lambda: NOON, max_cost=0.3)
    for _ in range(3):
        budget.spend(Cost(0.1, "credit"))
    with pytest.raises(BudgetSpent, match="cost budget"):
        budget.spend(Cost(0.1, "credit"))
    budget.spend(None)


def test_it_is_full_again_at_midnight() -> None:
    """With the next day of UTC everything that was spent is forgotten."""
    now = [NOON]
    budget = DailyBudget(lambda: now[0], max_requests=1)
    budget.spend(None)
    assert budget.runs_left(1, 0) == 0
    now[0] += budget.seconds_left
    assert budget.runs_left(1, 0) == 1
    budget.spend(None)


def test_a_call_that_succeeded_against_expectation_is_charged() -> None:
    """What was to be refused and was not costs what it costs, whether or not the budget covers it."""
    budget = DailyBudget(lambda: NOON, max_cost=1.0)
    budget.spend(None)
    budget.charge(Cost(5.0, "credit"))
    assert budget.cost == 5.0
    assert budget.left()[1] == (0.0, 1.0)


def test_without_limits_it_covers_everything() -> None:
    """No limit means no end."""
    budget = DailyBudget(lambda: NOON)
    assert math.isinf(budget.runs_left(100, 100))
    budget.spend(Cost(1e9, "credit"))


@given(st.integers(1, 50), st.integers(1, 50))
def test_the_runs_left_are_exactly_those_that_can_be_made(limit: int, size: int) -> None:
    """As many runs as are left can be paid for, and one more cannot."""
    budget = DailyBudget(lambda: NOON, max_requests=limit)
    for _ in range(int(budget.runs_left(size, 0)) * size):
        budget.spend(None)
    assert budget.runs_left(size, 0) == 0
    assert limit - budget.requests < size

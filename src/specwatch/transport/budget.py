"""Budgets: how many requests a run may send, and how much it may spend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from specwatch.errors import BudgetSpent
from specwatch.spec.model import Cost

ROUNDING: Final = 1e-9
"""What sums of decimal fractions may be off by: three calls at 0.1 are covered by 0.3."""


class Budget(Protocol):
    """What the transport asks before it sends; a shared store may implement it."""

    def spend(self, cost: Cost | None) -> None:
        """Account for one request.

        Raises:
            BudgetSpent: the request is not covered, and nothing was accounted for.
        """


@dataclass
class RunBudget:
    """The budget of one API in one run, kept in memory.

    Args:
        max_requests: how many requests may be sent.
        max_cost: how much may be spent, in units of `x-cost`; None means no limit.
    """

    max_requests: int
    max_cost: float | None = None
    requests: int = 0
    cost: float = 0.0

    def spend(self, cost: Cost | None) -> None:
        """Account for one request.

        Raises:
            BudgetSpent: the request is not covered, and nothing was accounted for.
        """
        if self.requests >= self.max_requests:
            raise BudgetSpent(f"the budget of {self.max_requests} requests is used up; --budget raises it")
        amount = cost.amount if cost is not None else 0.0
        if self.max_cost is not None and amount and self.cost + amount > self.max_cost + ROUNDING:
            raise BudgetSpent(f"the cost budget of {self.max_cost:g} does not cover it; --max-cost raises it")
        self.requests += 1
        self.cost += amount

    def charge(self, cost: Cost | None) -> None:
        """Account for the price of a call that was expected to be refused and was not."""
        self.cost += cost.amount if cost is not None else 0.0

    @property
    def left(self) -> int:
        """Requests that may still be sent."""
        return self.max_requests - self.requests

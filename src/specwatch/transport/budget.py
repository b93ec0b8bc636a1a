"""Budgets: how many requests a run may send, and how much it may spend."""

from __future__ import annotations

import math
from collections.abc import Callable
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

    def charge(self, cost: Cost | None) -> None:
        """Account for the price of a call that was expected to be refused and was not."""


@dataclass
class RunBudget:
    """The budget of one API in one run, kept in memory.

    Args:
        max_requests: how many requests may be sent.
        max_cost: how much may be spent, in units of `x-cost`; None means no limit.
        held: how many of the requests are kept for something else and cannot be spent now.
        exhausted: whether a request was not covered.
    """

    max_requests: int
    max_cost: float | None = None
    requests: int = 0
    cost: float = 0.0
    held: int = 0
    exhausted: bool = False

    def spend(self, cost: Cost | None) -> None:
        """Account for one request.

        Raises:
            BudgetSpent: the request is not covered, and nothing was accounted for.
        """
        if self.left <= 0:
            self.exhausted = True
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
        """Requests that may still be sent now."""
        return self.max_requests - self.requests - self.held


DAY_SECONDS: Final = 86_400.0


@dataclass
class DailyBudget:
    """What one probe may spend in a day of UTC; it is full again at midnight.

    Args:
        now: epoch seconds.
        max_requests: how many requests may be sent; None means no limit.
        max_cost: how much may be spent, in units of `x-cost`; None means no limit.
        day: the day that the figures are about, counted from the epoch.
    """

    now: Callable[[], float]
    max_requests: int | None = None
    max_cost: float | None = None
    day: int = 0
    requests: int = 0
    cost: float = 0.0

    def spend(self, cost: Cost | None) -> None:
        """Account for one request.

        Raises:
            BudgetSpent: the request is not covered, and nothing was accounted for.
        """
        self._turn_page()
        amount = cost.amount if cost is not None else 0.0
        if self.max_requests is not None and self.requests >= self.max_requests:
            raise BudgetSpent(f"today's budget of {self.max_requests} requests is used up")
        if self.max_cost is not None and amount and self.cost + amount > self.max_cost + ROUNDING:
            raise BudgetSpent(f"today's cost budget of {self.max_cost:g} does not cover it")
        self.requests += 1
        self.cost += amount

    def charge(self, cost: Cost | None) -> None:
        """Account for the price of a call that was expected to be refused and was not."""
        self._turn_page()
        self.cost += cost.amount if cost is not None else 0.0

    def runs_left(self, requests: int, cost: float) -> float:
        """How many more runs today's budget covers, when each takes that much; infinite without a limit."""
        self._turn_page()
        left = math.inf
        if self.max_requests is not None:
            left = (self.max_requests - self.requests) // max(requests, 1)
        if self.max_cost is not None and cost:
            left = min(left, math.floor((self.max_cost - self.cost + ROUNDING) / cost))
        return max(left, 0)

    def left(self) -> tuple[tuple[float, float | None], tuple[float, float | None]]:
        """What is left today and the limit, of requests and of cost; the limit is None where there is none."""
        self._turn_page()
        requests = math.inf if self.max_requests is None else max(self.max_requests - self.requests, 0)
        cost = math.inf if self.max_cost is None else max(self.max_cost - self.cost, 0.0)
        return (requests, self.max_requests), (cost, self.max_cost)

    @property
    def seconds_left(self) -> float:
        """Until the budget is full again."""
        return DAY_SECONDS - self.now() % DAY_SECONDS

    def _turn_page(self) -> None:
        today = int(self.now() // DAY_SECONDS)
        if today != self.day:
            self.day, self.requests, self.cost = today, 0, 0.0

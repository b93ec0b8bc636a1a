"""How fast probes may go: what targets asked for, and what may be spent in a day."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from specwatch.probing.events import BudgetLeft, Listener, Paused
from specwatch.probing.execution.tracks import DEPENDENCY
from specwatch.probing.memory import Memory
from specwatch.probing.scheduler import FULL_PACE, Pace
from specwatch.probing.setting import Setting
from specwatch.schedule import Probe, expense
from specwatch.spec.model import Cost
from specwatch.transport.budget import DAY_SECONDS, Budget, DailyBudget
from specwatch.transport.clock import AsyncClock
from specwatch.transport.rate_limit import CLEAR, Limit, RateLimits
from specwatch.values.observation import Observation

ADDING_UP_SECONDS: Final = 0.005
"""So long, for each probe that has a budget, what is left of all of them together is not added up again."""


class Pauses:
    """The rate limits of all places, and how those who listen learn of them.

    Args:
        memory: takes over what is remembered, and remembers what changes.
        emit: told when an API has to be left alone, and when no longer.
        setting: asked for what runs now.
    """

    def __init__(self, clock: AsyncClock, memory: Memory, emit: Listener, setting: Callable[[], Setting]) -> None:
        self._clock = clock
        self._memory = memory
        self._emit = emit
        self._setting = setting
        self.limits = RateLimits(clock.now, self._changed, memory.limits())

    def start(self) -> None:
        """Tell what is remembered from before."""
        for place, limit in self._memory.limits().items():
            self._changed(place, limit)

    def limit(self, probe: Probe) -> Limit:
        """What counts for a probe: the longest pause and the largest slowdown of the places that it goes to."""
        found = CLEAR
        for place in self._setting().places.get(probe.id, ()):
            each = self.limits.limit(place)
            if each is not CLEAR:
                found = Limit(max(found.until, each.until), max(found.slowdown, each.slowdown))
        return found

    def until(self, probe: Probe) -> float | None:
        """Until when, in epoch seconds, a target of the probe asked to be left alone."""
        until = self.limit(probe).until
        return until if until > self._clock.now() else None

    def _changed(self, place: str, limit: Limit) -> None:
        self._memory.keep_limit(place, limit)
        self._tell(place)
        wait = limit.until - self._clock.now()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._tell, place)

    def _tell(self, place: str) -> None:
        """Tell how it stands with the APIs that go to a place; they may go to others, too."""
        setting = self._setting()
        for api in setting.apis_at.get(place, ()):
            pauses = [self.limits.paused(each) for each in setting.places_of(api)]
            self._emit(Paused(api, max((until for until in pauses if until is not None), default=None)))


@dataclass(frozen=True, slots=True)
class Account:
    """A budget that tells when something is spent of it.

    Args:
        budget: pays.
        spent: told afterwards.
    """

    budget: Budget
    spent: Callable[[], None]

    def spend(self, cost: Cost | None) -> None:
        """Account for one request.

        Raises:
            BudgetSpent: the request is not covered, and nothing was accounted for.
        """
        self.budget.spend(cost)
        self.spent()

    def charge(self, cost: Cost | None) -> None:
        """Account for the price of a call that was expected to be refused and was not."""
        self.budget.charge(cost)
        self.spent()


class Purses:
    """What each probe may spend today. What was spent is remembered while it is spent, so that a crash forgets little.

    Args:
        soon: asked to have `write` called within half a second; says whether that was not planned yet.
    """

    def __init__(self, clock: AsyncClock, memory: Memory, emit: Listener, soon: Callable[[], bool]) -> None:
        self._clock = clock
        self._memory = memory
        self._emit = emit
        self._soon = soon
        self._budgets: dict[str, DailyBudget] = {}
        self._accounts: dict[str, Budget] = {}
        self._sizes: dict[str, tuple[int, float]] = {}
        self._unwritten: set[str] = set()
        self._changed: set[str] = set()
        self._told_at: dict[str, float] = {}

    def plan(self, probes: Mapping[str, Probe]) -> None:
        """Take over the limits of these probes; what they have spent stays spent."""
        for probe in probes.values():
            known = self._budgets.get(probe.id)
            if known is None:
                known = self._budgets[probe.id] = self._memory.budget(probe.id, probe.budget, self._clock.now)
            else:
                known.max_requests, known.max_cost = probe.budget.requests, probe.budget.cost
            self._accounts[probe.id] = self._account(probe.id, known)

    def _account(self, probe_id: str, budget: DailyBudget) -> Budget:
        if budget.max_requests is None and budget.max_cost is None:
            return budget
        return Account(budget, lambda: self._spent(probe_id))

    def budget(self, probe_id: str) -> DailyBudget:
        """What a probe may spend today."""
        return self._budgets[probe_id]

    def account(self, probe_id: str) -> Budget:
        """Pays for the requests of a probe."""
        return self._accounts[probe_id]

    def reserve(self, probe: Probe, step: str) -> None:
        """Remember what a step takes that is about to be sent and must not be sent twice, as if it were spent.

        Whoever starts after a crash then knows of it; when the process lives on, the true figures replace it.
        """
        budget = self._budgets[probe.id]
        budget.left()  # turns to a new day, if there is one
        self._memory.keep_budget(probe.id, budget, *_price(probe, step))

    def after(self, probe: Probe, observation: Observation) -> None:
        """Note what a run took."""
        self._sizes[probe.id] = (max(observation.requests, 1), observation.cost)
        self._memory.keep_budget(probe.id, self._budgets[probe.id])
        self._unwritten.discard(probe.id)
        if isinstance(self._accounts[probe.id], Account):
            self._changed.add(probe.api)

    def pace(self, probe: Probe, limit: Limit, looks: int) -> Pace:
        """Whether the budget covers another run now, and how far apart runs have to be to last until midnight."""
        budget = self._budgets[probe.id]
        runs = budget.runs_left(*self._size(probe))
        if runs < 1:
            return Pace("budget", limit.slowdown)
        if math.isinf(runs):
            return Pace("", limit.slowdown) if limit is not CLEAR else FULL_PACE
        needed = min(budget.seconds_left, DAY_SECONDS) / max(runs / looks, 1.0)
        return Pace("", limit.slowdown, needed)

    def write(self, setting: Setting) -> None:
        """Remember and tell what was spent since the last time."""
        for probe_id in self._unwritten:
            self._memory.keep_budget(probe_id, self._budgets[probe_id])
        self._unwritten.clear()
        for api_id in [each for each in self._changed if self._is_due(setting, each)]:
            self.tell(setting, api_id)
        if self._changed:
            self._soon()

    def _is_due(self, setting: Setting, api_id: str) -> bool:
        """Whether it is time to add up what an API has left: the more budgets there are, the more seldom it is done."""
        pause = len(setting.bounded.get(api_id, ())) * ADDING_UP_SECONDS
        return self._clock.monotonic() - self._told_at.get(api_id, -math.inf) >= pause

    def tell(self, setting: Setting, api_id: str) -> None:
        """Tell what the probes of an API may still spend today, where they have a bound."""
        self._changed.discard(api_id)
        self._told_at[api_id] = self._clock.monotonic()
        for unit, left, limit in self.left(setting, api_id):
            self._emit(BudgetLeft(api_id, unit, left, limit))

    def left(self, setting: Setting, api_id: str) -> list[tuple[str, float, float]]:
        """Unit, what is left today and the limit of what the probes of an API may spend, where they have one."""
        own = [self._budgets[probe.id].left() for probe in setting.bounded.get(api_id, ())]
        found: list[tuple[str, float, float]] = []
        requests = [(left, limit) for left, limit in (each[0] for each in own) if limit is not None]
        costs = [(left, limit) for left, limit in (each[1] for each in own) if limit is not None]
        for unit, pairs in (("requests", requests), (setting.units.get(api_id, "cost"), costs)):
            if pairs:
                found.append((unit, sum(left for left, _ in pairs), sum(limit for _, limit in pairs)))
        return found

    def _spent(self, probe_id: str) -> None:
        if self._soon():  # the first in a while
            self._memory.keep_budget(probe_id, self._budgets[probe_id])
        else:
            self._unwritten.add(probe_id)

    def _size(self, probe: Probe) -> tuple[int, float]:
        """What a run is likely to take: what the last one took, else each step once."""
        known = self._sizes.get(probe.id)
        if known is not None:
            return known
        planned = expense(probe.workflow)
        return planned.requests, planned.cost


def _price(probe: Probe, step: str) -> tuple[int, float]:
    """Requests and cost of a step of the outermost workflow, or of a workflow that it depends on."""
    workflow = probe.workflow
    if step.startswith(DEPENDENCY):
        refs = {f"{DEPENDENCY}{ref.id}": ref for ref in workflow.depends_on}
        called = refs[step].workflow if step in refs else None
    elif (operation := workflow.step(step).operation) is not None:
        return 1, operation.cost.amount if operation.cost is not None else 0.0
    else:
        ref = workflow.step(step).workflow
        called = None if ref is None else ref.workflow
    planned = None if called is None else expense(called)
    return (1, 0.0) if planned is None else (planned.requests, planned.cost)

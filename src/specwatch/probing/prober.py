"""One run of a probe: a plain function of a workflow, a target and a budget to an observation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from specwatch.errors import MissingSetting
from specwatch.probing.desk import Desk
from specwatch.probing.execute import Execution, execute
from specwatch.probing.ports import Journal, Progress
from specwatch.probing.redaction import redact
from specwatch.probing.verdict import Outcome, assess
from specwatch.schedule import Probe
from specwatch.spec.model import Cost
from specwatch.transport.budget import Budget
from specwatch.transport.clock import AsyncClock
from specwatch.transport.courier import Terms
from specwatch.transport.draft import Draft
from specwatch.transport.target import missing_setting
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation, Sent

_RUNS = count(1)


@dataclass
class Purse:
    """Pays for one run out of the budget of its probe, and remembers what it took."""

    budget: Budget
    requests: int = 0
    cost: float = 0.0

    def spend(self, cost: Cost | None) -> None:
        """Account for one request.

        Raises:
            BudgetSpent: the request is not covered, and nothing was accounted for.
        """
        self.budget.spend(cost)
        self.requests += 1
        self.cost += cost.amount if cost is not None else 0.0

    def charge(self, cost: Cost | None) -> None:
        """Account for the price of a call that was expected to be refused and was not."""
        self.budget.charge(cost)
        self.cost += cost.amount if cost is not None else 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """What is particular about one run.

    Args:
        id: of the observation.
        attempt: 1, or more for a second look.
        saturated: whether the prober is overloaded.
        journal: where a run that creates or consumes leaves its tracks.
        progress: where to go on, for a job that an earlier process began.
    """

    id: str
    attempt: int = 1
    saturated: bool = False
    journal: Journal | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found.

    Args:
        observation: without secrets.
        again: whether the run can be gone on with later from where its journal ends: trouble of our own, or the end of
            its time, kept it from its goal.
    """

    observation: Observation
    again: bool = False


@dataclass
class Neighbours:
    """When each origin last answered: a network through which somebody else answers is well."""

    clock: AsyncClock
    answered: dict[str, float] = field(default_factory=dict)

    def heard(self, origin: str) -> None:
        """Note that an origin answered."""
        self.answered[origin] = self.clock.monotonic()

    def is_well(self, origin: str, within: float = 120.0) -> bool:
        """Whether another origin answered in the last seconds."""
        since = self.clock.monotonic() - within
        return any(moment >= since for other, moment in self.answered.items() if other != origin)


class Prober:
    """Runs probes against one target.

    Args:
        desks: by API id.
        target: its name.
        neighbours: shared by all probes of a process.
    """

    def __init__(self, desks: Mapping[str, Desk], target: str, clock: AsyncClock, neighbours: Neighbours) -> None:
        self.desks = desks
        self.target = target
        self._clock = clock
        self._neighbours = neighbours

    async def run(self, probe: Probe, terms: Terms, run: Run) -> Observation:
        """Run a probe once; see `carry_out`."""
        return (await self.carry_out(probe, terms, run)).observation

    async def carry_out(self, probe: Probe, terms: Terms, run: Run) -> Found:
        """Run a probe once. Never raises for what the target does; what is handed back holds no secret.

        Args:
            probe: what to run.
            terms: what it may send, and who pays.
            run: what is particular about this run.
        """
        purse = Purse(terms.budget)
        started_at, started = self._clock.now(), self._clock.monotonic()
        desk = self.desks[probe.api]
        sender = _Sender(self.desks, self._clock, probe, Terms(purse, terms.permission))
        outcome, execution = await self._execute(probe, desk, sender, run, started + probe.deadline)
        if any(sent.exchange is not None for step in execution.steps for sent in step.sent):
            self._neighbours.heard(desk.courier.origin)
        observation = Observation(
            id=run.id,
            api=probe.api,
            probe=probe.id,
            workflow=probe.workflow.id,
            target=self.target,
            verdict=outcome.verdict,
            reason=outcome.reason,
            message=outcome.message,
            started_at=started_at,
            seconds=self._clock.monotonic() - started,
            steps=execution.steps,
            requests=purse.requests,
            cost=purse.cost,
            attempt=run.attempt,
            job_seconds=self._clock.monotonic() - started if run.journal is not None and purse.requests else None,
            saturated=run.saturated,
            outputs=execution.outputs,
        )
        again = execution.again and (outcome.verdict is Verdict.UNKNOWN or not execution.finished)
        return Found(redact(observation, desk.redactor), again)

    async def _execute(
        self, probe: Probe, desk: Desk, sender: _Sender, run: Run, until: float
    ) -> tuple[Outcome, Execution]:
        try:
            inputs = run_inputs(probe, desk) if run.progress is None else {}
        except MissingSetting as error:
            return Outcome(Verdict.UNKNOWN, None, str(error)), NOTHING
        execution = await execute(
            probe.workflow, inputs, sender, self._clock, until=until, journal=run.journal, progress=run.progress
        )
        well = self._neighbours.is_well(desk.courier.origin)
        counts = probe.objective.broken_promise_counts
        return assess(execution, broken_promise_counts=counts, network_is_well=well), execution


NOTHING = Execution(steps=(), outputs={}, met=False, message="", unknown="", finished=True)


class _Sender:
    """Sends the requests of one run: each within the time of a request, all within the budget."""

    def __init__(self, desks: Mapping[str, Desk], clock: AsyncClock, probe: Probe, terms: Terms) -> None:
        self._desks = desks
        self._clock = clock
        self._probe = probe
        self._terms = terms

    async def send(self, draft: Draft, step: str, until: float) -> Sent:
        """Send a draft to the API that its operation belongs to; see `ports.Sender`."""
        desk = self._desks[draft.operation.api]
        seconds = min(self._probe.timeout, until - self._clock.monotonic())
        return await desk.send(draft, step, self._terms, seconds)


def run_id(probe: Probe, now: float) -> str:
    """An id for a run: probe, milliseconds of the epoch and a counter."""
    return f"{probe.id}-{int(now * 1000):x}-{next(_RUNS):x}"


def run_inputs(probe: Probe, desk: Desk) -> dict[str, object]:
    """The inputs of a run: those of the schedule, then known identifiers of the target, then defaults.

    Raises:
        MissingSetting: a known identifier is needed that nobody configured for this target.
    """
    workflow = probe.workflow
    inputs: dict[str, object] = {}
    for name in workflow.input_names:
        if name in probe.inputs:
            inputs[name] = probe.inputs[name]
        elif name in desk.known:
            value = desk.known[name]
            inputs[name] = list(value) if isinstance(value, tuple) else value
        elif name in desk.api.known:
            raise missing_setting(desk.api, name)
        elif name in workflow.defaults:
            inputs[name] = workflow.defaults[name]
    return inputs

"""The listener that turns what happens into metrics."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from functools import partial

from prometheus_client import ProcessCollector

from specwatch import __version__
from specwatch.metrics.bounds import DRIFTS, OTHER, STATE_OPERATIONS, Answers, bounded
from specwatch.metrics.exposition import Exposition, Rendered
from specwatch.metrics.failures import classified
from specwatch.metrics.series import Counter, Gauge, Histogram
from specwatch.metrics.tables import Tables
from specwatch.probing.events import (
    NOTIFICATIONS,
    SKIPS,
    BudgetLeft,
    Event,
    JobOpen,
    Notified,
    Paused,
    Planned,
    Ran,
    Reloaded,
    Saturated,
    Skipped,
    StateTrouble,
    Ticked,
)
from specwatch.schedule import Probe
from specwatch.spec import Api
from specwatch.transport.clock import AsyncClock
from specwatch.values import PHASES, Reason, Sent, Verdict

SUCCESS: Mapping[Verdict, float | None] = {Verdict.PASS: 1.0, Verdict.FAIL: 0.0, Verdict.UNKNOWN: None}


class Metrics:
    """Every metric of specwatch. Call it with events, on the thread of the event loop; `exposition` renders it.

    Args:
        apis: the loaded specs, which bound the labels.
        probes: those of the schedule, switched off ones too.
        clock: says when the configuration was read, and measures the slices of a rendering.
        location: value of the constant label; empty for none.
    """

    def __init__(self, apis: Iterable[Api], probes: Iterable[Probe], clock: AsyncClock, location: str = "") -> None:
        self.location = clean(location)
        self._tables = Tables()
        self._process = ProcessCollector(registry=None)
        self._probes: dict[tuple[str, str], _Probe] = {}
        self._apis: dict[str, _Api] = {}
        self.exposition = Exposition(self._tables.ordered(), self._process.collect, clock, self.location)
        self.plan(apis, probes)
        self._tables.saturated.get().set(0.0)
        self._tables.reload_ok.get().set(1.0)
        self._tables.reloaded_at.get().set(clock.now())
        self._tables.build.get(__version__, platform.python_version()).set(1.0)

    def plan(self, apis: Iterable[Api], probes: Iterable[Probe]) -> None:
        """Take over another configuration: what is new begins at zero, what is gone disappears, the rest goes on."""
        specs, planned = tuple(apis), tuple(probes)
        tables = self._tables
        tables.plan(specs, planned)
        self._probes = {(probe.api, probe.id): _Probe(tables, probe.api, probe.id) for probe in planned}
        self._apis = {api.id: _Api(tables, api) for api in specs}

    def __call__(self, event: Event) -> None:
        """Count an event. Those of APIs and probes that are not planned are left out."""
        match event:
            case Ran():
                self._ran(event)
            case Ticked(lag):
                self._tables.lag.get().observe(lag)
            case Skipped(api, probe, reason):
                if (api, probe) in self._probes:
                    self._probes[api, probe].skip(reason)
            case BudgetLeft(api, unit, remaining, limit):
                if api in self._apis:
                    self._tables.budget.get(api, unit).set(remaining)
                    self._tables.budget_limit.get(api, unit).set(limit)
            case _:
                self._state(event)

    async def render(self, accept: str = "") -> Rendered:
        """The answer to a scrape with that `Accept` header."""
        return await self.exposition.render(accept)

    def _state(self, event: Event) -> None:
        """Take in what is told seldom: how it stands with an API, a probe or the prober."""
        match event:
            case Paused(api, until):
                if api in self._apis:
                    self._apis[api].limited.set(0.0 if until is None else 1.0)
            case JobOpen(api, probe, since):
                if (api, probe) in self._probes:
                    self._tables.job_since.get(api, probe).set(since)
            case Planned():
                self._planned(event)
            case _:
                self._own_state(event)

    def _own_state(self, event: Event) -> None:
        tables = self._tables
        match event:
            case Saturated(on):
                tables.saturated.get().set(float(on))
            case Reloaded(ok, at):
                tables.reload_ok.get().set(float(ok))
                if ok:
                    tables.reloaded_at.get().raise_to(at)
            case StateTrouble(operation):
                tables.state_errors.get(bounded(operation, STATE_OPERATIONS)).add()
            case Notified(outcome):
                tables.notifications.get(bounded(outcome, NOTIFICATIONS)).add()
            case _:
                pass

    def _planned(self, event: Planned) -> None:
        """Take over a configuration. What has a budget is told afterwards, so what had one before is forgotten."""
        tables = self._tables
        for table in (tables.budget, tables.budget_limit):
            table.plan((), keep=lambda _labels: False)
        self.plan(event.apis, event.probes)
        for probe in event.probes:
            tables.interval.get(probe.api, probe.id).set(None if probe.id in event.off else probe.interval)

    def _ran(self, event: Ran) -> None:
        observation = event.observation
        probe = self._probes.get((observation.api, observation.probe))
        if probe is not None:
            probe.ran(event)
        api = self._apis.get(observation.api)
        if api is not None:
            api.cost.add(observation.cost)
            for sent, reason in classified(observation):
                api.sent(sent, reason, observation.id)


class _Probe:
    """The series of one probe, kept at hand."""

    def __init__(self, tables: Tables, api: str, probe: str) -> None:
        self._runs = {verdict: tables.runs.get(api, probe, verdict) for verdict in Verdict}
        self._stood = {verdict: tables.verdict_seconds.get(api, probe, verdict) for verdict in Verdict}
        self._skipped = {reason: tables.skipped.get(api, probe, reason) for reason in SKIPS}
        self._success = tables.success.get(api, probe)
        self._last_run = tables.last_run.get(api, probe)
        self._seconds = tables.run_seconds.get(api, probe)
        self._other_skip = partial(tables.skipped.get, api, probe, OTHER)
        self._job_seconds = partial(tables.job_seconds.get, api, probe)

    def skip(self, reason: str) -> None:
        """Count a tick that passed."""
        (self._skipped.get(reason) or self._other_skip()).add()

    def ran(self, event: Ran) -> None:
        """Count a run."""
        observation = event.observation
        self._runs[observation.verdict].add()
        self._last_run.raise_to(observation.started_at + observation.seconds)
        if event.settled:
            self._success.set(SUCCESS[observation.verdict])
            self._stood[observation.verdict].add(event.stands_for)
        if observation.requests:
            self._seconds.observe(observation.seconds)
        if observation.job_seconds is not None:
            self._job_seconds().observe(observation.job_seconds)


class _Operation:
    """The series of one operation, kept at hand."""

    def __init__(self, tables: Tables, api: str, operation: str, answers: Answers) -> None:
        self.seconds: Histogram = tables.request_seconds.get(api, operation)
        self.phases = {phase: tables.phase_seconds.get(api, operation, phase) for phase in PHASES}
        self.failures = {reason: tables.failures.get(api, operation, reason) for reason in Reason}
        self._answers = answers
        self._response = partial(tables.responses.get, api, operation)
        self._violation = partial(tables.violations.get, api, operation)
        self._drift = partial(tables.drift.get, api, operation)

    def response(self, status: int, code: str) -> Counter:
        """The counter of an answer."""
        return self._response(*self._answers.label(status, code))

    def violation(self, claim: str, level: str) -> Counter:
        """The counter of a broken claim."""
        return self._violation(claim, level)

    def drift(self, kind: str) -> Counter:
        """The counter of a kind of drift."""
        return self._drift(bounded(kind, DRIFTS))


class _Api:
    """The series of one API, kept at hand, and what its labels may be."""

    def __init__(self, tables: Tables, api: Api) -> None:
        self.cost: Counter = tables.cost.get(api.id)
        self.limited: Gauge = tables.limited.get(api.id)
        if self.limited.value is None:
            self.limited.set(0.0)
        self._api = api
        self._tables = tables
        levels = {claim.id: str(claim.level) for claim in api.claims}
        self._verified = {claim: tables.verified.get(api.id, claim, level) for claim, level in levels.items()}
        self._violated = {claim: tables.violated.get(api.id, claim, level) for claim, level in levels.items()}
        self._operations = {each.id: _Operation(tables, api.id, each.id, Answers(api, each)) for each in api.operations}
        self._certificate = partial(tables.certificates.get, api.id)

    def sent(self, sent: Sent, reason: Reason | None, run: str) -> None:
        """Count one request."""
        operation = self._operations.get(sent.operation) or self._other()
        exchange, failure = sent.exchange, sent.failure
        if reason is not None:
            operation.failures[reason].add()
        if exchange is not None:
            timings, certificate, at = exchange.timings, exchange.certificate, exchange.timings.ended_at
            operation.seconds.observe_marked(timings.total_seconds, clean(run), at)
            operation.response(exchange.response.status, sent.error_code).add()
            phases = timings.phases
        elif failure is not None:
            phases, certificate, at = failure.phases, failure.certificate, failure.started_at + failure.seconds
        else:
            return
        for phase, seconds in phases.items():
            if phase in operation.phases:
                operation.phases[phase].observe(seconds)
        if certificate is not None:
            self._certificate(clean(certificate.host)).set(certificate.not_after)
        self._judged(sent, operation, at)

    def _judged(self, sent: Sent, operation: _Operation, at: float) -> None:
        verified = self._verified
        for claim in sent.verified:
            if claim in verified:
                verified[claim].raise_to(at)
        for violation in sent.violations:
            claim = bounded(violation.claim, verified)
            operation.violation(claim, violation.level).add()
            violated = self._violated.get(claim) or self._tables.violated.get(self._api.id, claim, violation.level)
            violated.raise_to(at)
        for drift in sent.drift:
            operation.drift(drift.kind).add()

    def _other(self) -> _Operation:
        """The series for an operation that the spec does not have, made when they are needed."""
        if OTHER not in self._operations:
            self._operations[OTHER] = _Operation(self._tables, self._api.id, OTHER, Answers(self._api, None))
        return self._operations[OTHER]


def clean(text: str) -> str:
    """The text as it can be written in UTF-8."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text

"""One table of series for each family, and which of their series there have to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from specwatch.metrics.bounds import DRIFTS, OTHER, STATE_OPERATIONS, Answers
from specwatch.metrics.families import BY_NAME, FAMILIES
from specwatch.metrics.series import Counter, Gauge, Histogram, Labels, Table
from specwatch.probing.events import NOTIFICATIONS, SKIPS
from specwatch.probing.jobs import has_job
from specwatch.schedule import Probe
from specwatch.spec import Api
from specwatch.values import PHASES, Reason, Verdict


def _counters(name: str) -> Table[Counter]:
    return Table(BY_NAME[f"specwatch_{name}"], Counter)


def _gauges(name: str) -> Table[Gauge]:
    return Table(BY_NAME[f"specwatch_{name}"], Gauge)


def _histograms(name: str) -> Table[Histogram]:
    return Table(BY_NAME[f"specwatch_{name}"], Histogram)


class Tables:
    """All tables, each under a name of its own."""

    def __init__(self) -> None:
        self.runs = _counters("probe_runs_total")
        self.verdict_seconds = _counters("probe_verdict_seconds_total")
        self.success = _gauges("probe_success")
        self.run_seconds = _histograms("probe_duration_seconds")
        self.last_run = _gauges("probe_last_run_timestamp_seconds")
        self.interval = _gauges("probe_interval_seconds")
        self.skipped = _counters("probes_skipped_total")
        self.job_seconds = _histograms("job_duration_seconds")
        self.job_since = _gauges("job_open_since_timestamp_seconds")
        self.request_seconds = _histograms("request_duration_seconds")
        self.phase_seconds = _histograms("request_phase_seconds")
        self.responses = _counters("responses_total")
        self.failures = _counters("request_failures_total")
        self.violations = _counters("contract_violations_total")
        self.verified = _gauges("claim_last_verified_timestamp_seconds")
        self.violated = _gauges("claim_last_violated_timestamp_seconds")
        self.drift = _counters("drift_total")
        self.budget = _gauges("budget_remaining")
        self.budget_limit = _gauges("budget_limit")
        self.cost = _counters("cost_total")
        self.limited = _gauges("rate_limited")
        self.certificates = _gauges("certificate_expiry_timestamp_seconds")
        self.lag = _histograms("schedule_lag_seconds")
        self.saturated = _gauges("saturated")
        self.reload_ok = _gauges("config_last_reload_successful")
        self.reloaded_at = _gauges("config_last_reload_success_timestamp_seconds")
        self.state_errors = _counters("state_errors_total")
        self.notifications = _counters("notifications_total")
        self.build = _gauges("build_info")

    def ordered(self) -> list[Table[Any]]:
        """All tables in the order of the families."""
        mine: dict[str, Table[Any]] = {table.family.name: table for table in vars(self).values()}
        return [mine[family.name] for family in FAMILIES]

    def plan(self, apis: Iterable[Api], probes: Iterable[Probe]) -> None:
        """Make every series that can be known beforehand; remove those of what is not there any more."""
        known = _Known.of(apis, probes)
        wanted = self._wanted(known)
        for table in self.ordered():
            nothing_known: tuple[Labels, ...] = () if table.family.labels else ((),)
            table.plan(wanted.get(table, nothing_known), partial(known.allows, table.family.labels))

    def _wanted(self, known: _Known) -> dict[Table[Any], Iterable[Labels]]:
        probes, operations = list(known.probes), list(known.operations)
        claims = [(*pair, level) for pair, level in sorted(known.claims.items())]
        return {
            self.runs: _each(probes, Verdict),
            self.verdict_seconds: _each(probes, Verdict),
            self.success: probes,
            self.run_seconds: probes,
            self.last_run: probes,
            self.interval: probes,
            self.skipped: _each(probes, SKIPS),
            self.job_seconds: known.jobs,
            self.job_since: known.jobs,
            self.request_seconds: operations,
            self.phase_seconds: _each(operations, PHASES),
            self.responses: _responses(known),
            self.failures: _each(operations, Reason),
            self.violations: _violations(known),
            self.verified: claims,
            self.violated: claims,
            self.drift: _each(operations, DRIFTS),
            self.cost: [(api,) for api in known.apis],
            self.limited: [(api,) for api in known.apis],
            self.state_errors: [(operation,) for operation in STATE_OPERATIONS],
            self.notifications: [(outcome,) for outcome in NOTIFICATIONS],
        }


@dataclass(frozen=True, slots=True)
class _Known:
    """What specs and schedule name."""

    apis: dict[str, Api]
    probes: dict[tuple[str, str], Probe]
    jobs: tuple[tuple[str, str], ...]
    operations: dict[tuple[str, str], Answers]
    claims: dict[tuple[str, str], str]

    @classmethod
    def of(cls, apis: Iterable[Api], probes: Iterable[Probe]) -> _Known:
        by_id = {api.id: api for api in apis}
        planned = {(probe.api, probe.id): probe for probe in probes}
        return cls(
            by_id,
            planned,
            tuple(key for key, probe in planned.items() if has_job(probe)),
            {(api.id, each.id): Answers(api, each) for api in by_id.values() for each in api.operations},
            {(api.id, claim.id): str(claim.level) for api in by_id.values() for claim in api.claims},
        )

    def allows(self, names: tuple[str, ...], labels: Labels) -> bool:
        """Whether what a series speaks about is still there."""
        at = dict(zip(names, labels, strict=True))
        if "api" not in at:
            return True
        api = at["api"]
        return (
            api in self.apis
            and ("probe" not in at or (api, at["probe"]) in self.probes)
            and (at.get("operation", OTHER) == OTHER or (api, at["operation"]) in self.operations)
            and (at.get("claim", OTHER) == OTHER or self.claims.get((api, at["claim"])) == at["level"])
        )


def _each(pairs: Iterable[tuple[str, str]], values: Iterable[str]) -> Iterator[Labels]:
    third = [str(value) for value in values]
    return ((*pair, value) for pair in pairs for value in third)


def _responses(known: _Known) -> Iterator[Labels]:
    for pair, answers in known.operations.items():
        yield from ((*pair, *answer) for answer in answers.known())


def _violations(known: _Known) -> Iterator[Labels]:
    for api in known.apis.values():
        for claim in api.claims:
            for operation in sorted(claim.operations):
                yield (api.id, operation, claim.id, str(claim.level))

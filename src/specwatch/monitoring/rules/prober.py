"""Alerts about the probers themselves. They keep the labels `job`, `instance` and `location`."""

from __future__ import annotations

import math
from typing import Final

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.model import Alert, Group, Recording, duration
from specwatch.monitoring.rules.promql import AT, LAST_SKIPPED, just_counted, metric, number, one_of
from specwatch.monitoring.rules.promql import since as seconds_since
from specwatch.monitoring.settings import Settings
from specwatch.schedule import Probe, expense
from specwatch.transport.budget import DAY_SECONDS
from specwatch.transport.rate_limit import SLOWEST

_BOARD: Final = "specwatch-prober"
_ONE: Final = "on (job, instance)"
_PROBE: Final = "on (job, instance, api, probe)"
_EXCUSES: Final = "maintenance|off|budget"
"""Why a probe may be left out, beside a rate limit: none of these is a fault of the prober."""


def prober_groups(origin: Origin) -> tuple[Group, ...]:
    """The rules about probers.

    Args:
        origin: its settings hold the thresholds, its schedule says how long runs may take.
    """
    settings = origin.settings
    return (
        Group(
            "specwatch-prober",
            (
                _last_skipped(origin),
                _down(settings),
                _absent(settings),
                _late(origin),
                _not_running(origin),
                _saturated(settings),
                _reload_failed(settings),
                _state_errors(settings),
            ),
        ),
    )


def _down(settings: Settings) -> Alert:
    return Alert(
        "SpecwatchProberDown",
        f"{metric(settings, 'up')} == 0",
        severity="page",
        suspect="prober",
        summary=f"The prober at {AT} does not answer: our own machine or network",
        description=(
            f"Prometheus has not been able to scrape it for at least {duration(settings.prober_down_for)}. "
            "Nothing is known about the APIs that only this prober watches."
        ),
        hold=settings.prober_down_for,
        dashboard=_BOARD,
    )


def _absent(settings: Settings) -> Alert:
    up, info = metric(settings, "up"), metric(settings, "specwatch_build_info")
    return Alert(
        "SpecwatchProberAbsent",
        f"absent({up})\nor ({up} == 1 unless {_ONE} {info})",
        severity="page",
        suspect="prober",
        summary=(
            "{{ with $labels.instance }}What answers at {{ . }} is no prober{{ else }}Prometheus knows no prober"
            "{{ end }}: our own configuration"
        ),
        description=(
            "{{ if $labels.instance }}The scrape works, but brings no metric of specwatch.{{ else }}There is no target "
            f"with the job {settings.selectors_job}.{{{{ end }}}} Nothing is known about any API that it would watch."
        ),
        hold=settings.prober_absent_for,
        dashboard=_BOARD,
    )


def _late(origin: Origin) -> Alert:
    settings = origin.settings
    # Every probe of the shortest interval has had a tick in it, and a busy moment has left it before the alert is due.
    shortest = min((probe.interval for probe in origin.probes), default=0.0)
    window = duration(max(shortest, 4 * settings.scrape_interval))
    buckets = metric(settings, "specwatch_schedule_lag_seconds_bucket")
    rates = f"sum by (job, instance, location, le) (rate({buckets}[{window}]))"
    return Alert(
        "SpecwatchProberLate",
        f"histogram_quantile({number(settings.prober_lag_quantile)}, {rates}) > {number(settings.prober_lag)}",
        severity="ticket",
        suspect="prober",
        summary=f"The prober at {AT} is late: our own machine is overloaded, and what it measures says less",
        description=(
            f"Of its ticks in the last {window}, {number(100 * (1 - settings.prober_lag_quantile))}% were noticed "
            f"{{{{ $value | humanizeDuration }}}} late or more; {duration(settings.prober_lag)} are allowed."
        ),
        hold=settings.prober_late_for,
        dashboard=_BOARD,
    )


def _last_skipped(origin: Origin) -> Recording:
    """When a tick was last left out with an excuse; the series keeps its own last sample while that can matter."""
    settings = origin.settings
    skipped = metric(settings, "specwatch_probes_skipped_total", f'reason=~"{_EXCUSES}|rate_limited"')
    longest = max((probe.interval for probe in origin.probes), default=0.0)
    horizon = SLOWEST * (settings.probes_missed_intervals * longest + _longest_run(origin))
    return Recording(
        LAST_SKIPPED,
        "max by (job, instance, location, api, probe, reason) (\n"
        f"  (increase({skipped}[{just_counted(settings)}]) > 0) * 0 + time()\n"
        ")\n"
        f"or {LAST_SKIPPED} > time() - {number(horizon)}",
    )


def _longest_run(origin: Origin) -> float:
    """Seconds that a run may last, and by which the end of the next one may thus be later."""
    return max((probe.deadline for probe in origin.probes), default=0.0)


def _not_running(origin: Origin) -> Alert:
    """A probe that has not run for several intervals, and has no excuse.

    Its age is taken at the scrape, so that it does not depend on how often Prometheus scrapes. A probe that never ran
    is as old as the configuration. After a rate limit intervals are up to eight times as long.
    """
    settings = origin.settings
    ran = metric(settings, "specwatch_probe_last_run_timestamp_seconds")
    interval = metric(settings, "specwatch_probe_interval_seconds")
    since = metric(settings, "specwatch_config_last_reload_success_timestamp_seconds")
    allowed = allowed_between_runs(origin)
    excused = f'{LAST_SKIPPED}{{reason=~"{_EXCUSES}"}} > {_PROBE} group_left () (time() - ({allowed}))'
    limited = f'{LAST_SKIPPED}{{reason="rate_limited"}} > {_PROBE} group_left () (time() - {SLOWEST:g} * ({allowed}))'
    return Alert(
        "SpecwatchProbeNotRunning",
        "(\n"
        f"  timestamp({ran}) - {ran}\n"
        f"  or {_PROBE} timestamp({interval}) - {_ONE} group_left () {since}\n"
        f") > {_PROBE} group_left () ({allowed})\n"
        f"unless {_PROBE} ({excused})\n"
        f"unless {_PROBE} ({limited})",
        severity="ticket",
        suspect="prober",
        summary=f"{{{{ $labels.probe }}}} of {{{{ $labels.api }}}} is not run by the prober at {AT}: our own trouble",
        description=(
            "It has not run for {{ $value | humanizeDuration }}, which is more than "
            f"{number(settings.probes_missed_intervals)} of its intervals, and neither maintenance nor a budget nor a "
            "rate limit explains it."
        ),
        dashboard=_BOARD,
    )


def allowed_between_runs(origin: Origin) -> str:
    """Seconds that may lie between two runs: some intervals and a run, more where the budget alone makes it slower."""
    missed, run = origin.settings.probes_missed_intervals, number(_longest_run(origin))
    slow: dict[float, list[str]] = {}
    for probe in origin.probes:
        if (stretch := _stretch(probe)) > 1:
            slow.setdefault(stretch, []).append(probe.id)
    others = one_of(name for names in slow.values() for name in names)

    def of(times: float, *matchers: str) -> str:
        interval = metric(origin.settings, "specwatch_probe_interval_seconds", *matchers)
        return f"{number(times)} * {interval} + {run}"

    parts = [of(missed, *([f"probe!~{others}"] if slow else []))]
    parts += [of(missed * stretch, f"probe=~{one_of(names)}") for stretch, names in slow.items()]
    return " or ".join(parts)


def _stretch(probe: Probe) -> float:
    """How many times its interval a probe waits when each run takes all its looks: a budget is spread over the day."""
    one, budget = expense(probe.workflow), probe.budget
    by_requests = budget.requests / one.requests if budget.requests is not None and one.requests else math.inf
    by_cost = budget.cost / one.cost if budget.cost is not None and one.cost else math.inf
    runs = max(min(by_requests, by_cost) / probe.confirm, 1.0)
    return max(DAY_SECONDS / runs / probe.interval, 1.0)


def _saturated(settings: Settings) -> Alert:
    return Alert(
        "SpecwatchProberSaturated",
        f"{metric(settings, 'specwatch_saturated')} == 1",
        severity="ticket",
        suspect="prober",
        summary=f"The prober at {AT} is overloaded: our own machine or schedule, and what it measures says less",
        description=(
            f"For at least {duration(settings.prober_saturated_for)} it has left out runs, or noticed ticks late, "
            "because too much was to be done at once."
        ),
        hold=settings.prober_saturated_for,
        dashboard=_BOARD,
    )


def _reload_failed(settings: Settings) -> Alert:
    ok = metric(settings, "specwatch_config_last_reload_successful")
    since = metric(settings, "specwatch_config_last_reload_success_timestamp_seconds")
    return Alert(
        "SpecwatchReloadFailed",
        f"{seconds_since(since)} and {_ONE} {ok} == 0",
        severity="ticket",
        suspect="prober",
        summary=f"The prober at {AT} has refused its new configuration: a mistake in our own files",
        description=(
            "It goes on with the one that it read {{ $value | humanizeDuration }} ago. Its log names every mistake "
            "with file and line."
        ),
        hold=settings.prober_reload_for,
        dashboard=_BOARD,
    )


def _state_errors(settings: Settings) -> Alert:
    """Errors that were counted lately; what a young process has counted before the first scrape is among them."""
    by, window = "sum by (job, instance, location, operation)", settings.prober_state_window
    errors = metric(settings, "specwatch_state_errors_total")
    young = f"time() - {metric(settings, 'process_start_time_seconds')} < {number(window)}"
    return Alert(
        "SpecwatchStateErrors",
        f"{by} (increase({errors}[{duration(window)}])) > 0\nor {by} ({errors} and {_ONE} ({young})) > 0",
        severity="ticket",
        suspect="prober",
        summary=f"The prober at {AT} cannot use its state ({{{{ $labels.operation }}}}): our own disk or file",
        description=(
            f"About {{{{ $value | printf `%.0f` }}}} errors in the last {duration(window)}. Probing goes on, but what "
            "is not on the disk is lost with the process."
        ),
        dashboard=_BOARD,
    )

"""Rules about the objectives of the schedule: shares of errors, burn rates, the budget that is left, and its alerts.

Only the objectives themselves are written once per probe, as constant series; every other rule is one expression for
all probes, and a probe without an objective drops out of it. Errors of availability are counted in the seconds that
verdicts stand for, not in runs: a probe that fails runs more often, so that a share of runs would count an outage
several times over. Where nothing was measured in a window there is no sample: a share of nothing is no number.

A series that starts anew, because the prober was restarted or is another instance, is a reset of a counter or one more
summand: rates are taken before they are added up, and `job` and `instance` are added away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.alerts import burn_alerts, burning, location_disagrees
from specwatch.monitoring.rules.burn import burn_notes, pairs
from specwatch.monitoring.rules.latency import bound_notes, bounds, spellings
from specwatch.monitoring.rules.model import Group, Recording
from specwatch.monitoring.rules.prober import allowed_between_runs
from specwatch.monitoring.rules.windows import LONG, MONTH, SHORT, Window

BY = "by (api, probe, location)"


def objective_groups(origin: Origin) -> tuple[Group, ...]:
    """Recording rules and alerts about objectives.

    Constant series come first, the slow windows before the fast ones: where groups are evaluated one after the other,
    as in a rule test, nothing lags. A server evaluates them side by side; there, what an alert reads of a window of
    hours is at most as old as the evaluation interval of that window's group.

    Args:
        origin: probes and settings.
    """
    kinds = objective_kinds(origin)
    alerts = [burn_alerts(origin, kind) for kind in kinds]
    groups = (
        Group("specwatch-objectives", list(_constants(origin))),
        Group("specwatch-objectives-month", [*_window(origin, MONTH), *_budget(kinds)], MONTH.every),
        Group("specwatch-objectives-days", [rule for w in LONG for rule in _window(origin, w)], LONG[0].every),
        Group(
            "specwatch-objectives-burn",
            [
                *(rule for window in SHORT for rule in _window(origin, window)),
                _last_verdict(origin),
                *(rule for kind in kinds for rule in burning(origin, kind)),
                *(alert for some in alerts for alert in some),
                location_disagrees(origin),
            ],
        ),
    )
    return tuple(group for group in groups if group.rules)


def objective_kinds(origin: Origin) -> tuple[str, ...]:
    """`availability` and `latency`, as far as any probe has such an objective."""
    present = {kind for _, kind, _ in origin.objectives()}
    return tuple(kind for kind in ("availability", "latency") if kind in present)


def notes(origin: Origin) -> list[str]:
    """What cannot be watched as the schedule has it, line by line, for whoever runs `specwatch build`."""
    return [*_nothing_notes(origin), *bound_notes(origin), *burn_notes(origin)]


def _nothing_notes(origin: Origin) -> Iterator[str]:
    """A line where whole rules are missing or can never fire: silence would look as if all were watched."""
    if not origin.schedule.probes:
        yield "the schedule has no probe: nothing is watched"
    elif not origin.probes:
        yield "every probe of the schedule is switched off: nothing is watched"
    elif not objective_kinds(origin):
        yield "no probe has an objective: no error budget is watched, and no alert says that one burns"
    if origin.settings.locations_quorum == 0:
        yield (
            "locations.quorum is 0: one location is enough for an alert on a budget, and SpecwatchLocationDisagrees, "
            "which is about locations that are too few for one, never fires"
        )


# ------------------------------------------------------------------------------------------------------ constant series


def _constants(origin: Origin) -> Iterator[Recording]:
    for probe, kind, share in origin.objectives():
        yield _constant("probe:specwatch_objective:ratio", share, api=probe.api, probe=probe.id, objective=kind)
    for probe, seconds, bound in bounds(origin):
        yield _constant("probe:specwatch_latency_objective:seconds", seconds, api=probe.api, probe=probe.id)
        for le in spellings(bound):
            yield _constant("probe:specwatch_latency_objective:bucket", 1, api=probe.api, probe=probe.id, le=le)
    for probe_id, api in dict.fromkeys((probe.id, probe.api) for probe, _, _ in origin.objectives()):
        least = origin.settings.minimum_failures(probe_id)
        yield _constant("probe:specwatch_objective_failures:minimum", least, api=api, probe=probe_id)


def _constant(name: str, value: float, **labels: str) -> Recording:
    return Recording(name, f"vector({value:.12g})", labels)


# --------------------------------------------------------------------------------------------------------- error ratios


def _window(origin: Origin, window: Window) -> Iterator[Recording]:
    """What is recorded over one window."""
    wanted = {pair.long for pair in pairs(origin.settings)}
    for kind in objective_kinds(origin):
        labels = {"objective": kind}
        errors = _availability_errors if kind == "availability" else _latency_errors
        failures = _failed_runs if kind == "availability" else _slow_runs
        yield Recording(f"probe:specwatch_objective_errors:ratio_rate{window.name}", errors(origin, window), labels)
        if window in wanted:
            yield Recording(
                f"probe:specwatch_objective_failures:increase{window.name}", failures(origin, window), labels
            )
    if objective_kinds(origin):
        yield Recording(f"probe:specwatch_burn_rate:ratio_rate{window.name}", _burn_rate(window))


def _availability_errors(origin: Origin, window: Window) -> str:
    metric, job = "specwatch_probe_verdict_seconds_total", origin.settings.selectors_job
    return (
        f'sum {BY} (rate({metric}{{job="{job}", verdict="fail"}}[{window.name}]))\n'
        f'/ (sum {BY} (rate({metric}{{job="{job}", verdict=~"pass|fail"}}[{window.name}])) > 0)\n'
        f"{_has_objective('availability')}"
    )


def _latency_errors(origin: Origin, window: Window) -> str:
    job = origin.settings.selectors_job
    return (
        "clamp_min(\n"
        f"  1 - sum {BY} (\n"
        f"    {_fast_runs(origin, 'rate', window, '    ')}\n"
        "  )\n"
        f'  / (sum {BY} (rate(specwatch_probe_duration_seconds_count{{job="{job}"}}[{window.name}])) > 0),\n'
        "  0\n"
        ")"
    )


def _failed_runs(origin: Origin, window: Window) -> str:
    """At least how many runs failed, as far as counters show it: by the count, or by the time that failures stand for.

    A counter that begins at 1 with each process, as of one that crashes after each run, shows no increase. The seconds
    do, as they differ. A verdict stands for one interval at most, so that there were no fewer failures than the bad
    seconds hold intervals: a single one, however rare the probe, never counts as more than one.
    """
    job = origin.settings.selectors_job
    failed = f'{{job="{job}", verdict="fail"}}[{window.name}]'
    interval = f'specwatch_probe_interval_seconds{{job="{job}"}}[{window.name}]'
    return (
        f"max {BY} (\n"
        f"  sum {BY} (increase(specwatch_probe_runs_total{failed}))\n"
        "  or label_replace(\n"
        f"    sum {BY} (increase(specwatch_probe_verdict_seconds_total{failed}))\n"
        f"    / on (api, probe) group_left () max by (api, probe) (max_over_time({interval})),\n"
        '    "counted", "seconds", "", ""\n'
        "  )\n"
        ")\n"
        f"{_has_objective('availability')}"
    )


def _slow_runs(origin: Origin, window: Window) -> str:
    job = origin.settings.selectors_job
    return (
        f'sum {BY} (increase(specwatch_probe_duration_seconds_count{{job="{job}"}}[{window.name}]))\n'
        f"- sum {BY} (\n"
        f"  {_fast_runs(origin, 'increase', window, '  ')}\n"
        ")"
    )


def _fast_runs(origin: Origin, function: str, window: Window, indent: str) -> str:
    """The runs of each series within the bound of its probe: no other bucket is read, and none of another probe's."""
    les = "|".join(dict.fromkeys(le for _, _, bound in bounds(origin) for le in spellings(bound)))
    selector = f'{{job="{origin.settings.selectors_job}", le=~"{les}"}}'
    buckets = f"{function}(specwatch_probe_duration_seconds_bucket{selector}[{window.name}])"
    return f"{buckets}\n{indent}and on (api, probe, le) probe:specwatch_latency_objective:bucket"


def _has_objective(kind: str) -> str:
    return f'and on (api, probe) probe:specwatch_objective:ratio{{objective="{kind}"}}'


def _burn_rate(window: Window) -> str:
    return (
        f"probe:specwatch_objective_errors:ratio_rate{window.name}\n"
        "/ on (api, probe, objective) group_left () (1 - probe:specwatch_objective:ratio)"
    )


def _budget(kinds: Sequence[str]) -> Iterator[Recording]:
    if kinds:
        yield Recording("probe:specwatch_error_budget_remaining:ratio", "1 - probe:specwatch_burn_rate:ratio_rate30d")


def _last_verdict(origin: Origin) -> Recording:
    """What each location says of each probe, where the probe has run there of late: an old verdict is no voice.

    A prober goes on telling its last verdict while it leaves the probe out, for maintenance, for want of budget, after
    a rate limit, or because it is stuck. How old is too old is the same as for SpecwatchProbeNotRunning; a probe that
    is off has no interval and no voice. Fails win where two instances of one place report at the same time, as for a
    moment in a restart.
    """
    job, same = origin.settings.selectors_job, "on (job, instance, api, probe)"
    ran = f'specwatch_probe_last_run_timestamp_seconds{{job="{job}"}}'
    return Recording(
        "probe:specwatch_probe_success:min",
        f"min {BY} (\n"
        f'  specwatch_probe_success{{job="{job}"}}\n'
        f"  and {same} (timestamp({ran}) - {ran} <= {same} ({allowed_between_runs(origin)}))\n"
        ")",
    )

"""Alerts about our standing with a provider: credentials, rate limits, budgets, certificates, open jobs."""

from __future__ import annotations

from typing import Final

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.model import Alert, Group, Recording, duration
from specwatch.monitoring.rules.promql import (
    BY_API,
    BY_PROBE,
    FROM,
    LAST_REJECTED,
    LAST_SKIPPED,
    just_counted,
    just_counted_seconds,
    metric,
    number,
    since,
    unknown_now,
)
from specwatch.monitoring.settings import Settings
from specwatch.transport.budget import DAY_SECONDS
from specwatch.transport.rate_limit import SLOWEST

_BY_UNIT: Final = "by (api, unit, location)"
_PROBER_PROBE: Final = "on (job, instance, api, probe)"
_DAY_GONE: Final = f"time() % {number(DAY_SECONDS)}"
"""Seconds of the day of UTC that are over."""

_DAY_LEFT: Final = f"({number(DAY_SECONDS)} - {_DAY_GONE})"
"""Seconds until the budgets of a day of UTC are renewed."""


def account_groups(origin: Origin) -> tuple[Group, ...]:
    """The rules about accounts.

    Args:
        origin: its settings hold the thresholds, its schedule says how often an API is asked.
    """
    settings = origin.settings
    return (
        Group(
            "specwatch-account",
            (
                _last_rejected(settings),
                _credential_rejected(settings),
                _rate_limited(origin),
                _budget_low(settings),
                _budget_overspent_soon(settings),
                _budget_spent(settings),
                _certificate_expires(settings, "ticket"),
                _certificate_expires(settings, "page"),
                _job_stuck(settings),
            ),
        ),
    )


def _last_rejected(settings: Settings) -> Recording:
    """When a credential was last refused; the series keeps its own last sample while a probe of the API is unknown.

    Usually that is an increase which a scrape has just brought. Behind a gap without samples it is one over a longer
    range, and what a counter shows when it is first seen was counted before the first scrape: by a prober that has just
    been started with a wrong credential, say.
    """
    refused = metric(settings, "specwatch_request_failures_total", 'reason="auth"')
    longer = duration(max(settings.account_credential_for, 2 * just_counted_seconds(settings)))
    return Recording(
        LAST_REJECTED,
        f"(sum {BY_API} (\n"
        f"  increase({refused}[{just_counted(settings)}]) > 0\n"
        f"  or ({refused} unless count_over_time({refused}[{longer}] offset {just_counted(settings)})) > 0\n"
        f"  or (increase({refused}[{longer}]) and {refused} "
        f"unless count_over_time({refused}[{just_counted(settings)}]) > 1) > 0\n"
        ")) * 0 + time()\n"
        f"or ({LAST_REJECTED} and on (api, location) {unknown_now(settings)})",
    )


def _credential_rejected(settings: Settings) -> Alert:
    return Alert(
        "SpecwatchCredentialRejected",
        f"count {BY_API} ({unknown_now(settings)} <= on (api, location) group_left () {LAST_REJECTED})",
        severity="ticket",
        suspect="account",
        summary="{{ $labels.api }} refuses our credential, or our balance is used up: ours to mend, no outage",
        description=(
            "{{ $value }} of its probes cannot tell" + FROM + " whether it works: 401, 402, 403, 407 or an error code "
            "that says so. An outage of the provider would go unseen meanwhile."
        ),
        hold=settings.account_credential_for,
    )


def _rate_limited(origin: Origin) -> Alert:
    """An API that asks for a long pause, or for pauses again and again.

    Between two pauses the API is asked again, and after each the intervals are longer, up to eight times: that long is
    half of the window. Pauses in both halves, and more changes than the begin and the end of a single one, are needed,
    since some short pauses in a row are over with the last.
    """
    settings = origin.settings
    gauge = metric(settings, "specwatch_rate_limited")
    half = _longest_between_pauses(origin)
    return Alert(
        "SpecwatchRateLimited",
        f"max {BY_API} ({gauge}) == 1\n"
        f"or max {BY_API} (\n"
        f"  (changes({gauge}[{duration(2 * half)}]) > 2)\n"
        f"  and max_over_time({gauge}[{duration(half)}]) == 1\n"
        f"  and max_over_time({gauge}[{duration(half)}] offset {duration(half)}) == 1\n"
        ")",
        severity="ticket",
        suspect="account",
        summary="{{ $labels.api }} limits our rate for long, or again and again: we ask too much of it, no outage",
        description=(
            f"For at least {duration(settings.account_rate_limited_for)} a pause that it asked for{FROM} has been "
            f"open, or there were pauses both in the last {duration(half)} and in the {duration(half)} before. Its "
            "probes wait so long, then go slower; an outage would be seen late."
        ),
        hold=settings.account_rate_limited_for,
    )


def _longest_between_pauses(origin: Origin) -> float:
    """Seconds between two requests of the fastest probe when it goes as slow as a rate limit can make it."""
    fastest = min((probe.interval for probe in origin.probes), default=origin.settings.account_rate_limited_for)
    return max(SLOWEST * fastest, just_counted_seconds(origin.settings))


def _budget_low(settings: Settings) -> Alert:
    """Less is left of a budget than of the day.

    At midnight the day is whole again, while the figure is that of yesterday until something is spent. So nothing is
    said before `account.budget-forecast` lies in the day, nor while no probe of the API has run in it.
    """
    remaining = f"sum {_BY_UNIT} ({metric(settings, 'specwatch_budget_remaining')})"
    limit = f"sum {_BY_UNIT} ({metric(settings, 'specwatch_budget_limit')})"
    ran = metric(settings, "specwatch_probe_last_run_timestamp_seconds")
    return Alert(
        "SpecwatchBudgetLow",
        f"{remaining} / {limit} < {number(settings.account_budget_low)}\n"
        f"and {remaining} / {limit} < {_DAY_LEFT} / {number(DAY_SECONDS)}\n"
        f"unless on () vector({_DAY_GONE}) < {number(settings.account_budget_forecast)}\n"
        f"unless on (api, location) max {BY_API} ({ran}) < time() - {_DAY_GONE}",
        severity="ticket",
        suspect="account",
        summary="The budget of {{ $labels.unit }} for {{ $labels.api }} is nearly spent: our own probes spend too much",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of it are left for today (UTC){FROM}, less than of the day itself. "
            "When it is spent, probes pause until midnight."
        ),
    )


def _budget_spent(settings: Settings) -> Alert:
    """A probe that has been left out today for its own budget since it last ran.

    What is left is summed over the probes of an API, so that one that has nothing left hides behind the others. That a
    tick was left out is recorded for the time in which scrapes show it, which may thus be so long after the next run.
    """
    ran = metric(settings, "specwatch_probe_last_run_timestamp_seconds")
    planned = metric(settings, "specwatch_probe_interval_seconds")
    today = f'{LAST_SKIPPED}{{reason="budget"}} >= time() - {_DAY_GONE}'
    skipped = f"max by (job, instance, location, api, probe) ({today})"
    over = f"{ran} + {number(just_counted_seconds(settings))}"
    return Alert(
        "SpecwatchBudgetSpent",
        f"max {BY_PROBE} (\n"
        f"  {since(f'({skipped})')}\n"
        f"  and {_PROBER_PROBE} {planned}\n"
        f"  unless {_PROBER_PROBE} ({over} >= {_PROBER_PROBE} {skipped})\n"
        ")",
        severity="ticket",
        suspect="account",
        summary="{{ $labels.probe }} of {{ $labels.api }} has spent its budget: our own probes spend too much",
        description=(
            f"It is left out{FROM} until midnight (UTC), last {{{{ $value | humanizeDuration }}}} ago, because what is "
            "left of its budget does not cover a run. An outage of the provider may go unseen meanwhile."
        ),
    )


def _budget_overspent_soon(settings: Settings) -> Alert:
    """The forecast is made where it can be trusted.

    Not before a whole window lies in the day: at midnight the budget jumps back, and until something is spent the old
    figure stands. Only where both halves of the window spent something: a single costly run is no pace. Not where the
    limit itself was changed.
    """
    window, half = settings.account_budget_forecast, duration(settings.account_budget_forecast / 2)
    gauge, limit = metric(settings, "specwatch_budget_remaining"), metric(settings, "specwatch_budget_limit")
    return Alert(
        "SpecwatchBudgetOverspentSoon",
        f"sum {_BY_UNIT} (predict_linear({gauge}[{duration(window)}], {_DAY_LEFT})) < 0\n"
        f"and sum {_BY_UNIT} ({gauge}) > 0\n"
        f"and sum {_BY_UNIT} (delta({gauge}[{half}])) < 0\n"
        f"and sum {_BY_UNIT} (delta({gauge}[{half}] offset {half})) < 0\n"
        f"unless sum {_BY_UNIT} (changes({limit}[{duration(window)}])) > 0\n"
        f"unless on () vector({_DAY_GONE}) < {number(window)}",
        severity="ticket",
        suspect="account",
        summary="The budget of {{ $labels.unit }} for {{ $labels.api }} will not last until midnight: "
        "our own probes spend too much",
        description=(
            f"At the pace of the last {duration(window)}{FROM} it would be overspent by "
            "{{ $value | printf `%.0f` | reReplaceAll `^-` `` }} at midnight (UTC). Probes go slower, then pause."
        ),
    )


def _certificate_expires(settings: Settings, severity: str) -> Alert:
    left = settings.certificates_page if severity == "page" else settings.certificates_ticket
    gauge = metric(settings, "specwatch_certificate_expiry_timestamp_seconds")
    return Alert(
        "SpecwatchCertificateExpires",
        f"min by (api, host, location) ({gauge}) - time() < {number(left)}",
        severity=severity,
        suspect="provider",
        summary=(
            "The certificate of {{ $labels.host }} ({{ $labels.api }}) "
            "{{ if le $value 0.0 }}has expired{{ else }}expires soon{{ end }}: the provider has to renew it"
        ),
        description=(
            "{{ if le $value 0.0 }}It expired {{ $value | humanizeDuration | reReplaceAll `^-` `` }} ago: clients that "
            "verify it do not talk to the host.{{ else }}It expires in {{ $value | humanizeDuration }}, which is less "
            f"than {duration(left)}.{{{{ end }}}}"
        ),
    )


def _job_stuck(settings: Settings) -> Alert:
    since = metric(settings, "specwatch_job_open_since_timestamp_seconds")
    return Alert(
        "SpecwatchJobStuck",
        f"time() - min {BY_PROBE} ({since}) > {number(settings.jobs_stuck)}",
        severity="ticket",
        suspect="account",
        summary="A job of {{ $labels.probe }} at {{ $labels.api }} does not end: probably our own trouble",
        description=(
            f"It was begun{FROM} {{{{ $value | humanizeDuration }}}} ago and is still open: what it has made is "
            "waiting to be fetched."
        ),
    )

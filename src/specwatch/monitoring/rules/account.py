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
    just_counted,
    metric,
    number,
    unknown_now,
)
from specwatch.monitoring.settings import Settings
from specwatch.transport.budget import DAY_SECONDS
from specwatch.transport.rate_limit import SLOWEST

_BY_UNIT: Final = "by (api, unit, location)"
_DAY_LEFT: Final = f"({number(DAY_SECONDS)} - time() % {number(DAY_SECONDS)})"
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
                _certificate_expires(settings, "ticket"),
                _certificate_expires(settings, "page"),
                _job_stuck(settings),
            ),
        ),
    )


def _last_rejected(settings: Settings) -> Recording:
    """When a credential was last refused; the series keeps its own last sample while a probe of the API is unknown."""
    refused = metric(settings, "specwatch_request_failures_total", 'reason="auth"')
    return Recording(
        LAST_REJECTED,
        f"(sum {BY_API} (increase({refused}[{just_counted(settings)}])) > 0) * 0 + time()\n"
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
    """An API that asks for a pause, or has asked for several of late.

    Between two pauses the API is asked again, and after each the intervals are longer, up to eight times. Whoever looks
    at this moment only would call that an end. One pause alone is two changes: its begin and its end.
    """
    settings = origin.settings
    gauge = metric(settings, "specwatch_rate_limited")
    between = SLOWEST * min((probe.interval for probe in origin.probes), default=settings.account_rate_limited_for)
    return Alert(
        "SpecwatchRateLimited",
        f"max {BY_API} ({gauge}) == 1\nor max {BY_API} (changes({gauge}[{duration(between)}])) > 2",
        severity="ticket",
        suspect="account",
        summary="{{ $labels.api }} limits our rate again and again: we ask too much of it, no outage",
        description=(
            f"For at least {duration(settings.account_rate_limited_for)} it has asked{FROM} for a pause, or for "
            "several. Its probes wait so long, then go slower; an outage would be seen late."
        ),
        hold=settings.account_rate_limited_for,
    )


def _budget_low(settings: Settings) -> Alert:
    remaining = f"sum {_BY_UNIT} ({metric(settings, 'specwatch_budget_remaining')})"
    limit = f"sum {_BY_UNIT} ({metric(settings, 'specwatch_budget_limit')})"
    return Alert(
        "SpecwatchBudgetLow",
        f"{remaining} / {limit} < {number(settings.account_budget_low)}\n"
        f"and {remaining} / {limit} < {_DAY_LEFT} / {number(DAY_SECONDS)}",
        severity="ticket",
        suspect="account",
        summary="The budget of {{ $labels.unit }} for {{ $labels.api }} is nearly spent: our own probes spend too much",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of it are left for today (UTC){FROM}, less than of the day itself. "
            "When it is spent, probes pause until midnight."
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
        f"unless on () vector(time() % {number(DAY_SECONDS)}) < {number(window)}",
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
        f"min by (api, host) ({gauge}) - time() < {number(left)}",
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

"""The API dashboard's rows about jobs, budgets and rate limits, and certificates."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as options

from specwatch.monitoring.dashboards.api_parts import DAY, RATE, a_bar, bars, of_api, of_probe, runbook, sparse
from specwatch.monitoring.dashboards.frame import Grid
from specwatch.monitoring.dashboards.kit import (
    BAD,
    GOOD,
    NEAR,
    PLAIN,
    QUIET,
    Question,
    course,
    figure,
    query,
    timeline,
    words,
)
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.settings import Settings


def add_jobs(grid: Grid, origin: Origin) -> None:
    """Add the row "Jobs"."""
    grid.row("Jobs")
    grid.add(_job_seconds(origin), 12, 7)
    grid.add(_job_open(origin.settings), 12, 7)


def _job_seconds(origin: Origin) -> timeseries.Panel:
    buckets = of_probe("specwatch_job_duration_seconds_bucket")
    panel = course(
        Question(
            title="How long does its work in the background take?",
            description="Runs that created something, from the first request to the end: 50 and 95 of 100 were over "
            "within this time. Estimated from a histogram: with few runs, a rough figure.",
            unit="s",
            steps=(PLAIN,),
            none="no job seen",
            low=0,
        ),
        *(
            query(
                f"histogram_quantile({share:g}, sum by (probe, le) (rate({buckets}{RATE}))) >= 0",
                f"{{{{probe}}}} p{100 * share:g}",
            )
            for share in (0.5, 0.95)
        ),
    )
    return sparse(panel, origin)


def _job_open(settings: Settings) -> timeseries.Panel:
    since = of_probe("specwatch_job_open_since_timestamp_seconds")
    return course(
        Question(
            title="Is a job stuck?",
            description="The age of the oldest job that is not done. A line that climbs past the dashed one is a job "
            "that does not end; no line: no job is open.",
            unit="s",
            steps=(GOOD, (settings.jobs_stuck, BAD)),
            none="no open job seen",
            low=0,
            links=[runbook(settings, "SpecwatchJobStuck")],
        ),
        query(f"time() - min by (probe, location) ({since})", "{{probe}} {{location}}"),
        limits=True,
    )


def add_budget(grid: Grid, origin: Origin) -> None:
    """Add the row "Budget and rate limits"."""
    settings = origin.settings
    grid.row("Budget and rate limits")
    grid.add(_left(settings), 6, 8)
    grid.add(_left_over_time(settings), 9, 8)
    grid.add(_spent(), 9, 8)
    grid.add(_pauses(settings), 12, 7)
    grid.add(_skips(), 12, 7)


def _left(settings: Settings) -> stat.Panel:
    panel = figure(
        Question(
            title="What may still be spent today?",
            description="Requests, and the unit in which calls are priced, that the probes may still spend until "
            "midnight UTC, and the budget of a day. At 0 the probes stop until then.",
            unit="locale",
            steps=(PLAIN,),
            none="no budget known",
            decimals=0,
            links=[runbook(settings, "SpecwatchBudgetLow")],
        ),
        query(f"sum by (unit) ({of_api('specwatch_budget_remaining')})", "{{unit}} left", instant=True),
        query(f"sum by (unit) ({of_api('specwatch_budget_limit')})", "{{unit}} a day", instant=True),
        name=True,
    )
    return panel.orientation(options.VizOrientation.HORIZONTAL)


def _left_over_time(settings: Settings) -> timeseries.Panel:
    left, limit = of_api("specwatch_budget_remaining"), of_api("specwatch_budget_limit")
    return course(
        Question(
            title="Will the budget last until midnight?",
            description="The share of a day's budget that is left, by unit. It starts again at midnight UTC. Below the "
            f"dashed line, {settings.account_budget_low:.0%}, a ticket is opened.",
            unit="percentunit",
            steps=(BAD, (settings.account_budget_low, NEAR)),
            none="no budget known",
            low=0,
            high=1,
            links=[
                runbook(settings, "SpecwatchBudgetLow"),
                runbook(settings, "SpecwatchBudgetOverspentSoon", "What to do if it will not last"),
            ],
        ),
        query(f"sum by (unit) ({left}) / (sum by (unit) ({limit}) > 0)", "{{unit}}"),
        limits=True,
        calcs=("lastNotNull", "min"),
    )


def _spent() -> timeseries.Panel:
    return bars(
        Question(
            title="What do the probes cost, and when?",
            description="Cost of the requests, in the unit in which the provider prices its calls. None where nothing "
            "is priced.",
            low=0,
        ),
        a_bar(of_api("specwatch_cost_total"), "api"),
    )


def _pauses(settings: Settings) -> statetimeline.Panel:
    return timeline(
        Question(
            title="When did it ask us to pause?",
            description="**PAUSED**: it answered that we ask too much, and the probes of this place wait. Long or "
            "frequent pauses mean that the probes ask too often for the plan of our account.",
            unit="short",
            steps=(QUIET,),
            none="unknown",
            words=[words({"0": ("no pause", GOOD), "1": ("PAUSED", NEAR)})],
            links=[runbook(settings, "SpecwatchRateLimited")],
        ),
        query(f"max by (location, instance) ({of_api('specwatch_rate_limited')})", "{{instance}} {{location}}"),
    )


def _skips() -> timeseries.Panel:
    return bars(
        Question(
            title="Which runs were left out, and why?",
            description="Ticks of the schedule without a run. *rate_limited*: the provider asked for a pause; "
            "*budget*: nothing is left for today; *maintenance* and *off*: as the schedule says; *overlap*: the run "
            "before was still going; *saturated* and *late*: the prober is overloaded, see its dashboard.",
            unit="locale",
            decimals=0,
            low=0,
        ),
        a_bar(of_probe("specwatch_probes_skipped_total"), "reason"),
    )


def add_certificate(grid: Grid, origin: Origin) -> None:
    """Add the row "Certificate"."""
    settings = origin.settings
    grid.row("Certificate")
    grid.add(_days(settings), 24, 8)


def _days(settings: Settings) -> timeseries.Panel:
    expiry = of_api("specwatch_certificate_expiry_timestamp_seconds")
    return course(
        Question(
            title="How long are its certificates valid?",
            description="Days until the certificate that a host last showed ends, whether or not it could be verified. "
            f"A ticket is opened at {settings.certificates_ticket / DAY:g} days, and somebody is woken at "
            f"{settings.certificates_page / DAY:g}.",
            unit="suffix:days",
            steps=(BAD, (settings.certificates_page / DAY, BAD), (settings.certificates_ticket / DAY, NEAR)),
            none="none seen: it speaks plain http",
            decimals=1,
            low=0,
            links=[runbook(settings, "SpecwatchCertificateExpires")],
        ),
        query(f"min by (host) ({expiry} - time()) / {DAY}", "{{host}}"),
        limits=True,
        calcs=("lastNotNull",),
    ).axis_soft_max(settings.certificates_ticket / DAY)

"""The API dashboard's first row: how it stands now, and which alerts are open."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import prometheus, stat, table

from specwatch.monitoring.dashboards.api_parts import API, DAY, of_api, of_probe, runbook
from specwatch.monitoring.dashboards.frame import Grid
from specwatch.monitoring.dashboards.kit import (
    BAD,
    GOOD,
    NEAR,
    PLAIN,
    QUIET,
    Question,
    figure,
    nothing,
    override,
    pick,
    query,
    thresholds,
    words,
)
from specwatch.monitoring.dashboards.shared import UNKNOWN, count_broken, open_alerts
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.settings import Settings

_LOWEST: Final = -1e9
"""Below every value that there is; the colour below it is that of no value at all."""


def add_now(grid: Grid, origin: Origin) -> None:
    """Add the row "Now"."""
    settings = origin.settings
    grid.row("Now")
    for panel in (
        _up(settings),
        _budget_left(settings),
        _burn(settings),
        _contract(settings),
        _latency(origin),
        _certificate(settings),
        _limited(settings),
        _cost(),
    ):
        grid.add(panel, 6, 4)
    grid.add(_alerts(settings), 24, 7)


def _up(settings: Settings) -> stat.Panel:
    seen = f"avg by (probe) ({of_probe('specwatch_probe_success')})"
    return figure(
        Question(
            title="Is it up?",
            description="How many of its probes fail now. With several locations a probe counts as failing when more "
            f"than {settings.locations_quorum:.0%} of them say so. Normal: UP. Which ones fail, and since when: see "
            "the states below. UNKNOWN: no probe has a verdict; see the open alerts and the dashboard Prober.",
            unit="suffix:DOWN",
            steps=(QUIET, (0, GOOD), (1, BAD)),
            none=UNKNOWN,
            words=[words({"0": ("UP", GOOD)}), nothing(UNKNOWN)],
            decimals=0,
        ),
        query(f"count({seen} < {1 - settings.locations_quorum:g}) or 0 * count({seen})", instant=True),
    )


def _budget_left(settings: Settings) -> stat.Panel:
    remaining = of_probe("probe:specwatch_error_budget_remaining:ratio")
    return _named(
        Question(
            title="How much error budget is left?",
            description="Of 30 days, for the probe and objective that have the least left. 100 %: nothing failed. "
            f"Below {settings.dashboards_budget_left:.0%}: go easy on changes. Below 0: the objective is missed.",
            unit="percentunit",
            steps=(QUIET, (_LOWEST, BAD), (0, NEAR), (settings.dashboards_budget_left, GOOD)),
            none=UNKNOWN,
            words=[nothing(UNKNOWN)],
            decimals=0,
            links=[runbook(settings, "SpecwatchErrorBudgetBurn")],
        ),
        query(f"bottomk(1, {remaining})", "{{probe}} {{objective}}", instant=True),
    )


def _named(question: Question, *targets: prometheus.Dataquery) -> stat.Panel:
    """A value below the name of what it is about."""
    return figure(question, *targets, name=True).wide_layout(wide_layout=False)


def _burn(settings: Settings) -> stat.Panel:
    rate = of_probe("probe:specwatch_burn_rate:ratio_rate1h")
    return _named(
        Question(
            title="How fast is the error budget spent?",
            description="In the last hour, where it is spent fastest. 1: as fast as the objective allows; "
            f"{settings.burn_page_slow:g} and more wake somebody if it stays so.",
            unit="suffix:x allowed",
            steps=(QUIET, (0, GOOD), (settings.burn_ticket_slow, NEAR), (settings.burn_page_slow, BAD)),
            none=UNKNOWN,
            words=[nothing(UNKNOWN)],
            decimals=1,
            links=[runbook(settings, "SpecwatchErrorBudgetBurn")],
        ),
        query(f"topk(1, {rate})", "{{probe}} {{objective}}", instant=True),
    )


def _contract(settings: Settings) -> stat.Panel:
    panel = _named(
        Question(
            title="Does it do what is documented?",
            description="Claims of the documentation that are broken now: promises of its text, and inferences from "
            "its examples. Broken a short time ago, or not seen kept since. Normal: KEPT. Which ones: see the row "
            "*Contract*. UNKNOWN: no answer could be compared with a claim yet.",
            unit="suffix:BROKEN",
            steps=(QUIET, (0, GOOD), (1, BAD)),
            none=UNKNOWN,
            words=[words({"0": ("KEPT", GOOD)}), nothing(UNKNOWN)],
            decimals=0,
            links=[runbook(settings, "SpecwatchPromiseBroken")],
        ),
        *(
            query(count_broken(API, f'level="{level}"'), f"{level}s", instant=True)
            for level in ("promise", "inference")
        ),
    )
    return override(panel, "inferences", thresholds=thresholds((QUIET, (0, GOOD), (1, NEAR))).build())


def _latency(origin: Origin) -> stat.Panel:
    settings = origin.settings
    return _named(
        Question(
            title="Are runs fast enough?",
            description="How much of the time that its objective allows the slowest probe took in the last hour. The "
            "objective says what share of the runs has to be that fast, usually 95 of 100, and so many are looked at. "
            f"Above {settings.dashboards_latency_near:.0%} it is close, above 100 % too slow. Estimated from a "
            "histogram: with few runs, a rough figure.",
            unit="percentunit",
            steps=(QUIET, (0, GOOD), (settings.dashboards_latency_near, NEAR), (1, BAD)),
            none=UNKNOWN,
            words=[nothing(UNKNOWN)],
            decimals=0,
            links=[runbook(settings, "SpecwatchLatencyBudgetBurn")],
        ),
        query(f"topk(1, {_used(origin)})", "{{probe}}: of what is allowed", instant=True),
    )


def _used(origin: Origin) -> str:
    """The share of the allowed time that the runs of the last hour took, by probe and location."""
    buckets = of_probe("specwatch_probe_duration_seconds_bucket")
    runs = f"sum by (api, probe, location, le) (increase({buckets}[1h]))"
    allowed = pick("probe:specwatch_latency_objective:seconds", API, located=False)
    share = pick("probe:specwatch_objective:ratio", API, 'objective="latency"', located=False)
    latencies = [probe.objective.latency for probe in origin.probes if probe.objective.latency is not None]
    parts = (
        f"histogram_quantile({quantile:g}, {runs}) / on (api, probe) group_left () "
        f"max by (api, probe) ({allowed} and on (api, probe) {share} == {quantile:g})"
        for quantile in sorted({each.quantile for each in latencies} or {1.0})
    )
    return f"({' or '.join(parts)}) >= 0"


def _certificate(settings: Settings) -> stat.Panel:
    expiry = of_api("specwatch_certificate_expiry_timestamp_seconds")
    return _named(
        Question(
            title="How long is its certificate valid?",
            description="Of the certificate that ends first, as it was last shown, verified or not.",
            unit="suffix:days",
            steps=(
                QUIET,
                (_LOWEST, BAD),
                (settings.certificates_page / DAY, NEAR),
                (settings.certificates_ticket / DAY, GOOD),
            ),
            none="none seen",
            decimals=0,
            links=[runbook(settings, "SpecwatchCertificateExpires")],
        ),
        query(f"bottomk(1, min by (host) (({expiry} - time()) / {DAY}))", "{{host}}", instant=True),
    )


def _limited(settings: Settings) -> stat.Panel:
    return figure(
        Question(
            title="Does it ask us to pause?",
            description="**PAUSED**: it answered that we ask too much, and probes wait until it may be asked again. "
            "That is about our account, not an outage.",
            unit="short",
            steps=(QUIET,),
            none=UNKNOWN,
            words=[words({"0": ("NO", GOOD), "1": ("PAUSED", NEAR)})],
            links=[runbook(settings, "SpecwatchRateLimited")],
        ),
        query(f"max({of_api('specwatch_rate_limited')})", instant=True),
    )


def _cost() -> stat.Panel:
    return figure(
        Question(
            title="What did it cost in 24 hours?",
            description="What the probes' requests cost, in the unit in which the provider prices its calls. What may "
            "still be spent today stands in the row *Budget and rate limits*.",
            unit="short",
            steps=(PLAIN,),
            none=UNKNOWN,
            decimals=0,
        ),
        query(f"sum(increase({of_api('specwatch_cost_total')}[1d]))", instant=True),
    )


def _alerts(settings: Settings) -> table.Panel:
    return open_alerts(
        Question(
            title="Which alerts are open?",
            description="Every alert about this API that fires, with who probably has to act. Each name leads to its "
            "runbook, which says what it means and what to do. Normal: nothing.",
            steps=(PLAIN,),
            none="no alert is open",
        ),
        settings,
        API,
    )

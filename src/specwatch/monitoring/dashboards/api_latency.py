"""The API dashboard's row about time: how long requests, their phases and whole runs take."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, heatmap, timeseries
from grafana_foundation_sdk.models import common as options

from specwatch.monitoring.dashboards.api_parts import (
    POINTS,
    RATE,
    bounds,
    dashed,
    of_operation,
    of_probe,
    runbook,
    sparse,
)
from specwatch.monitoring.dashboards.frame import Grid
from specwatch.monitoring.dashboards.kit import PLAIN, Question, course, density, query
from specwatch.monitoring.origin import Origin

QUANTILES: Final = (0.5, 0.95, 0.99)
"""The usual request, the slow one, and the slowest that is not a chance."""

OBJECTIVE: Final = "probe:specwatch_latency_objective:seconds"


def add_latency(grid: Grid, origin: Origin) -> None:
    """Add the row "Latency"."""
    grid.row("Latency")
    grid.add(_requests(origin), 12, 10)
    grid.add(_spread(), 12, 10)
    grid.add(_phases(origin), 12, 10)
    grid.add(_runs(origin), 12, 10)


def _quantile(share: float, by: str, buckets: str) -> str:
    """A quantile of a histogram; no sample where nothing was measured, for which PromQL has NaN."""
    return f"histogram_quantile({share:g}, sum by ({by}, le) (rate({buckets}{RATE}))) >= 0"


def _logarithmic(panel: timeseries.Panel) -> timeseries.Panel:
    """An axis on which milliseconds and an objective of seconds can be told apart."""
    scale = common.ScaleDistributionConfig().type(options.ScaleDistribution.LOG).log(10)
    return panel.scale_distribution(scale)


def _requests(origin: Origin) -> timeseries.Panel:
    buckets = of_operation("specwatch_request_duration_seconds_bucket")
    panel = course(
        Question(
            title="How long do its answers take?",
            description="Of 100 answers, 50, 95 or 99 came within this time, from resolving the host to the last byte. "
            "Estimated from a histogram: with few answers, a rough figure. The scale is logarithmic. Dashed: what a "
            "whole run may take. A dot is a single request; it leads to its run.",
            unit="s",
            steps=(PLAIN,),
            none="no answers",
            links=[runbook(origin.settings, "SpecwatchLatencyBudgetBurn")],
        ),
        *(
            query(_quantile(share, "operation", buckets), f"{{{{operation}}}} p{100 * share:g}", exemplar=True)
            for share in QUANTILES
        ),
        bounds(OBJECTIVE, strictest="min"),
    )
    return _logarithmic(dashed(sparse(panel, origin)))


def _spread() -> heatmap.Panel:
    buckets = of_operation("specwatch_request_duration_seconds_bucket")
    panel = density(
        Question(
            title="Are all answers alike, or are some slow?",
            description="How many answers fell into which span of time; the darker, the more. Two bands mean two kinds "
            "of answers: a cache, a second server, a retry.",
            unit="s",
            none="no answers",
        ),
        query(f"sum by (le) (rate({buckets}{RATE})) * $__interval_ms / 1000", "{{le}}", form="heatmap"),
    )
    return panel.max_data_points(POINTS)


def _phases(origin: Origin) -> timeseries.Panel:
    total, count = (of_operation(f"specwatch_request_phase_seconds_{part}") for part in ("sum", "count"))
    panel = course(
        Question(
            title="Where does the time go?",
            description="The mean time that each phase of a request took where it ran at all. *resolve* and *connect* "
            "are the network, *tls* the handshake, *processing* the wait for the first byte, which is the provider's "
            "own time, *transfer* the rest of the answer.",
            unit="s",
            steps=(PLAIN,),
            none="no requests",
            low=0,
        ),
        query(f"sum by (phase) (rate({total}{RATE})) / sum by (phase) (rate({count}{RATE})) >= 0", "{{phase}}"),
        stacked=True,
        calcs=("mean", "max"),
    )
    return sparse(panel, origin)


def _runs(origin: Origin) -> timeseries.Panel:
    buckets = of_probe("specwatch_probe_duration_seconds_bucket")
    panel = course(
        Question(
            title="How long do runs of the probes take?",
            description="Of 100 runs, 95 were over within this time, waits between requests included. Dashed: what the "
            "objective allows. Estimated from a histogram: with few runs, a rough figure. The scale is logarithmic.",
            unit="s",
            steps=(PLAIN,),
            none="no runs",
            links=[runbook(origin.settings, "SpecwatchLatencyBudgetBurn")],
        ),
        query(_quantile(0.95, "probe", buckets), "{{probe}}"),
        bounds(OBJECTIVE, strictest="min"),
    )
    return _logarithmic(dashed(sparse(panel, origin)))

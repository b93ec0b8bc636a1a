"""What the parts of the API dashboard share: selectors that follow its variables, and the pace of its panels."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, timeseries
from grafana_foundation_sdk.models import dashboard as models

from specwatch.monitoring.dashboards.kit import QUIET, Question, course, link, pick, query
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.settings import Settings

API: Final = 'api=~"$api"'
PROBE: Final = 'probe=~"$probe"'
OPERATION: Final = 'operation=~"$operation"'

RATE: Final = "[$__rate_interval]"
"""The range of a rate: one point of the picture, four scrapes at least."""

POINTS: Final = 60
"""How many points a panel about runs has at most. Probes run every few minutes: with a point for every scrape, most
points would have no run to tell of."""

DAY: Final = 86400
"""Seconds of a day."""


def of_api(metric: str, *matchers: str) -> str:
    """A selector of what a metric says about the API."""
    return pick(metric, API, *matchers)


def of_probe(metric: str, *matchers: str) -> str:
    """A selector of what a metric says about the probes that the reader chose."""
    return pick(metric, API, PROBE, *matchers)


def of_operation(metric: str, *matchers: str) -> str:
    """A selector of what a metric says about the operations that the reader chose."""
    return pick(metric, API, OPERATION, *matchers)


def bounds(metric: str, *matchers: str, strictest: str = "max") -> prometheus.Dataquery:
    """The objectives of the chosen probes as dashed lines: the strictest, and the loosest where it differs.

    Args:
        metric: a recorded series that says what an objective asks for; it is the same everywhere.
        matchers: further ones.
        strictest: `max` where more is stricter, `min` where less is.
    """
    every = pick(metric, API, PROBE, *matchers, located=False)
    loosest, differs = ("min", "<") if strictest == "max" else ("max", ">")
    lines = (
        (f"{strictest}({every})", "objective"),
        (f"({loosest}({every}) {differs} {strictest}({every}))", "loosest objective"),
    )
    named = (f'label_replace({expr}, "line", "{name}", "", "")' for expr, name in lines)
    return query(" or ".join(named), "{{line}}")


def a_bar(counter: str, label: str) -> prometheus.Dataquery:
    """How often each value of a label was counted in a bar's time; where nothing was, `nothing` at 0, unlike no data.

    A rate looks back a scrape further than the last bar, so that nothing falls between two bars. Times the length of a
    bar, every count is in the sum of all bars once.

    Args:
        counter: its selector.
        label: whose values are told apart; those that were not counted are left out.
    """
    rate = f"rate({counter}{RATE})"
    counted = f"sum by ({label}) ({rate}) * $__interval_ms / 1000 > 0"
    nothing = f'label_replace(sum({rate}) == 0, "{label}", "nothing", "", "")'
    return query(f"{counted} or {nothing}", f"{{{{{label}}}}}")


def sparse(panel: timeseries.Panel, origin: Origin) -> timeseries.Panel:
    """Few points, joined over the time in which a healthy prober may have nothing to tell."""
    longest = max((probe.interval for probe, _, _ in origin.objectives()), default=0.0)
    return panel.max_data_points(POINTS).span_nulls(1000 * longest * origin.settings.probes_missed_intervals)


def bars(question: Question, target: prometheus.Dataquery) -> timeseries.Panel:
    """Counts as bars on top of each other, with their sum over the time shown; for `a_bar`."""
    return course(question, target, stacked=True, bars=True, calcs=("sum",)).max_data_points(POINTS)


def dashed(panel: timeseries.Panel, names: str = "objective") -> timeseries.Panel:
    """Draw the series whose names hold a word as quiet dashed lines, so that they are told from what was measured."""
    return panel.override_by_regexp(
        f"/{names}/",
        [
            models.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 6]}),
            models.DynamicConfigValue("custom.fillOpacity", 0),
            models.DynamicConfigValue("custom.showPoints", "never"),
            models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": QUIET}),
        ],
    )


def runbook(settings: Settings, alert: str, title: str = "What to do") -> builders.DashboardLink:
    """A link to the runbook of an alert.

    Args:
        settings: where the runbooks are.
        alert: its name.
        title: what the reader sees.
    """
    return link(title, f"{settings.links_runbooks}{alert}", blank=True)

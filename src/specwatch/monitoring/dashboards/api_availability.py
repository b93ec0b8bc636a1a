"""The API dashboard's row about objectives: how available it was, how fast its error budget goes, what failed when."""

from __future__ import annotations

from grafana_foundation_sdk.builders import statetimeline, timeseries

from specwatch.monitoring.dashboards.api_parts import API, PROBE, bounds, dashed, of_probe, runbook
from specwatch.monitoring.dashboards.frame import Grid
from specwatch.monitoring.dashboards.kit import (
    BAD,
    GOOD,
    NEAR,
    PLAIN,
    QUIET,
    Question,
    course,
    link,
    query,
    timeline,
    words,
)
from specwatch.monitoring.dashboards.shared import verdict_now
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.settings import Settings


def add_availability(grid: Grid, origin: Origin) -> None:
    """Add the row "Availability and error budget"."""
    settings = origin.settings
    grid.row("Availability and error budget")
    grid.add(_states(), 12, 11)
    grid.add(_available(settings), 12, 11)
    grid.add(_burn(settings), 12, 10)
    grid.add(_left(settings), 12, 10)


def _states() -> statetimeline.Panel:
    verdicts = verdict_now(("api", "probe", "location", "instance"), API, PROBE)
    return timeline(
        Question(
            title="Which probe failed, and when?",
            description="The verdict of each probe, by place and prober. **FAILING**: two looks in a row found it so, "
            "or as many as the schedule asks for. **unknown**: it could not be established, such as with a credential "
            "that was refused, or before the first run. A gap: the prober was not there. A click leads to the newest "
            "runs, as the prober has them.",
            unit="short",
            steps=(QUIET,),
            none="no probe known",
            words=[words({"1": ("passing", GOOD), "0": ("FAILING", BAD), "-1": ("unknown", QUIET)})],
            data_links=[
                link(
                    "Newest runs of this probe",
                    "http://${__field.labels.instance}/runs?probe=${__field.labels.probe}",
                    blank=True,
                )
            ],
        ),
        query(verdicts, "{{probe}} {{location}}"),
    )


def _available(settings: Settings) -> timeseries.Panel:
    errors = of_probe("probe:specwatch_objective_errors:ratio_rate1h", 'objective="availability"')
    panel = course(
        Question(
            title="How much of the time is it available?",
            description="The share of the last hour in which each probe passed; times without a verdict are left out. "
            "Below the dashed line, the error budget of 30 days shrinks faster than it may.",
            unit="percentunit",
            steps=(PLAIN,),
            none="no objective, or no verdict in an hour",
            high=1,
            links=[runbook(settings, "SpecwatchErrorBudgetBurn")],
        ),
        query(f"1 - {errors}", "{{probe}} {{location}}"),
        bounds("probe:specwatch_objective:ratio", 'objective="availability"'),
        calcs=("lastNotNull", "min"),
    )
    return dashed(panel)


def _burn(settings: Settings) -> timeseries.Panel:
    rates = (settings.burn_ticket_slow, settings.burn_ticket_fast, settings.burn_page_slow, settings.burn_page_fast)
    tickets, pages = rates[:2], rates[2:]
    panel = course(
        Question(
            title="How fast was the error budget spent?",
            description="Failures of the last hour as a multiple of what the objective allows: at 1, the budget of 30 "
            "days lasts 30 days. Dashed lines: the speeds at which alerts look. "
            f"{' and '.join(f'{rate:g}' for rate in tickets)} open a ticket, "
            f"{' and '.join(f'{rate:g}' for rate in pages)} wake somebody, if they last.",
            unit="suffix:x allowed",
            steps=(GOOD, *((rate, NEAR) for rate in tickets), *((rate, BAD) for rate in pages)),
            none="no objective, or no runs in an hour",
            low=0,
            links=[runbook(settings, "SpecwatchErrorBudgetBurn")],
        ),
        query(of_probe("probe:specwatch_burn_rate:ratio_rate1h"), "{{probe}} {{location}} {{objective}}"),
        limits=True,
    )
    return panel.axis_soft_max(settings.burn_page_fast)


def _left(settings: Settings) -> timeseries.Panel:
    return course(
        Question(
            title="How much error budget is left of 30 days?",
            description="100 %: nothing failed in 30 days. 0: the objective is just met. Below: it was missed. It "
            "comes back as failures grow older than 30 days.",
            unit="percentunit",
            steps=(BAD, (0, BAD), (settings.dashboards_budget_left, NEAR)),
            none="no objective, or no runs in 30 days",
            high=1,
            links=[runbook(settings, "SpecwatchErrorBudgetBurn")],
        ),
        query(of_probe("probe:specwatch_error_budget_remaining:ratio"), "{{probe}} {{location}} {{objective}}"),
        limits=True,
        calcs=("lastNotNull", "min"),
    ).axis_soft_min(0)

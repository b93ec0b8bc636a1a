"""The claims of an API's documentation: which are broken, and the tables that say when."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, prometheus, table, timeseries

from specwatch.monitoring.dashboards.api_parts import API, a_bar, bars, of_api, of_operation, runbook
from specwatch.monitoring.dashboards.frame import Grid
from specwatch.monitoring.dashboards.kit import (
    BAD,
    GOOD,
    NEAR,
    QUIET,
    Question,
    columns,
    link,
    listing,
    merged,
    override,
    pick,
    query,
    words,
)
from specwatch.monitoring.dashboards.shared import broken
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.promql import LAST_VERIFIED, LAST_VIOLATED
from specwatch.monitoring.settings import Settings

VIOLATED: Final = "specwatch_claim_last_violated_timestamp_seconds"
VIOLATIONS: Final = "specwatch_contract_violations_total"

STATES: Final = {
    "3": ("BROKEN", BAD),
    "2": ("not checked since", NEAR),
    "1": ("kept", GOOD),
    "0": ("never seen", QUIET),
}
"""States of a claim, the worst with the greatest number."""

RUNBOOKS: Final = {"promise": "SpecwatchPromiseBroken", "inference": "SpecwatchInferenceBroken"}
"""Level of a claim to the alert that tells of its break."""


def add_contract(grid: Grid, origin: Origin) -> None:
    """Add the row "Contract"."""
    grid.row("Contract")
    grid.add(_violations(origin.settings), 24, 8)
    grid.add(_ledger(), 16, 12)
    grid.add(_drift(origin.settings), 8, 12)


def _state() -> str:
    """The state of every claim as a number, the worst of all places; those that are documented and never seen too."""
    verified, violated = of_api(LAST_VERIFIED), of_api(LAST_VIOLATED)
    documented = (
        f"sum without (operation) (increase({of_api(VIOLATIONS)}[$__range]))"
        f" and on (job, instance) {pick('specwatch_build_info')}"
    )
    steps = (
        f"0 * ({broken(API)}) + 3",
        f"0 * ({violated} unless ({verified} >= {violated})) + 2",
        f"0 * ({verified} or {violated}) + 1",
        f"0 * ({documented})",
    )
    return f"max by (claim, level) ({' or '.join(steps)})"


def _with_runbook(expr: str) -> str:
    """Add the label `runbook`, by the level of a claim."""
    for level, name in RUNBOOKS.items():
        expr = f'label_replace({expr}, "runbook", "{name}", "level", "{level}")'
    return expr


def _breaks() -> tuple[prometheus.Dataquery, ...]:
    """The last break of each claim in the time shown, with its runbook; the first one; how many there were."""
    violated = of_api(VIOLATED)
    last = f"max_over_time({violated}[$__range]) >= $__from / 1000"
    first = f"min_over_time(({violated} >= $__from / 1000)[$__range:$__interval])"
    exprs = (
        _with_runbook(f"1000 * max by (claim, level) ({last})"),
        f"1000 * min by (claim, level) ({first})",
        f"sum by (claim, level) (increase({of_api(VIOLATIONS)}[$__range])) > 0",
    )
    return tuple(query(expr, instant=True, form="table") for expr in exprs)


def _violations(settings: Settings) -> table.Panel:
    question = Question(
        title="Which claims were broken in the time shown?",
        description="Each claim of the documentation that an answer broke in the time shown, with the first and the "
        "last break in it. A *promise* stands in the documentation's text; an *inference* was read off its examples. "
        "The first time is as exact as a point of this picture, and how often is an estimate from counters. The "
        "runbook says what to do.",
        none="no break seen",
        decimals=0,
    )
    headings = {"Value #C": "how often", "Value #B": "first", "Value #A": "last", "runbook": "runbook"}
    panel = merged(listing(question, *_breaks()))
    columns(panel, {"claim": "claim", "level": "level", **headings}, hidden=("Time",))
    for heading in ("first", "last"):
        override(panel, heading, unit="dateTimeAsIso", noValue="not known", width=190)
    override(panel, "how often", noValue="not known", width=110)
    override(panel, "level", width=110)
    runbook_of = link("What to do", f"{settings.links_runbooks}${{__value.text}}", blank=True)
    override(panel, "runbook", links=[runbook_of.build()])
    return panel.sort_by([common.TableSortByFieldState().display_name("last").desc(desc=True)])


def _ledger() -> table.Panel:
    panel = listing(
        Question(
            title="What is known of each claim?",
            description="Every claim of the documentation. **BROKEN**: an answer broke it, and it was not kept since, "
            "or not for long enough. **not checked since**: it was broken long ago, and nothing has touched it again. "
            "**kept**: the last answer about it kept it. **never seen**: no probe has had an answer that says anything "
            "about it; `specwatch check` tries those too.",
            unit="short",
            none="no claims known",
        ),
        query(_state(), instant=True, form="table"),
        query(f"1000 * max by (claim, level) ({of_api(LAST_VERIFIED)})", instant=True, form="table"),
        query(f"1000 * max by (claim, level) ({of_api(LAST_VIOLATED)})", instant=True, form="table"),
    )
    columns(
        merged(panel),
        {
            "claim": "claim",
            "level": "level",
            "Value #A": "state",
            "Value #B": "last kept",
            "Value #C": "last broken",
        },
        hidden=("Time",),
    )
    override(panel, "state", mappings=[words(STATES)], cell="color-background", width=150)
    for heading in ("last kept", "last broken"):
        override(panel, heading, unit="dateTimeFromNow", noValue="never", width=150)
    override(panel, "level", width=110)
    return panel.filterable(filterable=True).sort_by(
        [common.TableSortByFieldState().display_name("state").desc(desc=True)]
    )


def _drift(settings: Settings) -> timeseries.Panel:
    return bars(
        Question(
            title="What came that is not documented?",
            description="Things in answers that the documentation does not name and does not forbid: a new *field*, "
            "*value*, *header*, *status*, *code* or *media-type*. Not an outage, but a sign that documentation and "
            "service move apart.",
            unit="locale",
            decimals=0,
            low=0,
            links=[
                runbook(settings, "SpecwatchDrift"),
                runbook(settings, "SpecwatchUndocumentedAnswer", "What to do about a status or code"),
            ],
        ),
        a_bar(of_operation("specwatch_drift_total"), "kind"),
    )

"""The API dashboard's row about answers: their statuses, the provider's own error codes, and what went wrong."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import timeseries

from specwatch.monitoring.dashboards.api_parts import a_bar, bars, of_operation, runbook
from specwatch.monitoring.dashboards.frame import Grid
from specwatch.monitoring.dashboards.kit import Question
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.settings import Settings


def add_answers(grid: Grid, origin: Origin) -> None:
    """Add the row "Answers"."""
    grid.row("Answers")
    for panel in (_statuses(origin.settings), _codes(origin.settings), _failures()):
        grid.add(panel, 8, 10)


def _undocumented(settings: Settings) -> tuple[builders.DashboardLink, ...]:
    return (runbook(settings, "SpecwatchUndocumentedAnswer", "What to do about an undocumented one"),)


def _statuses(settings: Settings) -> timeseries.Panel:
    return bars(
        Question(
            title="With which status did it answer?",
            description="Answers by status. A 401 or 404 is no fault by itself: some probes ask with a wrong token or "
            "for what does not exist. *other*: a status that the documentation does not name.",
            unit="locale",
            decimals=0,
            low=0,
            links=_undocumented(settings),
        ),
        a_bar(of_operation("specwatch_responses_total"), "status"),
    )


def _codes(settings: Settings) -> timeseries.Panel:
    return bars(
        Question(
            title="Which error codes did it give?",
            description="Answers by the provider's own error code, as its documentation names them. *other*: a code "
            "that is not documented for that status.",
            unit="locale",
            decimals=0,
            low=0,
            links=_undocumented(settings),
        ),
        a_bar(of_operation("specwatch_responses_total", 'error_code!=""'), "error_code"),
    )


def _failures() -> timeseries.Panel:
    return bars(
        Question(
            title="Why did requests fail?",
            description="Requests that led to nothing usable, each with one reason. *dns*, *connect*, *refused*, "
            "*reset*, *tls* and *timeout* are about the way there; *server_error*, *status* and *contract* about the "
            "provider; *auth* and *rate_limited* about our account.",
            unit="locale",
            decimals=0,
            low=0,
        ),
        a_bar(of_operation("specwatch_request_failures_total"), "reason"),
    )

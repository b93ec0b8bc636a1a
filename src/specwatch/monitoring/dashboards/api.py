"""The dashboard "API": everything about one of them, from whether it is up to when its certificate ends."""

from __future__ import annotations

from typing import Any, Final

from specwatch.monitoring.dashboards.api_answers import add_answers
from specwatch.monitoring.dashboards.api_availability import add_availability
from specwatch.monitoring.dashboards.api_budget import add_budget, add_certificate, add_jobs
from specwatch.monitoring.dashboards.api_claims import add_contract
from specwatch.monitoring.dashboards.api_latency import add_latency
from specwatch.monitoring.dashboards.api_now import add_now
from specwatch.monitoring.dashboards.api_parts import of_api
from specwatch.monitoring.dashboards.frame import (
    Board,
    Grid,
    board,
    standard_annotations,
    standard_links,
    standard_variables,
    variable,
)
from specwatch.monitoring.dashboards.kit import pick
from specwatch.monitoring.origin import Origin

UID: Final = "specwatch-api"


def api_board(origin: Origin) -> dict[str, Any]:
    """The dashboard as plain data. The reader chooses one API, and all or some of its probes and operations.

    Args:
        origin: its settings give thresholds and links, its schedule the pace of the panels.
    """
    grid = Grid()
    for add in (
        add_now,
        add_availability,
        add_latency,
        add_answers,
        add_contract,
        add_jobs,
        add_budget,
        add_certificate,
    ):
        add(grid, origin)
    return board(
        Board(
            uid=UID,
            description=(
                "How one API does: whether it is up, fast and as documented, what it answers, and what it costs. Each "
                "panel is a question; the (i) beside it explains the answer and what to do about it."
            ),
            panels=grid.items,
            variables=_variables(),
            annotations=standard_annotations("$api"),
            links=standard_links(UID, origin.settings),
        )
    )


def _variables() -> list[Any]:
    return [
        *standard_variables(),
        variable(
            "api",
            "API",
            f"label_values({pick('specwatch_cost_total')}, api)",
            several=False,
            description="Which of the APIs this is about",
        ),
        variable(
            "probe",
            "Probe",
            f"label_values({of_api('specwatch_probe_runs_total')}, probe)",
            description="Probes that panels about runs show",
        ),
        variable(
            "operation",
            "Operation",
            f"label_values({of_api('specwatch_request_duration_seconds_count')}, operation)",
            description="Operations that panels about requests show",
        ),
    ]

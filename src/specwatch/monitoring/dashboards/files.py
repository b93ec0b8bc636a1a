"""The dashboards, as text."""

from __future__ import annotations

from collections.abc import Mapping

from specwatch.monitoring.origin import Origin


def dashboard_files(origin: Origin) -> Mapping[str, str]:
    """Path below `grafana/` to text, as Grafana provisions it.

    Args:
        origin: specs, probes and settings.
    """
    # Loaded here: whoever only asks for help does not wait for the library that makes dashboards.
    from specwatch.monitoring.dashboards.api import api_board
    from specwatch.monitoring.dashboards.fleet import fleet_board
    from specwatch.monitoring.dashboards.frame import as_json
    from specwatch.monitoring.dashboards.overview import overview_board
    from specwatch.monitoring.dashboards.prober import prober_board

    boards = {"overview": overview_board, "api": api_board, "prober": prober_board, "fleet": fleet_board}
    return {f"dashboards/{name}.json": as_json(make(origin)) for name, make in boards.items()}

"""Everything under `grafana/`, as text, derived in one go."""

from __future__ import annotations

from collections.abc import Mapping

from specwatch.monitoring.dashboards.files import dashboard_files
from specwatch.monitoring.deploy.files import configuration_files
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.files import rule_files
from specwatch.monitoring.rules.objectives import notes as objective_notes


def derive(origin: Origin) -> Mapping[str, str]:
    """Path below `grafana/` to text, in alphabetical order.

    Args:
        origin: specs, probes and settings.
    """
    return dict(sorted({**rule_files(origin), **dashboard_files(origin), **configuration_files(origin)}.items()))


def notes(origin: Origin) -> tuple[str, ...]:
    """What whoever derives should know: a sentence for each thing that cannot be as the files ask for it."""
    return tuple(objective_notes(origin))

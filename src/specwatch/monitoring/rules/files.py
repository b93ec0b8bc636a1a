"""The rule files of Prometheus, as text."""

from __future__ import annotations

from collections.abc import Mapping

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.account import account_groups
from specwatch.monitoring.rules.contract import contract_groups
from specwatch.monitoring.rules.model import Links, rule_file
from specwatch.monitoring.rules.objectives import objective_groups
from specwatch.monitoring.rules.prober import prober_groups

_PARTS = {
    "objectives": objective_groups,
    "contract": contract_groups,
    "account": account_groups,
    "prober": prober_groups,
}


def rule_files(origin: Origin) -> Mapping[str, str]:
    """Path below `grafana/` to text.

    Args:
        origin: specs, probes and settings.
    """
    links = Links(origin.settings.links_runbooks, origin.settings.links_grafana)
    return {f"prometheus/rules/{name}.yml": rule_file(groups(origin), links) for name, groups in _PARTS.items()}

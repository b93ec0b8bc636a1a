"""The configuration files of Prometheus, Alertmanager and Grafana, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from specwatch.monitoring.deploy.alertmanager import alertmanager_file
from specwatch.monitoring.deploy.grafana import provisioning_files
from specwatch.monitoring.deploy.prometheus import prometheus_file
from specwatch.monitoring.origin import Origin

PROMETHEUS: Final = "prometheus/prometheus.yml"
ALERTMANAGER: Final = "alertmanager/alertmanager.yml"


def configuration_files(origin: Origin) -> Mapping[str, str]:
    """Path below `grafana/` to text. They serve one machine and containers alike.

    Args:
        origin: specs, probes and settings.
    """
    settings = origin.settings
    return {
        PROMETHEUS: prometheus_file(settings),
        ALERTMANAGER: alertmanager_file(settings),
        **provisioning_files(settings),
    }

"""The configuration of Prometheus: whom it scrapes, which rules it evaluates, whom it tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from specwatch.monitoring.rules.model import DERIVED, as_yaml, duration
from specwatch.monitoring.settings import Settings

PROBER_TARGETS: Final = "targets/specwatch.yml"
"""Where the addresses of the probers stand, beside the configuration file."""

ALERTMANAGER_TARGETS: Final = "targets/alertmanager.yml"
"""Where the addresses of Alertmanager stand, beside the configuration file."""

RETENTION_DAYS: Final = 60
"""How long `specwatch up` and compose keep samples: the 30 days of an objective, and what they are compared with."""

EXEMPLARS: Final = "exemplar-storage"
"""The feature of Prometheus that keeps exemplars."""

_NOTES: Final = f"""\
# Prometheus 2.42 or newer. Flags that it needs:
#   --storage.tsdb.retention.time={RETENTION_DAYS}d  objectives look back 30 days, and the default is 15
#   --enable-feature={EXEMPLARS}  keeps the exemplars of latency, which lead to the run behind a measurement
# Addresses stand in {PROBER_TARGETS} and {ALERTMANAGER_TARGETS} beside this file, read again when they change.
"""


def prometheus_file(settings: Settings, credentials_file: str = "") -> str:
    """The text of `prometheus.yml`.

    Args:
        settings: job, intervals.
        credentials_file: a file with the bearer token that the prober asks for; empty where it asks for none.
    """
    scrape: dict[str, Any] = {"job_name": settings.selectors_job}
    if credentials_file:
        scrape["authorization"] = {"type": "Bearer", "credentials_file": credentials_file}
    scrape["file_sd_configs"] = [{"files": [PROBER_TARGETS]}]
    text = as_yaml(
        {
            "global": {
                "scrape_interval": duration(settings.scrape_interval),
                "evaluation_interval": duration(settings.scrape_evaluation),
            },
            "rule_files": ["rules/*.yml"],
            "alerting": {"alertmanagers": [{"file_sd_configs": [{"files": [ALERTMANAGER_TARGETS]}]}]},
            "scrape_configs": [scrape],
        }
    )
    return DERIVED + _NOTES + text.removeprefix(DERIVED)


def targets_file(addresses: Sequence[str]) -> str:
    """The text of a file of targets, in the form of file-based service discovery.

    Args:
        addresses: each `host:port`; none is a list of nobody.
    """
    return as_yaml([{"targets": list(addresses)}] if addresses else [])

"""What Grafana finds when it starts: data sources, the folder of the dashboards, a contact point, settings.

Addresses and paths are environment variables, `VARIABLES`, because they alone differ between one machine and
containers. Grafana replaces `$NAME` by what the variable holds and `$$` by a dollar; it knows no default values
(https://grafana.com/docs/grafana/latest/administration/provisioning/, using environment variables).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from specwatch.monitoring.rules.model import as_yaml, duration
from specwatch.monitoring.settings import Settings

PROMETHEUS_URL: Final = "SPECWATCH_PROMETHEUS_URL"
ALERTMANAGER_URL: Final = "SPECWATCH_ALERTMANAGER_URL"
PROBER_URL: Final = "SPECWATCH_PROBER_URL"
DASHBOARDS: Final = "SPECWATCH_DASHBOARDS"

VARIABLES: Final[Mapping[str, str]] = {
    PROMETHEUS_URL: "where Grafana reaches Prometheus",
    ALERTMANAGER_URL: "where Grafana reaches Alertmanager",
    PROBER_URL: "where a browser reaches `specwatch watch`",
    DASHBOARDS: "the folder of the dashboards, as Grafana sees it",
}
"""Environment variables that the files below need, none of them empty."""

PROMETHEUS_UID: Final = "specwatch-prometheus"
ALERTMANAGER_UID: Final = "specwatch-alertmanager"
CONTACT_POINT: Final = "specwatch"

SETTINGS: Final[Mapping[str, str]] = {
    # whoever reaches the address may look, nobody may change anything, and there is no administrator to guess
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
    "GF_AUTH_BASIC_ENABLED": "false",
    "GF_AUTH_DISABLE_LOGIN_FORM": "true",
    "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
    "GF_USERS_ALLOW_SIGN_UP": "false",
    # it asks nobody outside for anything
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_LOG_MODE": "console",
}
"""Settings of Grafana, as the environment variables that stand for them."""


def provisioning_files(settings: Settings) -> Mapping[str, str]:
    """Path below `grafana/` to text.

    Args:
        settings: the scrape interval.
    """
    return {
        "provisioning/datasources/specwatch.yml": as_yaml(_data_sources(settings)),
        "provisioning/dashboards/specwatch.yml": as_yaml(_dashboards()),
        "provisioning/alerting/specwatch.yml": as_yaml(_contact_points()),
    }


def _data_sources(settings: Settings) -> dict[str, Any]:
    prometheus = {
        "httpMethod": "POST",
        "prometheusType": "Prometheus",
        "timeInterval": duration(settings.scrape_interval),
        "manageAlerts": True,
        "alertmanagerUid": ALERTMANAGER_UID,
        "exemplarTraceIdDestinations": [
            {
                "name": "run",
                "url": f"${PROBER_URL}/runs?run=$${{__value.raw}}",
                "urlDisplayLabel": "The run, its requests and answers",
            }
        ],
    }
    alertmanager = {"implementation": "prometheus", "handleGrafanaManagedAlerts": False}
    return {
        "apiVersion": 1,
        "datasources": [
            {
                **_data_source("Prometheus", "prometheus", PROMETHEUS_UID, PROMETHEUS_URL, prometheus),
                "isDefault": True,
            },
            _data_source("Alertmanager", "alertmanager", ALERTMANAGER_UID, ALERTMANAGER_URL, alertmanager),
        ],
    }


def _data_source(name: str, kind: str, uid: str, address: str, options: dict[str, Any]) -> dict[str, Any]:
    head = {"name": name, "type": kind, "uid": uid, "access": "proxy", "url": f"${address}"}
    return {**head, "editable": False, "jsonData": options}


def _dashboards() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "specwatch",
                "folder": "specwatch",
                "folderUid": "specwatch",
                "type": "file",
                "allowUiUpdates": False,
                "disableDeletion": True,
                "updateIntervalSeconds": 30,
                "options": {"path": f"${DASHBOARDS}"},
            }
        ],
    }


def _contact_points() -> dict[str, Any]:
    """An example for alerts that somebody makes in Grafana: they go where those of Prometheus go."""
    receiver = {
        "uid": CONTACT_POINT,
        "type": "prometheus-alertmanager",
        "disableResolveMessage": False,
        "settings": {"url": f"${ALERTMANAGER_URL}"},
    }
    return {
        "apiVersion": 1,
        "contactPoints": [{"orgId": 1, "name": CONTACT_POINT, "receivers": [receiver]}],
    }

"""What silences what, shown by a real Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.integration.processes import Process, Processes, until
from tests.integration.prometheus import free_port
from tests.monitoring.promtool import repository_origin

from specwatch.monitoring.deploy.alertmanager import alertmanager_file

pytestmark = pytest.mark.needs("prometheus-alertmanager")

PROBER = {"job": "specwatch", "instance": "127.0.0.1:9464"}
CERTIFICATE = {"suspect": "provider", "api": "d", "probe": "", "host": "shown"}

PAGE = {"severity": "page", "suspect": "provider"}
TICKET = {"severity": "ticket", "suspect": "provider"}
SLOW = {"alertname": "SpecwatchLatencyBudgetBurn", "objective": "latency", "probe": "slow"}
BAD = {"alertname": "SpecwatchErrorBudgetBurn", "objective": "availability", "probe": "bad"}
FAILING = {"alertname": "SpecwatchProbeFailing", **TICKET}
ALONE = {"alertname": "SpecwatchLocationDisagrees", "severity": "ticket", "suspect": "network", "probe": "far"}

ALERTS = {
    "page": {"alertname": "SpecwatchErrorBudgetBurn", "severity": "page", "suspect": "provider"},
    "same probe": {"alertname": "SpecwatchProbeFailing", "severity": "ticket", "suspect": "provider"},
    "same probe, info": {"alertname": "SpecwatchDrift", "severity": "info", "suspect": "provider"},
    "another probe": {"alertname": "SpecwatchProbeFailing", "severity": "ticket", "suspect": "provider", "probe": "q"},
    "another suspect": {"alertname": "SpecwatchProbeNotRunning", "severity": "ticket", "suspect": "prober"},
    "prober down": {"alertname": "SpecwatchProberDown", "severity": "page", "suspect": "prober", **PROBER},
    "its probe": {"alertname": "SpecwatchProbeNotRunning", "severity": "ticket", "suspect": "prober", **PROBER},
    "its trouble": {"alertname": "SpecwatchStateErrors", "severity": "ticket", "suspect": "prober", **PROBER},
    "another prober": {
        "alertname": "SpecwatchProberLate",
        "severity": "ticket",
        "suspect": "prober",
        **PROBER,
        "instance": "127.0.0.2:9464",
    },
    "limited": {"alertname": "SpecwatchRateLimited", "severity": "ticket", "suspect": "account", "api": "b"},
    "nothing known": {"alertname": "SpecwatchProbeUnknown", "severity": "ticket", "suspect": "account", "api": "b"},
    "elsewhere": {"alertname": "SpecwatchProbeUnknown", "severity": "ticket", "suspect": "account", "api": "c"},
    "3 days": {"alertname": "SpecwatchCertificateExpires", "severity": "page", **CERTIFICATE},
    "21 days": {"alertname": "SpecwatchCertificateExpires", "severity": "ticket", **CERTIFICATE},
    "another host": {"alertname": "SpecwatchCertificateExpires", "severity": "ticket", **CERTIFICATE, "host": "other"},
    "slow here": {**SLOW, **PAGE, "location": "here", "burn_rate": "6"},
    "slow here, slowly": {**SLOW, **TICKET, "location": "here", "burn_rate": "3"},
    "slow there, slowly": {**SLOW, **TICKET, "location": "there", "burn_rate": "3"},
    "slow here, and bad": {**SLOW, **BAD, **TICKET, "probe": "slow", "location": "here", "burn_rate": "3"},
    "slow here, and fails": {**FAILING, "probe": "slow", "location": "here"},
    "bad here": {**BAD, **PAGE, "location": "here", "burn_rate": "14.4"},
    "bad here, less so": {**BAD, **PAGE, "location": "here", "burn_rate": "6"},
    "bad here, slowly": {**BAD, **TICKET, "location": "here", "burn_rate": "1"},
    "bad here, and fails": {**FAILING, "probe": "bad", "location": "here"},
    "bad there, less so": {**BAD, **PAGE, "location": "there", "burn_rate": "6"},
    "bad yonder, and fails": {**FAILING, "probe": "bad", "location": "yonder"},
    "bad here, and slow": {**SLOW, **PAGE, "probe": "bad", "location": "here", "burn_rate": "6"},
    "alone": {**ALONE, "location": "here"},
    "alone, and fails": {**FAILING, "probe": "far", "location": "here"},
    "not alone, and fails": {**FAILING, "probe": "far", "location": "there"},
    "about no probe": {"alertname": "SpecwatchBudgetLow", "severity": "ticket", "suspect": "account", "api": ""},
}
"""They are about the probe `p` of the API `a` where they do not say otherwise; an empty label is none."""

SILENT = {
    *("same probe", "same probe, info", "its probe", "its trouble", "nothing known", "21 days"),
    *("slow here, slowly", "bad here, less so", "bad here, slowly", "bad here, and fails", "alone, and fails"),
}


def labels(name: str) -> dict[str, str]:
    """All labels of one of the alerts, and what it is called here."""
    alert: dict[str, str] = ALERTS[name]
    about = {} if "job" in alert else {"api": "a", "probe": "p"}
    return {key: value for key, value in {**about, **alert, "called": name}.items() if value}


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[httpx.Client]:
    """Runs on the derived configuration."""
    (tmp_path / "alertmanager.yml").write_text(alertmanager_file(repository_origin().settings), encoding="utf-8")
    port = free_port()
    command = [
        "prometheus-alertmanager",
        "--config.file=alertmanager.yml",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (
        Processes(tmp_path) as processes,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        process = processes.start(command, "alertmanager")
        until("Alertmanager is ready", lambda: _is_ready(process, client))
        yield client


def _is_ready(process: Process, client: httpx.Client) -> bool:
    assert not process.ended, process.said()
    try:
        return client.get("/-/ready").is_success
    except httpx.TransportError:
        return False


def test_what_silences_what(alertmanager: httpx.Client) -> None:
    """A page silences lesser alerts of its probe, location and objective, a cause silences what follows from it."""
    sent = alertmanager.post("/api/v2/alerts", json=[{"labels": labels(name)} for name in ALERTS])
    assert sent.is_success, sent.text

    def silenced() -> set[str] | None:
        found = alertmanager.get("/api/v2/alerts").json()
        judged = all(each["status"]["state"] != "unprocessed" for each in found)
        if len(found) < len(ALERTS) or not judged:
            return None
        return {each["labels"]["called"] for each in found if each["status"]["inhibitedBy"]}

    # inhibition is judged when it is asked for, once the alerts have reached it, which is soon
    until("the alerts are judged", lambda: silenced() == SILENT)
    assert alertmanager.get("/api/v2/alerts/groups").is_success

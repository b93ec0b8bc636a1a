"""From a fault of the target to the notification: sandbox, `specwatch watch`, Prometheus, Alertmanager, webhook."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx
import pytest
import yaml
from tests.integration.processes import Processes, copied_workspace, url_of
from tests.integration.prometheus import Prometheus
from tests.integration.story.alertmanager import Alertmanager, Told, Webhook
from tests.integration.story.stage import CREDENTIALS, write_targets

from specwatch.monitoring.build import derive
from specwatch.monitoring.origin import load_origin
from specwatch.workspace import Workspace

pytestmark = [
    pytest.mark.needs("prometheus", "prometheus-alertmanager"),
    pytest.mark.slow,
    pytest.mark.timeout(180),
]

FAULT: Final = "qrart-tasks/queryTasks/200/type/created_at"
INTERVAL: Final = 2.0
SCHEDULE: Final = f"""
version: 1
defaults: {{interval: {INTERVAL:g}s, timeout: 10s, deadline: 30s, confirm: 2}}
probes:
  task: {{workflow: qrart-tasks/known-task}}
"""
"""Without an objective: the page about its budget would make the ticket about its failures superfluous."""

SCRAPE, EVALUATION, GROUP_WAIT, GROUP_INTERVAL = 1.0, 1.0, 1.0, 6.0
HOLD: Final = {"SpecwatchPromiseBroken": 0.0, "SpecwatchProbeFailing": 3.0}
"""Seconds for which each alert has to hold, as the settings below say."""
REMEMBERED: Final = 3.0
"""Seconds for which a broken promise is told after it was kept again; a file may not say less than a minute."""

BUSY: Final = 2.0
"""Seconds that four processes may take for their own work, while other tests have the processors."""


def settings(url: str) -> str:
    """A `settings.yaml` with the times of this test, and somebody who is told of pages and tickets."""
    why = {"reason": "a test waits for it"}
    return yaml.safe_dump(
        {
            "version": 1,
            "scrape": {
                "interval": {"value": SCRAPE, "unit": "seconds", **why},
                "evaluation": {"value": EVALUATION, "unit": "seconds", **why},
            },
            "probes": {"failing-for": {"value": HOLD["SpecwatchProbeFailing"] / 60, "unit": "minutes", **why}},
            "notifications": {
                "group-wait": {"value": GROUP_WAIT, "unit": "seconds", **why},
                "group-interval": {"value": GROUP_INTERVAL / 60, "unit": "minutes", **why},
            },
            "receivers": {name: {"webhook-url": url, **why} for name in ("page", "ticket")},
        }
    )


@dataclass
class Scene:
    """What takes part.

    Args:
        sandbox: for its control.
        webhook: who is told.
    """

    sandbox: httpx.Client
    webhook: Webhook
    prometheus: Prometheus


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """All of it, with the derived files as they are; the probe passes."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    copied_workspace(workspace)
    (workspace / "probes" / "schedule.yaml").write_text(SCHEDULE, encoding="utf-8")
    with Processes(tmp_path, tmp_path / "output") as processes, Webhook() as webhook:
        derived = write_derived(workspace, settings(webhook.url))
        common = ("--workspace", workspace)
        sandbox = url_of(processes.specwatch("sandbox", *common, "--port", "0", name="sandbox"), r"sandbox: (http\S+)")
        where = ("--target", sandbox, "--listen", "127.0.0.1:0", "--state", tmp_path / "state.sqlite")
        watch = processes.specwatch("watch", *common, *where, name="watch", environment=CREDENTIALS)
        alertmanager = Alertmanager(processes, derived / "alertmanager" / "alertmanager.yml", tmp_path / "alerts")
        write_targets(derived / "prometheus", "alertmanager", {"alertmanager": alertmanager.address})
        write_targets(derived / "prometheus", "specwatch", {"watch": url_of(watch).removeprefix("http://")})
        config = derived / "prometheus" / "prometheus.yml"
        prometheus = Prometheus(processes, tmp_path / "prometheus", config=config)
        control = processes.enter_context(httpx.Client(base_url=sandbox, trust_env=False, timeout=60))
        prometheus.until('specwatch_probe_success{probe="task"} == 1')
        yield Scene(control, webhook, prometheus)


def write_derived(workspace: Path, text: str) -> Path:
    """Put settings into a workspace, and derive what follows from them."""
    folder = workspace / "grafana"
    folder.mkdir()
    (folder / "settings.yaml").write_text(text, encoding="utf-8")
    origin = load_origin(Workspace(workspace, "the test's"))
    origin = replace(origin, settings=replace(origin.settings, contract_remembered=REMEMBERED))
    for path, derived in derive(origin).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(derived, encoding="utf-8")
    return folder


def test_a_fault_reaches_somebody_in_time(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault is told within two intervals of the probe and the rule's own wait, and its end is told too."""
    assert scene.webhook.told == []
    on = time.time()
    assert scene.sandbox.put(f"/_sandbox/faults/{FAULT}").is_success
    firing = {alert: scene.webhook.first(alert, "firing", 60) for alert in HOLD}
    off = time.time()
    assert scene.sandbox.delete(f"/_sandbox/faults/{FAULT}").is_success
    resolved = {alert: scene.webhook.first(alert, "resolved", 60) for alert in HOLD}
    for alert, hold in HOLD.items():
        wait = EVALUATION + hold + GROUP_WAIT
        took = firing[alert].at - on
        with capsys.disabled():
            told, ended = f"told after {took:.1f} s", f"its end after {resolved[alert].at - off:.1f} s"
            bound = f"two intervals are {2 * INTERVAL:g} s, the rule's wait {wait:g} s"
            print(f"\n{alert}: {told}; {bound}; {ended}")  # noqa: T201 -- the figure is what the test is about
        assert took <= 2 * INTERVAL + wait + SCRAPE + BUSY
        check_texts(firing[alert])
        assert resolved[alert].labels == firing[alert].labels


def check_texts(told: Told) -> None:
    """Whoever is told knows what is wrong, where, whose fault it probably is, and where to read on."""
    alert = told.labels["alertname"]
    assert told.labels["api"] == "qrart-tasks"
    assert told.labels["suspect"] == "provider"
    assert told.labels["severity"] == {"SpecwatchPromiseBroken": "page", "SpecwatchProbeFailing": "ticket"}[alert]
    assert "qrart-tasks" in told.annotations["summary"] + told.annotations["description"]
    assert told.annotations["runbook_url"].endswith(f"/{alert}")
    assert told.annotations["dashboard_url"].endswith("/d/specwatch-api?var-api=qrart-tasks")

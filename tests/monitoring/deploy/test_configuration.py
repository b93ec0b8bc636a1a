"""The configuration files of Prometheus, Alertmanager and Grafana, as the real programs read them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.monitoring.promtool import repository_origin

from specwatch.monitoring.deploy import grafana
from specwatch.monitoring.deploy.alertmanager import PROBER_GONE, SILENT_WITHOUT_PROBER, alertmanager_file
from specwatch.monitoring.deploy.files import ALERTMANAGER, PROMETHEUS, configuration_files
from specwatch.monitoring.deploy.prometheus import (
    ALERTMANAGER_TARGETS,
    PROBER_TARGETS,
    prometheus_file,
    targets_file,
)
from specwatch.monitoring.rules.files import rule_files
from specwatch.monitoring.settings import Receiver

FILES: Mapping[str, str] = configuration_files(repository_origin())


def parsed(name: str) -> dict[str, Any]:
    """The data of a derived file."""
    data: dict[str, Any] = yaml.safe_load(FILES[name])
    return data


def run(*command: str | Path, folder: Path) -> str:
    """What a program says that has to succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of Prometheus and Alertmanager, rules and targets among them."""
    targets = {
        f"prometheus/{PROBER_TARGETS}": targets_file(["127.0.0.1:9464"]),
        f"prometheus/{ALERTMANAGER_TARGETS}": targets_file([]),
    }
    for name, text in {**FILES, **rule_files(repository_origin()), **targets}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


# ---------------------------------------------------------------------------------------------------------- prometheus


@pytest.mark.needs("promtool")
def test_promtool_accepts_the_configuration(folder: Path) -> None:
    """`promtool check config` finds nothing wrong, and finds every rule file."""
    said = run("promtool", "check", "config", folder / PROMETHEUS, folder=folder)
    assert said.count(" rules found") == len(rule_files(repository_origin()))
    assert "WARNING" not in said


@pytest.mark.needs("promtool")
def test_promtool_accepts_a_token(folder: Path) -> None:
    """A prober with a bearer token is scraped with what a file holds; the token is not in the configuration."""
    (folder / "token").write_text("a-token", encoding="utf-8")
    text = prometheus_file(repository_origin().settings, str(folder / "token"))
    (folder / PROMETHEUS).write_text(text, encoding="utf-8")
    run("promtool", "check", "config", folder / PROMETHEUS, folder=folder)
    (scrape,) = yaml.safe_load(text)["scrape_configs"]
    assert scrape["authorization"] == {"type": "Bearer", "credentials_file": str(folder / "token")}
    assert "authorization" not in parsed(PROMETHEUS)["scrape_configs"][0]


def test_prometheus_follows_the_settings() -> None:
    """Job and intervals are those of the settings; addresses are in files of their own."""
    settings = replace(
        repository_origin().settings, selectors_job="probes", scrape_interval=5.0, scrape_evaluation=90.0
    )
    data = yaml.safe_load(prometheus_file(settings))
    assert data["global"] == {"scrape_interval": "5s", "evaluation_interval": "90s"}
    assert data["scrape_configs"] == [{"job_name": "probes", "file_sd_configs": [{"files": [PROBER_TARGETS]}]}]
    assert data["rule_files"] == ["rules/*.yml"]


def test_prometheus_says_what_flags_it_needs() -> None:
    """Retention for objectives of 30 days, and exemplars, are flags: the file says so."""
    text = FILES[PROMETHEUS]
    days = re.search(r"# +--storage\.tsdb\.retention\.time=(\d+)d", text)
    assert days is not None
    assert int(days[1]) >= 30
    assert "--enable-feature=exemplar-storage" in text


def test_every_file_says_that_it_is_derived() -> None:
    """Whoever opens one reads what to change instead."""
    assert [name for name, text in FILES.items() if not text.startswith("# Derived by `specwatch build`")] == []


# -------------------------------------------------------------------------------------------------------- alertmanager


@pytest.mark.needs("amtool")
def test_amtool_accepts_the_configuration(folder: Path) -> None:
    """`amtool check-config` finds nothing wrong, with and without webhooks."""
    run("amtool", "check-config", folder / ALERTMANAGER, folder=folder)
    receivers = {"page": Receiver(webhook_url="http://127.0.0.1:8080/page"), "ticket": Receiver()}
    text = alertmanager_file(replace(repository_origin().settings, receivers=receivers))
    (folder / ALERTMANAGER).write_text(text, encoding="utf-8")
    run("amtool", "check-config", folder / ALERTMANAGER, folder=folder)


@pytest.mark.needs("amtool")
@pytest.mark.parametrize(
    "labels, receiver",
    [
        (["severity=page", "alertname=SpecwatchErrorBudgetBurn", "api=a", "probe=p"], "page"),
        (["severity=ticket", "alertname=SpecwatchProbeFailing", "api=a", "probe=p"], "ticket"),
        (["severity=info", "alertname=SpecwatchDrift", "api=a"], "info"),
        (["alertname=SomebodyElses"], "ticket"),
    ],
)
def test_route(folder: Path, labels: list[str], receiver: str) -> None:
    """An alert goes to the receiver of its severity, and to exactly one; without a severity nobody is woken."""
    said = run("amtool", "config", "routes", "test", f"--config.file={folder / ALERTMANAGER}", *labels, folder=folder)
    assert said.split() == [receiver]


def test_route_of_every_alert() -> None:
    """Every derived alert has a severity that has a route of its own."""
    routes = {route["matchers"][0] for route in parsed(ALERTMANAGER)["route"]["routes"]}
    rules = [
        rule
        for text in rule_files(repository_origin()).values()
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert rules
    lost = [rule["alert"] for rule in rules if f'severity="{rule["labels"]["severity"]}"' not in routes]
    assert lost == []


def test_inhibitions_name_alerts_that_exist() -> None:
    """A name in an inhibition that no rule has would silence nothing, and nobody would notice."""
    named = set(re.findall(r"Specwatch\w+", FILES[ALERTMANAGER]))
    known = {name for text in rule_files(repository_origin()).values() for name in re.findall(r"alert: (\w+)", text)}
    assert {*PROBER_GONE, *SILENT_WITHOUT_PROBER} <= named <= known


def test_one_page_for_a_budget_follows_the_settings() -> None:
    """The burn rates of the inhibition are those of the alerts, whatever the settings say."""
    settings = replace(repository_origin().settings, burn_page_fast=20.0, burn_page_slow=7.5)
    rules = yaml.safe_load(alertmanager_file(settings))["inhibit_rules"]
    (rule,) = (rule for rule in rules if "alertname" in rule["equal"])
    assert 'burn_rate="20"' in rule["source_matchers"]
    assert 'burn_rate="7.5"' in rule["target_matchers"]


def test_one_page_for_an_api_and_a_cause() -> None:
    """At night all pages about one API with one suspect are one notification."""
    page = next(route for route in parsed(ALERTMANAGER)["route"]["routes"] if route["receiver"] == "page")
    assert page["group_by"] == ["api", "suspect"]


def test_alertmanager_follows_the_settings() -> None:
    """Waits, repeats and receivers are those of the settings; a secret address stays in its file."""
    settings = replace(
        repository_origin().settings,
        notifications_group_wait=1.0,
        notifications_group_interval=120.0,
        notifications_repeat_page=3600.0,
        receivers={"page": Receiver(webhook_url_file="/run/secrets/page"), "ticket": Receiver(webhook_url="http://t/")},
    )
    data = yaml.safe_load(alertmanager_file(settings))
    assert (data["route"]["group_wait"], data["route"]["group_interval"]) == ("1s", "2m")
    assert data["route"]["routes"][0]["repeat_interval"] == "1h"
    assert data["receivers"] == [
        {"name": "page", "webhook_configs": [{"url_file": "/run/secrets/page", "send_resolved": True}]},
        {"name": "ticket", "webhook_configs": [{"url": "http://t/", "send_resolved": True}]},
        {"name": "info"},
    ]


# ------------------------------------------------------------------------------------------------------------- grafana


def test_provisioning_is_about_two_data_sources() -> None:
    """Prometheus, which knows Alertmanager and leads from an exemplar to its run, and Alertmanager."""
    prometheus, alertmanager = parsed("provisioning/datasources/specwatch.yml")["datasources"]
    assert (prometheus["type"], prometheus["isDefault"]) == ("prometheus", True)
    assert (alertmanager["type"], alertmanager["jsonData"]["implementation"]) == ("alertmanager", "prometheus")
    assert prometheus["jsonData"]["alertmanagerUid"] == alertmanager["uid"]
    (link,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    assert link["name"] == "run"
    assert link["url"] == "$SPECWATCH_PROBER_URL/runs?run=$${__value.raw}", "$$ is what Grafana makes a dollar of"


def test_provisioning_names_known_variables_only() -> None:
    """What Grafana replaces are the variables that whoever starts it sets; each of them is used."""
    texts = [text for name, text in FILES.items() if name.startswith("provisioning/")]
    used = {name for text in texts for name in re.findall(r"(?<!\$)\$\{?(\w+)", text)}
    assert used == set(grafana.VARIABLES)


def test_provisioning_shows_the_dashboards() -> None:
    """The dashboards come from files and cannot be changed in the browser, where the next start would lose it."""
    (provider,) = parsed("provisioning/dashboards/specwatch.yml")["providers"]
    assert provider["options"] == {"path": f"${grafana.DASHBOARDS}"}
    assert provider["allowUiUpdates"] is False


def test_contact_point_leads_to_alertmanager() -> None:
    """An alert that somebody makes in Grafana is routed where all others are."""
    (point,) = parsed("provisioning/alerting/specwatch.yml")["contactPoints"]
    assert [each["type"] for each in point["receivers"]] == ["prometheus-alertmanager"]
    assert point["receivers"][0]["settings"] == {"url": f"${grafana.ALERTMANAGER_URL}"}

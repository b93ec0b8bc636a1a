"""What holds for every dashboard of this repository, and what each of them is there for."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from tests.monitoring.dashboards.boards import NAMES, board, origin, panel, panels

from specwatch.monitoring.dashboards.files import dashboard_files
from specwatch.monitoring.dashboards.fleet import fleet_board
from specwatch.monitoring.dashboards.frame import TITLES
from specwatch.monitoring.dashboards.overview import overview_board
from specwatch.monitoring.dashboards.prober import prober_board
from specwatch.monitoring.origin import Origin
from specwatch.spec import load_api

Json = dict[str, Any]
SHOP = Path(__file__).resolve().parents[2] / "shop.yaml"
GREY = "#808890"


def through_the_sdk(data: Json) -> Json:
    """A dashboard as the SDK writes it again after it has read it; what the SDK does not know is lost."""
    register_default_plugins()
    again: Json = json.loads(json.dumps(Dashboard.from_json(data), cls=JSONEncoder))
    return again


def steps(data: Json) -> list[float | None]:
    """The thresholds of a panel."""
    return [step["value"] for step in data["fieldConfig"]["defaults"]["thresholds"]["steps"]]


def with_shop() -> Origin:
    """This repository with one API more, and one of its probes for it."""
    here, shop = origin(), load_api(SHOP)
    probe = replace(here.probes[0], id="shop-item", api=shop.id)
    return replace(
        here, apis=(*here.apis, shop), schedule=replace(here.schedule, probes=(*here.schedule.probes, probe))
    )


# ---------------------------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_reads_a_dashboard_without_loss(name: str) -> None:
    """Every key of a dashboard is one that Grafana's own model has."""
    data = board(name)
    assert through_the_sdk(data) == data


def test_the_sdk_loses_a_key_that_grafana_does_not_know() -> None:
    """A misspelt key does not survive the round trip, so that the test above would find it."""
    data = board("overview")
    data["panels"][0]["fieldConfig"]["defaults"]["untit"] = "s"
    assert through_the_sdk(data) != data


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_has_its_fixed_address(name: str) -> None:
    """Alerts and other dashboards link to it by its uid."""
    data = board(name)
    assert data["uid"] == f"specwatch-{name}"
    assert data["title"] == f"Specwatch: {TITLES[data['uid']]}"
    assert (data["schemaVersion"], data["editable"]) == (42, False)


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_leads_to_all_others_and_to_the_silences(name: str) -> None:
    """From everywhere one comes everywhere, with the times and the data source."""
    links = {link["title"]: link["url"] for link in board(name)["links"]}
    for uid in TITLES.keys() - {f"specwatch-{name}"}:
        assert f"/d/{uid}?${{datasource:queryparam}}&${{__url_time_range}}" in links.values()
    assert links["Silences"] == f"{origin().settings.links_alertmanager}/#/silences"


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_marks_starts_of_the_prober_and_broken_promises(name: str) -> None:
    """Two annotations: one at the time that the series itself says, one as long as the alert fires."""
    start, broken = board(name)["annotations"]["list"]
    assert "process_start_time_seconds" in start["expr"]
    assert "group_left (version)" in start["expr"]
    assert start["useValueForTime"]
    assert 'alertname="SpecwatchPromiseBroken"' in broken["expr"]
    assert (start["enable"], broken["enable"]) == (True, True)


@pytest.mark.parametrize("name", NAMES)
def test_every_description_says_more_than_the_title(name: str) -> None:
    """A description is at least a whole sentence."""
    for each in panels(board(name)):
        assert len(each["description"]) > len(each["title"]), each["title"]
        assert each["description"].rstrip().endswith("."), each["title"]


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_of_a_state_asks_for_now(name: str) -> None:
    """A figure without a course is asked for at one moment: the last value of a series that ended would be a lie."""
    for each in panels(board(name)):
        if each["type"] == "stat" and each["options"]["graphMode"] == "none":
            assert all(target["instant"] and not target["range"] for target in each["targets"]), each["title"]


@pytest.mark.parametrize("name", ["overview", "prober", "fleet"])
def test_a_figure_without_a_value_is_grey(name: str) -> None:
    """What is not known has the colour of no state; a series that is missing is no pass."""
    for each in panels(board(name)):
        defaults = each["fieldConfig"]["defaults"]
        if each["type"] == "stat" and len(defaults["thresholds"]["steps"]) > 1:
            assert defaults["thresholds"]["steps"][0]["color"] == GREY, each["title"]
            assert defaults["noValue"] in {"UNKNOWN", "no objective", "no budget", "none"}, each["title"]


def test_the_files_end_with_a_newline_and_are_readable() -> None:
    """Each file is indented JSON, so that a change of it can be read."""
    texts = dashboard_files(origin())
    assert sorted(texts) == sorted(f"dashboards/{name}.json" for name in NAMES)
    for text in texts.values():
        assert text.endswith("}\n")
        assert text.startswith('{\n  "')


def test_deriving_twice_gives_the_same() -> None:
    """Nothing in a dashboard depends on the moment or on an order that changes."""
    assert dashboard_files(origin()) == dashboard_files(origin())


def test_help_does_not_load_the_library_of_dashboards() -> None:
    """Whoever asks for help does not wait for what only `build` needs."""
    code = "import sys, specwatch.cli, specwatch.monitoring.build; print('grafana_foundation_sdk' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


# ------------------------------------------------------------------------------------------------------------- overview

COLUMNS = (
    "Is {} up?",
    "Budget left: {}?",
    "Fast enough: {}?",
    "Contract kept: {}?",
    "Open alerts: {}?",
    "Spent today: {}?",
)


def test_the_overview_has_one_line_for_each_api() -> None:
    """Six panels side by side say how an API is; they lie in the order of the workspace."""
    data = board("overview")
    for number, api in enumerate(origin().apis):
        line = [panel(data, title.format(api.id))["gridPos"] for title in COLUMNS]
        assert [(place["x"], place["y"]) for place in line] == [(4 * column, 4 * number) for column in range(6)]


def test_a_fifth_api_gets_its_line() -> None:
    """An API that joins the workspace is on the overview without anybody writing a panel for it."""
    data = overview_board(with_shop())
    for title in COLUMNS:
        assert 'api="shop"' in panel(data, title.format("shop"))["targets"][0]["expr"]
    assert len(list(panels(data))) == len(list(panels(board("overview")))) + len(COLUMNS)


def test_every_panel_of_a_line_leads_to_the_dashboard_of_its_api() -> None:
    """One click from a red panel to what is behind it."""
    data = board("overview")
    for api in origin().apis:
        for title in COLUMNS:
            (link,) = panel(data, title.format(api.id))["links"]
            assert link["url"].startswith(f"/d/specwatch-api?var-api={api.id}&")


def test_an_alert_leads_to_its_runbook_and_to_its_api() -> None:
    """The table of alerts links names to runbooks and APIs to dashboards."""
    overrides = panel(board("overview"), "Which alerts are open?")["fieldConfig"]["overrides"]
    urls = [link["url"] for each in overrides for p in each["properties"] if p["id"] == "links" for link in p["value"]]
    assert f"{origin().settings.links_runbooks}${{__data.fields.alertname}}" in urls
    assert any(url.startswith("/d/specwatch-api?var-api=${__data.fields.api}&") for url in urls)


def test_an_api_without_objectives_says_so() -> None:
    """Where no objective is written, no figure pretends that one is kept."""
    here = origin()
    bare = replace(here.probes[0].objective, availability=None, latency=None)
    probes = tuple(replace(probe, objective=bare) for probe in here.schedule.probes)
    data = overview_board(replace(here, schedule=replace(here.schedule, probes=probes)))
    for title in COLUMNS[1:3]:
        shown = panel(data, title.format(here.apis[0].id))
        assert shown["fieldConfig"]["defaults"]["noValue"] == "no objective"


def test_colours_of_the_overview_follow_the_settings() -> None:
    """Amber begins where the settings say."""
    here = origin()
    settings = replace(here.settings, dashboards_budget_left=0.4, dashboards_latency_near=0.7, locations_quorum=0.75)
    data, api = overview_board(replace(here, settings=settings)), here.apis[0].id
    assert steps(panel(data, f"Budget left: {api}?"))[-1] == 0.4
    assert steps(panel(data, f"Fast enough: {api}?"))[2:] == [0.7, 1]
    assert "< 0.25)" in panel(data, f"Is {api} up?")["targets"][0]["expr"]


def test_what_a_day_may_cost_is_the_red_line_of_the_costs() -> None:
    """The budgets of an API's probes add up to the amount from which on the figure is red; 0 allows nothing."""
    data, here = board("overview"), origin()
    for api in here.apis:
        most = sum(probe.budget.cost or 0 for probe in here.probes_of(api.id))
        assert steps(panel(data, f"Spent today: {api.id}?"))[-1] == (most or 0.001)


# ----------------------------------------------------------------------------------------------------- prober and fleet


def test_colours_of_the_prober_follow_the_settings() -> None:
    """Lag, memory and scrapes are red where the settings say."""
    here = origin()
    settings = replace(here.settings, prober_lag=3.0, dashboards_memory=1e9, scrape_interval=60.0)
    data = prober_board(replace(here, settings=settings))
    assert steps(panel(data, "Is it in time?"))[-1] == 3.0
    assert steps(panel(data, "How late are ticks noticed?")) == [None, 3.0]
    assert steps(panel(data, "How much memory does it hold?")) == [None, 1e9]
    assert steps(panel(data, "How long does a scrape take?")) == [None, 60.0]


def test_series_of_prometheus_itself_are_those_of_our_scrape_job() -> None:
    """All jobs may be those of others too; what every job has is asked for by the job's name."""
    here = origin()
    data = prober_board(replace(here, settings=replace(here.settings, selectors_job="probers")))
    for title in ("Are all probers up?", "How long does a scrape take?", "How many samples does a scrape bring?"):
        assert 'job="probers"' in panel(data, title)["targets"][0]["expr"]


def test_the_fleet_names_a_prober_without_location_by_its_address() -> None:
    """A series gets its address first and then, if it has one, its location."""
    expr = panel(board("fleet"), "Where is it slow?")["targets"][0]["expr"]
    assert expr.startswith("label_replace(label_replace(")
    assert expr.endswith('"place", "$1", "instance", "(.+)"), "place", "$1", "location", "(.+)")')


def test_certificates_are_judged_by_the_days_of_the_alerts() -> None:
    """The bar is amber and red where a ticket is opened and somebody is woken."""
    here = origin()
    settings = replace(here.settings, certificates_ticket=30 * 86400.0, certificates_page=7 * 86400.0)
    data = fleet_board(replace(here, settings=settings))
    assert steps(panel(data, "Until when are certificates valid?")) == [None, 7, 30]


def test_the_matrix_of_verdicts_has_room_for_every_probe() -> None:
    """The more probes there are, the higher the table is."""
    title = "Which location sees which probe fail?"
    more, here = panel(fleet_board(with_shop()), title), panel(board("fleet"), title)
    assert more["gridPos"]["h"] > here["gridPos"]["h"] > 0.9 * len(origin().probes)

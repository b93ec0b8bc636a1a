"""The API dashboard: what its panels say of scripted series, where its links lead, what its settings change."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.monitoring.promtool import repository_origin, repository_rules, run_rule_tests
from tests.monitoring.queries.boards import Query, View, read_board

from specwatch.monitoring.dashboards.api import api_board
from specwatch.monitoring.dashboards.frame import TITLES, every_panel
from specwatch.monitoring.rules.contract import contract_groups
from specwatch.monitoring.rules.model import Recording
from specwatch.monitoring.rules.promql import LAST_BROKEN, LAST_VERIFIED, LAST_VIOLATED
from specwatch.monitoring.settings import Settings

HOUR = 3600
NOW = 26 * HOUR
"""When the scripted series are looked at; they begin at 0, a minute from value to value."""

LABELS = 'api="a", job="specwatch", instance="p"'
VIOLATED = "specwatch_claim_last_violated_timestamp_seconds"
VIOLATIONS = "specwatch_contract_violations_total"


@functools.cache
def the_board() -> dict[str, Any]:
    """The dashboard of this repository."""
    return api_board(repository_origin())


def panel(title: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The panel with that title."""
    return next(each for each in every_panel(dict(data or the_board())) if each["title"] == title)


def queries(title: str, **view: Any) -> list[Query]:
    """The queries of a panel as Grafana sends them for the API `a`, which is asked about every 15 s."""
    seen = View(**{"seconds": HOUR, "points": 60, "scrape": 15, "end": NOW, "chosen": {"api": ["a"]}, **view})
    return [query for query in read_board(json.dumps(the_board()), seen) if query.place == title]


def answers(
    tmp_path: Path,
    expr: str,
    series: Mapping[str, str],
    expected: Mapping[str, float],
    step: int = 60,
) -> None:
    """Fail unless Prometheus answers a query about scripted series so, at `NOW`.

    Args:
        tmp_path: an empty folder.
        expr: PromQL.
        series: series to values, in the notation of promtool.
        expected: labels of a sample to its value.
        step: seconds from one value to the next.
    """
    case = {
        "rule_files": ["broken.yml"],
        "tests": [
            {
                "interval": f"{step}s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": expr,
                        "eval_time": f"{NOW}s",
                        "exp_samples": [{"labels": name, "value": value} for name, value in expected.items()],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "case.yml"
    file.write_text(yaml.safe_dump(case, width=1_000_000), encoding="utf-8")
    run_rule_tests({"prometheus/rules/broken.yml": what_is_broken()}, file, tmp_path / "run")


@functools.cache
def what_is_broken() -> str:
    """The derived rule that says which claims count as broken, alone: the tests script what it goes by."""
    groups = (group for text in repository_rules().values() for group in yaml.safe_load(text)["groups"])
    rules = [rule for group in groups for rule in group["rules"] if rule.get("record") == LAST_BROKEN]
    assert len(rules) == 1
    return yaml.safe_dump({"groups": [{"name": "broken", "rules": rules}]}, width=1_000_000)


def always(value: float) -> str:
    """A series that has one value all the time."""
    return f"{value:.0f}x{NOW // 60}" if value == int(value) else f"{value}x{NOW // 60}"


# ---------------------------------------------------------------------------------------------- claims of the contract


def claim(metric: str, name: str, location: str = "") -> str:
    """A series about a promise; recorded ones have lost the labels of the prober."""
    labels = 'api="a"' if ":" in metric else LABELS
    labels += ', operation="o"' if metric == VIOLATIONS else ""
    labels += f', location="{location}"' if location else ""
    return f'{metric}{{{labels}, claim="{name}", level="promise"}}'


def ledger() -> str:
    """The query for the states of all claims."""
    return queries("What is known of each claim?")[0].expr


@pytest.mark.needs("promtool")
def test_the_ledger_tells_every_state_of_a_claim_apart(tmp_path: Path) -> None:
    """Broken and remembered, broken and not kept since, mended, forgotten, kept, never seen: each has a number."""
    settings = repository_origin().settings
    remembered, forgotten = settings.contract_remembered, settings.contract_forgotten
    moments = {
        "flapping": (NOW - 60, NOW - remembered / 2),
        "open": (NOW - 3 * HOUR, NOW - 2 * HOUR),
        "mended": (NOW - 60, NOW - remembered - HOUR),
        "untouched": (None, NOW - forgotten - HOUR),
        "kept": (NOW - 60, None),
        "unseen": (None, None),
    }
    series = {'specwatch_build_info{job="specwatch", instance="p"}': always(1)}
    for name, (verified, violated) in moments.items():
        series[claim(VIOLATIONS, name)] = always(0)
        series |= {claim(LAST_VERIFIED, name): always(verified)} if verified else {}
        series |= {claim(LAST_VIOLATED, name): always(violated)} if violated else {}
    states = {"flapping": 3, "open": 3, "mended": 1, "untouched": 2, "kept": 1, "unseen": 0}
    expected = {f'{{claim="{name}", level="promise"}}': float(state) for name, state in states.items()}
    answers(tmp_path, ledger(), series, expected)


@pytest.mark.needs("promtool")
def test_the_ledger_knows_no_claim_of_a_prober_that_is_gone(tmp_path: Path) -> None:
    """Counters of an hour ago do not make a claim `never seen`: nobody is there to see it."""
    series = {
        'specwatch_build_info{job="specwatch", instance="p"}': f"1x{NOW // 60 - 20}",
        claim(VIOLATIONS, "c"): f"0x{NOW // 60 - 20}",
    }
    answers(tmp_path, ledger(), series, {})


@pytest.mark.needs("promtool")
def test_a_claim_that_is_watched_from_two_places_is_one_row_with_the_worse_state(tmp_path: Path) -> None:
    """Several places do not multiply the rows, and a break that one of them saw counts."""
    series = {claim(LAST_VERIFIED, "c", place): always(NOW - 60) for place in ("here", "there")}
    series[claim(LAST_VIOLATED, "c", "there")] = always(NOW - 30)
    answers(tmp_path, ledger(), series, {'{claim="c", level="promise"}': 3})


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    "ref, expected",
    [
        ("A", 1000.0 * (NOW - 600)),
        ("B", 1000.0 * (NOW - 3000)),
        ("C", 3.0),
    ],
    ids=["last", "first", "how often"],
)
def test_first_and_last_break_are_those_in_the_time_shown(tmp_path: Path, ref: str, expected: float) -> None:
    """A break before the time shown is neither the first one in it nor makes a row of its own."""
    before = NOW // 60 - 51
    series = {
        claim(VIOLATED, "twice"): f"{10 * HOUR}x{before} {NOW - 3000}x39 {NOW - 600}x10",
        claim(VIOLATIONS, "twice"): f"1x{before} 3x39 4x10",
        claim(VIOLATED, "long ago"): always(10 * HOUR),
        claim(VIOLATIONS, "long ago"): always(1),
    }
    asked = next(query for query in queries("Which claims were broken in the time shown?") if query.ref == ref)
    more = ', runbook="SpecwatchPromiseBroken"' if ref == "A" else ""
    answers(tmp_path, asked.expr, series, {f'{{claim="twice", level="promise"{more}}}': expected})


def test_tables_of_claims_have_their_columns_in_reading_order() -> None:
    """What, how bad, then when; the columns that Grafana adds for itself are hidden."""
    for title, headings in (
        ("Which claims were broken in the time shown?", ["claim", "level", "how often", "first", "last", "runbook"]),
        ("What is known of each claim?", ["claim", "level", "state", "last kept", "last broken"]),
    ):
        merge, organize = panel(title)["transformations"]
        options = organize["options"]
        assert merge["id"] == "merge"
        places = options["indexByName"]
        assert [options["renameByName"][name] for name in sorted(places, key=places.get)] == headings
        assert options["excludeByName"] == {"Time": True}
        values = {f"Value #{target['refId']}" for target in panel(title)["targets"]}
        assert values <= set(options["indexByName"])


def test_states_of_a_claim_are_words() -> None:
    """No state is shown by its number or by its colour alone."""
    ledger = panel("What is known of each claim?")
    properties = next(
        each["properties"] for each in ledger["fieldConfig"]["overrides"] if each["matcher"]["options"] == "state"
    )
    mappings = next(each["value"] for each in properties if each["id"] == "mappings")
    texts = {value: result["text"] for value, result in mappings[0]["options"].items()}
    assert texts == {"3": "BROKEN", "2": "not checked since", "1": "kept", "0": "never seen"}


# ---------------------------------------------------------------------------------------------------------- other rows


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("down, expected", [(0, 0.0), (1, 0.0), (2, 1.0), (3, 1.0)])
def test_it_is_down_when_most_places_say_so(tmp_path: Path, down: int, expected: float) -> None:
    """One place of three that fails is no outage; two are."""
    series = {
        f'specwatch_probe_success{{{LABELS}, probe="q", location="{place}"}}': always(0 if place < down else 1)
        for place in range(3)
    }
    answers(tmp_path, queries("Is it up?")[0].expr, series, {"{}": expected})


@pytest.mark.needs("promtool")
def test_without_a_verdict_nothing_is_up_or_down(tmp_path: Path) -> None:
    """No data is no pass: the panel then shows that nothing is known."""
    answers(tmp_path, queries("Is it up?")[0].expr, {"other": always(1)}, {})
    assert panel("Is it up?")["fieldConfig"]["defaults"]["noValue"] == "UNKNOWN"


@pytest.mark.needs("promtool")
def test_a_single_run_is_judged_against_the_objective_of_its_probe(tmp_path: Path) -> None:
    """One run between 100 and 250 ms, of 5 s that are allowed: the quantile lies within that bucket, nowhere else."""
    labels = f'{LABELS}, probe="q"'
    quiet, run, other = f"0x{NOW // 60 - 31}", "1x30", "0x30"
    bucket = f"specwatch_probe_duration_seconds_bucket{{{labels}"
    series = {
        f'{bucket}, le="{le}"}}': f"{quiet} {run if float(le) > 0.2 else other}"
        for le in ("0.05", "0.1", "0.25", "5", "+Inf")
    }
    constant = {
        'probe:specwatch_latency_objective:seconds{api="a", probe="q"}': always(5),
        'probe:specwatch_objective:ratio{api="a", probe="q", objective="latency"}': always(0.95),
    }
    expr = f"round({queries('Are runs fast enough?')[0].expr}, 0.0001)"
    answers(tmp_path, expr, series | constant, {'{api="a", probe="q"}': 0.0485})


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    "values, expected",
    [
        ("0+1x", {'{reason="dns"}': 4.0}),
        ("7+0x", {'{reason="nothing"}': 0.0}),
    ],
    ids=["one for each scrape", "none"],
)
def test_a_bar_counts_what_fell_into_its_minute(tmp_path: Path, values: str, expected: Mapping[str, float]) -> None:
    """A failure at each scrape, four times a minute, makes bars of four; where nothing failed, that is said."""
    series = {
        f'specwatch_request_failures_total{{{LABELS}, operation="o", reason="dns"}}': f"{values}{NOW // 15}",
        f'specwatch_request_failures_total{{{LABELS}, operation="o", reason="tls"}}': f"0x{NOW // 15}",
    }
    answers(tmp_path, queries("Why did requests fail?")[0].expr, series, expected, step=15)


@pytest.mark.needs("promtool")
def test_a_restart_of_the_prober_makes_no_bar_negative(tmp_path: Path) -> None:
    """A counter that begins again at 0 has counted nothing by that."""
    scrapes = NOW // 15
    series = {
        f'specwatch_request_failures_total{{{LABELS}, operation="o", reason="dns"}}': f"50x{scrapes - 3} 0x2",
    }
    asked = queries("Why did requests fail?")[0].expr
    answers(tmp_path, asked, series, {'{reason="nothing"}': 0.0}, step=15)


# ---------------------------------------------------------------------------------------------------- links, settings


def links(data: Any) -> Iterator[str]:
    """Every address in a dashboard."""
    if isinstance(data, dict):
        yield from (value for key, value in data.items() if key == "url" and isinstance(value, str))
        data = list(data.values())
    if isinstance(data, list):
        for each in data:
            yield from links(each)


def alert_names() -> set[str]:
    """The alerts that the rules define."""
    files = [yaml.safe_load(text) for text in repository_rules().values()]
    return {rule["alert"] for file in files for group in file["groups"] for rule in group["rules"] if "alert" in rule}


def test_every_link_leads_to_a_dashboard_a_runbook_or_a_page_of_the_prober() -> None:
    """Dashboards exist, runbooks are those of alerts that exist, and the silences are those of Alertmanager."""
    settings, runbooks = repository_origin().settings, set()
    for url in set(links(the_board())):
        if url.startswith("/d/"):
            assert url.removeprefix("/d/").partition("?")[0] in TITLES
        elif url.startswith(settings.links_runbooks):
            runbooks.add(url.removeprefix(settings.links_runbooks))
        else:
            assert url.startswith((settings.links_alertmanager, "http://${__field.labels.instance}/runs?probe=")), url
    named = {name for name in runbooks if not name.startswith("${")}
    assert named <= alert_names()
    assert {name for name in runbooks if name.startswith("${")} == {"${__value.text}", "${__data.fields.alertname}"}
    assert "/d/specwatch-overview" in {url.partition("?")[0] for url in links(the_board()["links"])}


def test_each_level_of_a_claim_has_the_runbook_of_its_alert() -> None:
    """What the table links to are names of alerts."""
    expr = queries("Which claims were broken in the time shown?")[0].expr
    assert set(re.findall(r'"(Specwatch\w+)"', expr)) == {"SpecwatchPromiseBroken", "SpecwatchInferenceBroken"}
    assert set(re.findall(r'"(Specwatch\w+)"', expr)) <= alert_names()


CHANGES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("How much error budget is left?", {"dashboards_budget_left": 0.4}, "0.4"),
    ("How much error budget is left of 30 days?", {"dashboards_budget_left": 0.4}, "0.4"),
    ("Are runs fast enough?", {"dashboards_latency_near": 0.7}, "0.7"),
    ("How long is its certificate valid?", {"certificates_ticket": 30 * 86400.0}, "30.0"),
    ("How long are its certificates valid?", {"certificates_page": 5 * 86400.0}, "5.0"),
    ("Will the budget last until midnight?", {"account_budget_low": 0.2}, "0.2"),
    ("Is a job stuck?", {"jobs_stuck": 777.0}, "777.0"),
    ("How fast is the error budget spent?", {"burn_page_slow": 7.5}, "7.5"),
)


@pytest.mark.parametrize("title, change, expected", CHANGES, ids=[title for title, _, _ in CHANGES])
def test_thresholds_follow_the_settings(title: str, change: dict[str, Any], expected: str) -> None:
    """Another value in the settings file is another threshold in the panel."""
    assert expected in steps(title, replace(repository_origin().settings, **change))
    assert expected not in steps(title, repository_origin().settings)


def steps(title: str, settings: Settings) -> list[str]:
    """Where the colour of a panel changes."""
    board = api_board(replace(repository_origin(), settings=settings))
    found = panel(title, board)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [str(float(step["value"])) for step in found if step["value"] is not None]


def test_how_long_a_break_counts_follows_the_settings() -> None:
    """The panels read the series that the alerts go by, whose rule takes its times from the settings."""
    settings = replace(repository_origin().settings, contract_remembered=111.0, contract_forgotten=222.0)
    origin = replace(repository_origin(), settings=settings)
    rules = [rule for group in contract_groups(origin) for rule in group.rules if isinstance(rule, Recording)]
    rule = next(rule for rule in rules if rule.record == LAST_BROKEN)
    assert "time() - 111" in rule.expr
    assert "time() - 222" in rule.expr
    board = api_board(origin)
    for title in ("Does it do what is documented?", "What is known of each claim?"):
        assert LAST_BROKEN in panel(title, board)["targets"][0]["expr"]


def test_one_api_is_shown_at_a_time() -> None:
    """The API is a single choice of those that are exported; probes and operations are those of this API."""
    variables = {each["name"]: each for each in the_board()["templating"]["list"]}
    assert not variables["api"]["multi"]
    assert not variables["api"]["includeAll"]
    for name in ("probe", "operation"):
        assert variables[name]["multi"]
        assert 'api=~"$api"' in variables[name]["query"]["query"]


def test_latencies_ask_for_exemplars_and_show_the_objective() -> None:
    """From a slow answer a click leads to its run, and the line beside it says what is allowed."""
    targets = panel("How long do its answers take?")["targets"]
    assert [bool(target.get("exemplar")) for target in targets] == [True, True, True, False]
    assert "probe:specwatch_latency_objective:seconds" in targets[-1]["expr"]

"""Dashboards, recording rules and alerts ask for series that exist, by labels that they have."""

from __future__ import annotations

import json
from functools import cache

import pytest
import yaml
from tests.conftest import ROOT
from tests.monitoring.queries.names import faults

from specwatch.monitoring.build import derive
from specwatch.monitoring.origin import load_origin
from specwatch.workspace import Workspace

SPOILED = {
    "dashboards/overview.json": ("specwatch_probe_success", "specwatch_probe_sucess", "Overview / Is "),
    "dashboards/api.json": ("by (operation, le)", "by (operations, le)", "API / How long do its answers take?"),
    "dashboards/fleet.json": ("max by (api, probe)", "max by (api, probes)", "Fleet / Do the locations agree?"),
    "dashboards/prober.json": ("{{verdict}}", "{{verdikt}}", "Prober / What do the runs find?"),
    "prometheus/rules/objectives.yml": ("specwatch_probe_verdict_seconds_total", "specwatch_verdict_total", "/ probe:"),
    "prometheus/rules/contract.yml": ("specwatch_drift_total", "specwatch_drifts_total", "/ SpecwatchDrift: nothing"),
    "prometheus/rules/account.yml": ("specwatch_budget_limit", "specwatch_limit", "/ SpecwatchBudgetLow: nothing"),
    "prometheus/rules/prober.yml": ("{{ $labels.operation }}", "{{ $labels.place }}", "/ SpecwatchStateErrors: a text"),
}
"""Mistakes in the real files, by path: what is replaced, by what, and a part of what is said about it."""

RULES = "prometheus/rules/test.yml"
RECORDED = {
    "record": "probe:runs:rate5m",
    "expr": "sum by (api, probe) (rate(specwatch_probe_runs_total[5m]))",
    "labels": {"objective": "availability"},
}
ALERT = {
    "alert": "SpecwatchTest",
    "expr": 'max by (api, location) (specwatch_rate_limited{job="specwatch"}) == 1',
    "labels": {"severity": "page"},
    "annotations": {"summary": "{{ $labels.api }} slows us down"},
}


@cache
def derived() -> dict[str, str]:
    """What `specwatch build` makes of this repository."""
    return dict(derive(load_origin(Workspace(ROOT, "the test's"))))


def rules(*listed: object) -> dict[str, str]:
    """A rule file."""
    return {RULES: yaml.safe_dump({"groups": [{"name": "group", "rules": listed}]})}


def board(expr: str, legend: str = "") -> dict[str, str]:
    """A dashboard of one panel."""
    variable = {"name": "job", "type": "query", "query": "label_values(up, job)", "includeAll": True, "allValue": ".+"}
    panel = {"title": "Is it up?", "targets": [{"refId": "B", "expr": expr, "legendFormat": legend}]}
    text = {"title": "Board", "panels": [panel], "templating": {"list": [variable]}}
    return {"dashboards/board.json": json.dumps(text)}


def test_every_name_leads_somewhere() -> None:
    """Each metric of each query is exported, recorded or Prometheus's own, and has each label that is named."""
    found = faults(derived())
    assert not found, "\n".join(found)


def test_there_is_something_to_check() -> None:
    """Rules and dashboards are derived, so that the test above does not pass for want of them."""
    paths = set(derived())
    assert {f"prometheus/rules/{name}.yml" for name in ("objectives", "contract", "account", "prober")} <= paths
    assert {f"dashboards/{name}.json" for name in ("overview", "api", "prober", "fleet")} <= paths


@pytest.mark.parametrize("path", SPOILED)
def test_a_slip_in_a_real_file_is_found(path: str) -> None:
    """A name that was mistyped, in any of the dashboards and rule files, is told with its place and query."""
    old, new, told = SPOILED[path]
    assert old in derived()[path]
    new_ones = set(faults({**derived(), path: derived()[path].replace(old, new)})) - set(faults(derived()))
    assert any(told in each for each in new_ones), new_ones


@pytest.mark.parametrize(
    "expr",
    [
        'sum by (api, location) (rate(specwatch_probe_runs_total{verdict="fail", job=~"$job"}[5m]))',
        "histogram_quantile(0.95, sum by (le) (rate(specwatch_probe_duration_seconds_bucket[5m])))",
        "probe:runs:rate5m * on (api) group_left () max by (api) (specwatch_rate_limited)",
        'count by (api, severity) (ALERTS{alertstate="firing"})',
        'absent(up{job="specwatch"})',
        'label_replace(specwatch_build_info, "release", "$1", "version", "(.*)")',
        'sum by (__name__) ({__name__=~"specwatch_probe_duration_seconds_(sum|count)"})',
        "topk(3, process_resident_memory_bytes) > 5",
        "time() - specwatch_probe_last_run_timestamp_seconds unless on (api) specwatch_cost_total",
        "vector(1) or up",
    ],
)
def test_a_good_query_is_left_in_peace(expr: str) -> None:
    """Suffixes of histograms, recorded series, alerts and labels that functions add are all known."""
    found = [each for each in faults({**rules(RECORDED, ALERT), **board(expr)}) if "__name__" not in each]
    assert found == []


@pytest.mark.parametrize(
    "expr, what",
    [
        ("specwatch_probe_sucess", "nothing exports or records specwatch_probe_sucess"),
        ("rate(specwatch_probe_duration_seconds[5m])", "nothing exports or records specwatch_probe_duration_seconds"),
        ("probe:runs:rate1h", "nothing exports or records probe:runs:rate1h"),
        ('specwatch_rate_limited{probe="x"}', "matches 'probe', which specwatch_rate_limited has not"),
        ('probe:runs:rate5m{job="x"}', "matches 'job', which probe:runs:rate5m has not"),
        ("sum by (claim) (specwatch_cost_total)", "groups by 'claim', which sum has not"),
        ("sum by (api) (sum by (probe) (specwatch_probe_success))", "groups by 'api', which sum has not: probe"),
        ("up / on (api) specwatch_cost_total", "matches on 'api', which left of / has not"),
        ("sum by (api) (specwatch_cost_total) / sum(up)", "the sides of / never match: only one of them has api"),
        ("rate(specwatch_probe_success[5m])", "rate of the gauge specwatch_probe_success"),
        ("histogram_quantile(0.9, sum(specwatch_probe_duration_seconds_bucket))", "needs 'le'"),
        ('{__name__=~"spekwatch.*"}', "finds nothing by __name__"),
        ('up{job="$jobb"}', "there is no variable $jobb"),
        ("sum(up", "no PromQL"),
    ],
)
def test_a_bad_query_is_told_with_its_panel(expr: str, what: str) -> None:
    """A name that leads nowhere is told with dashboard, panel, letter and query."""
    found = [each for each in faults({**rules(RECORDED), **board(expr)}) if each.startswith("Board")]
    assert len(found) == 1, found
    assert found[0].startswith("Board / Is it up? / B: ")
    assert what in found[0]
    assert found[0].endswith(f"\n    {expr}")


def test_a_legend_names_what_the_result_has() -> None:
    """`{{probe}}` stays empty where the query sums over the probes."""
    (found,) = faults(board("sum by (api) (specwatch_probe_success)", "{{api}} {{probe}}"))
    assert "{{probe}}" in found


@pytest.mark.parametrize(
    "rule, what",
    [
        (
            RECORDED | {"expr": "sum by (api) (specwatch_probes_runs)"},
            "nothing exports or records specwatch_probes_runs",
        ),
        (ALERT | {"expr": "probe:runs:rate5m == 0"}, "nothing exports or records probe:runs:rate5m"),
        (ALERT | {"annotations": {"summary": "{{ $labels.probe }}"}}, "a text has $labels.probe"),
        (ALERT | {"labels": {"api": "x"}}, "adds the label 'api', which the result has already"),
    ],
)
def test_a_bad_rule_is_told_with_its_file(rule: dict[str, object], what: str) -> None:
    """Rules are read as queries are, and the texts of alerts with them."""
    (found,) = faults(rules(rule))
    assert found.startswith(f"{RULES} / group / {rule.get('alert') or rule['record']}: {what}")
    assert found.endswith(f"\n    {rule['expr']}")

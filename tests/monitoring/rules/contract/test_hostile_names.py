"""Names from files are taken literally in rules, whatever is in them."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.monitoring.promtool import check_rules, repository_origin, run_rule_tests, write_rules

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.contract import contract_groups
from specwatch.monitoring.rules.model import Links, rule_file
from specwatch.monitoring.rules.promql import one_of

HOSTILE = ['get"Task', "get\\Task", "(", "get|Task", "get.Task", "a[b", "{{ .x }}", "x$", "naïve 😀", "line\nbreak"]
"""Ids of operations that mean something in regular expressions, string literals, templates or YAML."""


def hostile() -> Origin:
    """This repository with an API of operations of such names, which say nothing about refused credentials."""
    origin = repository_origin()
    api = next(api for api in origin.apis if any(each.security for each in api.operations))
    secured = next(each for each in api.operations if each.security)
    bare = replace(secured, responses={})
    return replace(origin, apis=(replace(api, id='a"b', operations=tuple(replace(bare, id=id_) for id_ in HOSTILE)),))


def rules(origin: Origin) -> dict[str, str]:
    """The rule file about contracts."""
    links = Links(origin.settings.links_runbooks, origin.settings.links_grafana)
    return {"contract.yml": rule_file(contract_groups(origin), links)}


def drift(operation: str) -> dict[str, Any]:
    """A series of an undocumented status that appears after an hour."""
    name = operation.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    labels = f'job="specwatch", instance="a:9464", api="a\\"b", operation="{name}", kind="status"'
    return {"series": f"specwatch_drift_total{{{labels}}}", "values": "0x59 1+1x60"}


@pytest.mark.needs("promtool")
def test_the_rules_are_valid(tmp_path: Path) -> None:
    """Quotes, backslashes and brackets in an id break no rule."""
    write_rules(rules(hostile()), tmp_path)

    check_rules(tmp_path)


@pytest.mark.needs("promtool")
def test_an_id_stands_for_its_own_operation_alone(tmp_path: Path) -> None:
    """Operations that are to be silent are, and one that a pattern in their names would match is not."""
    samples = [f"{{api='a\"b', operation='{name}', kind='status'}}" for name in ("Task", "getXTask")]
    query = "sum by (api, operation, kind) (ALERTS{alertname='SpecwatchUndocumentedAnswer'})"
    case = {
        "interval": "1m",
        "input_series": [drift(each) for each in (*HOSTILE, "Task", "getXTask")],
        "promql_expr_test": [
            {"expr": query, "eval_time": "90m", "exp_samples": [{"labels": each, "value": 1} for each in samples]}
        ],
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump({"rule_files": ["contract.yml"], "tests": [case]}), encoding="utf-8")

    run_rule_tests(rules(hostile()), path, tmp_path / "run")


@given(st.lists(st.text(alphabet='ab.|()[]{}^$*+?\\-"', min_size=1), min_size=1), st.text(alphabet='ab.|\\"'))
def test_a_list_of_names_matches_these_and_no_other(names: list[str], other: str) -> None:
    """Prometheus anchors the expression; RE2 and Python read what is escaped alike."""
    pattern = yaml.safe_load(one_of(names))  # a literal of PromQL with these letters is one of YAML, too

    assert all(re.fullmatch(pattern, name) for name in names)
    assert bool(re.fullmatch(pattern, other)) is (other in names)

"""The linter's rules bite: each finds the dashboard that was spoiled for it, and nothing in the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.monitoring.dashboards.boards import NAMES, board
from tests.monitoring.dashboards.linting import (
    EXEMPTIONS,
    RULES,
    drawn,
    expressions,
    findings,
    selectors,
    variables,
)

Json = dict[str, Any]
Spoil = Callable[[Json], object]


def variable(data: Json, name: str) -> Any:
    """A variable of a dashboard."""
    return next(each for each in variables(data) if each["name"] == name)


def first(data: Json) -> Any:
    """A panel of a dashboard."""
    return next(iter(drawn(data)))


def defaults(data: Json) -> Any:
    """The settings of its values."""
    return first(data)["fieldConfig"]["defaults"]


def target(data: Json) -> Any:
    """A query of it."""
    return first(data)["targets"][0]


def spoil_all(data: Json, **keys: object) -> None:
    """Give every panel the same."""
    for panel in data["panels"]:
        panel.update(keys)


def asks(expr: str) -> Spoil:
    """The query is another one."""
    return lambda data: target(data).update(expr=expr)


CHOSEN = 'job=~"$job", instance=~"$instance"'

SPOILED: list[tuple[str, str, Spoil]] = [
    ("uneditable-dashboard", "is editable", lambda data: data.update(editable=True)),
    ("uneditable-dashboard", "does not say", lambda data: data.pop("editable")),
    ("template-datasource-rule", "has none", lambda data: variables(data) and data["templating"]["list"].pop(0)),
    ("template-datasource-rule", "is named otherwise", lambda data: variable(data, "datasource").update(name="ds")),
    ("template-datasource-rule", "has no label", lambda data: variable(data, "datasource").pop("label")),
    ("template-job-rule", "is not there", lambda data: data["templating"]["list"].remove(variable(data, "job"))),
    ("template-job-rule", "one at a time", lambda data: variable(data, "job").update(multi=False)),
    ("template-job-rule", "All is nothing too", lambda data: variable(data, "job").update(allValue=".*")),
    ("template-instance-rule", "wrong label", lambda data: variable(data, "instance").update(label="Where")),
    ("template-instance-rule", "fixed source", lambda data: variable(data, "instance")["datasource"].update(uid="x")),
    ("template-on-time-change-reload-rule", "never", lambda data: variable(data, "location").update(refresh=0)),
    ("template-label-promql-rule", "no selector", lambda data: variable(data, "job")["query"].update(query="jobs")),
    ("panel-title-description-rule", "no description", lambda data: first(data).update(description="")),
    ("panel-title-description-rule", "no title", lambda data: first(data).pop("title")),
    ("panel-datasource-rule", "fixed source", lambda data: first(data)["datasource"].update(uid="prometheus")),
    ("panel-datasource-rule", "none in the query", lambda data: target(data).pop("datasource")),
    (
        "panel-units-rule",
        "neither unit nor words",
        lambda data: (defaults(data).pop("unit"), defaults(data).pop("mappings")),
    ),
    ("panel-units-rule", "no such unit", lambda data: defaults(data).update(unit="seconds")),
    ("panel-units-rule", "a space too many", lambda data: defaults(data).update(unit="suffix: calls")),
    ("panel-no-targets-rule", "none", lambda data: first(data).update(targets=[])),
    ("target-promql-rule", "no PromQL", asks("sum by (api")),
    ("target-rate-interval-rule", "fixed", asks(f"rate(specwatch_cost_total{{{CHOSEN}}}[5m])")),
    ("target-job-rule", "no job", asks('up{instance=~"$instance"}')),
    ("target-job-rule", "another job", asks('up{job="specwatch", instance=~"$instance"}')),
    ("target-instance-rule", "one job only", asks('up{job=~"$job", instance="$instance"}')),
    ("target-counter-agg-rule", "bare", asks(f"sum(specwatch_cost_total{{{CHOSEN}}})")),
    ("target-counter-agg-rule", "another function", asks(f"delta(specwatch_cost_total{{{CHOSEN}}}[1h])")),
    ("our-variables", "unknown", asks(f'up{{{CHOSEN}, host=~"$host"}}')),
    ("our-ids", "none", lambda data: first(data).pop("id")),
    ("our-ids", "twice", lambda data: spoil_all(data, id=1)),
    ("our-ids", "letters twice", lambda data: first(data)["targets"].append(dict(target(data)))),
    ("our-layout", "overlap", lambda data: spoil_all(data, gridPos={"x": 0, "y": 0, "w": 4, "h": 4})),
    ("our-layout", "too wide", lambda data: first(data)["gridPos"].update(x=22)),
    ("our-question", "no question", lambda data: first(data).update(title="Availability")),
    ("our-question", "asked twice", lambda data: spoil_all(data, title="Why?")),
    ("our-no-value", "silent", lambda data: defaults(data).pop("noValue")),
    ("our-thresholds", "none", lambda data: defaults(data).pop("thresholds")),
    ("our-thresholds", "falling", lambda data: defaults(data)["thresholds"]["steps"].reverse()),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_of_this_repository_has_no_findings(name: str) -> None:
    """Every rule is content with every dashboard."""
    assert findings(board(name)) == []


@pytest.mark.parametrize("rule, how, spoil", SPOILED, ids=[f"{rule}: {how}" for rule, how, _ in SPOILED])
def test_a_rule_finds_what_breaks_it(rule: str, how: str, spoil: Spoil) -> None:
    """A dashboard that breaks one rule is found by that rule."""
    data = board("overview")
    spoil(data)
    assert findings(data, [rule]), how


def test_every_rule_is_shown_to_bite() -> None:
    """No rule is there for which no dashboard was spoiled."""
    assert {rule for rule, _, _ in SPOILED} == set(RULES)


def test_every_exemption_has_a_reason_and_is_needed() -> None:
    """An exemption is of use to a series of a dashboard, and says why it is one."""
    names = {each.name for name in NAMES for _, expr in expressions(board(name)) for each in selectors(expr)}
    for exemption in EXEMPTIONS:
        assert exemption.reason
        assert any(exemption.series.fullmatch(name) for name in names)


def test_a_raw_series_is_never_exempt() -> None:
    """What the prober exports itself has to follow job and instance."""
    data = board("overview")
    asks("specwatch_probe_success")(data)
    assert {each.rule for each in findings(data)} == {"target-job-rule", "target-instance-rule"}


def test_a_selector_inside_of_a_subquery_is_seen() -> None:
    """The rules look at every selector, however deep it stands and whatever it is an argument of."""
    (left, right) = selectors('max_over_time(rate(a_total[$__rate_interval])[1h:1m]) / on () topk(2, b{c=~"$c"})')
    assert (left.name, left.function, left.seconds) == ("a_total", "rate", 123457.0)
    assert (right.name, right.function, right.follows("c")) == ("b", "", True)

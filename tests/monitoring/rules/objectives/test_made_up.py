"""The rules are the same for any schedule: nothing in them depends on the APIs of this repository."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.monitoring.promtool import check_rules, repository_origin, write_rules
from tests.monitoring.rules.objectives.made import each_rule, made_origin, made_probe, rules_of, run_case

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.model import Alert, Recording
from specwatch.monitoring.rules.objectives import objective_groups

SHOP = made_origin(
    made_probe("brisk", 10, availability=99),
    made_probe("rare", 86400, 21600, availability=99.9, latency=(0.95, 90)),
    made_probe("idle", 60, api="bank"),
    selectors_job="watchers",
)


def constants(origin: Origin) -> list[Recording]:
    """The rules that are written once per probe."""
    rules = each_rule(objective_groups(origin))
    return [rule for rule in rules if isinstance(rule, Recording) and rule.expr.startswith("vector(")]


@pytest.mark.needs("promtool")
def test_rules_of_a_made_up_schedule_are_valid_and_name_nothing_of_this_repository(tmp_path: Path) -> None:
    """Another workspace gets rules of its own, and promtool has nothing against them."""
    rules = rules_of(SHOP)
    write_rules(rules, tmp_path)
    check_rules(tmp_path)
    ours = {probe.id for probe in repository_origin().probes} | {api.id for api in repository_origin().apis}
    assert not [name for name in ours if name in rules["objectives.yml"]]
    assert 'job="specwatch"' not in rules["objectives.yml"]


@pytest.mark.needs("promtool")
def test_a_schedule_without_objectives_has_no_rule_about_budgets(tmp_path: Path) -> None:
    """What remains is where locations disagree."""
    origin = made_origin(made_probe("idle", 60))
    write_rules(rules_of(origin), tmp_path)
    check_rules(tmp_path)
    names = [rule.name if isinstance(rule, Alert) else rule.record for rule in each_rule(objective_groups(origin))]
    assert names == ["probe:specwatch_probe_success:min", "SpecwatchLocationDisagrees"]


def test_no_more_than_the_constants_are_written_per_probe() -> None:
    """Fifty probes need as many rules as one, beside their constant series."""
    one = made_origin(made_probe("p0", 60, availability=99, latency=(0.9, 1)))
    many = made_origin(*(made_probe(f"p{n}", 60, availability=99, latency=(0.9, 1)) for n in range(50)))
    variable = [len(each_rule(objective_groups(origin))) - len(constants(origin)) for origin in (one, many)]
    assert variable[0] == variable[1]
    assert len(constants(many)) == 50 * len(constants(one))


def test_constant_series_say_what_the_schedule_and_the_settings_say() -> None:
    """The objective as a share, its seconds, the bound it is judged by in both spellings, and the least failures."""
    origin = made_origin(
        made_probe("slow", 60, availability=99.5, latency=(0.9, 7)), minimum_failures_of_probe={"slow": 5}
    )
    labels = {"api": "shop", "probe": "slow"}
    assert [(rule.record, rule.expr, rule.labels) for rule in constants(origin)] == [
        ("probe:specwatch_objective:ratio", "vector(0.995)", {**labels, "objective": "availability"}),
        ("probe:specwatch_objective:ratio", "vector(0.9)", {**labels, "objective": "latency"}),
        ("probe:specwatch_latency_objective:seconds", "vector(7)", labels),
        ("probe:specwatch_latency_objective:bucket", "vector(1)", {**labels, "le": "5"}),
        ("probe:specwatch_latency_objective:bucket", "vector(1)", {**labels, "le": "5.0"}),
        ("probe:specwatch_objective_failures:minimum", "vector(5)", labels),
    ]


@pytest.mark.needs("promtool")
def test_the_minimum_of_failures_is_that_of_the_probe(tmp_path: Path) -> None:
    """Of two probes that fail alike, the one that needs fewer failures has an alert."""
    probes = [made_probe(name, 60, availability=99) for name in ("bold", "shy")]
    origin = made_origin(*probes, burn_minimum_failures=4, minimum_failures_of_probe={"shy": 5})
    series = {}
    for name in ("bold", "shy"):
        labels = f'job="specwatch", instance="a:1", api="shop", probe="{name}"'
        series[f'specwatch_probe_verdict_seconds_total{{{labels}, verdict="pass"}}'] = "0+60x10 600+0x10"
        series[f'specwatch_probe_verdict_seconds_total{{{labels}, verdict="fail"}}'] = "0+0x10 60+60x3 240+0x6"
        series[f'specwatch_probe_runs_total{{{labels}, verdict="fail"}}'] = "0+0x10 1+1x3 4+0x6"
    expected = {"count by (probe) (ALERTS)@14m": {'{probe="bold"}': 4}}
    run_case(origin, tmp_path / "case", every="1m", series=series, expected=expected)


@st.composite
def courses(draw: st.DrawFn) -> tuple[float, int, int]:
    """An objective in percent, how many parts in 64 of each hour are bad, and at which hour the counters are reset."""
    return draw(st.sampled_from((50.0, 90.0, 99.0, 99.5, 99.99))), draw(st.integers(0, 64)), draw(st.integers(1, 719))


@pytest.mark.needs("promtool")
@settings(max_examples=8, deadline=None)
@given(st.lists(courses(), min_size=1, max_size=4))
def test_a_burn_rate_kept_up_for_the_whole_period_uses_that_many_budgets(drawn: list[tuple[float, int, int]]) -> None:
    """At burn rate 1 for 30 days nothing is left, at 2 a whole budget is overspent, wherever a restart falls."""
    origin = made_origin(*(made_probe(f"p{n}", 60, availability=course[0]) for n, course in enumerate(drawn)))
    series, expected = {}, {}
    for number, (objective, bad, reset) in enumerate(drawn):
        labels = f'job="specwatch", instance="a:1", api="shop", probe="p{number}"'
        for verdict, step in (("fail", bad * 56.25), ("pass", 3600 - bad * 56.25)):  # 56.25 s are 1/64 of an hour
            values = f"0+{step}x{reset} {step}+{step}x{720 - reset}"
            series[f'specwatch_probe_verdict_seconds_total{{{labels}, verdict="{verdict}"}}'] = values
        burn = bad / 64 / (1 - objective / 100)
        remaining = f'probe:specwatch_error_budget_remaining:ratio{{probe="p{number}"}}'
        expected[f"abs({remaining} - {1 - burn!r}) < bool 1e-6@30d"] = {
            f'{{api="shop", objective="availability", probe="p{number}"}}': 1
        }
    with tempfile.TemporaryDirectory() as folder:
        run_case(origin, Path(folder) / "case", every="1h", series=series, expected=expected, evaluated="10d")

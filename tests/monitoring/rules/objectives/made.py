"""A made-up schedule for the rules: nothing of the APIs, probes and settings of this repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from tests.metrics.conftest import make_workflow
from tests.monitoring.promtool import run_rule_tests

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.model import Alert, Group, Links, Recording, rule_file
from specwatch.monitoring.rules.objectives import objective_groups
from specwatch.monitoring.settings import Settings, load_settings
from specwatch.schedule import Latency, Objective, Probe, Schedule

LINKS = Links("http://runbooks.example/", "http://grafana.example")


def made_probe(
    name: str,
    interval: float,
    failing: float | None = None,
    availability: float | None = None,
    latency: tuple[float, float] | None = None,
    api: str = "shop",
) -> Probe:
    """A probe; `latency` is a quantile and seconds."""
    objective = Objective(availability, Latency(*latency) if latency else None)
    return Probe(
        name, api, make_workflow(name), interval=interval, failing_interval=failing, objective=objective, place=name
    )


def made_origin(*probes: Probe, **settings: Any) -> Origin:
    """An origin with these probes, and settings that differ from the defaults in these fields."""
    return Origin((), Schedule(Path("schedule.yaml"), probes=probes), replace(made_settings(), **settings))


def made_settings() -> Settings:
    """The defaults."""
    return load_settings(None, ())


def rules_of(origin: Origin) -> Mapping[str, str]:
    """The rule file about objectives."""
    return {"objectives.yml": rule_file(objective_groups(origin), LINKS)}


def each_rule(groups: Sequence[Group]) -> list[Recording | Alert]:
    """All rules, in order."""
    return [rule for group in groups for rule in group.rules]


def run_case(
    origin: Origin,
    folder: Path,
    *,
    every: str,
    series: Mapping[str, str],
    expected: Mapping[str, Any],
    evaluated: str = "",
) -> None:
    """Have promtool compare values.

    Args:
        origin: what the rules are derived from.
        folder: does not exist yet.
        every: between two samples.
        series: to their values.
        expected: expression and moment, separated by `@`, to its samples as a mapping from labels to values.
        evaluated: between two evaluations of all rules, where that is not `every`.
    """
    case = {
        "rule_files": ["objectives.yml"],
        "evaluation_interval": evaluated or every,
        "tests": [
            {
                "interval": every,
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": expr,
                        "eval_time": moment,
                        "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
                    }
                    for (expr, _, moment), samples in ((key.rpartition("@"), value) for key, value in expected.items())
                ],
            }
        ],
    }
    folder.mkdir()
    path = folder / "case.yml"
    path.write_text(yaml.safe_dump(case), encoding="utf-8")
    run_rule_tests(rules_of(origin), path, folder / "run")

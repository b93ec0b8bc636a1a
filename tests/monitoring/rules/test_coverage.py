"""Every derived alert has a case in which it fires and one in which it keeps silent.

What counts are the labels that the rule itself sets: the four alerts of one name that differ in `burn_rate` need four
of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.monitoring.promtool import repository_rules

Alert = tuple[str, frozenset[tuple[str, str]]]
"""The name of an alert, and the labels that its rule sets to constants."""


def derived() -> list[Alert]:
    """Every alerting rule of this repository."""
    files = [yaml.safe_load(text) for text in repository_rules().values()]
    rules = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    return [(rule["alert"], _constant(rule["labels"])) for rule in rules if "alert" in rule]


def _constant(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if "{{" not in value)


def looks(folder: Path) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    """Each look at an alert in a rule test below a folder: its name, and the labels of what has to fire."""
    for path in sorted(folder.rglob("*.yml")):
        file: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in file["tests"]:
            for look in case.get("alert_rule_test", ()):
                yield look["alertname"], [each["exp_labels"] for each in look.get("exp_alerts", ())]


def outcomes(alert: Alert, seen: list[tuple[str, list[Mapping[str, str]]]]) -> set[str]:
    """Which of `fires` and `keeps silent` some look at an alert expects."""
    name, labels = alert
    fires = [any(labels <= each.items() for each in firing) for looked, firing in seen if looked == name]
    return {"fires" if each else "keeps silent" for each in fires}


def test_every_alert_has_a_firing_and_a_silent_case() -> None:
    """Nothing is shipped that was never seen to fire, or never seen to keep silent."""
    seen = list(looks(Path(__file__).parent))
    missing = [
        f"{name} {dict(sorted(labels))}: no case in which it {outcome}"
        for name, labels in derived()
        for outcome in ("fires", "keeps silent")
        if outcome not in outcomes((name, labels), seen)
    ]
    assert not missing, "\n".join(missing)


def test_no_case_is_about_an_alert_that_is_not_derived() -> None:
    """A case about a misspelt name would be silent for ever."""
    names = {name for name, _ in derived()}
    assert {name for name, _ in looks(Path(__file__).parent)} <= names


@pytest.mark.parametrize(
    "firing,expected",
    [
        ([], {"keeps silent"}),
        ([{"severity": "page", "burn_rate": "6", "api": "a"}], {"keeps silent"}),
        ([{"severity": "page", "burn_rate": "14.4", "api": "a"}], {"fires"}),
    ],
)
def test_a_rule_is_told_from_others_of_its_name_by_its_labels(
    firing: list[Mapping[str, str]], expected: set[str]
) -> None:
    """The alert at burn rate 6 does not stand in for the one at 14.4."""
    alert = ("Burn", frozenset({("severity", "page"), ("burn_rate", "14.4")}))
    assert outcomes(alert, [("Burn", firing), ("Other", firing)]) == expected

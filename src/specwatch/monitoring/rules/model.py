"""Recording rules and alerts as values, and the file of Prometheus that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

SEVERITIES: Final = ("page", "ticket", "info")
"""Somebody is woken; somebody looks in the working day; it is said now and then."""

SUSPECTS: Final = ("provider", "account", "prober", "network")
"""Who probably has to act: the provider of the API; whoever holds our account with it; whoever runs specwatch; whoever
runs the network between the two."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule.

    Args:
        record: `level:metric:operation`, https://prometheus.io/docs/practices/rules/.
        expr: PromQL.
        labels: added to every sample.
    """

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """As the file has it."""
        return {"record": self.record, "expr": self.expr, **({"labels": dict(self.labels)} if self.labels else {})}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule.

    Args:
        name: `Specwatch...`, also the name of its runbook.
        expr: PromQL whose result carries the labels `api`, `probe` and `location` where they mean anything.
        severity: one of `SEVERITIES`.
        suspect: one of `SUSPECTS`.
        summary: one line: what is wrong and whose fault it probably is; may hold templates.
        description: sentences with the values.
        hold: seconds for which the expression has to hold before it fires.
        labels: further ones.
        dashboard: uid of the dashboard that shows it.
    """

    name: str
    expr: str
    severity: str
    suspect: str
    summary: str
    description: str
    hold: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    dashboard: str = "specwatch-api"


@dataclass(frozen=True, slots=True)
class Links:
    """Where alerts point to.

    Args:
        runbooks: what comes before the name of an alert, ending in a slash.
        grafana: address of Grafana, without a slash at its end.
    """

    runbooks: str
    grafana: str

    def annotations(self, alert: Alert) -> dict[str, str]:
        """The annotations of an alert."""
        dashboard = f"{self.grafana}/d/{alert.dashboard}"
        if alert.dashboard == "specwatch-api":
            dashboard += "?var-api={{ $labels.api }}"
        return {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{self.runbooks}{alert.name}",
            "dashboard_url": dashboard,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other.

    Args:
        name: unique in all files.
        rules: in the order of evaluation.
        interval: seconds between evaluations; None for the one of the server.
    """

    name: str
    rules: Sequence[Recording | Alert]
    interval: float | None = None

    def as_data(self, links: Links) -> dict[str, Any]:
        """As the file has it."""
        head: dict[str, Any] = {"name": self.name}
        if self.interval is not None:
            head["interval"] = duration(self.interval)
        return {**head, "rules": [_rule(rule, links) for rule in self.rules]}


def _rule(rule: Recording | Alert, links: Links) -> dict[str, Any]:
    if isinstance(rule, Recording):
        return rule.as_data()
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **({"for": duration(rule.hold)} if rule.hold else {}),
        "labels": {"severity": rule.severity, "suspect": rule.suspect, **rule.labels},
        "annotations": links.annotations(rule),
    }


def duration(seconds: float) -> str:
    """A duration as Prometheus writes it: `90s`, `5m`, `1h`, `30d`; milliseconds where there is a fraction."""
    if seconds != int(seconds):
        return f"{round(seconds * 1000)}ms"
    whole = int(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks and never an alias."""

    def ignore_aliases(self, data: object) -> bool:
        """Whether to write a repeated value again: always."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)

DERIVED: Final = (
    "# Derived by `specwatch build` from specs/, probes/ and grafana/settings.yaml: change those, not this.\n"
)


def as_yaml(data: object) -> str:
    """Data as a YAML file that says that it is derived."""
    return DERIVED + yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=1_000_000, allow_unicode=True)


def rule_file(groups: Sequence[Group], links: Links) -> str:
    """A rule file of Prometheus."""
    return as_yaml({"groups": [group.as_data(links) for group in groups]})

"""Which series there are, with which labels: of specwatch, of the recording rules, of Prometheus itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import promql_parser
import yaml
from tests.monitoring.queries.labels import Labels, Reading, UnknownSeriesError

from specwatch.metrics.families import FAMILIES, PROCESS, Family, Kind

TARGET: Final = frozenset({"job", "instance"})
"""What Prometheus adds to each sample of a scrape."""

OF_PROMETHEUS: Final = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
"""https://prometheus.io/docs/concepts/jobs_instances/#automatically-generated-labels-and-time-series"""

_SUFFIXES: Final = {"_bucket": frozenset({"le"}), "_count": frozenset[str](), "_sum": frozenset[str]()}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its file has it.

    Args:
        file: path below `grafana/`.
        group: name of its group.
        name: of the series that it records, or of the alert.
        expr: PromQL.
        alert: whether it is an alert.
        labels: names of the labels that it adds.
        texts: annotations and label values of an alert, which may hold templates.
    """

    file: str
    group: str
    name: str
    expr: str
    alert: bool
    labels: frozenset[str]
    texts: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """What a reader needs to find it."""
        return f"{self.file} / {self.group} / {self.name}"


def read_rules(files: Mapping[str, str]) -> Iterator[Rule]:
    """All rules of these files; what is no rule file is passed over.

    Args:
        files: path below `grafana/` to text.
    """
    for path, text in files.items():
        if "/rules/" not in path:
            continue
        for group in yaml.safe_load(text)["groups"]:
            yield from (_rule(path, group["name"], raw) for raw in group["rules"])


def _rule(path: str, group: str, raw: Mapping[str, Any]) -> Rule:
    labels = raw.get("labels", {})
    texts = (*labels.values(), *raw.get("annotations", {}).values())
    name = raw.get("alert") or raw["record"]
    return Rule(path, group, name, str(raw["expr"]), "alert" in raw, frozenset(labels), texts)


def _exported() -> dict[str, Labels]:
    return {
        **dict.fromkeys(OF_PROMETHEUS, TARGET),
        **{name: labels for family in (*FAMILIES, *PROCESS) for name, labels in _series(family)},
    }


def _series(family: Family) -> Iterator[tuple[str, Labels]]:
    labels = TARGET | {"location"} | frozenset(family.labels)
    if family.kind is Kind.HISTOGRAM:
        yield from ((family.name + suffix, labels | more) for suffix, more in _SUFFIXES.items())
    else:
        yield family.name, labels


@dataclass(slots=True)
class Catalogue:
    """All series with their labels.

    Args:
        rules: those that record and alert.
    """

    rules: tuple[Rule, ...] = ()
    _known: dict[str, Labels] = field(default_factory=_exported)
    _open: set[str] = field(default_factory=set)

    def labels_of(self, name: str) -> Labels | None:
        """Every label that series of this name can have; None where there is no such series."""
        if name in self._known or name in self._open:
            return self._known.get(name, frozenset())
        makers = [rule for rule in self.rules if _makes(rule, name)]
        if not makers:
            return None
        self._open.add(name)
        found = frozenset[str]().union(*(self.result_of(rule) for rule in makers))
        self._known[name] = found | ({"alertname", "alertstate"} if name in _ALERTS else set())
        self._open.discard(name)
        return self._known[name]

    def result_of(self, rule: Rule) -> Labels:
        """The labels of what a rule makes."""
        try:
            return Reading(self).labels(promql_parser.parse(rule.expr)) | rule.labels
        except (UnknownSeriesError, ValueError):  # which is told where the rule itself is read
            return rule.labels

    def names(self) -> Iterable[str]:
        """The names of all series."""
        recorded = {rule.name for rule in self.rules if not rule.alert}
        return {*_exported(), *recorded, *_ALERTS}


_ALERTS: Final = ("ALERTS", "ALERTS_FOR_STATE")


def _makes(rule: Rule, name: str) -> bool:
    return rule.alert if name in _ALERTS else not rule.alert and rule.name == name


def is_gauge(name: str) -> bool:
    """Whether a series of specwatch may go down, so that its rate means nothing."""
    return any(family.name == name and family.kind in {Kind.GAUGE, Kind.INFO} for family in (*FAMILIES, *PROCESS))

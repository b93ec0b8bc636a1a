"""What is wrong with the names in the derived rules and dashboards: one line each, with the place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import promql_parser
from tests.monitoring.queries.boards import Kind, Query, View, leftovers, read_board
from tests.monitoring.queries.catalogue import Catalogue, Rule, is_gauge, read_rules
from tests.monitoring.queries.labels import Labels, Reading, UnknownSeriesError

_LEGEND: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_TEMPLATE: Final = re.compile(r"\$labels\.(\w+)")

_ASKED: Final = re.compile(r"\{\{-?\s*(?:if|with|else if)\s[^}]*?\$labels\.(\w+)")

MADE_UP: Final = frozenset({"__name__", "__auto"})
"""What a legend may name that is no label."""


def faults(files: Mapping[str, str]) -> list[str]:
    """Every name in a query that leads to nothing.

    Args:
        files: path below `grafana/` to text, as `derive` gives them.
    """
    rules = tuple(read_rules(files))
    catalogue = Catalogue(rules)
    boards = (query for path, text in files.items() if path.startswith("dashboards/") for query in _queries(text))
    return [
        *(fault for rule in rules for fault in _of_rule(rule, catalogue)),
        *(fault for query in boards for fault in _of_query(query, catalogue)),
    ]


def _queries(text: str) -> list[Query]:
    return read_board(text, View())


def _of_rule(rule: Rule, catalogue: Catalogue) -> Iterator[str]:
    labels, found = _read(rule.expr, catalogue)
    used = set[str]() if found else set[str]().union(*map(_needed, rule.texts))
    found += [f"a text has $labels.{label}, which the result has not" for label in sorted(used - labels)]
    if rule.alert:
        found += [f"adds the label {label!r}, which the result has already" for label in sorted(rule.labels & labels)]
    yield from (f"{rule.where}: {fault}\n    {rule.expr}" for fault in found)


def _needed(text: str) -> set[str]:
    """The labels that a template cannot do without: not those that it asks for first."""
    return set(_TEMPLATE.findall(text)) - set(_ASKED.findall(text))


def _of_query(query: Query, catalogue: Catalogue) -> Iterator[str]:
    if query.kind is Kind.LABEL_VALUES and not query.expr:
        return
    labels, found = _read(query.expr, catalogue)
    found = found or [f"there is no variable {each}" for each in leftovers(query.expr)]
    used = set() if found else set(_LEGEND.findall(query.legend)) | ({query.label} if query.label else set())
    found += [
        f"the legend or title has {{{{{label}}}}}, which the result has not"
        for label in sorted(used - labels - MADE_UP)
    ]
    yield from (f"{query.where}: {fault}\n    {query.expr}" for fault in found)


def _read(expr: str, catalogue: Catalogue) -> tuple[Labels, list[str]]:
    reading = Reading(catalogue, is_gauge)
    try:
        labels = reading.labels(promql_parser.parse(expr))
    except ValueError as error:
        return frozenset(), [f"no PromQL: {error}"]
    except UnknownSeriesError as error:
        return frozenset(), [str(error)]
    return labels, reading.faults

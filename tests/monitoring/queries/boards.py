"""Every query of a dashboard as a value, with the variables filled in as Grafana does for Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from specwatch.monitoring.rules.model import duration

ALL: Final = "$__all"
"""The value that Grafana gives a variable of which everything is chosen."""


class Kind(StrEnum):
    """What a query is for, and so how Grafana asks."""

    INSTANT = "instant"
    RANGE = "range"
    ANNOTATION = "annotation"
    LABEL_VALUES = "label_values"


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a dashboard.

    Args:
        board: title of the dashboard.
        place: title of its panel, or `annotation NAME`, `variable NAME`.
        ref: letter of the query in its panel.
        expr: PromQL; of a variable, the selector whose labels it lists.
        kind: how it is asked.
        form: `time_series`, `table` or `heatmap`; empty for what draws nothing.
        legend: the template of the legend, title or text.
        exemplar: whether exemplars are asked for as well.
        label: the label that a variable lists.
        step: least distance between two points, as the query or its panel has it; empty for that of the data source.
    """

    board: str
    place: str
    ref: str
    expr: str
    kind: Kind
    form: str = ""
    legend: str = ""
    exemplar: bool = False
    label: str = ""
    step: str = ""

    @property
    def where(self) -> str:
        """What a reader needs to find it."""
        return f"{self.board} / {self.place} / {self.ref}"


@dataclass(frozen=True, slots=True)
class View:
    """What somebody looks at: a stretch of time, drawn so finely, of what is chosen.

    Args:
        seconds: length of the stretch.
        points: how many points the panel asks for.
        scrape: seconds between two scrapes, as the data source knows them.
        end: Unix time at which it ends.
        chosen: values by variable; one without any shows everything if it can, else its current value.
    """

    seconds: float = 3600.0
    points: int = 1000
    scrape: float = 15.0
    end: float = 1_800_000_000.0
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def step(self, least: str = "") -> float:
        """Seconds between two points: what the width allows, but nothing below `least` or the scrape interval."""
        floor = _seconds(least) if least else self.scrape
        return max(self.seconds / self.points, floor)

    def builtin(self, least: str = "") -> dict[str, str]:
        """The variables that Grafana makes up for each query.

        `$__rate_interval`: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
        """
        step = self.step(least)
        rate = max(step + self.scrape, 4 * self.scrape)
        return {
            "__interval": duration(step),
            "__interval_ms": str(round(step * 1000)),
            "__rate_interval": duration(rate),
            "__rate_interval_ms": str(round(rate * 1000)),
            "__range": duration(self.seconds),
            "__range_s": str(round(self.seconds)),
            "__range_ms": str(round(self.seconds * 1000)),
            "__from": str(round((self.end - self.seconds) * 1000)),
            "__to": str(round(self.end * 1000)),
        }


_DURATION: Final = re.compile(r"[<>]?(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text)
    assert found, f"{text!r} is no duration"
    return float(found[1]) * _UNITS[found[2] or "s"]


def read_board(text: str, view: View | None = None) -> list[Query]:
    """All queries of a dashboard: of variables, annotations and panels, those in folded rows too.

    Args:
        text: its JSON.
        view: what is looked at; None leaves the variables as they are.
    """
    board = json.loads(text)
    found = [*_of_variables(board), *_of_annotations(board)]
    for panel in _panels(board):
        found += _of_panel(board, panel)
    return found if view is None else [_seen(query, board, view) for query in found]


def _panels(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in board.get("panels", ()):
        yield panel
        yield from _panels(panel)


def _of_panel(board: Mapping[str, Any], panel: Mapping[str, Any]) -> Iterator[Query]:
    for target in panel.get("targets", ()):
        yield Query(
            board=board["title"],
            place=panel.get("title") or f"panel {panel.get('id')}",
            ref=target.get("refId", "?"),
            expr=target["expr"],
            kind=Kind.INSTANT if target.get("instant") and not target.get("range") else Kind.RANGE,
            form=target.get("format", "time_series"),
            legend=target.get("legendFormat", ""),
            exemplar=bool(target.get("exemplar")),
            step=target.get("interval") or panel.get("interval") or "",
        )


def _of_annotations(board: Mapping[str, Any]) -> Iterator[Query]:
    for each in board.get("annotations", {}).get("list", ()):
        target = each.get("target") or {}
        expr = each.get("expr") or target.get("expr")
        if expr:
            words = " ".join(each.get(key) or target.get(key) or "" for key in ("titleFormat", "textFormat"))
            tags = [f"{{{{{tag}}}}}" for tag in (each.get("tagKeys") or "").split(",") if tag]
            step = each.get("step") or target.get("step") or ""
            yield Query(
                board=board["title"],
                place=f"annotation {each['name']}",
                ref=target.get("refId") or "Anno",
                expr=expr,
                kind=Kind.ANNOTATION,
                legend=" ".join([words, *tags]),
                step=step,
            )


_LABEL_VALUES: Final = re.compile(r"\s*label_values\(\s*(?:(?P<expr>.+?)\s*,\s*)?(?P<label>\w+)\s*\)\s*", re.DOTALL)
_QUERY_RESULT: Final = re.compile(r"\s*query_result\((?P<expr>.+)\)\s*", re.DOTALL)


def _of_variables(board: Mapping[str, Any]) -> Iterator[Query]:
    for variable in _variables(board):
        if variable["type"] != "query":
            continue
        raw = variable["query"]
        text = raw if isinstance(raw, str) else raw["query"]
        found = _LABEL_VALUES.fullmatch(text)
        result = _QUERY_RESULT.fullmatch(text)
        assert found or result, f"{board['title']} / variable {variable['name']}: cannot read {text!r}"
        yield Query(
            board=board["title"],
            place=f"variable {variable['name']}",
            ref="Var",
            expr=(found["expr"] or "") if found else str(result and result["expr"]),
            kind=Kind.LABEL_VALUES if found else Kind.INSTANT,
            label=found["label"] if found else "",
        )


def _variables(board: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    listed: Sequence[Mapping[str, Any]] = board.get("templating", {}).get("list", ())
    return listed


def _seen(query: Query, board: Mapping[str, Any], view: View) -> Query:
    values = view.builtin(query.step)
    for variable in _variables(board):
        chosen = tuple(view.chosen.get(variable["name"], ()))
        values[variable["name"]] = _value(variable, chosen)
    return replace(query, expr=substituted(query.expr, values))


def _value(variable: Mapping[str, Any], chosen: tuple[str, ...]) -> str:
    """What stands for a variable in PromQL: regular expressions where several values can be chosen."""
    several = bool(variable.get("multi") or variable.get("includeAll"))
    if not several:
        current = variable.get("current", {}).get("value") or variable["name"]
        return _escaped_text(chosen[0] if chosen else str(current))
    if not chosen:
        return str(variable.get("allValue") or ".*")
    escaped = [_escaped_regex(each) for each in chosen]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _escaped_text(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _escaped_regex(value: str) -> str:
    """Escaped twice: once for the regular expression, once for the quotes of PromQL around it."""
    return re.sub(r"[$^*{}\[\]+?.()|\\]", lambda found: "\\\\" + found[0].replace("\\", "\\\\"), value)


_VARIABLE: Final = re.compile(
    r"\$(?P<plain>[A-Za-z_]\w*)|\$\{(?P<braced>\w+)(?::(?P<form>\w+))?\}|\[\[(?P<old>\w+)\]\]"
)


def substituted(text: str, values: Mapping[str, str]) -> str:
    """A text with its variables replaced; Grafana leaves what it does not know as it is, and so does this.

    Raises:
        AssertionError: a variable asks for a format that PromQL has no use for.
    """

    def value(found: re.Match[str]) -> str:
        assert found["form"] in {None, "regex", "raw", "pipe"}, f"{found[0]} in {text!r}"
        return values.get(found["plain"] or found["braced"] or found["old"], found[0])

    return _VARIABLE.sub(value, text)


def leftovers(text: str) -> list[str]:
    """The variables that are still in a text."""
    return [found[0] for found in _VARIABLE.finditer(text)]

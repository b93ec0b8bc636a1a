"""What Grafana's dashboard linter asks of a dashboard, and what we ask on top: findings about plain data.

The names of the rules are those of https://github.com/grafana/dashboard-linter/tree/main/docs/rules; our own begin with
`our-`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import promql_parser as promql
from grafana_foundation_sdk.models import units

Json = Mapping[str, Any]

DATASOURCE: Final = "${datasource}"
WITH_UNIT: Final = {"stat", "singlestat", "graph", "table", "timeseries", "gauge"}
DRAWS_NOTHING: Final = {"row", "text"}
UNITS: Final = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
FREE_UNIT: Final = re.compile(r"(suffix|prefix|time|si|count|currency):\S.*")
"""Units that carry their own word,
https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#custom-units."""

RATE_INTERVAL: Final = "123457s"
GLOBALS: Final = {
    "__rate_interval": RATE_INTERVAL,
    "__interval": "12343s",
    "__interval_ms": "12343000",
    "__range": "1234577s",
    "__range_s": "1234577",
    "__range_ms": "1234577000",
    "__from": "1",
    "__to": "2",
}
"""What Grafana puts into a query itself, with values that nobody would write."""
OF_A_DURATION: Final = {"rate", "irate"}
OF_A_COUNTER: Final = {*OF_A_DURATION, "increase"}
COUNTER_SUFFIXES: Final = ("_total", "_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule objects to, and where."""

    rule: str
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Exemption:
    """Series to which a rule does not apply, and why.

    Args:
        rules: names of rules.
        series: whole name of the metric.
        reason: a sentence.
    """

    rules: tuple[str, ...]
    series: re.Pattern[str]
    reason: str


_TARGETS: Final = ("target-job-rule", "target-instance-rule")
EXEMPTIONS: Final = (
    Exemption(_TARGETS, re.compile(r".+:.+"), "recorded series are about APIs: job and instance are aggregated away"),
    Exemption(_TARGETS, re.compile(r"ALERTS(_FOR_STATE)?"), "Prometheus makes them of alerts about APIs, see above"),
)


# ------------------------------------------------------------------------------------------------ parts of a dashboard


def variables(board: Json) -> list[Json]:
    """Its variables."""
    return list(board.get("templating", {}).get("list", ()))


def all_panels(board: Json) -> Iterator[Json]:
    """Its rows and panels, those of collapsed rows too."""
    for panel in board.get("panels", ()):
        yield panel
        yield from panel.get("panels", ())


def drawn(board: Json) -> Iterator[Json]:
    """Its panels that draw data."""
    return (panel for panel in all_panels(board) if panel["type"] not in DRAWS_NOTHING)


def called(panel: Json) -> str:
    """How a finding names a panel."""
    return f"panel {panel.get('title') or panel.get('id')!r}"


def expressions(board: Json) -> Iterator[tuple[str, str]]:
    """Where a query stands, and its PromQL."""
    for panel in drawn(board):
        for target in panel.get("targets", ()):
            yield f"{called(panel)}, query {target.get('refId')}", target.get("expr", "")
    for note in board.get("annotations", {}).get("list", ()):
        yield f"annotation {note.get('name')!r}", note.get("expr") or (note.get("target") or {}).get("expr", "")


# --------------------------------------------------------------------------------------------------------------- PromQL


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector in an expression.

    Args:
        vector: the selector itself.
        seconds: of its range, or None for an instant one.
        function: the function whose argument it is, or empty.
    """

    vector: promql.VectorSelector
    seconds: float | None
    function: str

    @property
    def name(self) -> str:
        """The metric."""
        return self.vector.name or ""

    def follows(self, label: str) -> bool:
        """Whether it asks for what the reader chose for a label."""
        wanted = (promql.MatchOp.Re, {f"${label}", f"${{{label}}}"})
        found = (each for each in self.vector.matchers.matchers if each.name == label)
        return any(each.op == wanted[0] and each.value in wanted[1] for each in found)


def plain(expr: str) -> str:
    """An expression in which the variables that stand for durations have a value."""
    for name, value in GLOBALS.items():
        expr = re.sub(rf"\$\{{{name}(:\w+)?\}}|\${name}\b", value, expr)
    return expr


@lru_cache(maxsize=4096)
def selectors(expr: str) -> tuple[Selector, ...]:
    """Every selector of an expression.

    Raises:
        ValueError: it is no PromQL.
    """
    return tuple(_selectors(promql.parse(plain(expr)), ""))


def _selectors(node: Any, function: str) -> Iterator[Selector]:
    if isinstance(node, promql.VectorSelector):
        yield Selector(node, None, function)
    elif isinstance(node, promql.MatrixSelector):
        yield Selector(node.vector_selector, node.range.total_seconds(), function)
    else:
        inner = node.func.name if isinstance(node, promql.Call) else ""
        children = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "param")]
        for child in (*children, *(getattr(node, "args", None) or ())):
            if isinstance(child, promql.Expr):
                yield from _selectors(child, inner)


def _all_selectors(board: Json) -> Iterator[tuple[str, Selector]]:
    for where, expr in expressions(board):
        try:
            found = selectors(expr)
        except ValueError:
            continue  # that is a finding of target-promql-rule
        yield from ((where, each) for each in found)


def exempt(rule: str, selector: Selector) -> bool:
    """Whether a rule does not apply to a selector."""
    return any(rule in each.rules and each.series.fullmatch(selector.name) for each in EXEMPTIONS)


# -------------------------------------------------------------------------------------------- rules about the dashboard

Found = Iterator[tuple[str, str]]


def uneditable(board: Json) -> Found:
    """Whoever edits a dashboard that is derived loses the change."""
    if board.get("editable", True):
        yield "dashboard", "is editable"


def datasource_variable(board: Json) -> Found:
    """One variable chooses the data source, under a fixed name and label."""
    found = [each for each in variables(board) if each["type"] == "datasource"]
    if len(found) != 1:
        yield "dashboard", f"has {len(found)} variables for a data source"
    for each in found:
        if (each["name"], each.get("label"), each.get("query")) != ("datasource", "Data source", "prometheus"):
            yield f"variable {each['name']}", 'is not "datasource" of Prometheus, labelled "Data source"'


def target_variable(board: Json, name: str) -> Found:
    """Job and instance can be chosen, several at a time, and All is anything but nothing."""
    each = next((each for each in variables(board) if each["name"] == name), None)
    if each is None:
        yield "dashboard", f"has no variable {name}"
        return
    wanted = {"type": "query", "label": name.title(), "multi": True, "allValue": ".+", "includeAll": True}
    for key, value in wanted.items():
        if each.get(key) != value:
            yield f"variable {name}", f"{key} is {each.get(key)!r}, not {value!r}"
    if (each.get("datasource") or {}).get("uid") != DATASOURCE:
        yield f"variable {name}", "does not ask the data source that was chosen"


def reloaded_variable(board: Json) -> Found:
    """A variable is asked for again when the times change."""
    for each in variables(board):
        if each["type"] == "query" and each.get("refresh") != 2:
            yield f"variable {each['name']}", "is not refreshed when the times change"


def variable_promql(board: Json) -> Found:
    """What a variable asks for is a selector that can be read."""
    for each in variables(board):
        if each["type"] != "query":
            continue
        asked = each["query"]["query"] if isinstance(each["query"], dict) else each["query"]
        match = re.fullmatch(r"label_values\((?:(?P<selector>.+),\s*)?\w+\)", asked)
        try:
            selectors(match["selector"] or "up" if match else "?")
        except ValueError as error:
            yield f"variable {each['name']}", f"{asked}: {error}"


def unknown_variable(board: Json) -> Found:
    """Every variable that a query or a link names is there."""
    known = {each["name"] for each in variables(board)} | GLOBALS.keys()
    texts = [*expressions(board), *((called(panel), str(panel.get("title"))) for panel in all_panels(board))]
    for where, text in texts:
        for name in re.findall(r"\$\{?([a-zA-Z_]\w*)", text):
            if name not in known:
                yield where, f"names ${name}, which is no variable"


# ------------------------------------------------------------------------------------------------- rules about panels


def title_and_description(board: Json) -> Found:
    """A panel has a title and a description."""
    for panel in drawn(board):
        if not panel.get("title") or not panel.get("description"):
            yield called(panel), "lacks a title or a description"


def panel_datasource(board: Json) -> Found:
    """A panel and each of its queries ask the data source that was chosen."""
    for panel in drawn(board):
        for what, asks in (("panel", panel), *((f"query {t.get('refId')}", t) for t in panel.get("targets", ()))):
            if (asks.get("datasource") or {}).get("uid") != DATASOURCE:
                yield f"{called(panel)}, {what}", "does not ask the data source that was chosen"


def panel_unit(board: Json) -> Found:
    """A figure has a unit that Grafana knows, unless words stand instead of it."""
    for panel in drawn(board):
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        own = [p for o in panel.get("fieldConfig", {}).get("overrides", ()) for p in o["properties"]]
        asked = [defaults.get("unit"), *(p.get("value") for p in own if p["id"] == "unit")]
        given = [unit for unit in asked if unit]
        for unit in given:
            if unit not in UNITS and not FREE_UNIT.fullmatch(unit):
                yield called(panel), f"has the unit {unit!r}, which Grafana does not know"
        if panel["type"] in WITH_UNIT and not given and not defaults.get("mappings"):
            yield called(panel), "has neither a unit nor words"


def has_targets(board: Json) -> Found:
    """A panel asks something."""
    for panel in drawn(board):
        if not panel.get("targets"):
            yield called(panel), "asks nothing"


# ------------------------------------------------------------------------------------------------- rules about queries


def target_promql(board: Json) -> Found:
    """A query is PromQL."""
    for where, expr in expressions(board):
        try:
            selectors(expr)
        except ValueError as error:
            yield where, f"{expr}: {error}"


def target_rate_interval(board: Json) -> Found:
    """A rate is taken over `$__rate_interval`, which always holds enough samples."""
    magic = promql.parse_duration(RATE_INTERVAL).total_seconds()
    for where, selector in _all_selectors(board):
        if selector.function in OF_A_DURATION and selector.seconds != magic:
            yield where, f"{selector.function} of {selector.name} over a fixed time"


def target_label(board: Json, label: str) -> Found:
    """A query follows the choice of job and instance."""
    for where, selector in _all_selectors(board):
        if not selector.follows(label) and not exempt(f"target-{label}-rule", selector):
            yield where, f'{selector.name} lacks {label}=~"${label}"'


def target_counter(board: Json) -> Found:
    """A counter stands in rate, irate or increase only: its value alone says nothing, since it starts again at 0."""
    for where, selector in _all_selectors(board):
        counter = selector.name.endswith(COUNTER_SUFFIXES) and ":" not in selector.name
        if counter and selector.function not in OF_A_COUNTER:
            yield where, f"the counter {selector.name} stands outside of rate and increase"


# ------------------------------------------------------------------------------------------------------------ our own


def unique_ids(board: Json) -> Found:
    """Every row and panel has an id of its own, every query of a panel a letter of its own."""
    ids = [panel.get("id") for panel in all_panels(board)]
    if not all(isinstance(each, int) and each > 0 for each in ids) or len(set(ids)) != len(ids):
        yield "dashboard", f"has the ids {ids}"
    for panel in drawn(board):
        letters = [target.get("refId") for target in panel.get("targets", ())]
        if not all(letters) or len(set(letters)) != len(letters):
            yield called(panel), f"has the letters {letters}"


def layout(board: Json) -> Found:
    """Nothing overlaps, nothing is wider than the 24 columns, nothing has no size."""
    taken: dict[tuple[int, int], str] = {}
    for panel in all_panels(board):
        place = panel["gridPos"]
        x, y, width, height = (int(place.get(key, 0)) for key in "xywh")
        if width < 1 or height < 1 or x < 0 or x + width > 24:
            yield called(panel), f"lies at {place}"
        cells = [(column, line) for column in range(x, x + width) for line in range(y, y + height)]
        for other in {taken[cell] for cell in cells if cell in taken}:
            yield called(panel), f"overlaps {other}"
        taken |= dict.fromkeys(cells, called(panel))


def question(board: Json) -> Found:
    """A panel is titled by the question that it answers, and no two ask the same."""
    titles = [panel.get("title", "") for panel in drawn(board)]
    for panel in drawn(board):
        title = panel.get("title", "")
        if not title.endswith("?") or titles.count(title) > 1:
            yield called(panel), "is not titled by a question of its own"


def without_data(board: Json) -> Found:
    """A panel says what it means when it has no value."""
    for panel in drawn(board):
        if not panel.get("fieldConfig", {}).get("defaults", {}).get("noValue"):
            yield called(panel), "does not say what it means to have no value"


def has_thresholds(board: Json) -> Found:
    """A panel has thresholds, whose first colour holds for everything below, and which rise."""
    for panel in drawn(board):
        steps: Sequence[Json] = (
            panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps") or []
        )
        values = [step["value"] for step in steps]
        if not values or values[0] is not None or values[1:] != sorted(values[1:]):
            yield called(panel), f"has the thresholds {values}"


RULES: Final[Mapping[str, Callable[[Json], Found]]] = {
    "uneditable-dashboard": uneditable,
    "template-datasource-rule": datasource_variable,
    "template-job-rule": lambda board: target_variable(board, "job"),
    "template-instance-rule": lambda board: target_variable(board, "instance"),
    "template-on-time-change-reload-rule": reloaded_variable,
    "template-label-promql-rule": variable_promql,
    "panel-title-description-rule": title_and_description,
    "panel-datasource-rule": panel_datasource,
    "panel-units-rule": panel_unit,
    "panel-no-targets-rule": has_targets,
    "target-promql-rule": target_promql,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": lambda board: target_label(board, "job"),
    "target-instance-rule": lambda board: target_label(board, "instance"),
    "target-counter-agg-rule": target_counter,
    "our-variables": unknown_variable,
    "our-ids": unique_ids,
    "our-layout": layout,
    "our-question": question,
    "our-no-value": without_data,
    "our-thresholds": has_thresholds,
}
"""Every rule by its name."""


def findings(board: Json, rules: Sequence[str] = tuple(RULES)) -> list[Finding]:
    """What the rules object to in a dashboard.

    Args:
        board: plain data.
        rules: names of those that are asked.
    """
    return [Finding(rule, where, what) for rule in rules for where, what in RULES[rule](board)]

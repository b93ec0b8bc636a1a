"""Reading a dashboard: every query is found, and its variables become what Grafana would send."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.monitoring.queries.boards import Kind, View, leftovers, read_board, substituted

API: dict[str, Any] = {
    "name": "api",
    "type": "query",
    "query": {"query": 'label_values(specwatch_probe_success{job=~"$job"}, api)', "refId": "Q"},
    "multi": True,
    "includeAll": True,
    "allValue": ".+",
}
QUANTILE: dict[str, Any] = {"name": "quantile", "type": "custom", "query": "0.5,0.95", "current": {"value": "0.95"}}


def board(*panels: dict[str, Any], **more: Any) -> str:
    """A dashboard with these panels and two variables."""
    return json.dumps({"title": "Board", "panels": panels, "templating": {"list": [API, QUANTILE]}, **more})


def panel(expr: str, **more: Any) -> dict[str, Any]:
    """A panel with one query."""
    return {"title": "Is it up?", "targets": [{"refId": "A", "expr": expr, **more}]}


def seen(expr: str, view: View) -> str:
    """What Grafana sends for the only query of a panel."""
    return read_board(board(panel(expr)), view)[-1].expr


def test_queries_of_panels_are_read_with_how_they_are_asked() -> None:
    """Title, letter, expression, instant or range, format, legend, exemplars and least step are known."""
    text = board(panel("up", instant=True, format="table"), panel("x", legendFormat="{{api}}", exemplar=True))
    instant, ranged = read_board(text)[1:]
    assert (instant.where, instant.kind, instant.form) == ("Board / Is it up? / A", Kind.INSTANT, "table")
    assert (ranged.kind, ranged.legend, ranged.exemplar) == (Kind.RANGE, "{{api}}", True)


def test_folded_rows_hide_no_query() -> None:
    """The panels of a folded row lie inside it, and are read all the same."""
    row = {"type": "row", "title": "More", "collapsed": True, "panels": [panel("folded")]}
    assert [query.expr for query in read_board(board(panel("open"), row))[1:]] == ["open", "folded"]


def test_annotations_and_variables_are_queries_too() -> None:
    """Both can be wrong as a panel can; Grafana's own annotations have no query."""
    own = {"name": "Alerts", "builtIn": 1, "datasource": {"uid": "-- Grafana --"}}
    breaks = {"name": "Breaks", "expr": "changes(x[5m])", "titleFormat": "{{claim}}", "tagKeys": "api"}
    variable, annotation = read_board(board(annotations={"list": [own, breaks]}))
    assert (variable.kind, variable.label, variable.place) == (Kind.LABEL_VALUES, "api", "variable api")
    assert variable.expr == 'specwatch_probe_success{job=~"$job"}'
    assert (annotation.kind, annotation.place, annotation.expr) == (
        Kind.ANNOTATION,
        "annotation Breaks",
        "changes(x[5m])",
    )
    assert "{{claim}}" in annotation.legend
    assert "{{api}}" in annotation.legend


@pytest.mark.parametrize(
    "chosen, expected",
    [((), 'x{api=~".+"}'), (("a",), 'x{api=~"a"}'), (("a", "b.c"), 'x{api=~"(a|b\\\\.c)"}')],
)
def test_a_choice_becomes_a_regular_expression(chosen: tuple[str, ...], expected: str) -> None:
    """All is the variable's own value for it, one is itself, several are alternatives; dots are taken literally."""
    for form in ("$api", "${api}", "${api:regex}", "[[api]]"):
        assert seen(f'x{{api=~"{form}"}}', View(chosen={"api": chosen})) == expected


def test_a_variable_of_one_value_is_put_in_as_it_is() -> None:
    """Without a choice, its current value counts."""
    assert seen("quantile($quantile, x)", View()) == "quantile(0.95, x)"
    assert seen("quantile($quantile, x)", View(chosen={"quantile": ["0.5"]})) == "quantile(0.5, x)"


def test_intervals_follow_stretch_width_and_scrape_interval() -> None:
    """A rate looks back over four scrapes at least, or one more than a step; a step is no shorter than a scrape."""
    assert seen("rate(x[$__rate_interval])", View(seconds=900, scrape=15)) == "rate(x[1m])"
    assert seen("rate(x[$__rate_interval])", View(seconds=86_400, points=100, scrape=15)) == "rate(x[879s])"
    assert seen("x[$__interval] x[${__range}]", View(seconds=3600, scrape=1)) == "x[3600ms] x[1h]"
    text = board(panel("rate(x[$__interval])", interval="2m"))
    assert read_board(text, View())[-1].expr == "rate(x[2m])"


def test_what_nobody_defines_stays_and_is_told() -> None:
    """Grafana sends `$typo` as it is; the dollar signs of regular expressions are none of its business."""
    assert leftovers(seen('x{job=~"$typo", y=~"a$"}', View())) == ["$typo"]
    assert leftovers(seen('label_replace(x, "a", "$1", "b", "(.*)")', View())) == []


@given(st.text(max_size=12).filter(lambda text: "\x00" not in text))
def test_an_escaped_value_matches_itself_only(value: str) -> None:
    """Whatever a label value holds, choosing it finds just that: unquoted by PromQL, it is a regular expression."""
    sent = seen("$api", View(chosen={"api": [value]}))
    assert re.fullmatch(sent.replace("\\\\", "\\"), value)


@given(st.text())
def test_a_text_without_variables_is_left_alone(text: str) -> None:
    """Only what looks like a variable is touched."""
    assert substituted(text.replace("$", "").replace("[[", ""), {"api": "never"}) == text.replace("$", "").replace(
        "[[", ""
    )

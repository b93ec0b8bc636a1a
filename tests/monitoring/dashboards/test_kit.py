"""The parts of which dashboards are made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.monitoring.dashboards.linting import findings

from specwatch.monitoring.dashboards.frame import (
    Board,
    Grid,
    board,
    board_url,
    standard_annotations,
    standard_variables,
)
from specwatch.monitoring.dashboards.kit import (
    Question,
    columns,
    course,
    density,
    figure,
    gauges,
    link,
    listing,
    nothing,
    override,
    pick,
    query,
    span,
    timeline,
    words,
)

UP = pick("up", located=False)


def asked(title: str = "Is it up?", **more: Any) -> Question:
    """A question."""
    return Question(title, "Whether it is up. Normal: yes.", none="nobody knows", **more)


def made(*panels: Any) -> dict[str, Any]:
    """A dashboard of some panels."""
    grid = Grid()
    for panel in panels:
        grid.add(panel, 8, 4)
    return board(Board("specwatch-api", "A try.", grid.items, standard_variables(), standard_annotations()))


ALL_KINDS = [
    figure(asked(), query(UP, instant=True)),
    course(asked("When was it up?"), query(UP), query(f"1 - {UP}"), stacked=True, bars=True, limits=True, aside=True),
    listing(asked("Which are up?"), query(UP, instant=True, form="table")),
    density(asked("How up was it?", unit="s"), query(UP, "{{le}}", form="heatmap", exemplar=True)),
    gauges(asked("How up is each?"), query(UP, instant=True)),
    timeline(asked("Since when?", words=[words({"1": ("up", "green")})]), query(UP)),
]


def test_every_kind_of_panel_is_whole_as_it_comes() -> None:
    """Whatever the kit makes of a question passes the linter."""
    assert findings(made(*ALL_KINDS)) == []


def test_what_the_sdk_leaves_out_is_filled_in() -> None:
    """Panels and rows are numbered from 1, and the queries of a panel have letters."""
    grid = Grid()
    grid.row("First")
    grid.add(course(asked(), query(UP), query(UP)), 24, 4)
    data = board(Board("specwatch-api", "A try.", grid.items, standard_variables(), standard_annotations()))
    assert [panel["id"] for panel in data["panels"]] == [1, 2]
    assert [target["refId"] for target in data["panels"][1]["targets"]] == ["A", "B"]
    assert len(data["annotations"]["list"]) == 2


@given(st.lists(st.tuples(st.integers(1, 24), st.integers(1, 12), st.booleans()), max_size=30))
def test_the_grid_never_lets_panels_overlap(sizes: list[tuple[int, int, bool]]) -> None:
    """Whatever the sizes are: panels lie within the columns, apart from each other, and in the order they came."""
    grid = Grid()
    for width, height, in_new_row in sizes:
        if in_new_row:
            grid.row("More")
        grid.add(figure(asked(), query(UP)), width, height)
    data = board(Board("specwatch-api", "A try.", grid.items, standard_variables(), standard_annotations()))
    assert findings(data, ["our-layout", "our-ids"]) == []
    places = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in data["panels"]]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "metric, matchers, selector",
    [
        ("up", (), 'up{location=~"$location", job=~"$job", instance=~"$instance"}'),
        ("up", ('a="b"',), 'up{a="b", location=~"$location", job=~"$job", instance=~"$instance"}'),
        ("probe:up:sum", ('a="b"',), 'probe:up:sum{a="b", location=~"$location"}'),
        ("ALERTS", (), 'ALERTS{location=~"$location"}'),
        ("ALERTS_FOR_STATE", (), 'ALERTS_FOR_STATE{location=~"$location"}'),
    ],
)
def test_a_selector_follows_what_the_reader_chose(metric: str, matchers: tuple[str, ...], selector: str) -> None:
    """Job and instance where the series has them, the location everywhere."""
    assert pick(metric, *matchers) == selector


def test_a_selector_of_a_series_without_location_leaves_it_out() -> None:
    """Series that Prometheus makes of a scrape, and constants, know no location."""
    assert pick("up", located=False) == 'up{job=~"$job", instance=~"$instance"}'
    assert pick("probe:objective:ratio", located=False) == "probe:objective:ratio{}"


def test_words_stand_for_values_with_their_colours() -> None:
    """A value, a span of values and no value at all each have a word."""
    panel = figure(asked(words=[words({"0": ("DOWN", "red")}), span(1, None, None, "green"), nothing("?")]), query(UP))
    value, reach, missing = made(panel)["panels"][0]["fieldConfig"]["defaults"]["mappings"]
    assert value["options"]["0"] == {"text": "DOWN", "color": "red", "index": 0}
    assert reach["options"] == {"from": 1, "to": None, "result": {"color": "green", "index": 8}}
    assert missing["options"]["match"] == "null+nan"


def test_columns_of_a_table_are_named_ordered_and_hidden() -> None:
    """The reader sees headings, in the order in which they were given."""
    table = columns(listing(asked(), query(UP)), {"b": "Second", "a": "First"}, hidden=["Time"])
    override(table, "First", unit="s", width=100, cell="color-text")
    data = made(table)["panels"][0]
    assert data["transformations"][0]["options"] == {
        "excludeByName": {"Time": True},
        "indexByName": {"b": 0, "a": 1},
        "renameByName": {"b": "Second", "a": "First"},
    }
    assert data["fieldConfig"]["overrides"][0]["properties"] == [
        {"id": "unit", "value": "s"},
        {"id": "custom.width", "value": 100},
        {"id": "custom.cellOptions", "value": {"type": "color-text"}},
    ]


def test_links_take_times_and_data_source_along() -> None:
    """Whoever follows a link looks at the same hours of the same Prometheus."""
    assert board_url("specwatch-api", "var-api=x") == (
        "/d/specwatch-api?var-api=x&${datasource:queryparam}&${__url_time_range}"
    )
    panel = figure(asked(links=[link("More", "https://example.com", blank=True)]), query(UP))
    (made_link,) = made(panel)["panels"][0]["links"]
    assert (made_link["url"], made_link["targetBlank"]) == ("https://example.com", True)

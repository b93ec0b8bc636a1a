"""What is around the panels of a dashboard: places, variables, annotations, links, and the JSON that Grafana reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from specwatch.monitoring.dashboards.kit import BAD, DATASOURCE, PLAIN, AnyPanel, link, pick
from specwatch.monitoring.settings import Settings

COLUMNS: Final = 24
"""How wide a dashboard of Grafana is."""

SCHEMA: Final = 42
"""Version of the dashboard model "v1": Grafana before 12 knows it, and later ones still read it."""

TITLES: Final = {
    "specwatch-overview": "Overview",
    "specwatch-api": "API",
    "specwatch-fleet": "Fleet",
    "specwatch-prober": "Prober",
}
"""Every dashboard: uid to what it is called in links."""


class Grid:
    """Places panels from left to right and from top to bottom; what no longer fits into a line begins the next."""

    def __init__(self) -> None:
        self.items: list[models.Panel | models.RowPanel] = []
        self._x = self._y = self._deep = 0

    def add(self, panel: AnyPanel, width: int, height: int) -> None:
        """Place a panel.

        Args:
            panel: finished but for its place.
            width: in columns, of which there are 24.
            height: in units of Grafana, 38 pixels each.
        """
        if self._x + width > COLUMNS:
            self._break()
        made = panel.build()
        made.grid_pos = models.GridPos(x=self._x, y=self._y, w=width, h=height)
        self.items.append(made)
        self._x, self._deep = self._x + width, max(self._deep, height)

    def row(self, title: str) -> None:
        """Begin a part of the dashboard with its name."""
        self._break()
        place = models.GridPos(x=0, y=self._y, w=COLUMNS, h=1)
        self.items.append(models.RowPanel(title=title, grid_pos=place))
        self._y += 1

    def _break(self) -> None:
        self._x, self._y, self._deep = 0, self._y + self._deep, 0


# -------------------------------------------------------------------------------------------------------- variables


def variable(
    name: str, label: str, ask: str, *, every: str = ".*", several: bool = True, description: str = ""
) -> builders.QueryVariable:
    """A variable whose values come from the data source, asked for anew whenever the times change.

    Args:
        name: as queries write it after `$`.
        label: as the reader sees it.
        ask: such as `label_values(METRIC, LABEL)`.
        every: what "All" stands for in a query. `.*` also matches series without the label.
        several: whether more than one may be chosen, and all of them; all are, to begin with.
        description: shown beside it.
    """
    made = (
        builders.QueryVariable(name)
        .label(label)
        .description(description or label)
        .datasource(DATASOURCE)
        .query({"query": ask, "refId": f"variable-{name}"})
        .definition(ask)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )
    if several:
        chosen = models.VariableOption(selected=True, text="All", value="$__all")
        made.multi(multi=True).include_all(include_all=True).all_value(every).current(chosen)
    return made


def data_source() -> builders.DatasourceVariable:
    """The variable by which the reader chooses the data source."""
    return builders.DatasourceVariable("datasource").label("Data source").type("prometheus")


def standard_variables() -> list[Any]:
    """Data source, job, instance and location: the variables of every dashboard."""
    build = "specwatch_build_info"
    probers = '{job=~"$job", instance=~"$instance"}'
    return [
        data_source(),
        variable("job", "Job", f"label_values({build}, job)", every=".+", description="Scrape job of the probers"),
        variable(
            "instance",
            "Instance",
            f'label_values({build}{{job=~"$job"}}, instance)',
            every=".+",
            description="Address of a prober",
        ),
        variable(
            "location",
            "Location",
            f"label_values({build}{probers}, location)",
            description="Where a prober is; probers without one count under All",
        ),
    ]


# ------------------------------------------------------------------------------------------------------ annotations


def _annotation(name: str, expr: str, *, color: str, title: str, text: str, moment: bool) -> builders.AnnotationQuery:
    made = (
        builders.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(enable=True)
        .hide(hide=False)
        .icon_color(color)
        .expr(expr)
        .title_format(title)
        .text_format(text)
        .step("60s")
    )
    return made.use_value_for_time(use_value_for_time=True) if moment else made


def standard_annotations(api: str = ".*") -> list[builders.AnnotationQuery]:
    """When a prober started, which is when another version began, and while a promise was broken.

    Args:
        api: regular expression or variable that an API's id has to match.
    """
    start = f"{pick('process_start_time_seconds')} * 1000"
    version = f"group by (job, instance, version) ({pick('specwatch_build_info')})"
    return [
        _annotation(
            "Prober started",
            f"{start} * on (job, instance) group_left (version) {version}",
            color=PLAIN,
            title="prober started",
            text="specwatch {{version}} on {{instance}}",
            moment=True,
        ),
        _annotation(
            "Promise broken",
            pick("ALERTS", 'alertname="SpecwatchPromiseBroken"', 'alertstate="firing"', f'api=~"{api}"'),
            color=BAD,
            title="{{api}} broke a promise",
            text="{{claim}}",
            moment=False,
        ),
    ]


# ------------------------------------------------------------------------------------------------------------ links


def board_url(uid: str, variables: str = "") -> str:
    """Address of another dashboard of ours, with the times and the data source that the reader chose.

    Args:
        uid: of the dashboard.
        variables: further ones, such as `var-api=x`.
    """
    parts = [part for part in (variables, "${datasource:queryparam}", "${__url_time_range}") if part]
    return f"/d/{uid}?{'&'.join(parts)}"


def standard_links(uid: str, settings: Settings) -> list[builders.DashboardLink]:
    """From one dashboard to all others and to the silences.

    Args:
        uid: of the dashboard that has the links.
        settings: where Alertmanager is.
    """
    others = [link(title, board_url(other)) for other, title in TITLES.items() if other != uid]
    return [*others, link("Silences", f"{settings.links_alertmanager}/#/silences", blank=True)]


# ------------------------------------------------------------------------------------------------------------- JSON


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard before it is JSON.

    Args:
        uid: fixed, since alerts and other dashboards link to it.
        description: what it is for.
        panels: from a `Grid`.
        variables: builders of variables, the data source first.
        annotations: builders.
        links: builders, shown on top.
        since: beginning of the times that it shows at first.
    """

    uid: str
    description: str
    panels: Sequence[models.Panel | models.RowPanel]
    variables: Sequence[Any]
    annotations: Sequence[builders.AnnotationQuery]
    links: Sequence[builders.DashboardLink] = field(default_factory=tuple)
    since: str = "now-6h"


def board(made: Board) -> dict[str, Any]:
    """A dashboard as plain data, in which the SDK's gaps are filled: ids of panels and rows, and letters of queries."""
    model = models.Dashboard(
        uid=made.uid,
        title=f"Specwatch: {TITLES[made.uid]}",
        description=made.description,
        tags=["specwatch"],
        editable=False,
        graph_tooltip=models.DashboardCursorSync.CROSSHAIR,
        time=models.DashboardDashboardTime(from_val=made.since, to="now"),
        refresh="30s",
        schema_version=SCHEMA,
        panels=list(made.panels),
        templating=models.DashboardDashboardTemplating(list_val=[each.build() for each in made.variables]),
        annotations=models.AnnotationContainer(list_val=[each.build() for each in made.annotations]),
        links=[each.build() for each in made.links],
    )
    data: dict[str, Any] = json.loads(json.dumps(model, cls=JSONEncoder))
    for number, panel in enumerate(every_panel(data), start=1):
        panel["id"] = number
        for letter, target in enumerate(panel.get("targets", ())):
            target.setdefault("refId", "")
            target["refId"] = target["refId"] or chr(ord("A") + letter)
    return data


def every_panel(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows and panels of a dashboard, those in collapsed rows too."""
    for panel in data["panels"]:
        yield panel
        yield from panel.get("panels", ())


def as_json(data: dict[str, Any]) -> str:
    """A dashboard as the text of its file."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

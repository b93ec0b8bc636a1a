"""Panels of Grafana as specwatch draws them: each answers a question, explains itself and says when it knows nothing.

`frame.py` beside this file arranges them and makes a dashboard of them. Panels come back as builders of
`grafana-foundation-sdk`, so that a dashboard can add to them what it needs. Names of units:
https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models import prometheus as queries

GOOD: Final = "semi-dark-green"
NEAR: Final = "semi-dark-orange"
BAD: Final = "semi-dark-red"
PLAIN: Final = "semi-dark-blue"
QUIET: Final = "#808890"
"""Well; soon not well; not well; neither; unknown. Names of Grafana have a shade in each theme, and the grey can be
read on both. No panel depends on colour alone: there is always a word or a number."""

DATASOURCE: Final = options.DataSourceRef(type_val="prometheus", uid="${datasource}")
"""The data source that the reader chooses."""

_P = TypeVar("_P", stat.Panel, timeseries.Panel, table.Panel, heatmap.Panel, bargauge.Panel, statetimeline.Panel)

Steps: TypeAlias = tuple[str | tuple[float, str], ...]
"""The colour below every threshold, then pairs of a threshold and the colour from there on."""


def pick(metric: str, *matchers: str, located: bool = True) -> str:
    """A selector of a metric that follows the variables of the dashboard.

    Recorded series, whose names have a colon, and `ALERTS...` carry neither job nor instance.

    Args:
        metric: its name.
        matchers: further ones, such as `verdict="fail"`.
        located: whether the metric carries the label `location` where a prober has one.
    """
    parts = list(matchers)
    if located:
        parts.append('location=~"$location"')
    if ":" not in metric and not metric.startswith("ALERTS"):
        parts += ['job=~"$job"', 'instance=~"$instance"']
    return f"{metric}{{{', '.join(parts)}}}"


def query(
    expr: str,
    legend: str = "",
    *,
    instant: bool = False,
    form: Literal["time_series", "table", "heatmap"] = "time_series",
    exemplar: bool = False,
) -> prometheus.Dataquery:
    """A query of the data source that the reader chose.

    Args:
        expr: PromQL.
        legend: name of a series, such as `{{probe}}`; empty: Grafana makes one of its labels.
        instant: only the last value, not the course.
        form: `table` gives one row for each series, `heatmap` sorts the buckets of a histogram.
        exemplar: ask for the exemplars of a histogram too.
    """
    made = (
        prometheus.Dataquery()
        .datasource(DATASOURCE)
        .expr(expr)
        .legend_format(legend or "__auto")
        .format(queries.PromQueryFormat(form))
        .editor_mode(queries.QueryEditorMode.CODE)
    )
    made = made.instant() if instant else made.range()
    return made.exemplar(exemplar=True) if exemplar else made


def thresholds(steps: Steps) -> builders.ThresholdsConfig:
    """Colours by value."""
    made = [
        models.Threshold(
            value=None if isinstance(step, str) else step[0], color=step if isinstance(step, str) else step[1]
        )
        for step in steps
    ]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(made)


def words(meaning: Mapping[str, tuple[str, str]]) -> models.ValueMapping:
    """Words instead of values: value as text to word and colour."""
    return models.ValueMap(
        options={
            value: models.ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(meaning.items())
        }
    )


def span(low: float | None, high: float | None, text: str | None, color: str, index: int = 8) -> models.ValueMapping:
    """A word and a colour for all values from `low` to `high`, both included; None: no bound, or the number itself."""
    result = models.ValueMappingResult(text=text, color=color, index=index)
    return models.RangeMap(options=models.DashboardRangeMapOptions(from_val=low, to=high, result=result))


def nothing(text: str, color: str = QUIET) -> models.ValueMapping:
    """A word for a value that is missing or is no number."""
    result = models.ValueMappingResult(text=text, color=color, index=9)
    match = models.SpecialValueMatch.NULL_AND_NAN
    return models.SpecialValueMap(options=models.DashboardSpecialValueMapOptions(match=match, result=result))


def link(title: str, url: str, *, blank: bool = False) -> builders.DashboardLink:
    """A link of a panel, of a value (`${__data.fields.NAME}`, `${__field.labels.NAME}`) or of a dashboard.

    Args:
        title: what the reader finds there.
        url: with variables of Grafana; `${__url_time_range}` takes the times along.
        blank: in a new tab, for what is outside of Grafana.
    """
    made = builders.DashboardLink(title).type(models.DashboardLinkType.LINK).url(url)
    return made.target_blank(target_blank=True) if blank else made


@dataclass(frozen=True, slots=True)
class Question:
    """What every panel has.

    Args:
        title: the question that it answers.
        description: what it shows, what is normal, what to do if it is not. Markdown.
        unit: in the words of Grafana.
        steps: colours by value.
        none: what stands there while there is no value.
        words: texts instead of values.
        decimals: None: as many as are needed.
        low: the least that an axis or gauge shows.
        high: the most.
        links: from the panel.
        data_links: from a value of it.
    """

    title: str
    description: str
    unit: str = "short"
    steps: Steps = (PLAIN,)
    none: str = "no data"
    words: Sequence[models.ValueMapping] = ()
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    links: Sequence[builders.DashboardLink] = ()
    data_links: Sequence[builders.DashboardLink] = ()


def _ask(panel: _P, question: Question, targets: Sequence[prometheus.Dataquery]) -> _P:
    panel.title(question.title).description(question.description).datasource(DATASOURCE)
    panel.unit(question.unit).no_value(question.none).thresholds(thresholds(question.steps))
    for target in targets:
        panel.with_target(target)
    if question.words:
        panel.mappings(list(question.words))
    if question.decimals is not None:
        panel.decimals(question.decimals)
    if question.low is not None:
        panel.min(question.low)
    if question.high is not None:
        panel.max(question.high)
    if question.links:
        panel.links(list(question.links))
    if question.data_links:
        panel.data_links(list(question.data_links))
    return panel


def _colored(mode: models.FieldColorModeId) -> builders.FieldColor:
    return builders.FieldColor().mode(mode)


def figure(
    question: Question,
    *targets: prometheus.Dataquery,
    name: bool = False,
    course: bool = False,
    calc: str = "lastNotNull",
    size: int | None = None,
) -> stat.Panel:
    """One value, or a few, as large as the panel allows, on the colour of its state.

    Args:
        question: what it is about.
        targets: one query each.
        name: show the name of the series too.
        course: draw the course behind the value.
        calc: which value of the course counts, such as `lastNotNull` or `max`.
        size: of the letters in pixels; None: as large as fits.
    """
    text = options.BigValueTextMode.VALUE_AND_NAME if name else options.BigValueTextMode.VALUE
    graph = options.BigValueGraphMode.AREA if course else options.BigValueGraphMode.NONE
    panel = (
        _ask(stat.Panel(), question, targets)
        .color_scheme(_colored(models.FieldColorModeId.THRESHOLDS))
        .color_mode(options.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(graph)
        .text_mode(text)
        .justify_mode(options.BigValueJustifyMode.CENTER)
        .orientation(options.VizOrientation.AUTO)
        .reduce_options(common.ReduceDataOptions().calcs([calc]).values(values=False))
    )
    return panel if size is None else panel.text(common.VizTextDisplayOptions().value_size(size))


def course(
    question: Question,
    *targets: prometheus.Dataquery,
    stacked: bool = False,
    bars: bool = False,
    limits: bool = False,
    aside: bool = False,
    calcs: Sequence[str] = ("lastNotNull", "max"),
) -> timeseries.Panel:
    """Values over time, with a table of the series. A single sample shows as a point.

    Args:
        question: what it is about.
        targets: one query each.
        stacked: on top of each other.
        bars: bars instead of lines, for counts per interval.
        limits: draw the thresholds as dashed lines.
        aside: the table stands beside the picture instead of below it, for many series.
        calcs: columns of the table.
    """
    panel = (
        _ask(timeseries.Panel(), question, targets)
        .color_scheme(_colored(models.FieldColorModeId.PALETTE_CLASSIC))
        .draw_style(options.GraphDrawStyle.BARS if bars else options.GraphDrawStyle.LINE)
        .line_width(0 if bars else 2)
        .fill_opacity(70 if bars else 25 if stacked else 8)
        .show_points(options.VisibilityMode.AUTO)
        .point_size(6)
        .legend(
            common.VizLegendOptions()
            .display_mode(options.LegendDisplayMode.TABLE)
            .placement(options.LegendPlacement.RIGHT if aside else options.LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
            .calcs(list(calcs))
        )
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING))
    )
    if bars:
        panel.axis_soft_max(1)  # so that nothing at all does not stretch an axis up to 100
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL))
    if limits:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED))
    return panel


def listing(question: Question, *targets: prometheus.Dataquery) -> table.Panel:
    """Rows and columns; each target should be `query(..., instant=True, form="table")`."""
    return (
        _ask(table.Panel(), question, targets)
        .color_scheme(_colored(models.FieldColorModeId.THRESHOLDS))
        .align(options.FieldTextAlignment.AUTO)
        .cell_height(options.TableCellHeight.SM)
        .show_header(show_header=True)
    )


def density(question: Question, target: prometheus.Dataquery) -> heatmap.Panel:
    """The buckets of a histogram over time; the target should be `query(..., "{{le}}", form="heatmap")`.

    The question's unit is that of the bounds of the buckets.
    """
    return (
        _ask(heatmap.Panel(), question, [target])
        .calculate(calculate=False)
        .color(heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Oranges").steps(32))
        .y_axis(heatmap.YAxisConfig().unit(question.unit).axis_placement(options.AxisPlacement.LEFT))
        .cell_gap(1)
        .show_legend()
        .exemplars_color("rgba(255,0,255,0.7)")
    )


def gauges(question: Question, *targets: prometheus.Dataquery) -> bargauge.Panel:
    """A horizontal bar for each series."""
    return (
        _ask(bargauge.Panel(), question, targets)
        .color_scheme(_colored(models.FieldColorModeId.THRESHOLDS))
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .orientation(options.VizOrientation.HORIZONTAL)
        .value_mode(options.BarGaugeValueMode.TEXT)
        .show_unfilled(show_unfilled=True)
        .sizing(options.BarGaugeSizing.MANUAL)
        .min_viz_height(20)
        .max_viz_height(36)
        .name_placement(options.BarGaugeNamePlacement.LEFT)
        .text(common.VizTextDisplayOptions().title_size(14).value_size(18))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
    )


def timeline(question: Question, *targets: prometheus.Dataquery, high: float = 0.85) -> statetimeline.Panel:
    """A row for each series, in which each state is a block with its word.

    Args:
        question: what it is about; its words name the states.
        targets: one query each.
        high: how much of a row a block fills.
    """
    return (
        _ask(statetimeline.Panel(), question, targets)
        .color_scheme(_colored(models.FieldColorModeId.THRESHOLDS))
        .merge_values(merge_values=True)
        .show_value(options.VisibilityMode.AUTO)
        .row_height(high)
        .line_width(0)
        .fill_opacity(85)
        .legend(common.VizLegendOptions().display_mode(options.LegendDisplayMode.LIST).show_legend(show_legend=True))
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.SINGLE))
    )


AnyPanel: TypeAlias = Builder[models.Panel]


def columns(panel: table.Panel, shown: Mapping[str, str], hidden: Sequence[str] = ()) -> table.Panel:
    """Name and order the columns of a table.

    Args:
        panel: the table.
        shown: column of the data to its heading, in the order of the table.
        hidden: columns of the data that are left out, of those that links or nobody needs.
    """
    return panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": dict.fromkeys(hidden, True),
                "indexByName": {name: index for index, name in enumerate(shown)},
                "renameByName": dict(shown),
            },
        )
    )


def merged(panel: table.Panel) -> table.Panel:
    """Make one table of the tables of several queries, by the labels that they share."""
    return panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))


def override(panel: _P, name: str, **properties: object) -> _P:
    """Settings of a single series, or of a single column of a table.

    Args:
        panel: whose it is.
        name: of the series, or the heading of the column after it was renamed.
        properties: `unit`, `decimals`, `mappings`, `thresholds`, `links` and the like (built, not builders); for tables
            `width` in pixels, and `cell`, which is `color-background` or `color-text`.
    """
    long = {"width": "custom.width", "cell": "custom.cellOptions"}
    made = [
        models.DynamicConfigValue(long.get(key, key), {"type": value} if key == "cell" else value)
        for key, value in properties.items()
    ]
    panel.override_by_name(name, made)
    return panel

"""Puts the questions of dashboards to a Prometheus: at the moments of a story, or over all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.integration.prometheus import Labels, Prometheus
from tests.monitoring.queries.boards import Kind, Query, View, read_board

HOUR: Final = 3600.0
"""Seconds that a dashboard shows: the story, and some of what came before."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a story was told.

    Args:
        began: its beginning, as Unix time.
        ended: its end.
        moments: what is looked at, by chapter.
        step: seconds between two points of a graph.
    """

    began: float
    ended: float
    moments: Mapping[str, float]
    step: float = 1.0


def is_answered(prometheus: Prometheus, query: Query, times: Times) -> bool:
    """Whether a query of a dashboard has an answer: at some moment, or of a graph or a list, in the whole story.

    Raises:
        AssertionError: Prometheus refuses it.
    """
    if query.kind is Kind.INSTANT:
        return any(prometheus.series(query.expr, at) for at in reversed(list(times.moments.values())))
    if query.kind is Kind.LABEL_VALUES:
        found = prometheus.ask(f"label/{query.label}/values", **{"match[]": query.expr} if query.expr else {})
    else:
        found = prometheus.ask("query_range", query=query.expr, **_stretch(times), step=f"{times.step}")["result"]
    return bool(found)


def boards(files: Mapping[str, str], times: Times, scrape: float, apis: Iterable[str]) -> Iterator[list[Query]]:
    """The same query of a dashboard for each API, where it shows one at a time; else the query alone.

    Args:
        files: path below `grafana/` to text.
        times: what is looked at.
        scrape: seconds between two scrapes.
        apis: what may be chosen.
    """
    for text in (text for path, text in sorted(files.items()) if path.startswith("dashboards/")):
        views = [View(seconds=HOUR, scrape=scrape, end=times.ended, chosen={"api": [api]}) for api in apis]
        for same in zip(*(read_board(text, view) for view in views), strict=True):
            yield list(dict.fromkeys(same))


def without_exemplars(prometheus: Prometheus, queries: Iterable[Query], times: Times) -> list[str]:
    """Those of the queries that ask for exemplars and get none."""
    asked = [query for query in queries if query.exemplar]
    return [
        query.where for query in asked if not prometheus.ask("query_exemplars", query=query.expr, **_stretch(times))
    ]


def value_at(prometheus: Prometheus, query: Query, at: float) -> dict[Labels, float]:
    """What a query of a dashboard shows at a moment: of a graph, its newest point."""
    return prometheus.series(query.expr, at)


def _stretch(times: Times) -> dict[str, Any]:
    return {"start": f"{times.began:.3f}", "end": f"{times.ended:.3f}"}

# ruff: noqa: INP001 - a script, no package
"""Writes docs/reference/metrics.md from the table that the exporter is made of.

python docs/make_metrics.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from specwatch.metrics import FAMILIES, PROCESS, Family
from specwatch.metrics.families import BLACKBOX
from specwatch.probing.events import NOTIFICATIONS, SKIPS
from specwatch.values import PHASES, Reason

PAGE: Final = Path(__file__).resolve().parent / "reference" / "metrics.md"
NOTE: Final = "<!-- Written by docs/make_metrics.py. Change what it is made from, then run it again. -->"


def metrics_page() -> str:
    """The text of the page."""
    return "\n".join([*_page(), ""])


def _page() -> Iterator[str]:
    yield from ("# Metrics", "", NOTE, "")
    yield (
        "`specwatch watch` serves them under `/metrics`, in Prometheus's text format 0.0.4 or, for whoever asks for it,"
        " in OpenMetrics 1.0 with exemplars."
    )
    yield ""
    yield "- Counters and histograms of everything that specs and schedule name are there from the start, at zero."
    yield "- A moment (`..._timestamp_seconds`) has no sample before it happened, a verdict none while it is unknown."
    yield "- Every label has a bounded set of values: what a spec does not document is `other`. Ids of claims come"
    yield "  without the API, which has a label of its own. `error_code` is empty where an answer has none."
    yield "- With `--location NAME`, every sample has the label `location`."
    yield "- When the configuration is read again, series of what is gone disappear, and what is new begins at zero."
    yield "- Exemplars of `specwatch_request_duration_seconds` have the label `run`: the id of the run in the history."
    yield "- `specwatch_probe_verdict_seconds_total` counts time, `specwatch_probe_runs_total` runs. Availability comes"
    yield "  from the first, as failing probes run more often: [how](../explanation/probing.md#how-time-is-counted)."
    yield ""
    yield from _table(FAMILIES)
    yield from ("", "## Values of labels", "", "| label | values |", "|---|---|")
    yield f"| `reason` of a failure | {_names(Reason)} |"
    yield f"| `phase` | {_names(PHASES)} |"
    yield "| `status` | a documented status, the range that documents it (`4XX`), `other` |"
    yield "| `error_code` | a code documented under that status, empty, `other` |"
    yield "| `level` | `promise`, `inference` |"
    yield "| `verdict` | `pass`, `fail`, `unknown` |"
    yield f"| `reason` of a skip | {_names(SKIPS)} |"
    yield "| `unit` | `requests`, the unit of `x-cost` in the API's spec |"
    yield f"| `outcome` | {_names(NOTIFICATIONS)} |"
    yield from ("", "## Buckets", "", "Upper bounds in seconds; the last bucket has none.", "")
    yield from ("| histogram | buckets |", "|---|---|")
    for family in FAMILIES:
        if family.buckets:
            yield f"| `{family.name}` | {', '.join(f'{bound:g}' for bound in family.buckets)} |"
    yield from ("", "## The process", "", "Told by `prometheus_client`, on Linux.", "")
    yield from _table(PROCESS)
    yield from ("", "## /probe", "")
    yield (
        "`/probe?probe=ID` runs a probe of the schedule once, or shares a result that is younger than its interval, and"
        " answers in the names of blackbox_exporter, so that dashboards and alerts made for that work. It takes no"
        " address. What blackbox_exporter counts as `processing` includes the sending of the request, and so it does"
        " here."
    )
    yield ""
    yield from _table(BLACKBOX)


def _table(families: Iterable[Family]) -> Iterator[str]:
    yield from ("| metric | type | labels | unit | meaning |", "|---|---|---|---|---|")
    for each in families:
        yield f"| `{each.name}` | {each.kind} | {_names(each.labels)} | {each.unit} | {each.meaning} |"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    """Write the page."""
    PAGE.write_text(metrics_page(), encoding="utf-8")


if __name__ == "__main__":
    main()

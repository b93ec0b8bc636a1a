"""Expressions and panels that several dashboards have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import common, table

from specwatch.monitoring.dashboards.frame import board_url
from specwatch.monitoring.dashboards.kit import (
    BAD,
    NEAR,
    PLAIN,
    Question,
    columns,
    link,
    listing,
    override,
    pick,
    query,
    words,
)
from specwatch.monitoring.rules.model import SEVERITIES
from specwatch.monitoring.rules.promql import LAST_BROKEN, LAST_VERIFIED, LAST_VIOLATED
from specwatch.monitoring.settings import Settings

UNKNOWN: Final = "UNKNOWN"
"""What stands where nothing could be established."""

RULES_SEEN: Final = "0 * count(probe:specwatch_objective:ratio)"
"""0 where Prometheus evaluates our rules, nothing where it does not: then nobody knows whether an alert would fire."""


def firing(*matchers: str) -> str:
    """Alerts of ours that fire, at the locations that the reader chose.

    Args:
        matchers: further ones.
    """
    return pick("ALERTS", 'alertname=~"Specwatch.+"', 'alertstate="firing"', *matchers)


def verdict_now(labels: Sequence[str], *matchers: str) -> str:
    """1 for a probe that passes, 0 for one that fails, -1 for one that runs here and has no verdict.

    Args:
        labels: of the result; over all others the worst verdict counts.
        matchers: such as `api=~"$api"`.
    """
    by = f"by ({', '.join(labels)})"
    known, planned = (pick(name, *matchers) for name in ("specwatch_probe_success", "specwatch_probe_interval_seconds"))
    return f"min {by} ({known}) or -1 * group {by} ({planned})"


def probers_missing(settings: Settings) -> str:
    """How many probers Prometheus cannot reach; the job is named since All stands for the jobs of others too."""
    up = pick("up", f'job="{settings.selectors_job}"', located=False)
    return f"count({up} == 0) or 0 * count({up})"


def placed(expr: str) -> str:
    """The same series with a label `place`: the location of the prober, or its address where it has none."""
    address = f'label_replace({expr}, "place", "$1", "instance", "(.+)")'
    return f'label_replace({address}, "place", "$1", "location", "(.+)")'


def per_minute(counter: str, *labels: str) -> str:
    """How fast a counter grows, per minute.

    Args:
        counter: a selector.
        labels: of the result.
    """
    return f"60 * sum by ({', '.join(labels)}) (rate({counter}[$__rate_interval]))"


def broken(*matchers: str) -> str:
    """Claims that are broken now, with the time when they last were: the recorded series that the alerts go by.

    Args:
        matchers: such as `level="promise"`.
    """
    return pick(LAST_BROKEN, *matchers)


def count_broken(*matchers: str) -> str:
    """How many claims are broken now; nothing where no answer has been compared with a claim yet."""
    seen = f"0 * count({pick(LAST_VERIFIED, *matchers)} or {pick(LAST_VIOLATED, *matchers)})"
    return f"count(max by (api, claim) ({broken(*matchers)})) or {seen}"


def open_alerts(question: Question, settings: Settings, *matchers: str) -> table.Panel:
    """A table of the alerts that fire, with links to runbook, API and prober.

    Args:
        question: what it is about.
        settings: where the runbooks are.
        matchers: of the alerts, such as `api="x"`.
    """
    about = ("probe", "objective", "claim", "operation", "kind", "host", "unit")
    names = ("severity", "alertname", "api", "about", "location", "instance", "suspect")
    since = pick("ALERTS_FOR_STATE", 'alertname=~"Specwatch.+"', *matchers)
    told = f"1000 * {since} and ignoring (alertstate) {firing(*matchers)}"
    for rank, severity in enumerate(SEVERITIES, start=1):  # sorted by it, the most urgent come first
        told = f'label_replace({told}, "severity", "{rank}", "severity", "{severity}")'
    joined = ", ".join(f'"{label}"' for label in about)
    expr = f'max by ({", ".join(names)}) (label_join({told}, "about", " ", {joined}))'
    shown = {
        "severity": "Severity",
        "alertname": "Alert (runbook)",
        "api": "API (dashboard)",
        "about": "About",
        "location": "Location",
        "instance": "Prober",
        "suspect": "Who has to act?",
        "Value": "Since",
    }
    panel = columns(listing(question, query(expr, instant=True, form="table")), shown, hidden=["Time"])
    runbook = link("Runbook", f"{settings.links_runbooks}${{__data.fields.alertname}}", blank=True)
    api = link("Dashboard of the API", board_url("specwatch-api", "var-api=${__data.fields.api}"))
    prober = link("Dashboard of the prober", board_url("specwatch-prober", "var-instance=${__data.fields.instance}"))
    urgency = words({"1": ("PAGE", BAD), "2": ("TICKET", NEAR), "3": ("info", PLAIN)})
    panel.sort_by([common.TableSortByFieldState().display_name("Severity").desc(desc=False)])
    override(panel, "Severity", mappings=[urgency], cell="color-background", width=110)
    override(panel, "Alert (runbook)", links=[runbook.build()], width=280)
    override(panel, "API (dashboard)", links=[api.build()], width=180)
    override(panel, "Prober", links=[prober.build()])
    for heading in ("API (dashboard)", "About", "Location", "Prober"):  # else an empty cell says what no rows mean
        override(panel, heading, noValue="-")
    return override(panel, "Since", unit="dateTimeFromNow", width=140)

"""The dashboard "Fleet": the same probes from several locations, side by side.

A prober without a location is shown by its address, so that the dashboard makes sense for a single one too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as models

from specwatch.monitoring.dashboards.frame import (
    Board,
    Grid,
    board,
    board_url,
    standard_annotations,
    standard_links,
    standard_variables,
    variable,
)
from specwatch.monitoring.dashboards.kit import (
    BAD,
    GOOD,
    NEAR,
    PLAIN,
    QUIET,
    AnyPanel,
    Question,
    columns,
    course,
    figure,
    gauges,
    link,
    listing,
    nothing,
    override,
    pick,
    query,
    timeline,
    words,
)
from specwatch.monitoring.dashboards.shared import UNKNOWN, per_minute, placed, probers_missing, verdict_now
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.settings import Settings

UID: Final = "specwatch-fleet"
API: Final = 'api=~"$api"'
"""Of the APIs that the reader chose."""

WHERE: Final = ("location", "instance")
"""What tells one prober from another."""

DAY: Final = 86400
"""Seconds of a day."""

VERDICTS: Final = {"1": ("passing", GOOD), "0": ("FAILING", BAD), "-1": ("unknown", QUIET)}


def fleet_board(origin: Origin) -> dict[str, Any]:
    """The dashboard as plain data.

    Args:
        origin: thresholds and the name of the scrape job.
    """
    settings = origin.settings
    apis = variable("api", "API", "label_values(specwatch_probe_interval_seconds, api)", description="Id of an API")
    grid = Grid()
    for panel in _now(settings):
        grid.add(panel, 6, 4)
    grid.row("What does each location see?")
    grid.add(_verdicts(), 24, max(6, 3 + round(0.95 * len(origin.probes))))
    grid.add(_disagreements(), 12, 7)
    grid.add(_passed(origin), 12, 7)
    grid.row("Is it the same everywhere?")
    grid.add(_latency(), 12, 8)
    grid.add(_failures(), 12, 8)
    grid.add(_certificates(settings), 12, 7)
    grid.add(_answers(), 12, 7)
    grid.row("Does each prober do its work?")
    grid.add(_lag(settings), 12, 8)
    grid.add(_skips(), 12, 8)
    grid.add(_probers(), 24, 6)
    return board(
        Board(
            uid=UID,
            description=(
                "What several probers see of the same APIs, side by side: a trouble that one of them sees is near that "
                "one, a trouble that all see is the provider's."
            ),
            panels=grid.items,
            variables=[*standard_variables(), apis],
            annotations=standard_annotations("$api"),
            links=standard_links(UID, settings),
        )
    )


# -------------------------------------------------------------------------------------------------------------- now


def _now(settings: Settings) -> Iterator[AnyPanel]:
    yield _reporting(settings)
    yield _places()
    yield _disagreement()
    yield _outages()


def _reporting(settings: Settings) -> AnyPanel:
    question = Question(
        title="Do all probers report?",
        description=(
            "How many probers Prometheus cannot reach. Normal: ALL. MISSING: nobody measures from there; the last "
            "table shows who is left."
        ),
        unit="suffix:MISSING",
        steps=(QUIET, (0, GOOD), (1, BAD)),
        none=UNKNOWN,
        words=[words({"0": ("ALL", GOOD)}), nothing(UNKNOWN)],
        decimals=0,
    )
    return figure(question, query(probers_missing(settings), instant=True))


def _places() -> AnyPanel:
    question = Question(
        title="From how many places is it measured?",
        description=(
            "Locations that report; a prober without a location counts by its address. With one, nobody can tell an "
            "outage of the provider from one of the network; with three or more, most of them decide."
        ),
        unit="none",
        steps=(PLAIN,),
        none="none",
        words=[nothing("none")],
        decimals=0,
    )
    places = f"count(count by (place) ({placed(pick('specwatch_build_info'))}))"
    return figure(question, query(places, instant=True))


def _disagreement() -> AnyPanel:
    question = Question(
        title="Do the locations agree?",
        description=(
            "For how many probes some locations see a pass and others a failure. Normal: they AGREE. Otherwise the "
            "table below names those that differ from most: look at the network there first."
        ),
        unit="suffix:DIFFER",
        steps=(QUIET, (0, GOOD), (1, NEAR)),
        none=UNKNOWN,
        words=[words({"0": ("AGREE", GOOD)}), nothing(UNKNOWN)],
        decimals=0,
    )
    seen = pick("specwatch_probe_success", API)
    span = f"max by (api, probe) ({seen}) - min by (api, probe) ({seen})"
    return figure(question, query(f"sum({span})", instant=True))


def _outages() -> AnyPanel:
    question = Question(
        title="Which probes fail everywhere?",
        description=(
            "How many probes fail at every location that has a verdict. Normal: NONE. Otherwise it is the provider or "
            "our account with it, and not the network of one place."
        ),
        unit="suffix:FAIL",
        steps=(QUIET, (0, GOOD), (1, BAD)),
        none=UNKNOWN,
        words=[words({"0": ("NONE", GOOD)}), nothing(UNKNOWN)],
        decimals=0,
    )
    seen = pick("specwatch_probe_success", API)
    return figure(question, query(f"sum(max by (api, probe) ({seen}) == bool 0)", instant=True))


# -------------------------------------------------------------------------------------------------------- verdicts


def _verdicts() -> table.Panel:
    question = Question(
        title="Which location sees which probe fail?",
        description=(
            "The verdict of each probe at each location now. A line of FAILING: the provider. A column of FAILING: the "
            "network of that place. unknown: it could not be established, or has not run yet. Empty: it does not run "
            "there."
        ),
        unit="none",
        steps=(QUIET, (0, BAD), (1, GOOD)),
        words=[words(VERDICTS)],
        none="no verdict",
    )
    verdicts = f"min by (probe, place) ({placed(verdict_now(('api', 'probe', *WHERE), API))})"
    panel = listing(question, query(verdicts, instant=True, form="table")).with_transformation(
        models.DataTransformerConfig(
            id_val="groupingToMatrix",
            options={"rowField": "probe", "columnField": "place", "valueField": "Value", "emptyValue": "null"},
        )
    )
    colored = models.DynamicConfigValue("custom.cellOptions", {"type": "color-background"})
    centered = models.DynamicConfigValue("custom.align", "center")
    panel.override_by_regexp("/^(?![Pp]robe)/", [colored, centered])
    return override(panel, r"probe\place", displayName="Probe", width=260)


def _disagreements() -> AnyPanel:
    question = Question(
        title="Who disagrees with most?",
        description=(
            "Probes at locations whose verdict differs from that of most locations; where it is a tie, the failing "
            "ones. Normal: nobody. One place again and again: its network or its resolver."
        ),
        unit="none",
        words=[words(VERDICTS)],
        none="nobody, as far as is known",
    )
    seen = pick("specwatch_probe_success", API)
    own = placed(f"min by (api, probe, {', '.join(WHERE)}) ({seen})")
    most = f"round(avg by (api, probe) ({seen}))"
    expr = f"min by (api, probe, place) ({own} != on (api, probe) group_left () {most})"
    shown = {"place": "Location", "api": "API (dashboard)", "probe": "Probe", "Value": "Sees it"}
    panel = columns(listing(question, query(expr, instant=True, form="table")), shown, hidden=["Time"])
    api = link("Dashboard of the API", board_url("specwatch-api", "var-api=${__data.fields.api}"))
    override(panel, "Sees it", cell="color-background", width=110)
    return override(panel, "API (dashboard)", links=[api.build()])


def _passed(origin: Origin) -> AnyPanel:
    goals = sorted({share for _, kind, share in origin.objectives() if kind == "availability"})
    question = Question(
        title="How much of the time did probes pass?",
        description=(
            "Share of the time with a verdict in which it was a pass, over the time shown, by location. Normal: the "
            f"same everywhere, and at least the objective ({', '.join(f'{100 * goal:g} %' for goal in goals) or 'none'}"
            "). Unknown time is left out."
        ),
        unit="percentunit",
        steps=(BAD, *((goal, NEAR if goal < goals[-1] else GOOD) for goal in goals)) if goals else (PLAIN,),
        none=UNKNOWN,
        low=0,
        high=1,
    )
    counter = "specwatch_probe_verdict_seconds_total"
    passed, known = (pick(counter, API, f'verdict=~"{verdicts}"') for verdicts in ("pass", "pass|fail"))
    share = " / ".join(f"sum by (location, instance) (increase({each}[$__range]))" for each in (passed, known))
    return gauges(question, query(placed(f"{share} >= 0"), "{{place}}", instant=True))


# ------------------------------------------------------------------------------------------------------------- same


def _latency() -> AnyPanel:
    question = Question(
        title="Where is it slow?",
        description=(
            "The time within which 95 of 100 requests were answered in the hour before, by location. Normal: apart by "
            "no more than the way. All of them rise: the provider. One of them: the network there."
        ),
        unit="s",
        steps=(PLAIN,),
        none="no request was answered",
        low=0,
    )
    buckets = pick("specwatch_request_duration_seconds_bucket", API)
    slow = f"histogram_quantile(0.95, sum by (location, instance, le) (increase({buckets}[1h]))) >= 0"
    return course(question, query(placed(slow), "{{place}}"))


def _failures() -> AnyPanel:
    question = Question(
        title="Why do requests lead to nothing?",
        description=(
            "Requests per minute that led to nothing usable, by location and class of failure. Normal: none. dns, "
            "connect and tls at a single place are the network there."
        ),
        unit="suffix:/min",
        steps=(PLAIN,),
        none="none seen",
        low=0,
    )
    failures = per_minute(pick("specwatch_request_failures_total", API), "reason", *WHERE)
    return course(
        question, query(placed(f"({failures}) > 0"), "{{place}}: {{reason}}"), stacked=True, bars=True, aside=True
    )


def _certificates(settings: Settings) -> AnyPanel:
    question = Question(
        title="Until when are certificates valid?",
        description=(
            "How long the certificate that each host showed to each location is still valid. Normal: more than "
            f"{settings.certificates_ticket / DAY:.0f} days, and the same everywhere. Different ones: a location "
            "reaches another server, or a proxy."
        ),
        unit="suffix:days",
        steps=(BAD, (settings.certificates_page / DAY, NEAR), (settings.certificates_ticket / DAY, GOOD)),
        none="no certificate was shown",
        decimals=0,
        low=0,
    )
    expiry = pick("specwatch_certificate_expiry_timestamp_seconds", API)
    left = f"(min by (host, location, instance) ({expiry}) - time()) / {DAY}"
    return gauges(question, query(placed(left), "{{place}}: {{host}}", instant=True))


def _answers() -> AnyPanel:
    question = Question(
        title="Is any location refused or slowed down?",
        description=(
            "Whether an API asked a location for a pause. Normal: nobody. PAUSED at one place: its address is limited "
            "there; at all of them: our account is."
        ),
        unit="none",
        steps=(GOOD, (1, NEAR)),
        words=[words({"0": ("asked freely", GOOD), "1": ("PAUSED", NEAR)})],
        none=UNKNOWN,
    )
    paused = placed(f"max by (api, location, instance) ({pick('specwatch_rate_limited', API)})")
    return timeline(question, query(paused, "{{place}}: {{api}}"))


# ------------------------------------------------------------------------------------------------------------- work


def _lag(settings: Settings) -> AnyPanel:
    question = Question(
        title="Which prober is late?",
        description=(
            "How late 99 of 100 ticks of the schedule were noticed, by prober. Normal: about 10 ms. Above the dashed "
            f"line, {settings.prober_lag:g} s, what that prober measures says little."
        ),
        unit="s",
        steps=(GOOD, (settings.prober_lag, BAD)),
        none="no tick yet",
        low=0,
    )
    ticks = f"rate({pick('specwatch_schedule_lag_seconds_bucket')}[$__rate_interval])"
    late = f"histogram_quantile(0.99, sum by (location, instance, le) ({ticks})) >= 0"
    return course(question, query(placed(late), "{{place}}"), limits=True)


def _skips() -> AnyPanel:
    question = Question(
        title="Which prober leaves out runs?",
        description=(
            "Ticks per minute that passed without a run, by prober and reason; those that are off or in maintenance "
            "are left out here. Normal: none. saturated, late or overlap: that prober is overloaded."
        ),
        unit="suffix:/min",
        steps=(PLAIN,),
        none="none seen",
        low=0,
    )
    skipped = pick("specwatch_probes_skipped_total", API, 'reason!~"off|maintenance"')
    left_out = placed(f"({per_minute(skipped, 'reason', *WHERE)}) > 0")
    return course(question, query(left_out, "{{place}}: {{reason}}"), stacked=True, bars=True, aside=True)


def _probers() -> AnyPanel:
    question = Question(
        title="Which probers are there?",
        description=(
            "Each prober that reports, with its version and its start. Normal: the same version everywhere. The "
            "address leads to its dashboard."
        ),
        unit="none",
        none="no prober reports",
    )
    build = f"group by (location, instance, job, version, python) ({pick('specwatch_build_info')})"
    start = f"max by (job, instance) (1000 * {pick('process_start_time_seconds')})"
    expr = f"{build} * on (job, instance) group_left () {start}"
    shown = {
        "location": "Location",
        "instance": "Prober (dashboard)",
        "job": "Job",
        "version": "Version",
        "python": "Python",
        "Value": "Started",
    }
    panel = columns(listing(question, query(expr, instant=True, form="table")), shown, hidden=["Time"])
    prober = link("Dashboard of the prober", board_url("specwatch-prober", "var-instance=${__data.fields.instance}"))
    override(panel, "Prober (dashboard)", links=[prober.build()])
    return override(panel, "Started", unit="dateTimeFromNow")

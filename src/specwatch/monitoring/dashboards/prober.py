"""The dashboard "Prober": can what the other dashboards say be trusted, and has the prober what it needs?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from grafana_foundation_sdk.builders import common

from specwatch.monitoring.dashboards.frame import (
    Board,
    Grid,
    board,
    standard_annotations,
    standard_links,
    standard_variables,
)
from specwatch.monitoring.dashboards.kit import (
    BAD,
    GOOD,
    NEAR,
    PLAIN,
    QUIET,
    AnyPanel,
    Question,
    course,
    figure,
    nothing,
    override,
    pick,
    query,
    timeline,
    words,
)
from specwatch.monitoring.dashboards.shared import UNKNOWN, open_alerts, per_minute, placed, probers_missing
from specwatch.monitoring.origin import Origin
from specwatch.monitoring.settings import Settings

UID: Final = "specwatch-prober"


def prober_board(origin: Origin) -> dict[str, Any]:
    """The dashboard as plain data.

    Args:
        origin: thresholds and the name of the scrape job.
    """
    settings = origin.settings
    grid = Grid()
    for panel in _now(settings):
        grid.add(panel, 4, 4)
    grid.row("Does it measure in time?")
    grid.add(_lag(settings), 12, 8)
    grid.add(_runs(), 12, 8)
    grid.add(_skips(), 12, 8)
    grid.add(_saturation(), 12, 8)
    grid.row("Has it what it needs?")
    grid.add(_memory(settings), 8, 8)
    grid.add(_processor(settings), 8, 8)
    grid.add(_files(settings), 8, 8)
    grid.row("Does it keep and tell what it finds?")
    grid.add(_state_errors(), 12, 8)
    grid.add(_notifications(), 12, 8)
    grid.add(_scrape_time(settings), 12, 8)
    grid.add(_scrape_size(settings), 12, 8)
    grid.row("What needs somebody?")
    grid.add(_alerts(settings), 24, 6)
    return board(
        Board(
            uid=UID,
            description=(
                "Whether the probers work, and in time: what the other dashboards say is worth as much as this one is "
                "green."
            ),
            panels=grid.items,
            variables=standard_variables(),
            annotations=standard_annotations(),
            links=standard_links(UID, settings),
        )
    )


# -------------------------------------------------------------------------------------------------------------- now


def _now(settings: Settings) -> Iterator[AnyPanel]:
    yield _is_up(settings)
    yield _in_time(settings)
    yield _keeps_up()
    yield _configuration()
    yield _started()
    yield _version()


def _is_up(settings: Settings) -> AnyPanel:
    question = Question(
        title="Are all probers up?",
        description=(
            "How many probers Prometheus cannot reach. Normal: UP. DOWN: nobody is measuring from there; look at the "
            "prober's log and at the page Targets of Prometheus. UNKNOWN: Prometheus has no such target."
        ),
        unit="suffix:DOWN",
        steps=(QUIET, (0, GOOD), (1, BAD)),
        none=UNKNOWN,
        words=[words({"0": ("UP", GOOD)}), nothing(UNKNOWN)],
        decimals=0,
    )
    return figure(question, query(probers_missing(settings), instant=True))


def _in_time(settings: Settings) -> AnyPanel:
    near = settings.prober_lag * settings.dashboards_latency_near
    question = Question(
        title="Is it in time?",
        description=(
            f"How late {settings.prober_lag_quantile:.0%} of the ticks of the schedule were noticed at most, in the "
            "last 5 minutes, at the prober that is the latest. Normal: about 10 ms. From "
            f"{settings.prober_lag:g} s on, its times say nothing: give the prober a processor of its own, or fewer "
            "probes."
        ),
        unit="s",
        steps=(QUIET, (0, GOOD), (near, NEAR), (settings.prober_lag, BAD)),
        none=UNKNOWN,
        words=[nothing(UNKNOWN)],
        decimals=0,
    )
    ticks = f"sum by (job, instance, le) (increase({pick('specwatch_schedule_lag_seconds_bucket')}[5m]))"
    return figure(
        question, query(f"max(histogram_quantile({settings.prober_lag_quantile:g}, {ticks}) >= 0)", instant=True)
    )


def _keeps_up() -> AnyPanel:
    question = Question(
        title="Does it keep up?",
        description=(
            "Whether a prober is overloaded. Normal: yes, it keeps up. OVERLOADED: it leaves out runs, and the times "
            "of the others say less; give it a faster machine, fewer probes or longer intervals."
        ),
        unit="none",
        steps=(QUIET, (0, GOOD), (1, BAD)),
        none=UNKNOWN,
        words=[words({"0": ("yes", GOOD), "1": ("OVERLOADED", BAD)}), nothing(UNKNOWN)],
    )
    return figure(question, query(f"max({pick('specwatch_saturated')})", instant=True))


def _configuration() -> AnyPanel:
    question = Question(
        title="Is its configuration in use?",
        description=(
            "Whether the files were read when the prober was last told to. Normal: in use. REJECTED: there is a "
            "mistake in them, and the ones before are in use; `specwatch lint` says where."
        ),
        unit="none",
        steps=(QUIET, (0, BAD), (1, GOOD)),
        none=UNKNOWN,
        words=[words({"1": ("in use", GOOD), "0": ("REJECTED", BAD)}), nothing(UNKNOWN)],
    )
    return figure(question, query(f"min({pick('specwatch_config_last_reload_successful')})", instant=True))


def _started() -> AnyPanel:
    question = Question(
        title="Since when does it run?",
        description=(
            "When the prober started that was started last. Normal: at the last deployment. Again and again a short "
            "time ago: it crashes or is killed; look at its log and at its memory below."
        ),
        unit="dateTimeFromNow",
        steps=(PLAIN,),
        none=UNKNOWN,
        words=[nothing(UNKNOWN)],
    )
    return figure(question, query(f"1000 * max({pick('process_start_time_seconds')})", instant=True))


def _version() -> AnyPanel:
    question = Question(
        title="Which version runs?",
        description=(
            "Every version of specwatch that a prober runs. Normal: one; two of them while a deployment is under way."
        ),
        unit="none",
        steps=(PLAIN,),
        none=UNKNOWN,
        words=[nothing(UNKNOWN)],
        decimals=0,
    )
    versions = query(f"group by (version) ({pick('specwatch_build_info')})", instant=True, form="table")
    text = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/^version$/").values(values=True)
    return figure(question, versions).reduce_options(text)


# ---------------------------------------------------------------------------------------------------------- in time


def _lag(settings: Settings) -> AnyPanel:
    question = Question(
        title="How late are ticks noticed?",
        description=(
            "How much later than due the ticks of the schedule were noticed: half of them, 95 and 99 of 100. Normal: "
            f"some milliseconds. Above {settings.prober_lag:g} s, a dashed line, the prober or its machine is "
            "overloaded."
        ),
        unit="s",
        steps=(GOOD, (settings.prober_lag, BAD)),
        none="no tick yet",
        low=0,
    )
    ticks = f"sum by (le) (rate({pick('specwatch_schedule_lag_seconds_bucket')}[$__rate_interval]))"
    targets = [
        query(f"histogram_quantile({quantile}, {ticks}) >= 0", name)
        for quantile, name in ((0.5, "half of them"), (0.95, "95 of 100"), (0.99, "99 of 100"))
    ]
    return course(question, *targets, limits=True)


def _runs() -> AnyPanel:
    question = Question(
        title="What do the runs find?",
        description=(
            "Runs per minute by verdict, second looks included. Normal: almost all pass. Many unknown: probes could "
            "not establish anything, often for want of a credential."
        ),
        unit="suffix:/min",
        steps=(PLAIN,),
        none="no run yet",
        low=0,
    )
    runs = per_minute(pick("specwatch_probe_runs_total"), "verdict")
    panel = course(question, query(runs, "{{verdict}}"), stacked=True, calcs=("mean", "max"))
    for verdict, color in (("pass", GOOD), ("fail", BAD), ("unknown", QUIET)):
        override(panel, verdict, color={"mode": "fixed", "fixedColor": color})
    return panel


def _skips() -> AnyPanel:
    question = Question(
        title="Which runs are left out, and why?",
        description=(
            "Ticks per minute that passed without a run, by reason. Normal: none but off (the target does not allow "
            "it) and maintenance. saturated and late: the prober is overloaded. overlap: a run lasts longer than its "
            "interval. budget and rate_limited: our account with the provider sets the pace."
        ),
        unit="suffix:/min",
        steps=(PLAIN,),
        none=UNKNOWN,
        low=0,
    )
    skips = per_minute(pick("specwatch_probes_skipped_total"), "reason")
    return course(question, query(skips, "{{reason}}"), stacked=True, bars=True, aside=True, calcs=("mean", "max"))


def _saturation() -> AnyPanel:
    question = Question(
        title="When was it overloaded?",
        description=(
            "Whether each prober was overloaded, over time. Normal: it keeps up. While it is OVERLOADED it leaves out "
            "runs and counts them as skipped."
        ),
        unit="none",
        steps=(GOOD, (1, BAD)),
        words=[words({"0": ("keeps up", GOOD), "1": ("OVERLOADED", BAD)})],
        none=UNKNOWN,
    )
    return timeline(question, query(placed(pick("specwatch_saturated")), "{{place}}"))


# ------------------------------------------------------------------------------------------------------------ needs


def _memory(settings: Settings) -> AnyPanel:
    question = Question(
        title="How much memory does it hold?",
        description=(
            "Resident memory of each prober. Normal: level after the first hour. Above "
            f"{settings.dashboards_memory / 1e6:.0f} MB, a dashed line, or growing for days: something piles up; save "
            "the picture, restart the prober and report it."
        ),
        unit="decbytes",
        steps=(GOOD, (settings.dashboards_memory, BAD)),
        none="not told here",
        low=0,
    )
    return course(question, query(placed(pick("process_resident_memory_bytes")), "{{place}}"), limits=True)


def _processor(settings: Settings) -> AnyPanel:
    question = Question(
        title="How busy is its processor?",
        description=(
            "Processor time per second: 100 % is one core, and more than that a prober cannot use for probing. Normal: "
            f"a few per cent. Above {settings.dashboards_latency_near:.0%}, its own waits are in what it measures."
        ),
        unit="percentunit",
        steps=(GOOD, (settings.dashboards_latency_near, NEAR), (1, BAD)),
        none="not told here",
        low=0,
    )
    used = f"rate({pick('process_cpu_seconds_total')}[$__rate_interval])"
    return course(question, query(placed(used), "{{place}}"), limits=True)


def _files(settings: Settings) -> AnyPanel:
    question = Question(
        title="How many files has it open?",
        description=(
            "Open files and connections as a share of what the system allows the prober. Normal: a few per cent. "
            "Growing: connections are not closed. At 100 % it can connect to nothing any more: raise `ulimit -n`."
        ),
        unit="percentunit",
        steps=(GOOD, (settings.dashboards_latency_near, NEAR), (1, BAD)),
        none="not told here",
        low=0,
    )
    share = f"{pick('process_open_fds')} / {pick('process_max_fds')}"
    return course(question, query(placed(share), "{{place}}"), limits=True)


# ------------------------------------------------------------------------------------------------------------- tells


def _state_errors() -> AnyPanel:
    question = Question(
        title="Does its state fail?",
        description=(
            "What could not be read from or written to the state file, per minute and by operation. Normal: nothing. "
            "Otherwise the disk is full or the file is not writable; probing goes on, but a restart forgets."
        ),
        unit="suffix:/min",
        steps=(PLAIN,),
        none=UNKNOWN,
        low=0,
    )
    errors = per_minute(pick("specwatch_state_errors_total"), "operation")
    return course(question, query(errors, "{{operation}}"), stacked=True, bars=True, aside=True, calcs=("mean", "max"))


def _notifications() -> AnyPanel:
    question = Question(
        title="Do its own notifications arrive?",
        description=(
            "Notifications of `watch --notify` per minute, by outcome. Normal: only sent, or none without that option. "
            "failed: the receiver does not take them. dropped: too many were waiting."
        ),
        unit="suffix:/min",
        steps=(PLAIN,),
        none=UNKNOWN,
        low=0,
    )
    told = per_minute(pick("specwatch_notifications_total"), "outcome")
    return course(question, query(told, "{{outcome}}"), stacked=True, bars=True, aside=True, calcs=("mean", "max"))


def _scrape_time(settings: Settings) -> AnyPanel:
    question = Question(
        title="How long does a scrape take?",
        description=(
            "How long Prometheus waits for the metrics of each prober. Normal: some ten milliseconds. At "
            f"{settings.scrape_interval:g} s, the scrape interval, samples are lost: the prober is overloaded or the "
            "network slow."
        ),
        unit="s",
        steps=(GOOD, (settings.scrape_interval, BAD)),
        none="nothing was scraped",
        low=0,
    )
    return course(question, query(_of_job("scrape_duration_seconds", settings), "{{instance}}"), limits=True)


def _scrape_size(settings: Settings) -> AnyPanel:
    question = Question(
        title="How many samples does a scrape bring?",
        description=(
            "Samples of each scrape. Normal: level; it changes with the specs and the schedule alone, since labels "
            "take only values that these name. Growing by itself: report it."
        ),
        unit="none",
        steps=(PLAIN,),
        none="nothing was scraped",
        low=0,
        decimals=0,
    )
    return course(question, query(_of_job("scrape_samples_scraped", settings), "{{instance}}"))


def _of_job(metric: str, settings: Settings) -> str:
    """A metric of Prometheus itself about our scrape job; All jobs would be those of others too."""
    return pick(metric, f'job="{settings.selectors_job}"', located=False)


def _alerts(settings: Settings) -> AnyPanel:
    question = Question(
        title="Which alerts are about the prober?",
        description=(
            "Open alerts whose cause is probably the prober itself or the network around it. The name leads to the "
            "runbook. Normal: nothing."
        ),
        unit="none",
        none="no such alert is open, as far as Prometheus knows",
    )
    return open_alerts(question, settings, 'suspect=~"prober|network"')

"""Who is told how soon when an error budget is spent too fast: four pairs of windows, and which of them suit a probe.

An error budget is what an objective leaves: 0.5 % of the time at 99.5 %. A burn rate of 1 spends it in exactly 30 days.
An alert needs a long window, over which enough was spent to matter, and a short one, so that it ends soon after the
trouble does (https://sre.google/workbook/alerting-on-slos/, its sixth way).

**Rare probes.** A short window has to hold two runs, or it is empty now and then and the alert blinks. How far apart
runs are depends on what is bad: a probe that fails runs at its `failing-interval`, one that is slow and passes at its
`interval`. Where two runs at that pace do not fit, the shortest window in which they do takes the place of the short
window, as long as it is shorter than the long one. Where there is none the pair is left out; the slowest pair stays in
any case, at worst with its long window alone. So no objective is ever unwatched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.model import duration
from specwatch.monitoring.rules.windows import BY_NAME, HOUR, PERIOD, WINDOWS, Window
from specwatch.monitoring.settings import Settings
from specwatch.schedule import Probe

RUNS: Final = 2
"""How many runs a short window has to hold: with one, it is empty whenever that one is a moment late."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two windows over both of which a budget has to burn.

    Args:
        factor: how many times faster than allowed.
        short: ends the alert soon after the trouble.
        long: makes sure that the trouble is worth an alert.
        severity: of the alert.
    """

    factor: float
    short: Window
    long: Window
    severity: str

    @property
    def label(self) -> str:
        """The label `burn_rate` of its alerts."""
        return f"{self.factor:g}"

    @property
    def lasts(self) -> str:
        """How long a whole budget lasts at that rate, to the hour."""
        return duration(max(1, round(PERIOD / self.factor / HOUR)) * HOUR)


def pairs(settings: Settings) -> tuple[Pair, ...]:
    """The four pairs, the fastest first."""
    return (
        Pair(settings.burn_page_fast, BY_NAME["5m"], BY_NAME["1h"], "page"),
        Pair(settings.burn_page_slow, BY_NAME["30m"], BY_NAME["6h"], "page"),
        Pair(settings.burn_ticket_fast, BY_NAME["2h"], BY_NAME["1d"], "ticket"),
        Pair(settings.burn_ticket_slow, BY_NAME["6h"], BY_NAME["3d"], "ticket"),
    )


def pace(probe: Probe, objective: str) -> float:
    """Seconds from one run of a probe to the next while the objective is missed; see the module."""
    if objective == "availability" and probe.failing_interval is not None:
        return min(probe.failing_interval, probe.interval)
    return probe.interval


def short_window(pair: Pair, seconds_between_runs: float, *, slowest: bool = False) -> Window | None:
    """The short window of a pair for a probe that runs so often, or None where the pair does not suit it.

    Args:
        pair: the long window bounds it.
        seconds_between_runs: while the objective is missed.
        slowest: whether this is the pair that every objective keeps.
    """
    for window in WINDOWS:
        if pair.short.seconds <= window.seconds < pair.long.seconds and window.seconds >= RUNS * seconds_between_runs:
            return window
    return pair.long if slowest else None


def suited(origin: Origin, pair: Pair, objective: str) -> Mapping[Window, Sequence[str]]:
    """The probes that a pair suits, by the short window that each needs; the shortest window first."""
    slowest = pair == pairs(origin.settings)[-1]
    found: dict[Window, list[str]] = {}
    for probe in _with_objective(origin, objective):
        window = short_window(pair, pace(probe, objective), slowest=slowest)
        if window is not None:
            found.setdefault(window, []).append(probe.id)
    return dict(sorted(found.items(), key=lambda entry: entry[0].seconds))


def burn_notes(origin: Origin) -> Iterator[str]:
    """A line for each pair for which some probes run too rarely, and for each budget too large for some pair."""
    for kind in ("availability", "latency"):
        for pair in pairs(origin.settings):
            suits = {probe for probes in suited(origin, pair, kind).values() for probe in probes}
            if rare := [probe.id for probe in _with_objective(origin, kind) if probe.id not in suits]:
                too_few = f"too few runs in {pair.long.name}"
                yield f"burn rate {pair.label} of {kind} is not watched for {', '.join(rare)}: {too_few}"
    for probe, kind, share in origin.objectives():
        most = 1 / (1 - share) if share < 1 else math.inf
        if out_of_reach := [pair.label for pair in pairs(origin.settings) if pair.factor >= most]:
            yield (
                f"{probe.place or probe.id}: {kind} of {probe.id} has a budget so large that it never burns "
                f"{', '.join(out_of_reach)} times too fast: {most:.3g} is the most"
            )


def _with_objective(origin: Origin, objective: str) -> Iterator[Probe]:
    return (probe for probe, name, _ in origin.objectives() if name == objective)

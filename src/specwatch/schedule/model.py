"""A schedule as its file describes it: frozen values, made once by `specwatch.schedule.load_schedule`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

from specwatch.workflow import Workflow

DAY: Final = 86400.0
"""Seconds in a day of UTC, the span of a budget."""

MINUTES_A_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """A maintenance window that happens once.

    Args:
        begin: epoch seconds of its first moment.
        end: epoch seconds of the first moment after it.
        text: what it is for, or empty.
    """

    begin: float
    end: float
    text: str = ""

    def covers(self, epoch_seconds: float) -> bool:
        """Whether a moment lies in the window; its end does not."""
        return self.begin <= epoch_seconds < self.end


@dataclass(frozen=True, slots=True)
class Weekly:
    """A maintenance window that comes back every week, by the clocks on the wall of a zone.

    An hour that such a clock shows twice in autumn is covered twice, one that it leaves out in spring not at all.

    Args:
        days: the days on which it begins, 0 being Monday.
        begin: minutes after midnight.
        end: minutes after midnight; not after `begin` where the window ends on the following day.
        zone: the zone of the clock.
        text: what it is for, or empty.
    """

    days: frozenset[int]
    begin: int
    end: int
    zone: tzinfo
    text: str = ""

    def covers(self, epoch_seconds: float) -> bool:
        """Whether a moment lies in the window; its end does not."""
        local = datetime.fromtimestamp(epoch_seconds, self.zone)
        minute = local.hour * 60 + local.minute
        today = local.weekday() in self.days
        if self.begin < self.end:
            return today and self.begin <= minute < self.end
        since_yesterday = (local.weekday() - 1) % 7 in self.days
        return (today and minute >= self.begin) or (since_yesterday and minute < self.end)


Window = Span | Weekly
"""A time in which a probe does not run; `covers(epoch_seconds)` says when that is."""


@dataclass(frozen=True, slots=True)
class DayBudget:
    """What a probe may spend in a day of UTC; None where there is no bound.

    Args:
        requests: how many requests.
        cost: in the unit of `x-cost`.
    """

    requests: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """How fast most runs have to be.

    Args:
        quantile: the share of the runs, between 0 and 1.
        seconds: within which they have to be over.
    """

    quantile: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Objective:
    """What a probe is expected to find.

    Args:
        availability: the share of the time in which it has to pass, in percent and below 100, or None.
        latency: how fast they have to be, or None.
        broken_promise_counts: whether a run that only breaks a promise of the documentation counts as unavailable.
    """

    availability: float | None = None
    latency: Latency | None = None
    broken_promise_counts: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """A workflow on a schedule.

    Args:
        id: unique in the schedule.
        api: id of the API.
        workflow: what it runs.
        inputs: those that the schedule gives; they go before known identifiers and defaults.
        interval: seconds from one tick to the next.
        timeout: seconds of one request, from resolving its host to judging its answer.
        deadline: seconds of a whole run, its waits included.
        confirm: how many looks in all have to fail before it is called down.
        failing_interval: seconds from one tick to the next while it fails, or None for `interval`.
        budget: of a day.
        allow: effects that it may have on a live target: `create`, `consume`, `paid`.
        maintenance: when it does not run; that of the whole schedule included.
        objective: what it is expected to find.
        enabled: whether it runs at all.
        place: `file:line`.
    """

    id: str
    api: str
    workflow: Workflow
    inputs: Mapping[str, object] = field(default_factory=dict)
    interval: float = 300.0
    timeout: float = 10.0
    deadline: float = 60.0
    confirm: int = 2
    failing_interval: float | None = None
    budget: DayBudget = DayBudget()
    allow: frozenset[str] = frozenset()
    maintenance: tuple[Window, ...] = ()
    objective: Objective = Objective()
    enabled: bool = True
    place: str = ""

    def in_maintenance(self, epoch_seconds: float) -> bool:
        """Whether a moment lies in one of its maintenance windows."""
        return any(window.covers(epoch_seconds) for window in self.maintenance)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What runs, how often and within which bounds.

    Args:
        path: its file.
        concurrency: how many probes may run at the same time.
        probes: in the order of the file.
    """

    path: Path
    concurrency: int = 16
    probes: tuple[Probe, ...] = ()

    def probe(self, probe_id: str) -> Probe:
        """The probe with that id.

        Raises:
            KeyError: there is none.
        """
        for probe in self.probes:
            if probe.id == probe_id:
                return probe
        raise KeyError(probe_id)

"""What happens while probing. Listeners are told; none may block or raise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from specwatch.errors import Problem
from specwatch.probing.ports import Job
from specwatch.schedule import Probe
from specwatch.spec import Api
from specwatch.values.observation import Observation


@dataclass(frozen=True, slots=True)
class Ran:
    """A probe ran.

    Args:
        observation: without secrets.
        settled: whether this is the verdict that counts; not so where a second look follows at once.
        stands_for: seconds that a settled verdict speaks for: from the beginning of the settled run before it to its
            own, one interval of the probe at most; 0 where there was none.
    """

    observation: Observation
    settled: bool = True
    stands_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A tick passed without a run: `overlap`, `saturated`, `late`, `rate_limited`, `budget`, `maintenance` or `off`."""

    api: str
    probe: str
    reason: str


SKIPS = ("overlap", "saturated", "late", "rate_limited", "budget", "maintenance", "off")
"""All reasons of `Skipped`: a closed set, since they are label values."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """A tick was due, and how many seconds later it was noticed."""

    lag: float


@dataclass(frozen=True, slots=True)
class Saturated:
    """The prober became overloaded, or is no longer."""

    on: bool


@dataclass(frozen=True, slots=True)
class Paused:
    """A target asked for a pause until then, in epoch seconds; None when it is over."""

    api: str
    until: float | None


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """What the probes of an API may still spend today of what they may spend in a day.

    Args:
        api: whose probes.
        unit: `requests`, or a unit of `x-cost`.
        remaining: what is left today.
        limit: of a day.
    """

    api: str
    unit: str
    remaining: float
    limit: float


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The configuration was read again: swapped, or refused for these problems."""

    ok: bool
    at: float
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class StateTrouble:
    """Something could not be read from or written to the state: `open`, `record`, `remember`, `journal`, `archive`."""

    operation: str
    message: str


@dataclass(frozen=True, slots=True)
class Planned:
    """From now on these APIs and probes are what counts.

    Args:
        apis: all that are loaded.
        probes: all of the schedule.
        off: ids of those that do not run here: switched off, or not allowed on this target.
    """

    apis: tuple[Api, ...]
    probes: tuple[Probe, ...]
    off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class JobLeft:
    """A job stays open: what it has made is not lost. Told once by a process, however often it tries again.

    Args:
        job: as far as it came.
        reason: one sentence: what keeps it from going on.
        again_at: epoch seconds when it is tried again; None where nothing here can go on with it.
    """

    job: Job
    reason: str
    again_at: float | None


@dataclass(frozen=True, slots=True)
class Resumed:
    """A job that had stood still, or that an earlier process began, has ended. It comes after the `Ran` of its end.

    Args:
        job: as far as it had come.
        observation: its end, without secrets.
        archives: where what it brought is kept: paths of files, in the order in which they came.
    """

    job: Job
    observation: Observation
    archives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobOpen:
    """The oldest open job of a probe is another one than before; told again when the configuration was read.

    Args:
        api: of the probe.
        probe: its id.
        since: epoch seconds when that job began; None when no job of the probe is open any more.
    """

    api: str
    probe: str
    since: float | None


@dataclass(frozen=True, slots=True)
class Notified:
    """A notification of `watch --notify` was `sent`, has `failed`, or was `dropped` because too many were waiting."""

    outcome: str


NOTIFICATIONS = ("sent", "failed", "dropped")
"""All outcomes of `Notified`: a closed set, since they are label values."""


Event = (
    JobOpen
    | JobLeft
    | Resumed
    | Planned
    | Ran
    | Skipped
    | Ticked
    | Saturated
    | Paused
    | BudgetLeft
    | Reloaded
    | StateTrouble
    | Notified
)
Listener = Callable[[Event], None]

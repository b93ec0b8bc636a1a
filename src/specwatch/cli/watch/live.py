"""The live table of a terminal, and the summary that is left at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table

from specwatch.probing.events import Event, Planned, Ran
from specwatch.reports.screen import STYLES, Cell, Screen
from specwatch.reports.text import count
from specwatch.reports.waterfall import milliseconds
from specwatch.values.claim import Verdict
from specwatch.web import ApiStatus, ProbeStatus, Status

REFRESHES: Final = 2
"""How often a second the table is drawn."""

_MESSAGE: Final = 100
_LEAST: Final = 8
"""Columns below which the last column is left out."""

_GAP: Final = 2
_WIDEST: Final = 10_000
"""No line of a file is longer."""


@dataclass
class Tally:
    """A listener that counts runs by probe and verdict, for the summary."""

    verdicts: dict[str, Counter[Verdict]] = field(default_factory=dict)
    last: dict[str, Verdict] = field(default_factory=dict)
    intervals: dict[str, float] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Count."""
        if isinstance(event, Planned):
            for probe in event.probes:
                self.verdicts.setdefault(probe.id, Counter())
                self.intervals[probe.id] = probe.interval
        elif isinstance(event, Ran):
            observation = event.observation
            self.verdicts.setdefault(observation.probe, Counter())[observation.verdict] += 1
            if event.settled:
                self.last[observation.probe] = observation.verdict

    @property
    def verdict(self) -> Verdict:
        """Over all probes that ran: fail before unknown before pass; unknown where none ran."""
        found = set(self.last.values()) or {Verdict.UNKNOWN}
        return next((each for each in (Verdict.FAIL, Verdict.UNKNOWN) if each in found), Verdict.PASS)


def live_table(console: Console, status: Callable[[], Status]) -> Live:
    """A table that draws itself for as long as it is entered."""
    return Live(console=console, refresh_per_second=REFRESHES, get_renderable=lambda: _table(Screen(console), status()))


def print_summary(console: Console, status: Status, tally: Tally) -> None:
    """Print how often each probe ran, how, and how it stands."""
    screen = Screen(console)
    rows: list[tuple[Cell, ...]] = []
    for api in status.apis:
        for probe in api.probes:
            counted = tally.verdicts.get(probe.id, Counter())
            ran = probe.id in tally.last
            row = (
                screen.glyph(tally.last[probe.id]) if ran else "",
                probe.id,
                str(counted.total()),
                *(str(counted[verdict] or "") for verdict in (Verdict.FAIL, Verdict.UNKNOWN)),
                milliseconds(probe.seconds) if probe.seconds is not None and ran else "",
                probe.message if ran else _why_not(probe, tally.intervals.get(probe.id, 0.0)),
            )
            rows.append(row)
    table = _columns(screen, ("probe", "runs", "fail", "unknown", "last", "why"), rows)
    if not console.is_terminal:  # a file has no width
        whole = Measurement.get(console, console.options.update(width=_WIDEST), table).maximum
        console.width = max(console.width, whole)
    console.print(table)
    total = sum(counted.total() for counted in tally.verdicts.values())
    screen.line(
        screen.glyph(tally.verdict),
        " ",
        screen.text(tally.verdict.value, STYLES[tally.verdict]),
        f"  {count(total, 'run')} of {count(len(tally.last), 'probe')}",
    )


def _table(screen: Screen, status: Status) -> RenderableType:
    rows = [_cells(screen, api, probe, status.now) for api in status.apis for probe in api.probes]
    table = _columns(screen, ("probe", "since", "last", "next", "why"), rows)
    notes = [screen.text(note, "yellow") for note in _notes(status)]
    return Group(table, *notes)


def _cells(screen: Screen, api: ApiStatus, probe: ProbeStatus, now: float) -> tuple[Cell, ...]:
    why = probe.idle or probe.message
    if api.paused_until is not None:
        why = f"rate-limited for another {_span(api.paused_until - now)}"
    return (
        screen.glyph(probe.verdict) if probe.verdict is not None else "",
        probe.id,
        _span(now - probe.since) if probe.since is not None else "",
        milliseconds(probe.seconds) if probe.seconds is not None else "",
        _span(probe.next_run - now) if probe.next_run is not None else "",
        why,
    )


def _columns(screen: Screen, names: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> Table:
    """A table with a column for the sign and these.

    Ids and numbers stay whole for as long as there is room for them; the last column gets what is left, or is left out.
    """
    texts = [[name, *(str(row[at]) for row in rows)] for at, name in enumerate(names[:-1], 1)]
    fixed = [max(map(cell_len, column)) for column in texts]
    room = _room(screen.console, 1 + sum(fixed) + _GAP * len(names))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for name in names[:-1]:
        table.add_column(name, justify="left" if name == "probe" else "right", no_wrap=True, overflow="ellipsis")
    table.columns[1].min_width = fixed[0]
    if room >= _LEAST:
        table.add_column(names[-1], no_wrap=True, overflow="ellipsis", max_width=room)
    for row in rows:
        screen.row(table, *(row if room >= _LEAST else row[:-1]))
    return table


def _room(console: Console, taken: int) -> int:
    """Columns for a sentence beside what takes so many: as many as are left, or however many it needs in a file."""
    return min(console.width - taken, _MESSAGE) if console.is_terminal else _WIDEST


def _why_not(probe: ProbeStatus, interval: float) -> str:
    """Why a probe did not run."""
    return probe.idle or f"not due: it runs every {_span(interval)}"


def _notes(status: Status) -> list[str]:
    notes = [f"state {trouble.operation}: {trouble.message}" for trouble in status.troubles[:3]]
    if status.saturated:
        notes.append("overloaded: some ticks are skipped")
    if status.reload is not None and not status.reload.ok:
        notes.append("the configuration was not reloaded: it is wrong, and the old one goes on")
    return notes


def _span(seconds: float) -> str:
    """`12 s`, `5 min`, `3 h`, `2 d`."""
    seconds = max(seconds, 0.0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

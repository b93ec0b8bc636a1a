"""A score for people: how far it is while it runs, then the table, the list of what is to do, and the verdict."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from specwatch.reports.screen import Cell, Screen, in_ci
from specwatch.reports.text import count
from specwatch.scoring.plan import Plan
from specwatch.scoring.reasons import why_missed
from specwatch.scoring.values import Outcome, Result, Score, detected, requests, tried
from specwatch.values import Concern, Level, Verdict

LINE_EVERY_SECONDS: Final = 15.0
"""How often a line tells how far a score is, where there is no terminal."""

_CLAIMS_SHOWN: Final = 2
_NAMES_SHOWN: Final = 5
_TITLES: Final = ("detected", "missed", "unknown", "median", "most")
_UNKNOWN: Final = _TITLES.index("unknown")
_GAP: Final = 2
_EACH: Final = 30
"""So many faults have a line each without being asked for."""


class Progress:
    """A listener for `measure`, and a context around it.

    On a terminal one line renews itself; elsewhere, and where the variable CI is set, a line comes now and then.

    Args:
        console: where it is shown; NO_COLOR is the console's business.
        plan: what is to be done.
        environment: the variables that are asked for CI; the process's own by default.
    """

    def __init__(self, console: Console, plan: Plan, environment: Mapping[str, str] | None = None) -> None:
        variables = os.environ if environment is None else environment
        self._screen = Screen(console)
        self._total = len(plan.tasks)
        self._counts: Counter[Result] = Counter()
        self._last = ""
        self._told_at = time.monotonic()
        live = console.is_terminal and not console.is_dumb_terminal and not in_ci(variables)
        # It renews itself when it is told to: a thread of its own would be there when processes are forked.
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) if live else None

    def __call__(self, outcome: Outcome) -> None:
        """Take note of an outcome."""
        self._counts[outcome.result] += 1
        self._last = outcome.task.name
        if self._live is not None:
            self._live.update(self._line(), refresh=True)
        elif time.monotonic() - self._told_at >= LINE_EVERY_SECONDS:
            self._told_at = time.monotonic()
            self._screen.line(self._line())

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live is not None:
            self._live.start(refresh=False)
            self._live.update(self._line(), refresh=True)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop showing; the terminal is as it was."""
        if self._live is not None:
            self._live.stop()

    def _line(self) -> Text:
        done = sum(self._counts.values())
        shown = [_so_many(result, number) for result in Result if (number := self._counts[result])]
        return self._screen.text(f"{done:,} of {count(self._total, 'run')}: {', '.join(shown) or 'getting ready'}")


def _so_many(result: Result, number: int) -> str:
    """`3 detected`; a run in which nothing may be reported, and nothing was, is told in a few words."""
    if result is Result.QUIET:
        return f"{count(number, 'honest or allowed run')} raised nothing"
    return f"{number} {result.value}"


def print_header(console: Console, plan: Plan, jobs: int) -> None:
    """Say what is going to be done."""
    faults = sum(not task.allowed for task in plan.tasks)
    told = f"{count(faults, 'fault')} and {len(plan.tasks) - faults} allowed of {count(len(plan.apis), 'API')}"
    Screen(console).line(f"{told}, profile {plan.profile.name}, {count(jobs, 'run')} at a time")


def print_score(console: Console, score: Score, reasons: Mapping[str, str], *, each: bool = False) -> None:
    """Print the table, then what needs somebody's attention, then the verdict.

    Args:
        console: where it goes.
        score: the score.
        reasons: why faults are missed, by pattern of their names.
        each: print a line per fault as well, however many there are.
    """
    screen = Screen(console)
    _print_table(screen, score)
    _print_each(screen, score, each=each)
    _print_missed(screen, score, reasons)
    _print_false_alarms(screen, score)
    _print_unknown(screen, score)
    for line in verdict(score):
        screen.long_line(line)


def _print_table(screen: Screen, score: Score) -> None:
    groups = score.groups()
    if not groups:
        return
    all_tried = tried(score.faults) == len(score.faults)
    titles = [title for title in _TITLES if not all_tried or title != _TITLES[_UNKNOWN]]
    names = [f"  {kind.value}" for _, kind in groups] + [api for api, _ in groups]
    room = screen.console.width - max(map(len, names)) - sum(map(len, titles)) - _GAP * (len(titles) + 2)
    beside = all(len(claim) <= room for outcomes in groups.values() for claim in _mostly(outcomes)[:1])
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim")
    table.add_column("kind of drift", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("mostly by" if beside else "", no_wrap=True)
    for api in dict.fromkeys(api for api, _ in groups):
        _add_rows(screen, table, api, score, room=room if beside else 0)
    screen.row(table, "all", *_figures(score.faults, all_tried=all_tried), "", style="bold")
    screen.console.print(table)
    screen.line("median, most: requests up to the detection")
    screen.line()
    if not beside:
        _print_mostly(screen, groups)


def _add_rows(screen: Screen, table: Table, api: str, score: Score, *, room: int) -> None:
    """The lines of an API, with as many names of claims as there is room for."""
    all_tried = tried(score.faults) == len(score.faults)
    own = [outcome for outcome in score.faults if outcome.task.api == api]
    screen.row(table, api, *_figures(own, all_tried=all_tried), "", style="bold")
    for (of, kind), outcomes in score.groups().items():
        if of == api:
            figures = _figures(outcomes, all_tried=all_tried)
            screen.row(table, f"  {kind.value}", *figures, _fitting(_mostly(outcomes), room))


def _fitting(claims: Sequence[str], room: int) -> str:
    """The first of these names, each whole, that fit together."""
    texts = [", ".join(claims[:number]) for number in range(len(claims), 0, -1)]
    return next((text for text in texts if len(text) <= room), "")


def _print_mostly(screen: Screen, groups: Mapping[tuple[str, Concern], Sequence[Outcome]]) -> None:
    """The claims that detected most, below the table: beside it no whole name has room."""
    for api in dict.fromkeys(api for api, _ in groups):
        own = [(kind, _mostly(outcomes)) for (of, kind), outcomes in groups.items() if of == api]
        if any(claims for _, claims in own):
            screen.line(f"mostly by, {api}:")
            screen.fields([(kind.value, ", ".join(claims)) for kind, claims in own if claims])
    screen.line()


def _print_each(screen: Screen, score: Score, *, each: bool) -> None:
    """A line per fault: what came of it, after how many requests, and which claims detected it."""
    if not score.faults or not (each or len(score.faults) <= _EACH):
        return
    for outcome in score.faults:
        screen.long_line(_sign(screen, outcome), " ", outcome.task.name, ": ", _told(outcome))
    screen.line()


def _sign(screen: Screen, outcome: Outcome) -> Cell:
    signs = {Result.DETECTED: Verdict.PASS, Result.MISSED: Verdict.FAIL}
    return screen.glyph(signs.get(outcome.result, Verdict.UNKNOWN))


def _told(outcome: Outcome) -> str:
    if outcome.result is Result.UNKNOWN:
        return outcome.result.value
    asked = f"{outcome.result.value} after {count(outcome.requests, 'request')}"
    return f"{asked}, by {', '.join(outcome.by)}" if outcome.by else asked


def _figures(outcomes: Sequence[Outcome], *, all_tried: bool) -> list[str]:
    """The cells of a line; how many came to nothing has none where that is none anywhere."""
    found, missed = detected(outcomes), sum(outcome.result is Result.MISSED for outcome in outcomes)
    median, largest = requests(outcomes)
    unknown = len(outcomes) - tried(outcomes)
    cells = [f"{found}/{tried(outcomes)}", str(missed or ""), str(unknown or ""), str(median), str(largest)]
    return [cell for number, cell in enumerate(cells) if not all_tried or number != _UNKNOWN]


def _mostly(outcomes: Sequence[Outcome]) -> list[str]:
    """The claims that detected most."""
    claims = Counter(outcome.by[0] for outcome in outcomes if outcome.by)
    return [claim for claim, _ in claims.most_common(_CLAIMS_SHOWN)]


def _print_missed(screen: Screen, score: Score, reasons: Mapping[str, str]) -> None:
    missed = score.having(Result.MISSED)
    if not missed:
        return
    screen.line(Text(f"missed: {count(len(missed), 'fault')}, the to-do of the contract", "bold"))
    for outcome in missed:
        task = outcome.task
        screen.line(Text("✗ " if not screen.console.options.ascii_only else "x ", "bold red"), task.name)
        breaks = f"{task.breaks} ({task.level.value})"
        screen.fields([("what", task.text), ("breaks", breaks), ("why missed", why_missed(outcome, reasons))])
    screen.line()


def _print_false_alarms(screen: Screen, score: Score) -> None:
    alarms = score.having(Result.FALSE_ALARM)
    if not alarms:
        return
    screen.line(Text(f"false alarms: {count(len(alarms), 'run')} reported what the document allows", "bold"))
    for outcome in alarms:
        screen.line(Text("✗ " if not screen.console.options.ascii_only else "x ", "bold red"), outcome.task.name)
        told = [(f.claim, f"{f.message} Expected {f.expected}; found {f.found}") for f in outcome.findings]
        screen.fields([("what", outcome.task.text), *told])
    screen.line()


def _print_unknown(screen: Screen, score: Score) -> None:
    unknown = score.having(Result.UNKNOWN)
    if not unknown:
        return
    screen.line(Text(f"unknown: {count(len(unknown), 'run')} came to nothing", "bold"))
    by_reason: dict[str, list[str]] = {}
    for outcome in unknown:
        by_reason.setdefault(outcome.reason, []).append(outcome.task.name)
    for reason, names in by_reason.items():
        more = [f"and {len(names) - _NAMES_SHOWN} more"] if len(names) > _NAMES_SHOWN else []
        screen.line(Text("? ", "yellow"), ", ".join([*names[:_NAMES_SHOWN], *more]))
        screen.fields([("why", reason)])
    screen.line()


def print_underivable(console: Console, plan: Plan) -> None:
    """Say what could not be tried because it cannot be built from the specs."""
    if plan.underivable:
        told = f"{count(len(plan.underivable), 'fault')} that cannot be built from the specs"
        Screen(console).line(f"not tried: {told}; `specwatch sandbox --list-faults` lists them with the reason")


def verdict(score: Score) -> list[str]:
    """The last lines: shares, requests of the honest runs, false alarms, and what was left out."""
    promises = [outcome for outcome in score.faults if outcome.task.level is Level.PROMISE]
    alarms = len(score.having(Result.FALSE_ALARM))
    lines = [
        f"detected: {_share(score.faults)}; of those that break a promise {_share(promises)}",
        f"false alarms: {alarms} in {count(len(score.allowed), 'run')} that must raise nothing",
    ]
    honest = [o for o in score.allowed if o.task.fault is None and o.result is not Result.UNKNOWN]
    if honest:
        told = ", ".join(f"{outcome.task.api} {outcome.requests}" for outcome in honest)
        lines.append(f"requests of an honest run: {told}")
    cpu = sum(outcome.cpu_seconds for outcome in score.outcomes)
    speed = f"{count(len(score.outcomes), 'run')} in {score.seconds:.1f} s, {cpu:.1f} s of processor time"
    lines.append(f"profile {score.profile}: {speed}")
    if score.interrupted:
        lines.append(f"interrupted: {count(score.not_run, 'run')} left out")
    return lines


def _share(outcomes: Sequence[Outcome]) -> str:
    """How many of those that were tried were detected, and how many came to nothing."""
    found, all_ = detected(outcomes), tried(outcomes)
    share = f"{found} of {all_} ({found / all_:.1%})" if all_ else "none of none"
    nothing = len(outcomes) - all_
    return f"{share}, {nothing} more came to nothing" if nothing else share

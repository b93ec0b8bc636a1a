"""`specwatch check --from FILE`: a check of traffic that was recorded elsewhere, which sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from specwatch.cli.names import Complaints
from specwatch.errors import Problem, SpecwatchError, UsageError
from specwatch.transport.target import Kind, Target

if TYPE_CHECKING:
    from rich.console import Console

    from specwatch.cli.check.request import CheckRequest, Given
    from specwatch.contract.result import RunResult
    from specwatch.recorded import Recording, Sorted
    from specwatch.reports.screen import Screen

MAX_LINES: Final = 8
"""So many hosts, paths and reasons are named; of the others only how many there are."""

_STANDARD: Final = "standard"
_UNUSED: Final[Mapping[str, str]] = {
    "budget": "--budget",
    "max_cost": "--max-cost",
    "allow": "--allow",
    "seed": "--seed",
    "ca": "--ca",
    "cert": "--cert",
    "send_credentials": "--send-credentials",
    "faults": "--fault",
    "worker_seconds": "--worker-seconds",
}
"""Options about what is sent."""


def refuse_others(given: Given, complaints: Complaints) -> None:
    """Note the options that are about sending, and files that are named twice."""
    expected = "options that select, judge and report"
    for key, option in _UNUSED.items():
        value: object = given[key]  # type: ignore[literal-required]
        if value not in {None, False, ()}:
            complaints.add(
                Problem(option, "has no meaning with --from: nothing is sent", expected, f"leave {option} out")
            )
    if given["profile"] != _STANDARD:
        found = "has no meaning with --from: nothing is sent"
        complaints.add(Problem(f"--profile {given['profile']}", found, expected, "leave --profile out"))
    for name, times in Counter(str(Path(name)) for name in given["recorded"]).items():
        if times > 1:
            complaints.add(Problem(f"--from {name}", f"is named {times} times", "each file once"))


def recorded_target(target: Target) -> Target:
    """Where the traffic went: the servers of the specs, or the base URL that was given; never the embedded sandbox."""
    return Target(Kind.LIVE) if target.kind is Kind.SANDBOX else target


def recorded_options(given: Given) -> tuple[str, ...]:
    """What was given about recorded traffic, as it is typed."""
    if not given["recorded"]:
        return ()
    target = () if given["target"] in {Kind.SANDBOX, Kind.LIVE} else ("--target", given["target"])
    return (*(word for name in given["recorded"] for word in ("--from", name)), *target)


def judge_files(request: CheckRequest, console: Console) -> RunResult:
    """Read the files, tell what is in them, and judge it.

    Raises:
        UsageError: a file cannot be used, or holds no exchange of a selected API.
    """
    from specwatch.recorded import Manner, judge_recordings, sort

    base = request.target.url if request.target.kind is Kind.URL else ""
    apis = request.selection.apis
    recordings = _read(request.recorded)
    found = sort(recordings, apis, base)
    _print_header(console, request, recordings, found)
    manner = Manner(
        base=base,
        environment=request.environment,
        profile=request.profile.name,
        seed=request.seed,
        strict=request.strict,
        keep_all=bool(request.options.apis),
    )
    result = judge_recordings(found, request.selection, manner)
    _print_rest(console, recordings, found)
    return result


def _read(paths: Sequence[Path]) -> list[Recording]:
    """All files; everything that is wrong with them is said at once."""
    from specwatch.recorded import read_recording

    recordings: list[Recording] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            recordings.append(read_recording(path))
        except SpecwatchError as error:
            problems += error.problems
    if problems:
        raise UsageError(*problems)
    return recordings


def _print_header(console: Console, request: CheckRequest, recordings: Sequence[Recording], found: Sorted) -> None:
    from specwatch.reports.screen import Screen
    from specwatch.reports.text import count

    screen = Screen(console)
    names = ", ".join(recording.name for recording in recordings)
    screen.line(
        screen.text("specwatch check", "bold"), f", {count(found.judged, 'exchange')} of {names}, nothing is sent"
    )
    screen.fields(_rows(request, recordings, found))
    console.print()


def _rows(request: CheckRequest, recordings: Sequence[Recording], found: Sorted) -> Iterator[tuple[str, str]]:
    from specwatch.reports.text import count

    yield "workspace", f"{request.workspace.root} ({request.workspace.chosen})"
    label = "recorded"
    for recording in recordings:
        yield label, f"{recording.name}: {recording.format}, {count(recording.size, 'entry')}"
        label = ""
    if request.target.kind is Kind.URL:
        yield "at", request.target.url
    judged = {api.id: len(found.matches.get(api.id, ())) for api in request.selection.apis}
    yield "judged", ", ".join(f"{count(times, 'exchange')} of {api}" for api, times in judged.items() if times)
    if without := [api for api, times in judged.items() if not times]:
        yield "", f"none of {', '.join(without)}"


def _print_rest(console: Console, recordings: Sequence[Recording], found: Sorted) -> None:
    """Tell what became of everything that was not judged, so that nothing is lost silently."""
    from specwatch.reports.screen import Screen

    screen = Screen(console)
    _lines(screen, "Of no selected API", dict(found.foreign))
    strays = {
        f"{stray.request}{f', which has {_and(stray.methods)}' if stray.methods else ''}": times
        for stray, times in found.strays.items()
    }
    _lines(screen, "At a known server, but in no selected spec", strays)
    _lines(screen, "Not judged", Counter(each.reason for each in found.skipped if not each.broken))
    _lines(screen, "Judged in part", Counter(note for each in recordings for e in each.entries for note in e.notes))
    for each in [each for each in found.skipped if each.broken][:MAX_LINES]:
        click.echo(f"warning: {each.where} {each.reason}; it is left out", err=True)
    if (more := sum(each.broken for each in found.skipped) - MAX_LINES) > 0:
        click.echo(f"warning: and {more:,} more entries that cannot be read", err=True)


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _lines(screen: Screen, title: str, counted: Mapping[str, int]) -> None:
    if not counted:
        return
    from specwatch.reports.text import count, shortened

    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    screen.line(f"{title}: {count(sum(counted.values()), 'exchange')}")
    screen.fields((f"{times:,}", shortened(text, 200)) for text, times in ordered[:MAX_LINES])
    if len(ordered) > MAX_LINES:
        screen.line(f"  and {len(ordered) - MAX_LINES:,} more kinds")
    screen.console.print()

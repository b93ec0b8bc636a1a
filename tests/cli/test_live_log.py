"""What a watch says while it runs: the lines of its log, and the table that is left at the end."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from rich.console import Console

from specwatch.cli.watch.live import Tally, live_table, print_summary
from specwatch.cli.watch.log import Log
from specwatch.probing.events import Event, JobLeft, Ran, Resumed
from specwatch.probing.ports import Job, Progress
from specwatch.values import Observation, Reason, Verdict
from specwatch.web import ApiStatus, Listen, ProbeStatus, Status

NOW = 1_700_000_000.0
ID = f"trip-{int(NOW * 1000):x}-1"
JOB = Job(ID, "trip", "w", "live", NOW, Progress())
LONG = "a-probe-with-a-rather-long-name-of-44-letters"


def run(verdict: Verdict = Verdict.FAIL, message: str = "read: expected 200, found 404", **more: Any) -> Observation:
    """A run."""
    reason = None if verdict is Verdict.PASS else Reason.STATUS
    text = "" if verdict is Verdict.PASS else message
    return replace(Observation(ID, "shop", "trip", "w", "live", verdict, reason, text, NOW, 0.25), **more)


def passed(**more: Any) -> Observation:
    """A run that passed."""
    return run(Verdict.PASS, **more)


@dataclass
class Diary:
    """A log whose clock a test moves, and its lines."""

    now: float = NOW
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin it."""
        self.log = Log(lambda line: self.lines.append(json.loads(line)), lambda: self.now, as_json=True)

    def tell(self, *events: Event) -> list[dict[str, Any]]:
        """The lines that these events bring."""
        before = len(self.lines)
        for event in events:
            self.log(event)
        return self.lines[before:]

    def tick(self, observation: Observation) -> list[dict[str, Any]]:
        """The lines of a tick: two looks at a failure, one at anything else."""
        if observation.verdict is not Verdict.FAIL:
            return self.tell(Ran(observation))
        return self.tell(Ran(observation, settled=False), Ran(replace(observation, attempt=2)))


def test_a_failure_is_told_once_with_both_looks() -> None:
    """First and second look get a line; every later tick that fails in the same way gets none."""
    diary = Diary()
    first, second = diary.tick(run())
    assert (first["next"], second["look"]) == ("looks again at once", 2)
    assert "next" not in second
    assert all(diary.tick(run()) == [] for _ in range(100))


@pytest.mark.parametrize("other", [run(message="read: found 410"), run(reason=Reason.TIMEOUT), run(Verdict.UNKNOWN)])
def test_a_change_is_told(other: Observation) -> None:
    """Another verdict, reason or message is news."""
    diary = Diary()
    diary.tick(run())
    told = diary.tick(other)
    assert told[-1]["message"] == other.message
    assert diary.tick(other) == []


def test_a_duration_or_a_moment_is_no_change() -> None:
    """A message that differs in what was measured says the same."""
    diary = Diary()
    diary.tick(run(message="no answer within 10.0 s, at 2026-01-31T12:00:00.000Z"))
    assert diary.tick(run(message="no answer within 9.98 s, at 2026-01-31T12:00:30.000Z")) == []


def test_the_recovery_is_told_once() -> None:
    """The first pass after a failure, also one by a second look; then passes are silent again."""
    diary = Diary()
    assert diary.tick(passed()) == []
    diary.tick(run())
    assert [line["verdict"] for line in diary.tick(passed())] == ["pass"]
    assert diary.tick(passed()) == []
    told = diary.tell(Ran(run(), settled=False), Ran(passed(attempt=2)))
    assert [line["verdict"] for line in told] == ["fail", "pass"]


def test_a_lasting_failure_is_told_again_once_an_hour() -> None:
    """One reminder an hour, with how many runs failed since the line before."""
    diary = Diary()
    diary.tick(run())
    told = []
    for _ in range(240):
        diary.now += 30
        told += diary.tick(run())
    assert [line["since"] for line in told] == ["120 runs like this since the last line"] * 2


def test_an_open_job_is_told() -> None:
    """What keeps it, and when it is tried again, if it is."""
    told = Diary().tell(JobLeft(JOB, "the network is down", NOW + 30), JobLeft(JOB, "the probe is gone", None))
    assert [line["level"] for line in told] == ["warning", "warning"]
    assert f"job {ID} stays open, tried again at 2023-11-14T22:13:50.000Z: the network is down" in told[0]["message"]
    assert told[0]["again_at"] == "2023-11-14T22:13:50.000Z"
    assert f"job {ID} stays open, nothing here can go on with it: the probe is gone" in told[1]["message"]


def test_the_end_of_a_job_is_told() -> None:
    """Its verdict, and where what it brought is kept."""
    told = Diary().tell(Resumed(JOB, passed(), ("/state/a.zip",)), Resumed(JOB, run(), ()))
    assert [line["level"] for line in told] == ["info", "warning"]
    assert told[0]["message"] == f"resumed job {ID}: pass, archive kept at /state/a.zip"
    assert told[1]["message"] == f"resumed job {ID}: fail; read: expected 200, found 404"


@pytest.mark.parametrize("known", [True, False])
def test_only_a_second_look_is_said_to_follow_at_once(*, known: bool) -> None:
    """Not so after a job that is gone on with, of this process or an earlier one."""
    diary = Diary()
    if known:
        diary.tell(JobLeft(JOB, "the network is down", NOW + 30))
    (told,) = diary.tell(Ran(run(started_at=NOW + (0.0 if known else 30.0)), settled=False))
    assert "next" not in told


def status(message: str = "", *ids: str) -> Status:
    """Probes that failed."""
    probes = [ProbeStatus(each, Verdict.FAIL, Reason.STATUS, message, NOW - 60, NOW, NOW + 60, 0.25) for each in ids]
    return Status(NOW, NOW, (ApiStatus("shop", "Shop", "live", tuple(probes)),))


def summary(message: str, *, width: int, terminal: bool) -> list[str]:
    """The lines of a summary of two probes."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None, legacy_windows=False)
    ids = (LONG[:30], LONG) if not terminal else ("short", LONG[:28])
    counted = {each: Counter({Verdict.FAIL: 2}) for each in ids}
    print_summary(console, status(message, *ids), Tally(counted, dict.fromkeys(ids, Verdict.FAIL)))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_file_gets_the_summary_whole() -> None:
    """Where stderr is no terminal nothing is cut, however long it is."""
    message = "read: expected " + "very " * 40 + "much"
    lines = summary(message, width=80, terminal=False)
    assert len(lines) == 4
    assert all(line.endswith(message) for line in lines[1:3])
    assert lines[2].split()[1] == LONG


@pytest.mark.parametrize("width", [60, 70, 80, 100])
def test_in_a_terminal_the_ids_come_first(width: int) -> None:
    """The sentence gives way: it is cut, and left out where nothing of it could be read."""
    lines = summary("read: expected $statusCode == 200, found $statusCode is 404", width=width, terminal=True)
    assert len(lines) == 4
    assert all(len(line) <= width for line in lines)
    assert LONG[:28] in lines[2]
    assert ("why" in lines[0]) == (width > 60)
    assert ("…" in lines[1]) == ("…" in lines[2]) == (width > 60)


def test_the_live_table_keeps_its_ids() -> None:
    """As in the summary."""
    file = io.StringIO()
    console = Console(file=file, width=60, force_terminal=True, color_system=None, legacy_windows=False)
    console.print(live_table(console, lambda: status("expected " * 20, LONG[:28])).get_renderable())
    assert LONG[:28] in file.getvalue()


def test_a_table_of_nothing_can_be_drawn() -> None:
    """A schedule without probes has a head and no rows."""
    file = io.StringIO()
    print_summary(Console(file=file, width=60, force_terminal=True), status(), Tally())
    assert "0 runs of 0 probes" in file.getvalue()


def test_any_value_can_be_a_line_of_json() -> None:
    """An address to listen on is no JSON by itself, and is written as text."""
    diary = Diary()
    diary.log.line("warning", "open", "anybody", listen=Listen("0.0.0.0", 9464))  # noqa: S104 - only shown
    assert diary.lines[0]["listen"] == str(Listen("0.0.0.0", 9464))  # noqa: S104 - only shown

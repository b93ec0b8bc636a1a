"""A replay on the terminal: what failed then beside what comes now, what was done to find out, and the verdict."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from specwatch.contract.replay import Attempt, Recording, Way, overall
from specwatch.contract.retries import stands_alone
from specwatch.reports.curl import to_curl
from specwatch.reports.screen import STYLES, Screen
from specwatch.reports.summary import rate_note
from specwatch.reports.text import count, shortened, timestamp
from specwatch.values.claim import Verdict
from specwatch.values.violation import Violation

MANY: Final = 20
"""How often a sporadic failure is worth a try."""

MAX_CHARACTERS: Final = 400
"""How much of what was expected and found is shown."""


@dataclass(frozen=True, slots=True)
class Done:
    """A replay that was carried out.

    Args:
        recording: what the file says about the earlier run.
        violation: what was replayed.
        target: where requests went.
        faults: those that were on in the embedded sandbox.
        way: how it was replayed.
        why: why so.
        attempts: what came of it.
    """

    recording: Recording
    violation: Violation
    target: str
    faults: tuple[str, ...]
    way: Way
    why: str
    attempts: tuple[Attempt, ...]


def print_list(console: Console, file: str, recording: Recording, options: tuple[str, ...] = ()) -> None:
    """Print what of a file can be replayed, and how.

    Args:
        console: where.
        file: as it was named.
        recording: what it says.
        options: what the command that is shown needs before its name.
    """
    screen = Screen(console)
    if not recording.violations:
        screen.line(f"{file}: nothing in it breaks a claim, so there is nothing to replay.")
        return
    screen.line(screen.text(f"{file}: {count(len(recording.violations), 'violation')}", "bold"))
    screen.console.print()
    for violation in recording.violations:
        way = Way.REQUEST if stands_alone(violation) else Way.TEST
        screen.line(screen.text(violation.key, "bold"), f"  {violation.api}/{violation.claim}")
        screen.fields([("what", shortened(violation.message, MAX_CHARACTERS)), ("by", _WAYS[way])])
    screen.console.print()
    command = shlex.join(["specwatch", *options, "replay", f"{file}#{recording.violations[0].key}"])
    screen.long_line(screen.text("  next  ", "dim"), command, screen.text("  # replays the first", "dim"))


_WAYS: Final = {Way.REQUEST: "sending its request again", Way.TEST: "running the contract tests of its claim"}


def print_replay(console: Console, done: Done) -> None:
    """Print a replay."""
    screen = Screen(console)
    violation = done.violation
    screen.line(screen.text(f"{violation.api}/{violation.claim}", "bold"), f"  {violation.level.value}")
    screen.fields(_rows(done))
    if done.way is Way.REQUEST and violation.exchange is not None and violation.exchange.id not in done.recording.cut:
        screen.long_line(screen.text("  request     ", "dim"), to_curl(violation.exchange))
    screen.console.print()
    verdict = overall(done.attempts)
    word = {Verdict.FAIL: "STILL FAILS", Verdict.PASS: "DOES NOT FAIL", Verdict.UNKNOWN: "CANNOT TELL"}[verdict]
    told = _told(done, verdict)
    screen.line(screen.glyph(verdict), " ", screen.text(f"{word}: ", STYLES[verdict]), f"{told}.")
    for words in _advice(done, verdict):
        screen.line(screen.text("  next  ", "dim"), words)


def _rows(done: Done) -> Iterator[tuple[str, str]]:
    violation = done.violation
    faults = f", with the {'fault' if len(done.faults) == 1 else 'faults'} {', '.join(done.faults)}"
    yield "id", violation.key
    yield "what", violation.message
    yield "target", f"{done.target}{faults if done.faults else ''}"
    yield "done", f"{_WAYS[done.way]}, {count(len(done.attempts), 'time')}: {done.why}"
    yield "expected", shortened(violation.expected, MAX_CHARACTERS)
    yield "found then", f"{shortened(violation.found, MAX_CHARACTERS)}{_when(violation)}"
    yield "found now", _now(done.attempts)


def _when(violation: Violation) -> str:
    if violation.exchange is None:
        return ""
    at = timestamp(violation.exchange.timings.started_at)
    return f" (status {violation.exchange.response.status}, {at})"


def _now(attempts: tuple[Attempt, ...]) -> str:
    verdict = overall(attempts)
    shown = next(attempt for attempt in attempts if attempt.verdict is verdict)
    found = shortened(shown.found, MAX_CHARACTERS)
    return f"{found} (status {shown.status})" if shown.verdict is Verdict.FAIL and shown.status else found


def _told(done: Done, verdict: Verdict) -> str:
    failed = [attempt for attempt in done.attempts if attempt.verdict is Verdict.FAIL]
    silent = sum(attempt.verdict is Verdict.UNKNOWN for attempt in done.attempts)
    rest = f"; {count(silent, 'try')} could not tell" if silent and verdict is not Verdict.UNKNOWN else ""
    if verdict is Verdict.UNKNOWN:
        return done.attempts[0].found
    if not failed:
        return f"the claim is kept{rest}" if len(done.attempts) == 1 else f"it failed in no try{rest}"
    other = "" if any(attempt.same for attempt in failed) else ", in another way than before"
    if len(done.attempts) == 1:
        return f"the claim is still broken{other}"
    tries = count(len(done.attempts) - silent, "try")
    return f"it failed in {len(failed)} of {tries}{other}{rest}"


def _advice(done: Done, verdict: Verdict) -> Iterator[str]:
    if verdict is Verdict.UNKNOWN and done.way is Way.REQUEST and done.attempts[0].about_request:
        yield "--how test runs the contract tests of its claim, which make what they need"
    if verdict is Verdict.PASS and done.violation.sporadic:
        yield f"it {rate_note(done.violation)}: --times {MANY} asks more often"
    if verdict is Verdict.PASS and done.target == "sandbox" and not done.recording.profile and not done.faults:
        yield "a HAR does not say which faults of the sandbox were on: name them with --fault"

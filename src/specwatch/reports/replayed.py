"""A replay on the terminal: what failed then beside what comes now, what was done to find out, and the verdict."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console

from specwatch.contract.replay import Attempt, Recording, Way, overall
from specwatch.contract.retries import stands_alone
from specwatch.reports.curl import to_curl
from specwatch.reports.next_steps import SANDBOX, mends
from specwatch.reports.screen import STYLES, Screen
from specwatch.reports.summary import rate_note
from specwatch.reports.text import count, shortened, timestamp
from specwatch.values.claim import Verdict
from specwatch.values.exchange import Exchange
from specwatch.values.violation import Violation

MANY: Final = (20, 100)
"""How often a failure that comes and goes is worth a try; more is not advised."""

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
        options: what commands that are shown need before their name.
    """

    recording: Recording
    violation: Violation
    target: str
    faults: tuple[str, ...]
    way: Way
    why: str
    attempts: tuple[Attempt, ...]
    options: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the replay came to."""
        return overall(self.attempts, sporadic=self.violation.sporadic)

    @property
    def sent(self) -> Exchange | None:
        """The request that was sent, where the replay was the one."""
        return next((attempt.exchange for attempt in self.attempts if attempt.exchange is not None), None)

    @property
    def not_seen(self) -> int:
        """How many tries kept the claim, where none broke it."""
        kept = sum(attempt.verdict is Verdict.PASS for attempt in self.attempts)
        return kept if self.verdict is not Verdict.FAIL else 0


def print_list(
    console: Console, file: str, recording: Recording, options: tuple[str, ...] = (), target: str = ""
) -> None:
    """Print what of a file can be replayed, and how.

    Args:
        console: where.
        file: as it was named.
        recording: what it says.
        options: what the command that is shown needs before its name.
        target: where the first was sent, where that has to be named.
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
    where = ["--target", target] if target else []
    command = shlex.join(["specwatch", *options, "replay", f"{file}#{recording.violations[0].key}", *where])
    screen.long_line(screen.text("  next  ", "dim"), command, screen.text("  # replays the first", "dim"))


_WAYS: Final = {Way.REQUEST: "sending its request again", Way.TEST: "running contract tests"}


def print_replay(console: Console, done: Done) -> None:
    """Print a replay."""
    screen = Screen(console)
    violation = done.violation
    screen.line(screen.text(f"{violation.api}/{violation.claim}", "bold"), f"  {violation.level.value}")
    screen.fields(_rows(done))
    if done.sent is not None:
        screen.long_line(screen.text("  request     ", "dim"), to_curl(done.sent))
    screen.console.print()
    verdict = done.verdict
    word = {Verdict.FAIL: "STILL FAILS", Verdict.PASS: "DOES NOT FAIL", Verdict.UNKNOWN: "CANNOT TELL"}[verdict]
    told = _told(done, verdict)
    screen.line(screen.glyph(verdict), " ", screen.text(f"{word}: ", STYLES[verdict]), f"{told}.")
    advice = list(_advice(done, verdict))
    for words in advice:
        screen.line(screen.text("  next  ", "dim"), words)
    for command, purpose in _commands(done, stuck=verdict is Verdict.UNKNOWN and not advice):
        line = shlex.join(["specwatch", *done.options, *command])
        screen.long_line(screen.text("  next  ", "dim"), line, screen.text(f"  # {purpose}", "dim"))


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
    rest = f"; {count(silent, 'try')} could not tell" if silent else ""
    if verdict is Verdict.UNKNOWN and done.not_seen:
        return f"not seen in {count(done.not_seen, 'try')}{rest}; it came and went before"
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
    """What can be done to know more, in words."""
    if verdict is Verdict.UNKNOWN and not done.not_seen:
        yield from _helps(done)
    more = next((times for times in MANY if times > len(done.attempts)), None)
    if done.violation.sporadic and done.not_seen and more:
        yield f"it {rate_note(done.violation)}; --times {more} asks more often"
    if done.target == SANDBOX and not done.recording.profile and not done.faults and verdict is not Verdict.FAIL:
        yield "a HAR does not say which faults of the sandbox were on: name them with --fault"


def _helps(done: Done) -> Iterator[str]:
    """What helps where no try could tell."""
    first = done.attempts[0]
    if done.way is Way.REQUEST and first.about_request:
        yield "--how test runs the contract tests of its claim, which make what they need"
    if first.unlike and stands_alone(done.violation) and done.target != SANDBOX:
        yield "--how request sends that request itself"
    if "permits it" in first.found:
        yield "repeat the command with that option, where the target may be used so"
    if "was interrupted" in first.found:
        yield "repeat the command"
    yield from mends([first.found])


def _commands(done: Done, *, stuck: bool) -> Iterator[tuple[list[str], str]]:
    """Commands that lead on, and what each is good for.

    Args:
        done: the replay.
        stuck: whether nothing was found out, and nothing else is known to help.
    """
    faults = [word for fault in done.faults for word in ("--fault", fault)]
    port = urlsplit(done.sent.target).port if done.sent is not None else None
    if done.target == SANDBOX and port is not None:
        command = ["sandbox", "--port", str(port), "--api", done.violation.api, *faults]
        yield command, "on the same port, so that the curl line above works against it"
    if stuck:
        run = ["check", "--api", done.violation.api]
        target = [] if done.target == SANDBOX else ["--target", done.target]
        profile = ["--profile", done.recording.profile] if done.recording.profile else []
        seed = ["--seed", str(done.recording.seed)] if done.recording.seed is not None else []
        yield [*run, *target, *profile, *seed, *faults], "checks the whole API"

"""Log lines: one for each thing that changes, as text or as JSON, on stderr.

What stays as it is, such as a probe that fails at every tick, is told again once an hour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from specwatch.probing.events import (
    Event,
    JobLeft,
    Paused,
    Ran,
    Reloaded,
    Resumed,
    Saturated,
    Skipped,
    StateTrouble,
)
from specwatch.reports.text import count, printable, shortened, timestamp
from specwatch.values.claim import Verdict
from specwatch.values.failure import Reason
from specwatch.values.observation import Observation

Fields = Mapping[str, object]

LONGEST_TEXT = 500
QUIET_SKIPS = frozenset({"maintenance", "off", "overlap", "late", "saturated"})
"""Skips that are counted or told otherwise; a line for each would bury the rest."""

REMIND_SECONDS: Final = 3_600.0
"""So often a probe that goes on failing in the same way gets a line."""

_RETRY_SECONDS: Final = 1.0
"""A run that begins so long after its id was made goes on with a job."""

_MEASURED: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?|\d+\.\d+|\d+ (?:ms|s|min|h)\b")
"""Moments and durations: a message that differs in these alone says the same."""

Kind = tuple[Verdict, Reason | None, str]
"""What a run amounts to, without what was measured."""


@dataclass
class _Told:
    """What was last written of the runs of a probe.

    Args:
        at: epoch seconds.
        settled: whether it was the verdict that counts.
        since: how many settled runs like it have not been written.
    """

    kind: Kind
    at: float
    settled: bool
    since: int = 0


class Log:
    """A listener that writes lines.

    Args:
        write: gets a line.
        now: epoch seconds.
        as_json: whether lines are JSON objects.
    """

    def __init__(self, write: Callable[[str], None], now: Callable[[], float], *, as_json: bool = False) -> None:
        self._write = write
        self._now = now
        self._as_json = as_json
        self._told: dict[str, _Told] = {}
        self._left: set[str] = set()
        self._skips: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Write what is worth a line."""
        match event:
            case Ran(observation, settled):
                self._ran(observation, settled=settled)
            case Skipped(api, probe, reason):
                self._skipped(api, probe, reason)
            case Saturated(on):
                message = "more is due than this machine can do: ticks are skipped" if on else "all ticks are met again"
                self.line("warning" if on else "info", "saturated" if on else "calm", message)
            case Paused(api, until):
                told = f"asked for a pause until {timestamp(until)}" if until else "may be asked again"
                self.line("warning" if until else "info", "rate_limited" if until else "resumed", told, api=api)
            case Reloaded(ok, _, problems):
                self._reloaded(ok=ok, problems=[str(problem) for problem in problems])
            case StateTrouble(operation, message):
                self.line("error", "state", message, operation=operation)
            case JobLeft():
                self._job_left(event)
            case Resumed():
                self._resumed(event)
            case _:
                pass

    def line(self, level: str, event: str, message: str, **fields: object) -> None:
        """Write a line."""
        entry: dict[str, object] = {"time": timestamp(self._now()), "level": level, "event": event, **fields}
        if message:
            entry["message"] = shortened(" ".join(message.split()), LONGEST_TEXT)
        self._write(_json(entry) if self._as_json else _text(entry))

    def _ran(self, observation: Observation, *, settled: bool) -> None:
        """A run: the first that is not a plain pass, each that is another way, the recovery, and a reminder an hour."""
        if settled:
            self._skips.pop(observation.probe, None)
        retry = not settled and self._is_retry(observation)
        name = f"job {observation.id}" if retry else observation.probe
        told = self._told.get(name)
        if observation.verdict is Verdict.PASS and not observation.message:
            self._told.pop(name, None)
            if told is not None:
                self._write_run(observation, {})
            return
        kind = _kind(observation)
        now = self._now()
        if told is None or told.kind != kind or (settled and not told.settled):
            self._told[name] = _Told(kind, now, settled)
            looks_again = not settled and not retry and observation.verdict is Verdict.FAIL
            self._write_run(observation, {"next": "looks again at once"} if looks_again else {})
        elif settled or retry:
            told.since += 1
            if now - told.at >= REMIND_SECONDS:
                self._write_run(observation, {"since": f"{count(told.since, 'run')} like this since the last line"})
                told.at, told.since = now, 0

    def _write_run(self, observation: Observation, more: Fields) -> None:
        fields: dict[str, object] = {"api": observation.api, "probe": observation.probe}
        fields["verdict"] = observation.verdict.value
        if observation.reason is not None:
            fields["reason"] = observation.reason.value
        fields["seconds"] = round(observation.seconds, 4)
        if observation.attempt > 1:
            fields["look"] = observation.attempt
        level = "info" if observation.verdict is Verdict.PASS else "warning"
        self.line(level, "ran", observation.message, **fields, **more)

    def _is_retry(self, observation: Observation) -> bool:
        """Whether a job was gone on with, of this process or an earlier one: no second look follows then."""
        return observation.id in self._left or observation.started_at - _made_at(observation) > _RETRY_SECONDS

    def _job_left(self, event: JobLeft) -> None:
        job, again_at = event.job, event.again_at
        self._left.add(job.id)
        fields: dict[str, object] = {"probe": job.probe, "job": job.id}
        if again_at is not None:
            fields["again_at"] = timestamp(again_at)
        what_next = "nothing here can go on with it" if again_at is None else f"tried again at {timestamp(again_at)}"
        self.line("warning", "job_left", f"job {job.id} stays open, {what_next}: {event.reason}", **fields)

    def _resumed(self, event: Resumed) -> None:
        job, observation = event.job, event.observation
        self._left.discard(job.id)
        self._told.pop(f"job {job.id}", None)
        told = f"resumed job {job.id}: {observation.verdict.value}"
        if event.archives:
            told += f", archive kept at {', '.join(event.archives)}"
        if observation.message:
            told += f"; {observation.message}"
        level = "info" if observation.verdict is Verdict.PASS else "warning"
        self.line(level, "job_resumed", told, probe=job.probe, job=job.id)

    def _skipped(self, api: str, probe: str, reason: str) -> None:
        """A skip, once until the probe runs again."""
        if reason in QUIET_SKIPS or self._skips.get(probe) == reason:
            return
        self._skips[probe] = reason
        words = {"budget": "its budget of today is spent", "rate_limited": "the target asked for a pause"}
        self.line("info", "skipped", words.get(reason, reason), api=api, probe=probe, reason=reason)

    def _reloaded(self, *, ok: bool, problems: list[str]) -> None:
        if ok:
            self.line("info", "reloaded", "the new configuration runs")
            return
        self.line("error", "reload_failed", "the configuration is wrong; the old one goes on")
        for problem in problems:
            self.line("error", "problem", problem)


def _kind(observation: Observation) -> Kind:
    return observation.verdict, observation.reason, _MEASURED.sub("#", observation.message)


def _made_at(observation: Observation) -> float:
    """Epoch seconds at which the id of a run was made: it ends with milliseconds and a counter, in hexadecimal."""
    made = re.search(r"-([0-9a-f]{9,12})-[0-9a-f]+\Z", observation.id)
    return int(made[1], 16) / 1000 if made else observation.started_at


def _json(entry: Fields) -> str:
    return json.dumps(entry, ensure_ascii=True, default=str)


def _text(entry: Fields) -> str:
    """`time level event key=value ... message`, on one line that cannot steer a terminal."""
    head = f"{entry['time']} {entry['level']!s:<7} {entry['event']}"
    named = {name: value for name, value in entry.items() if name not in {"time", "level", "event", "message"}}
    pairs = " ".join(f"{name}={_quoted(value)}" for name, value in named.items())
    return printable(" ".join(part for part in (head, pairs, str(entry.get("message", ""))) if part))


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text) if " " in text else text

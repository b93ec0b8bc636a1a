"""Log lines: one for each thing that changes, as text or as JSON, on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from specwatch.probing.events import (
    Event,
    Paused,
    Ran,
    Reloaded,
    Saturated,
    Skipped,
    StateTrouble,
)
from specwatch.reports.text import printable, shortened, timestamp
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation

Fields = Mapping[str, object]

LONGEST_TEXT = 500
QUIET_SKIPS = frozenset({"maintenance", "off", "overlap", "late", "saturated"})
"""Skips that are counted or told otherwise; a line for each would bury the rest."""


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
        self._verdicts: dict[str, Verdict] = {}
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
            case _:
                pass

    def line(self, level: str, event: str, message: str, **fields: object) -> None:
        """Write a line."""
        entry: dict[str, object] = {"time": timestamp(self._now()), "level": level, "event": event, **fields}
        if message:
            entry["message"] = shortened(" ".join(message.split()), LONGEST_TEXT)
        self._write(_json(entry) if self._as_json else _text(entry))

    def _ran(self, observation: Observation, *, settled: bool) -> None:
        """A run: each that is not a pass, and the first that is one again."""
        before = self._verdicts.get(observation.probe)
        if settled:
            self._verdicts[observation.probe] = observation.verdict
            self._skips.pop(observation.probe, None)
        passed = observation.verdict is Verdict.PASS
        if passed and before in {Verdict.PASS, None} and not observation.message:
            return
        fields: dict[str, object] = {"api": observation.api, "probe": observation.probe}
        fields["verdict"] = observation.verdict.value
        if observation.reason is not None:
            fields["reason"] = observation.reason.value
        fields["seconds"] = round(observation.seconds, 4)
        if observation.attempt > 1:
            fields["look"] = observation.attempt
        if not settled:
            fields["next"] = "looks again at once"
        self.line("info" if passed else "warning", "ran", observation.message, **fields)

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


def _json(entry: Fields) -> str:
    return json.dumps(entry, ensure_ascii=True)


def _text(entry: Fields) -> str:
    """`time level event key=value ... message`, on one line that cannot steer a terminal."""
    head = f"{entry['time']} {entry['level']!s:<7} {entry['event']}"
    named = {name: value for name, value in entry.items() if name not in {"time", "level", "event", "message"}}
    pairs = " ".join(f"{name}={_quoted(value)}" for name, value in named.items())
    return printable(" ".join(part for part in (head, pairs, str(entry.get("message", ""))) if part))


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text) if " " in text else text

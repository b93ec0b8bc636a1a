"""One run of a probe, for people: its requests with their phases, what was asked of them, and what they showed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rich.text import Text

from specwatch.reports.screen import STYLES, Screen
from specwatch.reports.text import count, shortened
from specwatch.values.failure import PHASES
from specwatch.values.observation import Observation, Sent, StepResult

BAR_COLUMNS: Final = 32
"""How wide the bar of the longest request is."""

_MARKS: Final = {"resolve": "n", "connect": "c", "tls": "t", "request": "s", "processing": "w", "transfer": "r"}
"""What a phase is drawn with: name, connect, tls, send, wait, receive."""

_COLOURS: Final = {
    "resolve": "magenta",
    "connect": "blue",
    "tls": "cyan",
    "request": "green",
    "processing": "yellow",
    "transfer": "bright_black",
}

_LABEL_COLUMNS: Final = 24
_ANSWER_COLUMNS: Final = 24
_TEXT: Final = 300


def print_observation(screen: Screen, observation: Observation) -> None:
    """Print a run: verdict and times, then each request as a bar of its phases, then what is wrong."""
    style = STYLES[observation.verdict]
    screen.line(
        screen.glyph(observation.verdict),
        " ",
        screen.text(f"{observation.api}/{observation.workflow}", "bold"),
        "  ",
        screen.text(observation.verdict.value, style),
        f"  {count(observation.requests, 'request')}, {milliseconds(observation.seconds)}",
    )
    longest = max((_seconds(sent) for sent in observation.sent), default=0.0)
    for step in observation.steps:
        for sent in step.sent:
            _print_request(screen, step, sent, longest)
        _print_step(screen, step)
    if observation.message:
        screen.fields([("why", observation.message)], indent=4)


def print_legend(screen: Screen) -> None:
    """Print what the letters of the bars mean."""
    names = {"request": "send", "processing": "wait", "transfer": "receive"}
    parts = [f"{_MARKS[phase]} {names.get(phase, phase)}" for phase in PHASES]
    screen.line(screen.text(f"phases: {', '.join(parts)}", "dim"))


def milliseconds(seconds: float) -> str:
    """`0.4 ms`, `12 ms`, `3.2 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def _print_request(screen: Screen, step: StepResult, sent: Sent, longest: float) -> None:
    answer = str(sent.exchange.response.status) if sent.exchange else "---"
    code = f" {sent.error_code}" if sent.error_code else ""
    label = shortened(step.step, _LABEL_COLUMNS).ljust(_LABEL_COLUMNS)
    seconds = _seconds(sent)
    bar = Text.assemble(*_bar(_phases(sent), longest))
    bar.pad_right(max(BAR_COLUMNS - bar.cell_len, 0))
    screen.long_line(
        f"    {label}  {shortened(answer + code, _ANSWER_COLUMNS):<{_ANSWER_COLUMNS}}  ",
        bar,
        f"  {milliseconds(seconds):>8}  ",
        _numbers(sent),
    )


def _print_step(screen: Screen, step: StepResult) -> None:
    met = sum(criterion.met for criterion in step.criteria)
    last = step.sent[-1] if step.sent else None
    facts = [f"{met} of {count(len(step.criteria), 'criterion').replace('criterions', 'criteria')}"]
    if last is not None:
        facts.append(f"{count(len(last.verified), 'claim')} kept")
        if last.violations:
            facts.append(f"{len(last.violations)} broken")
    if step.criteria or last is not None:
        screen.line(screen.text(f"      {', '.join(facts)}", "dim"))
    for criterion in step.criteria:
        if not criterion.met:
            found = f", found {criterion.found}" if criterion.found else ""
            screen.fields([("expected", shortened(f"{criterion.text}{found}", _TEXT))], indent=8)
    for violation in last.violations if last is not None else ():
        screen.fields([(violation.level.value, f"{violation.claim}: {violation.message}")], indent=8)
        expected = shortened(f"{violation.expected}, found {violation.found}", _TEXT)
        screen.fields([("expected", expected)], indent=10)
    if step.unknown:
        screen.fields([("not sent", step.unknown)], indent=8)


def _bar(phases: Mapping[str, float], longest: float) -> Iterator[tuple[str, str]]:
    """Each phase that ran, as wide as its share; one that took hardly any time is left out."""
    if longest <= 0:
        return
    for phase in PHASES:
        columns = round(phases.get(phase, 0.0) / longest * BAR_COLUMNS)
        if columns:
            yield _MARKS[phase] * columns, _COLOURS[phase]


def _numbers(sent: Sent) -> str:
    return " ".join(f"{phase} {milliseconds(seconds)}" for phase, seconds in _phases(sent).items())


def _phases(sent: Sent) -> Mapping[str, float]:
    if sent.exchange is not None:
        return sent.exchange.timings.phases
    return sent.failure.phases if sent.failure is not None else {}


def _seconds(sent: Sent) -> float:
    if sent.exchange is not None:
        return sent.exchange.timings.total_seconds
    return sent.failure.seconds if sent.failure is not None else 0.0

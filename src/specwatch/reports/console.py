"""The terminal: what a run is about to do, is doing and has found.

Readable at 80 columns. Colours only help: whatever they say is also said in words. Text that comes from a provider
passes through `Screen`, which takes it as text and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.absent import absent
from specwatch.reports.coverage import MatrixRow, matrix, print_matrix
from specwatch.reports.curl import to_curl
from specwatch.reports.header import print_header, print_missing
from specwatch.reports.next_steps import Options, advice, next_steps
from specwatch.reports.progress import Progress
from specwatch.reports.screen import STYLES, Cell, Screen
from specwatch.reports.summary import (
    acceptance_note,
    accepted,
    broken,
    calls_note,
    defect_note,
    drift_by_operation,
    failing,
    fails,
    gravest_first,
    rate_note,
    so_far,
    unknown_by_reason,
    warned,
)
from specwatch.reports.text import count, shortened
from specwatch.values.claim import Level, Verdict
from specwatch.values.violation import Drift, Violation

__all__ = [
    "MatrixRow",
    "Options",
    "Progress",
    "matrix",
    "print_brief",
    "print_claims",
    "print_header",
    "print_matrix",
    "print_missing",
    "print_result",
]

MAX_BLOCKS: Final = 20
"""How many violations of one API are shown; the JSON report has them all."""

MAX_CHARACTERS: Final = 400
"""How much of `expected` and `found` is shown."""

ACCEPTED: Final = "≈"
"""The sign of what the baseline accepts; `~` where the terminal has ASCII only."""

DEFECTS: Final = "Defects of this workspace, not of a provider"

NAMED: Final = 3
"""That many names are listed; of more, only how many there are."""


def print_result(
    console: Console, result: RunResult, options: Options | None = None, written: Sequence[str] = ()
) -> None:
    """Print what a run found: a table, violations, unknown claims, drift, and what to do next.

    Args:
        console: where.
        result: what the run found.
        options: what the run was given beside that, for commands that repeat it.
        written: what was written about it, a sentence each.
    """
    screen = Screen(console)
    _table(screen, result)
    _defects(screen, result)
    _trouble(screen, result)
    for api in result.apis:
        _violations(screen, api, result)
    _baseline(screen, result)
    _unknown(screen, result)
    _drift(screen, result)
    for sentence in written:
        screen.long_line(sentence)
    if written:
        screen.console.print()
    _closing(screen, result, options or Options())


def print_brief(console: Console, result: RunResult, steps: Iterable[tuple[str, str]]) -> None:
    """Print what a run found where its violations have been shown in full already: a line for each.

    Args:
        console: where.
        result: what the run found.
        steps: commands that lead on, and what each is good for.
    """
    screen = Screen(console)
    _table(screen, result)
    _defects(screen, result)
    _trouble(screen, result)
    _listed(screen, result)
    if not any(api.count(Verdict.PASS) + api.count(Verdict.FAIL) for api in result.apis):
        _unknown(screen, result)
    elif unknown := sum(api.count(Verdict.UNKNOWN) for api in result.apis):
        words = f"Unknown: {count(unknown, 'claim')}"
        screen.line(screen.text(words, "bold yellow"), ", not shown by what was asked in this session")
        screen.console.print()
    _drift(screen, result)
    _verdict_line(screen, result)
    _lead_on(screen, steps)


def print_claims(console: Console, result: RunResult) -> None:
    """Print every claim with its verdict, its level, how often it was observed, or why it is unknown."""
    screen = Screen(console)
    for api in result.apis:
        screen.line(screen.text(api.id, "bold"))
        table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
        for width in (1, 7, 9):
            table.add_column(width=width, no_wrap=True)
        table.add_column(overflow="fold", ratio=1)
        for claim in api.claims:
            note = claim.reason if claim.verdict is Verdict.UNKNOWN else f"seen {count(claim.observations, 'time')}"
            words = screen.text(claim.claim.id).append_text(screen.text(f"  {note}", "dim"))
            verdict = screen.text(claim.verdict.value, STYLES[claim.verdict])
            screen.row(table, screen.glyph(claim.verdict), verdict, claim.claim.level.value, words)
        console.print(table, highlight=False)
        console.print()


def _table(screen: Screen, result: RunResult) -> None:
    footer = len(result.apis) > 1
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_footer=footer, header_style="dim")
    table.add_column("API", "together", overflow="fold")
    table.add_column("verdict", _verdict(screen, result.verdict), no_wrap=True)
    rows = [_figures(api, result) for api in result.apis]
    titles = ["kept", "broken", "warned", "unknown", "requests", "cost", "waited"]
    if result.baseline is not None:
        titles.insert(3, "accepted")
        rows = [(*row[:3], len(accepted(api)), *row[3:]) for api, row in zip(result.apis, rows, strict=True)]
    for index, title in enumerate(titles):
        total = _figure(title, sum(row[index] for row in rows))
        table.add_column(title, total, justify="right", no_wrap=True)
    for api, row in zip(result.apis, rows, strict=True):
        figures = [_figure(title, value) for title, value in zip(titles, row, strict=True)]
        screen.row(table, api.id, _verdict(screen, so_far(api, result)), *figures)
    screen.console.print()
    screen.console.print(table, highlight=False)
    if any(api.requests for api in result.apis):
        took = f"{result.seconds:.1f} s in all: waiting for answers, pauses that the APIs share, and judging"
        screen.line(screen.text(took, "dim"))
    screen.console.print()


def _verdict(screen: Screen, verdict: Verdict) -> Cell:
    return screen.glyph(verdict).append(f" {verdict.value}")


def _figures(api: ApiResult, result: RunResult) -> tuple[float, ...]:
    return (
        api.count(Verdict.PASS),
        len(broken(api, strict=result.strict)),
        len(warned(api, strict=result.strict)),
        api.count(Verdict.UNKNOWN),
        api.requests,
        api.cost,
        api.seconds,
    )


def _figure(title: str, value: float) -> str:
    return f"{value:.1f} s" if title == "waited" else f"{value:g}" if title == "cost" else f"{value:,.0f}"


def _defects(screen: Screen, result: RunResult) -> None:
    """What is wrong with the workspace itself: before what that made of the answers."""
    if result.defects:
        screen.line(screen.text(DEFECTS, STYLES[Verdict.FAIL]))
        screen.fields((each.where, each.text) for each in result.defects[:MAX_BLOCKS])
        if more := max(len(result.defects) - MAX_BLOCKS, 0):
            screen.line(f"  and {more:,} more in the JSON report (--json FILE)")
        screen.console.print()


def _trouble(screen: Screen, result: RunResult) -> None:
    troubled = [(api.id, sentence) for api in result.apis for sentence in api.trouble]
    if troubled:
        screen.line(screen.text("Trouble on the way, so not judged", "bold yellow"))
        screen.fields(troubled)
        screen.console.print()


def _violations(screen: Screen, api: ApiResult, result: RunResult) -> None:
    if not api.violations:
        return
    screen.line(screen.text(f"{api.id}: {count(len(api.violations), 'violation')}", "bold"))
    screen.console.print()
    for violation in sorted(gravest_first(api), key=result.accepts)[:MAX_BLOCKS]:
        _block(screen, violation, api, result)
    if more := max(len(api.violations) - MAX_BLOCKS, 0):
        screen.line(f"  and {more:,} more in the JSON report (--json FILE)")
        screen.console.print()


def _listed(screen: Screen, result: RunResult) -> None:
    """A line for each violation."""
    found = [violation for api in result.apis for violation in gravest_first(api)]
    for violation in found[:MAX_BLOCKS]:
        sign, style, word = _weight(screen, violation, result)
        screen.line(sign, " ", f"{violation.api}/{violation.claim}", "  ", screen.text(word, style))
    if more := max(len(found) - MAX_BLOCKS, 0):
        screen.line(f"  and {more:,} more")
    if found:
        screen.console.print()


def _block(screen: Screen, violation: Violation, api: ApiResult, result: RunResult) -> None:
    sign, style, word = _weight(screen, violation, result)
    screen.line(sign, " ", screen.text(f"{violation.api}/{violation.claim}", "bold"), "  ", screen.text(word, style))
    screen.fields(_block_rows(violation, api, result))
    if violation.exchange is not None:
        screen.long_line(screen.text("  repeat    ", "dim"), to_curl(violation.exchange))
    screen.console.print()


def _weight(screen: Screen, violation: Violation, result: RunResult) -> tuple[Cell, str, str]:
    """How grave a violation is: a sign, a style and the words."""
    word = f"broken {violation.level.value}"
    if result.accepts(violation):
        sign = "~" if screen.console.options.ascii_only else ACCEPTED
        return screen.text(sign, "dim"), "dim", f"accepted: {word}"
    if fails(violation.level, strict=result.strict):
        return screen.glyph(Verdict.FAIL), STYLES[Verdict.FAIL], word
    style = STYLES[Verdict.UNKNOWN]
    return screen.text("!", style), style, f"warning: {word}"


def _block_rows(violation: Violation, api: ApiResult, result: RunResult) -> Iterator[tuple[str, str]]:
    yield "what", violation.message
    if violation.operation:
        yield "where", f"{violation.operation}{_status(violation)}"
    if violation.expected:
        yield "expected", shortened(violation.expected, MAX_CHARACTERS)
    if violation.found:
        yield "found", shortened(violation.found, MAX_CHARACTERS)
    notes = (
        ("tries", rate_note(violation)),
        ("calls", calls_note(violation, api)),
        ("accepted", acceptance_note(violation, result)),
    )
    yield from ((label, note) for label, note in notes if note)
    yield "id", violation.key


def _status(violation: Violation) -> str:
    return f", status {violation.exchange.response.status}" if violation.exchange is not None else ""


def _baseline(screen: Screen, result: RunResult) -> None:
    """What the baseline lists and no violation of the run shows."""
    listed = list(absent(result))
    if not listed:
        return
    screen.line(screen.text("Baseline: accepted, and not seen in this run", "bold"))
    screen.fields((label, f"{each.where} {each.violation} ({each.claim}): {words}") for label, words, each in listed)
    screen.console.print()


def _unknown(screen: Screen, result: RunResult) -> None:
    groups = unknown_by_reason(result)
    if not groups:
        return
    total = sum(len(claims) for claims in groups.values())
    screen.line(screen.text(f"Unknown: {count(total, 'claim')}", "bold yellow"))
    screen.fields((count(len(claims), "claim"), f"{reason}{_who(claims)}") for reason, claims in groups.items())
    screen.console.print()


def _who(claims: Sequence[ClaimResult]) -> str:
    if len(claims) <= NAMED:
        return f" ({', '.join(result.claim.full_id for result in claims)})"
    apis = dict.fromkeys(result.claim.api for result in claims)
    return f" ({', '.join(apis)})"


def _drift(screen: Screen, result: RunResult) -> None:
    rows = [(api, *group) for api in result.apis for group in drift_by_operation(api).items()]
    if not rows:
        return
    screen.line(screen.text("Drift: seen, not documented, and allowed", "bold"))
    screen.fields((f"{api.id} {operation}", _drifted(seen)) for api, operation, seen in rows)
    screen.console.print()


def _drifted(seen: Sequence[tuple[Drift, int]]) -> str:
    named = [f"{drift.kind} {drift.name} ({count(times, 'time')})" for drift, times in seen[:NAMED]]
    more = [f"and {len(seen) - NAMED} more"] if len(seen) > NAMED else []
    return ", ".join([*named, *more])


def _closing(screen: Screen, result: RunResult, options: Options) -> None:
    _verdict_line(screen, result)
    _lead_on(screen, next_steps(result, options))


def _verdict_line(screen: Screen, result: RunResult) -> None:
    verdict = result.verdict
    told = {Verdict.PASS: _passed, Verdict.FAIL: _failed, Verdict.UNKNOWN: _not_told}[verdict](result)
    if note := defect_note(result):
        told = f"{note}; beside it, {told}"
    stopped = "interrupted, so this is what is known so far; " if result.interrupted else ""
    word = screen.text(f"{verdict.value.upper()}: ", STYLES[verdict])
    screen.line(screen.glyph(verdict), " ", word, f"{stopped}{told}.")
    for words in advice(result):
        screen.line(screen.text("  next  ", "dim"), words)


def _lead_on(screen: Screen, steps: Iterable[tuple[str, str]]) -> None:
    for command, gain in steps:
        screen.long_line(screen.text("  next  ", "dim"), command, screen.text(f"  # {gain}", "dim"))


def _passed(result: RunResult) -> str:
    kept = sum(api.count(Verdict.PASS) for api in result.apis)
    unknown = sum(api.count(Verdict.UNKNOWN) for api in result.apis)
    warnings = f", with {count(result.warnings, 'warning')}" if result.warnings else ""
    rest = f"; {unknown:,} could not be checked" if unknown else ""
    known = len(result.baseline.accepted) if result.baseline is not None else 0
    accepted = f", {count(known, 'violation')} accepted" if known else ""
    return f"{count(kept, 'claim')} {'holds' if kept == 1 else 'hold'}{warnings}{accepted}{rest}"


def _failed(result: RunResult) -> str:
    violations = failing(result)
    told = []
    if violations:
        apis = list(dict.fromkeys(violation.api for violation in violations))
        claims = {(violation.api, violation.claim) for violation in violations}
        noun = "promise" if all(violation.level is Level.PROMISE for violation in violations) else "claim"
        told.append(f"{count(len(claims), f'broken {noun}')} in {_and(apis)}{_sporadic(violations)}")
    gone = result.baseline.gone if result.baseline is not None and result.strict else ()
    if gone:
        told.append(f"{count(len(gone), 'accepted violation')} not found any more")
    return ", ".join(told)


def _sporadic(violations: Sequence[Violation]) -> str:
    always = {(each.api, each.claim) for each in violations if not each.sporadic}
    claims = {(each.api, each.claim) for each in violations} - always
    if not claims:
        return ""
    return ", at some tries only" if not always else f", {len(claims)} of them at some tries only"


def _not_told(result: RunResult) -> str:
    apis = [api for api in result.apis if api.verdict is Verdict.UNKNOWN]
    if result.defects and not apis and not result.interrupted:
        return _passed(result)
    if not apis:
        return "nothing is broken so far" if result.apis else "no API was checked"
    silent = [api.id for api in apis if not api.count(Verdict.PASS)]
    refused = [api.id for api in apis if api.count(Verdict.PASS)]
    told = [f"nothing could be established for {_and(silent)}"] if silent else []
    if refused:
        told.append(f"only refusals were seen of {_and(refused)}, which say nothing about the API itself")
    reasons = (
        "the trouble on the way that is told above" if any(api.trouble for api in result.apis) else "what Unknown lists"
    )
    return f"{'; '.join(told)}; {reasons} has to be mended first"


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))

"""Markdown for a pull request or the summary of a job: verdict first, then what is wrong and how to see it again.

A comment on GitHub has room for 65,536 characters, the summary of a step for 1 MiB; the text fits the smaller of the
two, with a little left for words around it. What is cut is said.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.absent import expiry
from specwatch.reports.curl import to_curl
from specwatch.reports.markup import code, details, fenced, table, words
from specwatch.reports.next_steps import Options, advice, next_steps, replay_target
from specwatch.reports.places import Place, Places
from specwatch.reports.remedies import remedy
from specwatch.reports.summary import (
    acceptance_note,
    accepted,
    broken,
    calls_note,
    drift_by_operation,
    fails,
    gravest_first,
    rate_note,
    so_far,
    unknown_by_reason,
    warned,
)
from specwatch.reports.text import count, printable, shortened, timestamp
from specwatch.spec import Api
from specwatch.values.baseline import Acceptance
from specwatch.values.claim import Level, Verdict
from specwatch.values.violation import Violation

MAX_CHARACTERS: Final = 65_000
MAX_ROWS: Final = 20
"""Rows of a table; of more, how many there are is said."""

VALUE_CHARACTERS: Final = 600
"""How much of `expected` and `found` is shown."""

CURL_CHARACTERS: Final = 3_000
"""A longer command is not shown, since half of one is of no use; the JSON report has the request."""

NAMED: Final = 3
SIGNS: Final = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.UNKNOWN: "❔"}

_RESERVE: Final = 1_000
"""Room for what is said about what was cut."""


def to_markdown(result: RunResult, apis: Sequence[Api], options: Options | None = None) -> str:
    """A run as GitHub Flavored Markdown, at most `MAX_CHARACTERS` long, without a line break at its end.

    Args:
        result: the run.
        apis: the specs of its APIs, where the lines of claims are looked up.
        options: what the run was given, for commands that repeat it; None where nobody knows.
    """
    start = [_verdict(result), *_defects(result), _facts(result), _table(result), *_trouble(result)]
    rest = [*_baseline(result), *_unknown(result), *_drift(result)]
    end = [_closing(result, options or _options(result))]
    room = MAX_CHARACTERS - _RESERVE - sum(len(part) + 2 for part in (*start, *rest, *end))
    return "\n\n".join(filter(None, [*start, *_violations(result, apis, room), *rest, *end]))


def _verdict(result: RunResult) -> str:
    sign = SIGNS[result.verdict]
    stopped = " (interrupted: what is known so far)" if result.interrupted else ""
    told = "; ".join((*_headline(result), ", ".join(_counts(result))))
    return f"## {sign} specwatch: {result.verdict.value}{stopped}\n\n{told}."


def _headline(result: RunResult) -> Iterator[str]:
    """What makes the run fail, or keeps it from passing."""
    if result.defects:
        number = count(len(result.defects), "defect")
        yield f"**This workspace has {number} of its own**, see {code(result.defects[0].where)}, to be mended first"
    failing = {api.id: len(broken(api, strict=result.strict)) for api in result.apis}
    if any(failing.values()):
        noun = "broken claim" if result.strict else "broken promise"
        names = [code(name) for name, number in failing.items() if number]
        *others, last = names
        listed = f"{', '.join(others)} and {last}" if others else last
        yield f"**{count(sum(failing.values()), noun)}** in {listed}"
    elif result.verdict is Verdict.UNKNOWN and not result.defects:
        yield "**Nothing could be established** for all that was asked about"
    gone = result.baseline.gone if result.baseline is not None else ()
    if result.strict and gone:
        yield f"**{count(len(gone), 'accepted violation')}** not found any more"


def _counts(result: RunResult) -> Iterator[str]:
    """How many claims there are of each kind."""
    yield f"{count(sum(api.count(Verdict.PASS) for api in result.apis), 'claim')} kept"
    if warnings := sum(len(warned(api, strict=result.strict)) for api in result.apis):
        yield f"{warnings:,} broken that only {'warns' if warnings == 1 else 'warn'}"
    if known := sum(len(accepted(api)) for api in result.apis):
        yield f"{known:,} broken and accepted"
    yield f"{sum(api.count(Verdict.UNKNOWN) for api in result.apis):,} unknown"


def _facts(result: RunResult) -> str:
    strict = ", strict" if result.strict else ""
    requests = count(sum(api.requests for api in result.apis), "request")
    return (
        f"Target {code(result.target)}, profile {code(result.profile)}{strict}, seed {result.seed}; "
        f"{requests} in {result.seconds:.1f} s, {timestamp(result.started_at)}"
    )


def _table(result: RunResult) -> str:
    head: tuple[str, ...] = ("API", "verdict", "kept", "broken", "warned", "unknown", "requests", "cost", "waited")
    head = head if result.baseline is None else (*head[:5], "accepted", *head[5:])
    rows = [
        (
            code(api.id),
            f"{SIGNS[so_far(api, result)]} {so_far(api, result).value}",
            f"{api.count(Verdict.PASS):,}",
            f"{len(broken(api, strict=result.strict)):,}",
            f"{len(warned(api, strict=result.strict)):,}",
            *([f"{len(accepted(api)):,}"] if result.baseline is not None else []),
            f"{api.count(Verdict.UNKNOWN):,}",
            f"{api.requests:,}",
            f"{api.cost:g}",
            f"{api.seconds:.1f} s",
        )
        for api in result.apis
    ]
    return _capped(head, rows, "API", numbers=len(head) - 2)


def _open(api: ApiResult, result: RunResult) -> list[Violation]:
    """What is not accepted, the gravest first."""
    return [violation for violation in gravest_first(api) if not result.accepts(violation)]


def _capped(head: Sequence[str], rows: Sequence[Sequence[str]], noun: str, *, numbers: int = 0) -> str:
    shown = table(head, rows[:MAX_ROWS], numbers=numbers)
    more = len(rows) - MAX_ROWS
    return f"{shown}\n\n… and {count(more, f'more {noun}')} in the JSON report" if more > 0 else shown


def _defects(result: RunResult) -> Iterator[str]:
    rows = [(each.part.value, code(each.where), words(each.text)) for each in result.defects]
    if rows:
        listed = _capped(("part", "where", "what"), rows, "defect")
        yield f"### Defects of this workspace, not of a provider\n\n{listed}"


def _trouble(result: RunResult) -> Iterator[str]:
    rows = [(code(api.id), words(told)) for api in result.apis for told in api.trouble]
    if rows:
        yield f"### Trouble on the way, so not judged\n\n{_capped(('API', 'what'), rows, 'line')}"


def _violations(result: RunResult, apis: Sequence[Api], room: int) -> Iterator[str]:
    """Blocks of violations, the gravest of all first, for as long as there is room for them."""
    found = [(violation, api) for api in result.apis for violation in _open(api, result)]
    found.sort(key=lambda pair: pair[0].level is not Level.PROMISE)
    if not found:
        return
    yield f"### {count(len(found), 'violation')}"
    places = Places(apis)
    for index, (violation, api) in enumerate(found):
        block = _block(violation, api, result, places.of(violation))
        room -= len(block) + 2
        if room < 0:
            yield f"… and {count(len(found) - index, 'more violation')}: cut here, all in the JSON report"
            return
        yield block


def _block(violation: Violation, api: ApiResult, result: RunResult, place: Place) -> str:
    sign, word = ("❌", "broken") if fails(violation.level, strict=result.strict) else ("⚠️", "warning: broken")
    notes = (rate_note(violation), calls_note(violation, api), acceptance_note(violation, result))
    lines = [
        f"#### {sign} {code(f'{violation.api}/{violation.claim}')} {word} {violation.level.value}",
        words(violation.message),
        " · ".join((*_where(violation), code(f"{place.path}:{place.line}"))),
        *(words(note) for note in notes),
        *_values(violation),
        *_repeat(violation),
    ]
    return "\n\n".join(line for line in lines if line)


def _where(violation: Violation) -> Iterator[str]:
    if violation.operation:
        yield code(violation.operation)
    if violation.exchange is not None:
        yield f"status {violation.exchange.response.status}"
    if violation.where:
        yield f"at {code(violation.where)}"


def _values(violation: Violation) -> Iterator[str]:
    """Expected and found, one below the other, as the two sides of a difference."""
    sides = (("- expected", violation.expected), ("+ found   ", violation.found))
    lines = [f"{sign}  {_line(value, VALUE_CHARACTERS)}" for sign, value in sides if value]
    if lines:
        yield fenced(lines, "diff")


def _line(text: str, limit: int) -> str:
    return shortened(printable(text), limit)


def _repeat(violation: Violation) -> Iterator[str]:
    if violation.exchange is not None:
        command = printable(to_curl(violation.exchange))
        if len(command) > CURL_CHARACTERS:
            command = f"# {count(len(command), 'character')} long: the JSON report has the request"
        yield details(f"Send it again (id {violation.id})", fenced([command], "sh"))


def _baseline(result: RunResult) -> Iterator[str]:
    comparison = result.baseline
    if comparison is None:
        return
    groups = (
        ("Accepted by the baseline", comparison.accepted.values()),
        ("No longer accepted: the last day is over, so these count", comparison.expired.values()),
        ("Accepted, but not found any more: take these out of the baseline", comparison.gone),
        (f"Accepted, and not seen in this {comparison.scope}, which may lack what shows it", comparison.unseen),
        ("Accepted, and nothing can be said: the claim is unknown", comparison.unchecked),
    )
    for title, acceptances in groups:
        rows = [_acceptance(each, result) for each in acceptances]
        if rows:
            yield f"### {title}\n\n{_capped(('violation', 'claim', 'reason', 'until'), rows, 'line')}"


def _acceptance(each: Acceptance, result: RunResult) -> tuple[str, str, str, str]:
    until = f"{each.until}{' (is over)' if expiry(each, result) else ''}"
    return code(each.violation), code(each.claim), words(each.reason, 200), until


def _unknown(result: RunResult) -> Iterator[str]:
    groups = unknown_by_reason(result)
    if not groups:
        return
    total = sum(len(claims) for claims in groups.values())
    rows = [(f"{len(claims):,}", words(reason), remedy(reason), _who(claims)) for reason, claims in groups.items()]
    head = ("claims", "why", "next step", "which")
    yield details(f"Unknown: {count(total, 'claim')}, by reason", _capped(head, rows, "reason"))


def _who(claims: Sequence[ClaimResult]) -> str:
    if len(claims) <= NAMED:
        return ", ".join(code(result.claim.full_id, 100) for result in claims)
    apis = list(dict.fromkeys(result.claim.api for result in claims))
    more = [f"and {len(apis) - NAMED} more APIs"] if len(apis) > NAMED else []
    return ", ".join([*(code(api, 100) for api in apis[:NAMED]), *more])


def _drift(result: RunResult) -> Iterator[str]:
    rows = [
        (code(f"{api.id} {operation}"), drift.kind, code(drift.name, 150), f"{times:,}")
        for api in result.apis
        for operation, seen in drift_by_operation(api).items()
        for drift, times in seen
    ]
    if rows:
        title = f"Drift: {count(len(rows), 'thing')} seen, not documented, and allowed"
        yield details(title, _capped(("operation", "kind", "what", "times"), rows, "line", numbers=1))


def _closing(result: RunResult, options: Options) -> str:
    """How to go on from here, with the options of the run as far as they are known."""
    lines = [f"- {words(told)}" for told in advice(result)]
    steps = [f"{command}  # {gain}" for command, gain in next_steps(result, options)]
    first = next((violation for api in result.apis for violation in _open(api, result)), None)
    replayed = bool(options.report or options.recorded)
    if first is not None and first.exchange is not None and not replayed:
        where = shlex.join(replay_target(result, first))
        command = f"specwatch replay contract.json#{first.key} {where}".rstrip()
        steps.append(f"{command}  # sends one again, from a report made by --json")
    parts = ["\n".join(lines), fenced((_line(step, VALUE_CHARACTERS) for step in steps), "sh") if steps else ""]
    return "\n\n".join(["### Go on from here", *filter(None, parts)]) if any(parts) else ""


def _options(result: RunResult) -> Options:
    return Options(
        apis=tuple(api.id for api in result.apis),
        limits=("--strict",) if result.strict else (),
        sandbox=tuple(word for fault in result.faults for word in ("--fault", fault)),
    )

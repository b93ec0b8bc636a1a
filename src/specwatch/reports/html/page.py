"""From a run to the page's view model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.absent import expiry
from specwatch.reports.html.allowance import Allowance
from specwatch.reports.html.claims import MAX_DRIFT, claim_rows, drift_rows, matrix_of
from specwatch.reports.html.exchange import NOTHING, duration, moment, shown
from specwatch.reports.html.findings import REPORT, Findings
from specwatch.reports.html.headline import headline
from specwatch.reports.html.view import ApiView, BaselineView, ExchangeRow, Page
from specwatch.reports.html.visible import clipped
from specwatch.reports.html.words import VERDICTS, anchor
from specwatch.reports.next_steps import Options, advice, next_steps
from specwatch.reports.places import Places
from specwatch.reports.summary import accepted, broken, so_far, unknown_by_reason, warned
from specwatch.reports.text import count
from specwatch.spec.model import Api
from specwatch.values.baseline import Acceptance
from specwatch.values.claim import Verdict
from specwatch.values.exchange import Exchange

LIST_BYTES: Final = 2_500_000
"""What the exchanges in the list may take, once they are opened."""

EACH_BYTES: Final = 6_000
EACH_WORK: Final = 60_000
LIST_WORK: Final = 2_000_000
MAX_ROWS: Final = 8_000
PATH_CHARACTERS: Final = 160
MAX_LISTED: Final = 100
RECORDED: Final = "recorded"
"""What a run of recorded traffic names as its target."""


def build(result: RunResult, apis: Sequence[Api], options: Options | None) -> Page:
    """Everything that the page shows, within what it may hold."""
    by_id = {api.id: api for api in apis}
    rows, left_out = _exchanges(result)
    anchors = {exchange.id: row.anchor for exchange, row in zip(_ordered(result), rows, strict=False)}
    places = Places(apis)
    report = options.report if options is not None and options.report not in {"", "-"} else REPORT
    findings = Findings(result, by_id, places, anchors, report)
    views = tuple(_api(number, api, by_id, findings, places) for number, api in enumerate(result.apis, start=1))
    return Page(
        title=f"{headline(result, apis).mark.word}: specwatch check of {clipped(result.target, 80)}",
        headline=headline(result, apis),
        facts=tuple(_facts(result)),
        advice=tuple(f"{words[:1].upper()}{words[1:]}." for words in advice(result)),
        steps=tuple(_steps(result, options)),
        report=report,
        steps_note="" if options else "Add the options of your run that are not in these lines.",
        baseline=_baseline(result),
        apis=views,
        unknown=tuple(
            (clipped(reason, 400), _who([claim.claim.full_id for claim in claims]))
            for reason, claims in unknown_by_reason(result).items()
        ),
        exchanges=tuple(rows),
        left_out=tuple(left_out),
        counts=_counts(result),
        defective=bool(result.defects),
    )


def _steps(result: RunResult, options: Options | None) -> Iterator[tuple[str, str]]:
    """Commands that lead on; their words are for a terminal, where what they speak of stands above.

    A run of recorded traffic cannot be repeated by who does not know its files.
    """
    if options is None and result.target == RECORDED:
        return
    for command, gain in next_steps(result, options or _options(result)):
        yield command, gain.replace("the curl lines above", "the curl lines on this page")


def _options(result: RunResult) -> Options:
    """What is known of the options of a run from its result."""
    return Options(sandbox=tuple(word for fault in result.faults for word in ("--fault", fault)))


def _facts(result: RunResult) -> Iterator[tuple[str, str]]:
    requests = sum(api.requests for api in result.apis)
    yield "target", clipped(result.target, 200)
    yield "profile", result.profile
    yield "seed", str(result.seed)
    yield "begun", moment(result.started_at)
    yield "took", duration(result.seconds)
    if not requests and result.exchanges:
        yield "recorded", f"{count(len(result.exchanges), 'exchange')}; nothing was sent"
    else:
        yield "requests", f"{requests:,}"
        yield "cost", f"{sum(api.cost for api in result.apis):g}"
    if result.strict:
        yield "strict", "a broken inference fails the run, too"
    if result.faults:
        yield "faults on", clipped(", ".join(result.faults), 400)


def _counts(result: RunResult) -> Mapping[str, int]:
    """How many claims have each verdict; what warns counts as broken."""
    return {verdict.value: sum(api.count(verdict) for api in result.apis) for verdict in Verdict}


def _api(number: int, api: ApiResult, specs: Mapping[str, Api], findings: Findings, places: Places) -> ApiView:
    result, spec = findings.result, specs.get(api.id)
    return ApiView(
        anchor=f"api-{number}",
        id=api.id,
        title=spec.title if spec is not None else api.id,
        mark=VERDICTS[so_far(api, result)],
        figures=tuple(_figures(api, result)),
        trouble=tuple(clipped(sentence, 1_000) for sentence in api.trouble),
        findings=tuple(findings.of(api)),
        matrix=matrix_of(spec, api, result) if spec is not None else None,
        claims=tuple(claim_rows(api, result, places)),
        drift=tuple(drift_rows(api)),
    )


def _figures(api: ApiResult, result: RunResult) -> Iterator[tuple[str, str]]:
    yield "kept", f"{api.count(Verdict.PASS):,}"
    yield "broken", f"{len(broken(api, strict=result.strict)):,}"
    yield "warned", f"{len(warned(api, strict=result.strict)):,}"
    if result.baseline is not None:
        yield "accepted", f"{len(accepted(api)):,}"
    yield "unknown", f"{api.count(Verdict.UNKNOWN):,}"
    yield "requests", f"{api.requests:,}"
    yield "cost", f"{api.cost:g}"
    yield "waited", duration(api.seconds)


def _baseline(result: RunResult) -> BaselineView | None:
    comparison = result.baseline
    if comparison is None:
        return None
    lists = (
        ("Accepted no longer: the last day has passed", tuple(comparison.expired.values())),
        ("Gone: looked for and not found, so take them off the baseline", comparison.gone),
        (f"Not seen in this {comparison.scope}, which may lack what shows them", comparison.unseen),
        ("Not checked: their claims are unknown in this run", comparison.unchecked),
    )
    told = tuple(
        (title, tuple(_entry(entry, result) for entry in entries[:MAX_LISTED])) for title, entries in lists if entries
    )
    summary = (
        f"{count(len(comparison.accepted), 'violation')} accepted, {len(comparison.expired):,} no longer accepted, "
        f"{len(comparison.gone):,} gone, {len(comparison.unseen):,} not seen, {len(comparison.unchecked):,} not checked"
    )
    return BaselineView(summary, told)


def _entry(entry: Acceptance, result: RunResult) -> str:
    over = ", which is over" if expiry(entry, result) else ""
    return clipped(f"{entry.violation} ({entry.claim}), until {entry.until.isoformat()}{over}: {entry.reason}", 600)


def _who(claims: list[str]) -> str:
    named = ", ".join(claims[:4])
    return f"{count(len(claims), 'claim')}: {named}{f' and {len(claims) - 4:,} more' if len(claims) > 4 else ''}"


def _ordered(result: RunResult) -> list[Exchange]:
    return sorted(result.exchanges, key=lambda exchange: exchange.timings.started_at)


def _exchanges(result: RunResult) -> tuple[list[ExchangeRow], list[str]]:
    """The list of all exchanges, and what was left out of it."""
    ordered = _ordered(result)
    links: dict[str, list[tuple[str, str]]] = {}
    for api in result.apis:
        for violation in api.violations:
            if violation.exchange is not None:
                links.setdefault(violation.exchange.id, []).append((anchor(violation), violation.id))
    left, work, rows, closed = LIST_BYTES, LIST_WORK, [], 0
    share = min(EACH_BYTES, 2 * LIST_BYTES // max(len(ordered), 1))
    for number, exchange in enumerate(ordered[:MAX_ROWS], start=1):
        allowance = Allowance(min(share, left), min(work, EACH_WORK))
        fits = left > 0 and exchange.id not in links
        view = shown(exchange, NOTHING, allowance) if fits else None
        closed += view is None and exchange.id not in links
        left -= min(share, left) - allowance.bytes
        work -= min(work, EACH_WORK) - allowance.work
        rows.append(_row(number, exchange, tuple(links.get(exchange.id, ())), view))
    return rows, list(_left_out(len(ordered), closed, result))


def _row(number: int, exchange: Exchange, links: tuple[tuple[str, str], ...], view: object) -> ExchangeRow:
    parts = urlsplit(exchange.request.url) if "[" not in exchange.request.url else None
    path = f"{parts.path}{f'?{parts.query}' if parts.query else ''}" if parts is not None else exchange.request.url
    return ExchangeRow(
        anchor=f"x-{number}",
        number=number,
        method=exchange.request.method,
        path=clipped(path or "/", PATH_CHARACTERS),
        status=str(exchange.response.status),
        time=duration(exchange.timings.total_seconds),
        api=exchange.api,
        operation=exchange.operation,
        violations=links[:20],
        shown=view,  # type: ignore[arg-type]
    )


def _left_out(total: int, closed: int, result: RunResult) -> Iterator[str]:
    if total > MAX_ROWS:
        yield f"{total - MAX_ROWS:,} exchanges at the end of the run are not listed."
    if closed:
        yield f"{count(closed, 'exchange')} cannot be opened here, to keep the page small."
    if any(len(api.sightings or api.drift) > MAX_DRIFT for api in result.apis):
        yield f"Of each API's drift, the first {MAX_DRIFT} are listed."

"""Violations as they are shown: what was expected, what came, where, and how to see it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.curl import to_curl
from specwatch.reports.html.allowance import Allowance
from specwatch.reports.html.exchange import duration, shown
from specwatch.reports.html.related import Related, about_the_same, before, compared
from specwatch.reports.html.sides import sides
from specwatch.reports.html.spots import Spots, spots
from specwatch.reports.html.view import Finding, Mark, Other, Shown
from specwatch.reports.html.visible import clipped
from specwatch.reports.html.words import anchor, as_whom, graveness
from specwatch.reports.next_steps import replay_target
from specwatch.reports.places import Places
from specwatch.reports.summary import gravest_first
from specwatch.spec.model import Api
from specwatch.values.claim import Claim, Derived
from specwatch.values.exchange import Exchange
from specwatch.values.violation import Violation

TOTAL_BYTES: Final = 3_500_000
"""What the exchanges of all violations may take on the page."""

EACH_BYTES: Final = 40_000
"""What that of one violation may take."""

LEAST_BYTES: Final = 2_500
"""Where there are so many violations that each would get less, their exchanges are left out."""

WORK: Final = 4_000_000
"""How many characters of bodies are taken apart for marks: some seconds' worth."""

CURL_CHARACTERS: Final = 6_000
TEXT_CHARACTERS: Final = 400
OPENED: Final = 2
"""So many violations are open when the page is. Where there are more, only the first."""

REPORT: Final = "report.json"
"""What a JSON report is called where nobody knows its name."""

RELATED: Final = 40
"""For so many violations it is worked out which other exchanges they are about."""

_COMPARED: Final = "The exchanges that are compared"
_BEFORE: Final = "What was sent just before"
_ABOUT: Final = "What was sent before, about the same thing"


@dataclass
class Findings:
    """Makes the findings of a run, within what the page may hold.

    Args:
        result: the run.
        apis: the specs, by id.
        places: where claims stand.
        anchors: where exchanges stand on the page, by their id.
        report: the JSON report of the run, for commands.
    """

    result: RunResult
    apis: Mapping[str, Api]
    places: Places
    anchors: Mapping[str, str]
    report: str = REPORT

    def __post_init__(self) -> None:
        self._violations = max(sum(len(api.violations) for api in self.result.apis), 1)
        self._left = TOTAL_BYTES
        self._work = WORK
        self._related = RELATED
        self._opened = self._violations if self._violations <= OPENED else 1
        self._by_api: dict[str, list[Exchange]] = {}
        for exchange in self.result.exchanges:
            self._by_api.setdefault(exchange.api, []).append(exchange)

    def of(self, api: ApiResult) -> Iterator[Finding]:
        """The findings of one API: those that fail the run, those that warn, those that are accepted."""
        order = {"fail": 0, "warn": 1, "known": 2}
        ranked = sorted(gravest_first(api), key=lambda violation: order[graveness(violation, self.result).tone])
        for violation in ranked:
            yield self._finding(violation)

    def _finding(self, violation: Violation) -> Finding:
        claim = self._claim(violation)
        marks = spots(violation, claim, self.apis.get(violation.api))
        title, others = self._others(violation, claim)
        exchange = self._shown(violation, marks)
        expected, found, compares = sides(violation.expected, violation.found)
        mark = graveness(violation, self.result)
        self._opened -= mark.tone != "known"
        return Finding(
            anchor=anchor(violation),
            id=violation.id,
            key=violation.key,
            mark=mark,
            api=violation.api,
            claim=violation.claim,
            level=violation.level.value,
            kind=violation.kind,
            text=_title(violation, claim),
            where=_where(violation),
            badges=tuple(_badges(violation, self.result)),
            acceptance=_acceptance(violation, self.result),
            expected=expected,
            found=found,
            compares=compares,
            place=tuple(self._sources(violation, claim)),
            place_note=_place_note(violation, exchange),
            exchange=exchange,
            curl=_curl(violation.exchange) if exchange is not None else "",
            replay=self._replay(violation) if violation.exchange else "",
            others_title=title,
            others=others,
            opened=mark.tone != "known" and self._opened >= 0,
        )

    def _replay(self, violation: Violation) -> str:
        command = ["specwatch", "replay", f"{self.report}#{violation.id}", *replay_target(self.result, violation)]
        return shlex.join(command)

    def _claim(self, violation: Violation) -> Claim | None:
        try:
            return self.apis[violation.api].claim(violation.claim)
        except KeyError:
            return None

    def _shown(self, violation: Violation, marks: Spots) -> Shown | None:
        if violation.exchange is None:
            return None
        share = min(EACH_BYTES, TOTAL_BYTES // self._violations, self._left)
        if share < LEAST_BYTES:
            return None
        allowance = Allowance(share, self._work)
        exchange = shown(violation.exchange, marks, allowance)
        self._left -= share - allowance.bytes
        self._work = allowance.work
        return exchange

    def _sources(self, violation: Violation, claim: Claim | None) -> Iterator[tuple[str, str]]:
        if claim is not None:
            yield ("claim", claim.text) if isinstance(claim.form, Derived) else ("documentation", claim.source)
        if violation.api in self.apis:
            place = self.places.of(violation)
            yield "spec", f"{place.path}:{place.line}"

    def _others(self, violation: Violation, claim: Claim | None) -> tuple[str, tuple[Other, ...]]:
        api = self.apis.get(violation.api)
        if claim is None or api is None or violation.exchange is None or self._related <= 0:
            return "", ()
        exchanges = self._by_api.get(violation.api, ())
        found = compared(violation, claim, api, exchanges)
        title = _COMPARED
        if not found:
            found = before(violation, claim, exchanges)
            title = _ABOUT if found and about_the_same(found) else _BEFORE
        self._related -= bool(found)
        if not any(each.exchange.id != violation.exchange.id for each in found):
            return "", ()
        return title, tuple(self._other(each, found, violation.exchange) for each in found)

    def _other(self, each: Related, all_of_them: Sequence[Related], own: Exchange) -> Other:
        exchange = each.exchange
        first = all_of_them[0].exchange.timings.started_at
        return Other(
            time=f"+{duration(exchange.timings.started_at - first)}"
            if exchange.timings.started_at > first
            else "first",
            what=f"{exchange.operation}{as_whom(exchange)}, status {exchange.response.status}",
            value=clipped(each.value, 300),
            anchor=self.anchors.get(exchange.id, ""),
            this=exchange.id == own.id,
        )


def _title(violation: Violation, claim: Claim | None) -> str:
    """The claim as the documentation has it; of one that is derived from the spec, what came instead."""
    if claim is not None and not isinstance(claim.form, Derived):
        return claim.text
    return clipped(violation.message or violation.claim, TEXT_CHARACTERS)


def _where(violation: Violation) -> str:
    status = f", status {violation.exchange.response.status}" if violation.exchange is not None else ""
    return f"{violation.operation}{status}" if violation.operation else "no single operation"


def _badges(violation: Violation, result: RunResult) -> Iterator[Mark]:
    if violation.rate is not None:
        failed = f"{violation.rate.failed} of {violation.rate.tries} tries failed"
        always = Mark("fail", "↻", f"always: {failed}")
        yield Mark("warn", "~", f"sometimes: {failed}") if violation.sporadic else always
    if result.baseline is None:
        return
    if violation.key in result.baseline.accepted:
        yield Mark("known", "≈", f"accepted until {result.baseline.accepted[violation.key].until.isoformat()}")
    elif violation.key in result.baseline.expired:
        yield Mark("fail", "⌛", f"acceptance ran out after {result.baseline.expired[violation.key].until.isoformat()}")
    else:
        yield Mark("fail", "+", "new: not in the baseline")


def _acceptance(violation: Violation, result: RunResult) -> str:
    if result.baseline is None:
        return ""
    entry = result.baseline.accepted.get(violation.key) or result.baseline.expired.get(violation.key)
    return clipped(f"{entry.reason} ({entry.where})" if entry.where else entry.reason, TEXT_CHARACTERS) if entry else ""


def _is_marked(exchange: Shown) -> bool:
    """Whether anything in an exchange is marked."""
    messages = (exchange.request, exchange.response)
    return bool(
        exchange.waterfall.note
        or any(note for message in messages for _, note in message.first)
        or any(each.note for message in messages for each in message.fields)
        or any(body.marked for message in messages for body in message.bodies)
    )


def _place_note(violation: Violation, exchange: Shown | None) -> str:
    """What to do where no place is marked."""
    if violation.exchange is None:
        return "No exchange shows it."
    if exchange is None:
        return "Its exchange is left out, since there are so many violations: the HAR report (--har) has it."
    return "" if _is_marked(exchange) else _no_place(violation)


def _no_place(violation: Violation) -> str:
    if violation.kind == "delivery":
        return "The answer did not arrive whole, so there is no place in it to point at."
    if violation.kind in {"series", "agreement"}:
        return "No single place is wrong: the answer does not fit the others that are listed above."
    return "No single place in this answer is wrong: compare what was expected with the answer as a whole."


def _curl(exchange: Exchange | None) -> str:
    line = to_curl(exchange) if exchange is not None else ""
    return line if len(line) <= CURL_CHARACTERS else ""

"""The first sentence: what is wrong and whose fault it is, for somebody who was just paged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import Final

from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.html.view import Headline, Mark
from specwatch.reports.html.visible import clipped
from specwatch.reports.html.words import anchor, joined
from specwatch.reports.summary import failing, gravest_first, so_far
from specwatch.reports.text import count
from specwatch.spec.model import Api
from specwatch.values.claim import Level, Verdict
from specwatch.values.defect import Part
from specwatch.values.violation import Violation

FAILED: Final = Mark("fail", "✗", "Fail")
ACCEPTED: Final = Mark("known", "≈", "Accepted")
UNTOLD: Final = Mark("unknown", "?", "Unknown")
WARNED: Final = Mark("warn", "!", "Pass, with warnings")
PASSED: Final = Mark("pass", "✓", "Pass")

MOST: Final = 3
"""So many violations are told at the top, each of another claim."""

_PROVIDER: Final = "The provider's: its answers are not what its documentation says."
_OWN_SANDBOX: Final = (
    "This workspace's own sandbox module, before anybody else's: what the run says about its answers is about the "
    "sandbox. Correct it first:"
)
_OWN_TEST: Final = "This workspace's own contract test, so that what it looks at was not checked. Correct it first:"
_NOT_TOLD: Final = "Not known: this run says nothing about the provider, neither good nor bad."
_WHOSE: Final = (
    (
        "Not known: no way led there from here. The service, the network or our own machine may be the cause.",
        ("cannot be reached", "no answer from", "with a web page", "with a redirect", "a proxy on the way"),
    ),
    ("Nobody's yet: the service asked us to wait.", ("left alone",)),
    (
        "Ours, as far as can be told: no provider is to blame for what we did not or could not ask.",
        (
            " is not set",
            "credential",
            "balance is used up",
            "quota",
            "429 to our own account",
            "our clock",
            "budget",
            "--",
        ),
    ),
)
"""Whose fault it is where nothing could be established, by what the reasons say; the first that fits."""


def headline(result: RunResult, apis: Sequence[Api]) -> Headline:
    """What a run comes to.

    Nothing but a run in which something was established and nothing is broken reads as a pass.
    """
    found = _found(result, {api.id: api.title for api in apis})
    return _defective(result, found) if result.defects else found


def _found(result: RunResult, titles: dict[str, str]) -> Headline:
    """What was found, were there no defect of the workspace."""
    broken = [violation for violation in failing(result) if not result.accepts(violation)]
    if broken:
        return _failed(result, titles, broken)
    if result.verdict is Verdict.UNKNOWN and not _only_defective(result):
        return _untold(result)
    if result.verdict is Verdict.FAIL:
        return _failed_otherwise(result, titles)
    return _passed(result, titles)


def _only_defective(result: RunResult) -> bool:
    """Whether nothing but a defect of the workspace keeps a run from passing."""
    return bool(result.defects) and replace(result, defects=()).verdict is Verdict.PASS


def _defective(result: RunResult, found: Headline) -> Headline:
    """The workspace's own defect first: what was found may come from it."""
    first, *others = result.defects
    number = len(result.defects)
    defects = "a defect" if number == 1 else f"{number:,} defects"
    own = [each for each in result.defects if each.part is Part.SANDBOX]
    whose = _OWN_SANDBOX if own else _OWN_TEST
    beside = found.sentence.replace("Nothing is wrong", "nothing wrong was found", 1)
    details = (
        *(f"Another one: {clipped(str(each), 300)}" for each in others[:MOST]),
        *([f"And {count(number - 1 - MOST, 'more defect')} in the JSON report."] if number - 1 > MOST else []),
        f"Beside it: {beside}" if own else f"Beside it: {beside} {found.whose}".rstrip(),
        *found.details,
    )
    mark = FAILED if result.verdict is Verdict.FAIL else UNTOLD
    sentence = f"This workspace has {defects} of its own: {clipped(first.where, 120)}."
    return Headline(mark, sentence, f"{whose} {clipped(str(own[0] if own else first), 400)}", details, found.firsts)


def _failed(result: RunResult, titles: dict[str, str], broken: list[Violation]) -> Headline:
    names = [titles.get(name, name) for name in dict.fromkeys(violation.api for violation in broken)]
    promises = {v.claim for v in broken if v.level is Level.PROMISE}
    claims = {(violation.api, violation.claim) for violation in broken}
    noun = "promise" if len(promises) == len({claim for _, claim in claims}) else "claim"
    sentence = f"{joined(names)} {'breaks' if len(names) == 1 else 'break'} {count(len(claims), noun)} of"
    whose = _PROVIDER
    if all(violation.kind in {"time", "delivery"} for violation in broken):
        whose = "The provider's, or something on the way to it: answers were late or did not arrive, others did."
    details = (*_stopped(result), *_sporadic(broken), *_beside(result))
    possessive = "its" if len(names) == 1 else "their"
    return Headline(FAILED, f"{sentence} {possessive} documentation.", whose, details, _firsts(broken))


def _failed_otherwise(result: RunResult, titles: dict[str, str]) -> Headline:
    """A run that fails although none of its violations does: it is strict, and what is accepted did not come."""
    details = (*_stopped(result), *_beside(result))
    gone = result.baseline.gone if result.baseline is not None and result.strict else ()
    if gone:
        sentence = f"{count(len(gone), 'accepted violation')} did not come again: take it off the baseline."
        return Headline(FAILED, sentence, "Nobody's: a strict run fails for a baseline that lists too much.", details)
    names = joined([titles.get(api.id, api.id) for api in result.apis if api.verdict is Verdict.FAIL])
    violations = [v for api in result.apis for v in gravest_first(api) if not result.accepts(v)]
    return Headline(FAILED, f"A claim about {names} does not hold.", _PROVIDER, details, _firsts(violations))


def _firsts(violations: list[Violation]) -> tuple[tuple[str, str, str], ...]:
    """The gravest violations: one of each API before a second of any, and never two of the same claim.

    Somebody else's data comes before all else, then what was found first.
    """
    ordered = sorted(violations, key=lambda violation: violation.kind != "credentials")
    claims = {(violation.api, violation.claim): violation for violation in reversed(ordered)}
    told: dict[str, list[Violation]] = {}
    for key in dict.fromkeys((violation.api, violation.claim) for violation in ordered):
        told.setdefault(key[0], []).append(claims[key])
    rounds = chain.from_iterable(zip_longest(*told.values()))
    chosen = [violation for violation in rounds if violation is not None][:MOST]
    return tuple((anchor(each), each.operation or each.api, _told(each)) for each in chosen)


def _told(violation: Violation) -> str:
    """What came instead of what, in one sentence."""
    expected, found = clipped(violation.expected, 120), clipped(violation.found, _found_characters(violation))
    what = clipped(violation.message.removeprefix("Not so: "), 240)
    if violation.kind in _SPOKEN:
        said = "Promised" if violation.level is Level.PROMISE else "As the examples show"
        status = f"answered {violation.exchange.response.status} and " if violation.exchange is not None else ""
        instead = "" if violation.kind == "claim" else f" instead of {expected}"
        return f"{status}shows {found}{instead}. {said}: {what}"
    told = "" if violation.found in what else f"; found {found}"
    return f"{what} Expected {expected}{told}."


def _found_characters(violation: Violation) -> int:
    """What an expression read is told with the names of the places, which takes room."""
    return 300 if violation.kind == "claim" else 120


_SPOKEN: Final = frozenset({"claim", "series", "agreement", "scenario"})
"""Kinds whose message repeats the claim."""


def _stopped(result: RunResult) -> Iterator[str]:
    if result.interrupted:
        yield "The run was interrupted, so this is what is known so far."


def _sporadic(broken: list[Violation]) -> Iterator[str]:
    flaky = sum(violation.sporadic for violation in broken)
    if flaky:
        only = "It" if flaky == len(broken) == 1 else f"{flaky} of {count(len(broken), 'violation')}"
        yield f"{only} came at some tries only: now and then, or depending on what was asked before."


def _beside(result: RunResult) -> Iterator[str]:
    """What stands beside the main finding: APIs about which nothing is known, what the baseline accepts."""
    silent = [api.id for api in result.apis if so_far(api, result) is Verdict.UNKNOWN]
    if silent:
        yield f"Nothing could be established about {joined(silent)}: {_reason(result.apis, silent)}"
    if result.baseline is not None:
        if result.baseline.accepted:
            yield f"The baseline accepts {count(len(result.baseline.accepted), 'more violation')}."
        if result.baseline.expired:
            yield f"{count(len(result.baseline.expired), 'acceptance')} of the baseline ran out."


def _reason(apis: Sequence[ApiResult], names: list[str]) -> str:
    reasons = [*_reasons([api for api in apis if api.id in names])]
    return clipped(reasons[0], 240) if reasons else "no request could show it."


def _reasons(apis: Sequence[ApiResult]) -> Iterator[str]:
    for api in apis:
        yield from api.trouble
    for api in apis:
        yield from (claim.reason for claim in api.claims if claim.reason)


def _untold(result: RunResult) -> Headline:
    unknown = [api for api in result.apis if so_far(api, result) is Verdict.UNKNOWN]
    reasons = list(_reasons(unknown))
    if result.interrupted:
        kept = sum(api.count(Verdict.PASS) for api in result.apis)
        sentence = f"Interrupted before the end: nothing is broken so far, {_hold(kept)}."
        return Headline(UNTOLD, sentence, "Nobody's: the run was stopped.", tuple(_beside(result)))
    if not result.apis:
        return Headline(UNTOLD, "No API was checked.", "Nobody's: nothing was selected.")
    names = joined([api.id for api in unknown])
    details = tuple(f"{clipped(reason, 300)}" for reason in list(dict.fromkeys(reasons))[:2])
    return Headline(UNTOLD, f"Nothing could be established about {names}.", _whose(reasons), details)


def _whose(reasons: list[str]) -> str:
    return next(
        (whose for whose, signs in _WHOSE if any(sign in reason for reason in reasons for sign in signs)), _NOT_TOLD
    )


def _accepted(result: RunResult) -> Headline:
    accepted = [v for api in result.apis for v in gravest_first(api) if result.accepts(v)]
    sentence = f"Nothing new: {count(len(accepted), 'violation')}, and the baseline accepts {_all(len(accepted))}."
    return Headline(ACCEPTED, sentence, f"{_PROVIDER} It is known and accepted for a while.", tuple(_gone(result)))


def _all(number: int) -> str:
    return "it" if number == 1 else "all of them"


def _gone(result: RunResult) -> Iterator[str]:
    if result.baseline is not None and result.baseline.gone:
        yield f"{count(len(result.baseline.gone), 'accepted violation')} did not come again: take it off the baseline."


def _hold(kept: int) -> str:
    return f"{count(kept, 'claim')} {'holds' if kept == 1 else 'hold'}"


def _passed(result: RunResult, titles: dict[str, str]) -> Headline:
    kept = sum(api.count(Verdict.PASS) for api in result.apis)
    unknown = sum(api.count(Verdict.UNKNOWN) for api in result.apis)
    open_ = (f"{count(unknown, 'claim')} could not be checked; each says why below.",) if unknown else ()
    details = (*open_, *_gone(result))
    warnings = [v for api in result.apis for v in api.violations if not result.accepts(v)]
    if warnings:
        names = [titles.get(name, name) for name in dict.fromkeys(v.api for v in warnings)]
        words = ("does", "its") if len(names) == 1 else ("do", "their")
        sentence = f"No promise is broken, but {joined(names)} no longer {words[0]} what {words[1]} examples show."
        whose = "Nobody has to get up: what only examples show is no promise. Look at it in daylight."
        return Headline(WARNED, sentence, whose, details, _firsts(warnings))
    if result.baseline is not None and result.baseline.accepted:
        return _accepted(result)
    if unknown:
        sentence = f"Nothing wrong was found: {_hold(kept)}, {unknown:,} could not be checked."
        return Headline(PASSED, sentence, "", tuple(_gone(result)))
    return Headline(PASSED, f"Nothing is wrong: {_hold(kept)}.", "", details)

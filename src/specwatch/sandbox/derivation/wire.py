"""Faults of the answer around its value: status, headers, media type, the text of the JSON, and the time it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from specwatch.conformance.facts import text_fits
from specwatch.conformance.headers import documented_headers
from specwatch.conformance.judge import judge
from specwatch.sandbox.derivation.exchange import Seen, content_of
from specwatch.sandbox.derivation.maker import Derived, Maker
from specwatch.sandbox.examples import spec_answer, success_statuses
from specwatch.sandbox.faults import Fault
from specwatch.sandbox.interface import Answer, Call, Edit
from specwatch.sandbox.mutations import WIRE
from specwatch.sandbox.shape import examples_of, json_media
from specwatch.values import Concern, Level
from specwatch.values.claim import Derived as DerivedForm
from specwatch.values.claim import Scenario
from specwatch.values.exchange import ACCOUNT

SLOW_MARGIN_SECONDS: Final = 0.5
_REDIRECT: Final = 300
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500
_ABOUT_US: Final = frozenset({401, 402, 403, 429})
_REFUSED: Final = frozenset({401, 403})
_OF_THE_REQUEST: Final = frozenset({"credentials", "rejects", "survives", "time"})
"""Derived claims about an answer that take more than the answer to be broken."""
_NOW_AND_THEN: Final = 3
_MALFORMED: Final = ("malformed", "", "-1", "0.5")
UNDOCUMENTED: Final = {"success": 299, "error": 418}
"""Statuses that stand for undocumented ones; the next higher free number is taken where a spec documents them."""


def swaps(maker: Maker, status: int) -> Derived:
    """The status replaced by an undocumented one, and by every other documented one."""
    free = UNDOCUMENTED["success" if status < _REDIRECT else "error"]
    while maker.operation.response(free) is not None and free % 100 < 99:
        free += 1
    for other in (free, *maker.statuses()):
        if other == status:
            continue
        if {status, other} == {401, 403}:
            reason = "which of the two refuses a credential is open wherever both are documented"
            yield maker.cannot(f"status/{status}-as-{other}", reason)
            continue
        yield _swap(maker, status, other, documented=other != free)


def _swap(maker: Maker, status: int, other: int, *, documented: bool) -> Fault:
    """One status in the place of another. Where both are documented, it breaks what the answer or the request shows."""

    def apply(_call: Call, answer: Answer) -> Answer:
        return replace(answer, status=other) if answer.status == status else answer

    what, text = f"status/{status}-as-{other}", f"What is documented as {status} is answered as {other}."
    breaks, level = _broken(maker, status, other) if documented else ("status", Level.PROMISE)
    if breaks:
        return maker.fault(what, text, apply, breaks=breaks, level=level, concern=Concern.STATUS)
    return maker.fault(
        what,
        text,
        apply,
        breaks=f"which requests {maker.operation.id} answers with {status}",
        level=_level_of_requests(maker),
        concern=Concern.STATUS,
        unclaimed=f"no claim was found to say which requests {maker.operation.id} answers with {status}; "
        "a `scenario` claim can, such as `a known one is found` (docs/how-to/write-a-claim.md)",
    )


def _broken(maker: Maker, status: int, other: int) -> tuple[str, Level]:
    """The derived claim that a documented status in the place of another breaks; an empty one where none is known.

    The answer may show it, or the request: one with a bad credential, or one that asks for a certain failure, as a run
    against a sandbox does. Which requests succeed is said by no derived claim.
    """
    response = maker.operation.response(status)
    promised, inferred = _of_answer(maker, status, other)
    if promised:
        return promised, Level.PROMISE
    if other < _REDIRECT and status in _REFUSED and maker.operation.security:
        return "credentials", Level.PROMISE if maker.operation.documents_refusal else Level.INFERENCE
    if status >= _REDIRECT and response is not None:
        return response.status, Level.PROMISE
    return (inferred or ("survives" if other >= _SERVER_ERROR else "")), Level.INFERENCE


def _of_answer(maker: Maker, status: int, other: int) -> tuple[str, str]:
    """The first promise and the first inference that the documented answer breaks under another status; or empty."""
    answer = spec_answer(maker.api, maker.operation, status)
    if answer is None:
        return "", ""
    call = Call(maker.operation.id, maker.operation.method, {}, {}, {}, b"", ACCOUNT, 0.0, 0.0, {}, frozenset())
    seen = Seen(maker.api, maker.operation, call, replace(answer, status=other))
    found: dict[Level, str] = {}
    for violation in judge(seen.facts).violations:
        claim = violation.claim.removeprefix(f"{maker.operation.id}/")
        if claim not in _OF_THE_REQUEST:
            found.setdefault(violation.level, claim)
    return found.get(Level.PROMISE, ""), found.get(Level.INFERENCE, "")


def _level_of_requests(maker: Maker) -> Level:
    """The highest level of the claims written about an operation that a contract test plays, or that name a status."""
    for claim in maker.api.claims:
        told = isinstance(claim.form, Scenario) or "response.status" in f"{claim.when} {claim.form}"
        written = not isinstance(claim.form, DerivedForm) and maker.operation.id in claim.operations
        if told and written and claim.level is Level.PROMISE:
            return Level.PROMISE
    return Level.INFERENCE


def texts(maker: Maker) -> Derived:
    """The text of each documented JSON body spoilt, and its media type changed or left out."""
    for status in maker.statuses():
        media = json_media(maker.operation, status)
        if media is None:
            continue
        yield _media_type(maker, status, "media-type", "says that it is HTML", "text/html")
        yield _media_type(maker, status, "no-media-type", "does not say what it is", "")
        for name, (text, spoil) in WIRE.items():
            what = f"{status}/{name}"
            if any(spoil(example) is not None for example in examples_of(media)):
                yield maker.fault(what, f"In a {status}, {text}.", _spoiler(status, spoil), breaks="json")
            else:
                yield maker.cannot(what, "no example of it has what would be spoilt")


def _media_type(maker: Maker, status: int, name: str, text: str, media_type: str) -> Fault:
    def apply(_call: Call, answer: Answer) -> Answer:
        return replace(answer, media_type=media_type) if answer.status == status else answer

    return maker.fault(f"{status}/{name}", f"A {status} {text}.", apply, breaks="media-type")


def _spoiler(status: int, spoil: Callable[[object], bytes | None]) -> Edit:
    def apply(_call: Call, answer: Answer) -> Answer:
        if answer.status != status or answer.raw is not None or answer.body is None:
            return answer
        raw = spoil(answer.body)
        return answer if raw is None else replace(answer, raw=raw)

    return apply


def slow(maker: Maker) -> Fault:
    """The first success answered later than the objective allows."""
    delay = maker.api.objective_seconds + SLOW_MARGIN_SECONDS
    status = next(iter(success_statuses(maker.operation)), None)

    def apply(_call: Call, answer: Answer) -> Answer:
        late = status is None or answer.status == status
        return replace(answer, delay_seconds=answer.delay_seconds + delay) if late else answer

    return maker.fault("slow", f"Answers take {delay:g} s longer.", apply, breaks="time", level=Level.INFERENCE)


def failing(maker: Maker) -> Derived:
    """Requests that should be refused bring the server down, and some answers break off in their bodies."""
    down = spec_answer(maker.api, maker.operation, 500) or Answer(500)

    def fail(call: Call, answer: Answer) -> Answer:
        return down if call.handled and _CLIENT_ERROR <= answer.status < _SERVER_ERROR else answer

    def cut(call: Call, answer: Answer) -> Answer:
        if not call.handled or not call.chance(_NOW_AND_THEN):
            return answer
        return replace(answer, headers={**answer.headers, "content-length": str(len(content_of(answer)) + 1)})

    if any(_CLIENT_ERROR <= status < _SERVER_ERROR for status in {*maker.statuses()} - _ABOUT_US):
        text = "A request that should be refused is answered with 500."
        yield maker.fault("fails", text, fail, breaks="survives", level=Level.INFERENCE)
    else:
        yield maker.cannot("fails", "no refusal of a request is documented")
    text = "Every third answer breaks off before it is whole."
    yield maker.fault("breaks-off", text, cut, breaks="delivery", level=Level.INFERENCE)


def headers(maker: Maker, status: int) -> Derived:
    """Each documented header of a response left out, and malformed."""
    response = maker.operation.response(status)
    for declared in documented_headers(maker.api, maker.operation, response.status) if response else ():
        what = f"{status}/header/{declared.name.lower()}"
        if declared.required:
            text = f"A {status} lacks its header {declared.name}."
            yield maker.fault(f"{what}-missing", text, _header(status, declared.name, None), breaks=str(status))
        else:
            yield maker.cannot(f"{what}-missing", "the header is not required")
        value = next((text for text in _MALFORMED if not text_fits(text, declared.schema)), None)
        if value is not None:
            text = f"In a {status}, the header {declared.name} is malformed."
            yield maker.fault(f"{what}-malformed", text, _header(status, declared.name, value), breaks=str(status))
        else:
            yield maker.cannot(f"{what}-malformed", "its schema takes any text")


def _header(status: int, name: str, value: str | None) -> Edit:
    def apply(_call: Call, answer: Answer) -> Answer:
        if answer.status != status:
            return answer
        others = {key: text for key, text in answer.headers.items() if key.lower() != name.lower()}
        return replace(answer, headers=others if value is None else others | {name: value})

    return apply

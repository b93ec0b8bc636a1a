"""SARIF 2.1.0: claims as rules, violations as results at the lines of the specs.

Facts: SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, sections by number below; what
GitHub reads of it, and how much: its page "SARIF support for code scanning".

Only violations are results. A reader that knows nothing of `kind` shows every result as an alert, so an unknown claim
is a notification of the run (3.20.21) with the rule that it is about: said, never shown as a finding, and never a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

from specwatch import __version__
from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import RunResult
from specwatch.reports.absent import absent, expiry
from specwatch.reports.curl import to_curl
from specwatch.reports.places import Place, Places
from specwatch.reports.summary import fails, gravest_first, rate_note
from specwatch.reports.text import count, decoded, in_order, shortened, timestamp
from specwatch.spec import Api
from specwatch.values.claim import Claim, Level, Verdict
from specwatch.values.exchange import Exchange, Headers
from specwatch.values.violation import Violation

VERSION: Final = "2.1.0"
SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT: Final = "%SRCROOT%"

MAX_RESULTS: Final = 5_000
"""GitHub shows that many per run; the gravest come first, and a notification says how many are left out."""

DESCRIPTION_CHARACTERS: Final = 1_024
"""So long may GitHub's descriptions of a rule be."""

MAX_TAGS: Final = 10
"""So many tags of a rule does GitHub show. It warns of more, and takes no file with a rule of more than twenty."""

VALUE_CHARACTERS: Final = 1_000
"""How much of `expected` and `found` is shown in a message."""

BODY_CHARACTERS: Final = 2_000
"""How much of a body is written down: GitHub takes 10 MB, packed, for all results together."""

UNKNOWN, TROUBLE, CUT, GONE, UNCHECKED = "unknown-claim", "trouble", "results-left-out", "gone", "unchecked"
DEFECT: Final = "defect"

Document = dict[str, object]


def to_sarif(result: RunResult, apis: Sequence[Api]) -> Document:
    """A run as a SARIF log of one run.

    Args:
        result: the run.
        apis: the specs of its APIs, where the lines are looked up.

    Returns:
        JSON values. A violation is an `error` where it fails the run, a `warning` where it only warns, and a suppressed
        `note` where the baseline accepts it: GitHub does not read suppressions, but fails no check for a note.
    """
    claims = [claim.claim for api in result.apis for claim in api.claims]
    rules = {claim.full_id: index for index, claim in enumerate(claims)}
    places = Places(apis)
    found = _gravest(result)
    run = {
        "tool": {"driver": _driver(claims)},
        "automationDetails": {"id": _category(result)},
        "invocations": [_invocation(result, rules, len(found))],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository that holds the specs."}}},
        "columnKind": "utf16CodeUnits",
        "results": [_result(each, result, rules, places.of(each)) for each in found[:MAX_RESULTS]],
    }
    return {"$schema": SCHEMA, "version": VERSION, "runs": [run]}


def _category(result: RunResult) -> str:
    """What tells the runs of one analysis from those of another (3.17.3): profile, kind of target, and the APIs.

    GitHub takes what stands before the last stroke as the category, and closes alerts only within it.
    """
    host = urlsplit(result.target).netloc.rpartition("@")[2]
    target = f"url-{host.replace(':', '-')}" if host else result.target
    apis = "+".join(sorted(api.id for api in result.apis))
    return f"specwatch/{result.profile}/{quote(target, safe='')}/{quote(apis, safe='+')}/"


def message_text(text: str) -> str:
    """A text as the `text` of a message: nothing in it is a placeholder (3.11.5) or a link (3.11.6), or reordered."""
    return in_order(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def plain_text(text: str) -> str:
    """The `text` of a message as it is shown."""
    return text.replace("{{", "{").replace("}}", "}")


def _gravest(result: RunResult) -> list[Violation]:
    violations = [violation for api in result.apis for violation in gravest_first(api)]
    return sorted(violations, key=lambda violation: violation.level is not Level.PROMISE)


def _driver(claims: Sequence[Claim]) -> Document:
    notifications = {
        DEFECT: "A sandbox module or a contract test of this workspace has a defect.",
        UNKNOWN: "A claim could not be established.",
        TROUBLE: "Something on our side kept the run from judging.",
        CUT: "There are more results than are shown.",
        GONE: "An accepted violation was not found any more.",
        UNCHECKED: "Nothing can be said about an accepted violation.",
    }
    return {
        "name": "specwatch",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(claim) for claim in claims],
        "notifications": [{"id": id_, "shortDescription": {"text": text}} for id_, text in notifications.items()],
    }


def _rule(claim: Claim) -> Document:
    level = "error" if claim.level is Level.PROMISE else "warning"
    said = (
        "The documentation promises this" if claim.level is Level.PROMISE else "Examples of the documentation show this"
    )
    command = f"specwatch check --claim {claim.full_id}"
    help_text = f"{said} ({claim.source}). Look at it alone: {command}"
    tags = dict.fromkeys(("api-contract", claim.level.value, claim.api, *sorted(claim.operations)))  # a set (3.8.2)
    return {
        "id": claim.full_id,
        "name": shortened(claim.id, 255),
        "shortDescription": {"text": shortened(claim.text, DESCRIPTION_CHARACTERS)},
        "fullDescription": {"text": shortened(f"{claim.text} ({claim.source})", DESCRIPTION_CHARACTERS)},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": [*tags][:MAX_TAGS],
            "precision": "very-high" if claim.level is Level.PROMISE else "medium",
            "problem.severity": level,
        },
    }


def _invocation(result: RunResult, rules: Mapping[str, int], found: int) -> Document:
    """How the run went (3.20), with all that is no violation."""
    return {
        "executionSuccessful": not result.interrupted and not result.defects,
        "startTimeUtc": timestamp(result.started_at),
        "endTimeUtc": timestamp(result.started_at + result.seconds),
        "toolExecutionNotifications": [
            *(_notification(DEFECT, str(each), "error") for each in result.defects),
            *(
                _unknown(claim, rules)
                for api in result.apis
                for claim in api.claims
                if claim.verdict is Verdict.UNKNOWN
            ),
            *(_notification(TROUBLE, f"{api.id}: {told}", "warning") for api in result.apis for told in api.trouble),
            *_beside_the_baseline(result),
            *_left_out(found),
        ],
        "properties": {
            "verdict": result.verdict.value,
            "target": result.target,
            "profile": result.profile,
            "seed": result.seed,
            "requests": sum(api.requests for api in result.apis),
            "interrupted": result.interrupted,
        },
    }


def _unknown(claim: ClaimResult, rules: Mapping[str, int]) -> Document:
    name = claim.claim.full_id
    told = _notification(UNKNOWN, f"{name} is unknown: {claim.reason or 'no reason is known'}", "note")
    return told | {"associatedRule": {"id": name, "index": rules[name]}}


def _beside_the_baseline(result: RunResult) -> Iterator[Document]:
    if result.baseline is None:
        return
    for each in result.baseline.gone:
        over = f"; {expiry(each, result)}" if expiry(each, result) else ""
        text = f"{each.violation} ({each.claim}) is accepted, but was not found any more: remove it{over}"
        yield _notification(GONE, text, "error" if result.strict else "note")
    for label, words, each in absent(result):
        if label != GONE:
            yield _notification(UNCHECKED, f"{each.violation} ({each.claim}) is accepted; {words}", "note")


def _left_out(found: int) -> Iterator[Document]:
    if found > MAX_RESULTS:
        yield _notification(CUT, f"{count(found - MAX_RESULTS, 'violation')} more in the JSON report", "warning")


def _notification(descriptor: str, text: str, level: str) -> Document:
    return {"descriptor": {"id": descriptor}, "level": level, "message": {"text": message_text(text)}}


def _result(violation: Violation, run: RunResult, rules: Mapping[str, int], place: Place) -> Document:
    rule = f"{violation.api}/{violation.claim}"
    level = "note" if run.accepts(violation) else "error" if fails(violation.level, strict=run.strict) else "warning"
    return {
        "ruleId": rule,
        **({"ruleIndex": rules[rule]} if rule in rules else {}),
        "kind": "fail",
        "level": level,
        "message": {"text": message_text(_told(violation))},
        "locations": [_location(violation, place)],
        # GitHub tells results apart by the first alone, and would make it from the line's text if it were not there.
        "partialFingerprints": {"primaryLocationLineHash": violation.id, "specwatchViolation/v1": violation.key},
        "rank": _rank(violation),
        "properties": _properties(violation),
        **_baseline(violation, run),
        **(_web(violation.exchange) if violation.exchange is not None else {}),
    }


def _told(violation: Violation) -> str:
    """The sentence first: where there is little room GitHub shows that alone."""
    parts = [violation.message]
    if violation.expected:
        parts.append(f"Expected: {shortened(violation.expected, VALUE_CHARACTERS)}")
    if violation.found:
        parts.append(f"Found: {shortened(violation.found, VALUE_CHARACTERS)}")
    if note := rate_note(violation):
        parts.append(f"Tried again: {note}")
    return "\n".join(parts)


def _location(violation: Violation, place: Place) -> Document:
    region = {"startLine": place.line, "startColumn": place.first_column}
    location: Document = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.path), "uriBaseId": ROOT},
            "region": region | {"endLine": place.line, "endColumn": max(place.end_column, place.first_column)},
        }
    }
    if violation.operation:
        name = f"{violation.api}/{violation.operation}"
        location["logicalLocations"] = [{"name": violation.operation, "fullyQualifiedName": name}]
    return location


def _rank(violation: Violation) -> float:
    """How much it matters, from 0 to 100 (3.27.25): a promise more than an inference, always more than at times."""
    worth = 100.0 if violation.level is Level.PROMISE else 50.0
    return worth if violation.rate is None else round(worth * violation.rate.failed / violation.rate.tries, 1)


def _properties(violation: Violation) -> Document:
    rate = violation.rate
    exchange = violation.exchange
    return {
        "violation": violation.id,
        "comparison": violation.kind,
        "expected": shortened(violation.expected, BODY_CHARACTERS),
        "found": shortened(violation.found, BODY_CHARACTERS),
        **({"where": violation.where} if violation.where else {}),
        **({"rate": {"failed": rate.failed, "tries": rate.tries}} if rate is not None else {}),
        **(
            {"repeat": to_curl(exchange), "seconds": round(exchange.timings.total_seconds, 6)}
            if exchange is not None
            else {}
        ),
    }


def _baseline(violation: Violation, run: RunResult) -> Document:
    """`baselineState` (3.27.24), and why one is accepted (3.27.23, 3.35): all results of a run have both, or none."""
    if run.baseline is None:
        return {}
    accepted = run.baseline.accepted.get(violation.key)
    if accepted is None:
        return {"baselineState": "unchanged" if violation.key in run.baseline.expired else "new", "suppressions": []}
    why = f"{accepted.reason} (accepted until {accepted.until.isoformat()})"
    suppression = {"kind": "external", "status": "accepted", "justification": why}
    return {"baselineState": "unchanged", "suppressions": [suppression]}


def _web(exchange: Exchange) -> Document:
    """`webRequest` (3.46) and `webResponse` (3.47); the transport has put `$VARIABLE` where a credential stood."""
    request, response = exchange.request, exchange.response
    protocol, _, version = response.http_version.partition("/")
    spoken = {"protocol": protocol or "HTTP", "version": version or "1.1"}
    return {
        "webRequest": {
            **spoken,
            "method": request.method,
            "target": request.url,
            "headers": _headers(request.headers),
            **_body(request.body),
        },
        "webResponse": {
            **spoken,
            "statusCode": response.status,
            "reasonPhrase": response.reason,
            "headers": _headers(response.headers),
            **_body(response.body),
        },
    }


def _headers(headers: Headers) -> dict[str, str]:
    """Names to values; a name that comes again has its values behind each other, as RFC 9110, section 5.3, has it."""
    merged: dict[str, list[str]] = {}
    for name, value in headers:
        merged.setdefault(name, []).append(value)
    return {name: ", ".join(values) for name, values in merged.items()}


def _body(body: bytes) -> Document:
    """`body` as artifact content (3.3), cut; nothing for an empty one."""
    if not body:
        return {}
    text, encoding = decoded(body)
    key = "text" if encoding == "utf-8" else "binary"
    length = {"properties": {"bytes": len(body), "truncated": True}} if len(text) > BODY_CHARACTERS else {}
    return {"body": {key: text[:BODY_CHARACTERS], **length}}

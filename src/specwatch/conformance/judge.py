"""One exchange against everything that its spec says about one exchange."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from specwatch.conformance.drift import code_list, sighting, sightings
from specwatch.conformance.facts import MISSING, Facts, is_json
from specwatch.conformance.headers import header_problems
from specwatch.spec.derived import can_be_invalid
from specwatch.spec.load import essence
from specwatch.spec.model import COMPLAINTS, ResponseSpec
from specwatch.spec.schema import Schema, SchemaError, shorten
from specwatch.values.claim import Level
from specwatch.values.exchange import ACCOUNT
from specwatch.values.roles import BAD_ROLES
from specwatch.values.sandbox import ACCOUNTS
from specwatch.values.violation import Drift, Sighting, Violation

_INVALID: Final = frozenset({"status", "code", "schema", "json", "embedded", "media-type"})
"""Kinds of violation that make an answer invalid, so that nothing else in it counts as drift."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one exchange shows.

    Args:
        violations: the claims that it breaks, each with the evidence.
        verified: ids of the claims that it keeps.
        sightings: what is undocumented but allowed; of the answer's content only where the answer is valid.
    """

    violations: tuple[Violation, ...]
    verified: tuple[str, ...]
    sightings: tuple[Sighting, ...]

    @property
    def drift(self) -> tuple[Drift, ...]:
        """What is undocumented but allowed, without when and an example."""
        return tuple(sighting.drift for sighting in self.sightings)


def judge(facts: Facts) -> Judgement:
    """Judge one exchange by all derived claims of its operation."""
    outcomes = list(_outcomes(facts))
    broken = {outcome.claim for outcome in outcomes if isinstance(outcome, Violation)}
    violations = tuple(outcome for outcome in outcomes if isinstance(outcome, Violation))
    seen = [outcome for outcome in outcomes if isinstance(outcome, Sighting)]
    if not any(violation.kind in _INVALID for violation in violations):
        seen += sightings(facts)
    return Judgement(
        violations=violations,
        verified=tuple(dict.fromkeys(o for o in outcomes if isinstance(o, str) and o not in broken)),
        sightings=tuple(seen),
    )


Outcome = Violation | Sighting | str
"""A broken claim, something undocumented, or the id of a claim that is kept."""


def _outcomes(facts: Facts) -> Iterator[Outcome]:
    yield from _credentials(facts)
    yield from _rejects(facts)
    yield f"{facts.operation.id}/delivery"
    yield from _time(facts)
    yield from _survives(facts)
    spec = facts.response_spec
    if spec is None:
        if not facts.exchange.own_trouble:
            yield _undocumented_status(facts)
        return
    yield f"{facts.operation.id}/status"
    yield from _headers(facts, spec)
    if not spec.media or facts.operation.method == "HEAD":
        yield f"{facts.operation.id}/{spec.status}"
        return
    if facts.media is None:
        yield _wrong_media_type(facts, spec)
        return
    yield f"{facts.operation.id}/media-type"
    yield from _body(facts, spec)


def _violation(
    facts: Facts,
    suffix: str,
    kind: str,
    *,
    message: str,
    expected: str,
    found: str,
    where: str = "",
    level: Level | None = None,
) -> Violation:
    claim = f"{facts.operation.id}/{suffix}"
    if level is None:
        level = facts.api.claim(claim).level
    return Violation(
        api=facts.api.id,
        claim=claim,
        level=level,
        operation=facts.operation.id,
        kind=kind,
        message=message,
        expected=expected,
        found=found,
        where=where,
        exchange=facts.exchange,
    )


def _bad_roles(facts: Facts) -> list[str]:
    return [f"{scheme} {role}" for scheme, role in sorted(facts.exchange.credentials.items()) if role in BAD_ROLES]


def _mixed_roles(facts: Facts) -> list[str]:
    """The credentials of one request, where they are those of several accounts; that it is refused is inferred."""
    roles = facts.exchange.credentials
    several = len(set(roles.values())) > 1 and ACCOUNTS.issuperset(roles.values())
    return [f"{scheme} {role}" for scheme, role in sorted(roles.items())] if several else []


def _credentials(facts: Facts) -> Iterator[Outcome]:
    bad, mixed = _bad_roles(facts), _mixed_roles(facts)
    if not (bad or mixed) or not facts.operation.security or facts.allowed_otherwise:
        return
    status = facts.exchange.response.status
    if status < 300:
        yield _violation(
            facts,
            "credentials",
            "credentials",
            message=f"The call succeeded with {' and '.join(bad or mixed)}.",
            expected="a refusal",
            found=f"status {status}",
            where=" ".join(bad or mixed),
            level=None if bad else Level.INFERENCE,
        )
    elif bad and status < 500:
        yield f"{facts.operation.id}/credentials"


def _rejects(facts: Facts) -> Iterator[Outcome]:
    if facts.parsed_request.beyond:
        return
    if not facts.request_ruled_out or not facts.request_media_declared or not can_be_invalid(facts.operation):
        return
    status = facts.exchange.response.status
    if status < 300:
        yield _violation(
            facts,
            "rejects",
            "rejects",
            message="A request that the spec rules out was accepted.",
            expected="a status from 400 to 499",
            found=f"status {status}",
        )
    elif status < 500:
        yield f"{facts.operation.id}/rejects"


def _time(facts: Facts) -> Iterator[Outcome]:
    seconds, objective = facts.exchange.timings.total_seconds, facts.api.objective_seconds
    if seconds > objective:
        yield _violation(
            facts,
            "time",
            "time",
            message=f"The answer took {seconds:.2f} s.",
            expected=f"at most {objective:g} s",
            found=f"{seconds:.2f} s",
        )
    else:
        yield f"{facts.operation.id}/time"


def _survives(facts: Facts) -> Iterator[Outcome]:
    """Server errors count where nobody asked for one: a sandbox answers with a 500 when its credential says so."""
    status = facts.exchange.response.status
    if status < 500:
        yield f"{facts.operation.id}/survives"
    elif all(role in {ACCOUNT, *ACCOUNTS, *BAD_ROLES} for role in facts.exchange.credentials.values()):
        yield _violation(
            facts,
            "survives",
            "survives",
            message=f"The server failed with status {status}.",
            expected="an answer to the request",
            found=f"status {status}",
        )


def _undocumented_status(facts: Facts) -> Outcome:
    status = facts.exchange.response.status
    silent_refusal = status in {401, 403} and facts.operation.security and not facts.operation.documents_refusal
    silent_complaint = status in COMPLAINTS and facts.request_ruled_out and not facts.operation.complaint_statuses
    router_answer = 300 <= status < 500 and not facts.plain_path
    if silent_refusal or silent_complaint or router_answer:
        return sighting(facts, "status", str(status))
    return _violation(
        facts,
        "status",
        "status",
        message=f"Status {status} is not documented for {facts.operation.method} {facts.operation.path}.",
        expected=f"one of {', '.join(facts.operation.responses)}",
        found=str(status),
        where=str(status),
    )


def _headers(facts: Facts, spec: ResponseSpec) -> Iterator[Outcome]:
    for problem in header_problems(facts):
        yield _violation(
            facts,
            _response_suffix(facts, spec),
            "header",
            message=f"The header {problem.name} of a {facts.exchange.response.status} is not as documented.",
            expected=problem.expected,
            found=shorten(problem.found, 200),
            where=problem.name,
        )


def _wrong_media_type(facts: Facts, spec: ResponseSpec) -> Outcome:
    if 400 <= facts.exchange.response.status < 500 and not facts.plain_path:
        return sighting(facts, "media-type", facts.media_essence or "none")
    return _violation(
        facts,
        "media-type",
        "media-type",
        message=f"A {facts.exchange.response.status} answer came as {facts.media_essence or 'no media type'}.",
        expected=" or ".join(spec.media),
        found=facts.media_essence or "no Content-Type",
        where=spec.status,
    )


def _body(facts: Facts, spec: ResponseSpec) -> Iterator[Outcome]:
    media = facts.media
    if media is None or not is_json(essence(facts.media_essence or media.name)):
        yield f"{facts.operation.id}/{spec.status}"
        return
    for problem in facts.parsed.problems:
        yield _violation(
            facts, "json", "json", message=f"A {spec.status} answer: {problem}.", expected="strict JSON", found=problem
        )
    if facts.response_json is MISSING:
        return
    if not facts.parsed.problems and not facts.unread:
        yield f"{facts.operation.id}/json"
    yield from _code(facts, spec)
    yield from _schema(facts, spec)


def _code(facts: Facts, spec: ResponseSpec) -> Iterator[Outcome]:
    if not spec.codes or facts.error_code is None:
        return
    if facts.error_code in spec.codes:
        yield f"{facts.operation.id}/code"
        return
    if code_list(facts) is not None:
        return  # others may come: it is drift
    yield _violation(
        facts,
        "code",
        "code",
        message=f"Error code {facts.error_code} is not documented under status {spec.status}.",
        expected=f"one of {', '.join(spec.codes)}",
        found=facts.error_code,
        where=f"{spec.status} {facts.error_code}",
    )


def _schema(facts: Facts, spec: ResponseSpec) -> Iterator[Outcome]:
    suffix = _response_suffix(facts, spec)
    media = facts.media
    if media is None:
        return
    clean = True
    for outcome in _schema_violations(facts, media.schema, suffix, "schema", facts.response_json):
        clean = False
        yield outcome
    for outcome in _embedded(facts, suffix):
        clean = False
        yield outcome
    if clean and not facts.unread:
        yield f"{facts.operation.id}/{suffix}"
        if media.inferred is not None:
            yield from _inferred(facts, media.inferred, f"{spec.status}/inferred")


def _response_suffix(facts: Facts, spec: ResponseSpec) -> str:
    """The claim that a body belongs to: the one of its error code, or of the code itself where that is unknown."""
    if not spec.codes:
        return spec.status
    return f"{spec.status}/{facts.error_code}" if facts.error_code in spec.codes else "code"


def _schema_violations(
    facts: Facts, schema: Schema | None, suffix: str, kind: str, value: object
) -> Iterator[Violation]:
    if schema is None or schema.is_valid(value):
        return
    for error in schema.errors(value):
        if kind == "schema" and suffix == "code" and error.where == facts.api.error_code_pointer and facts.error_code:
            continue  # told as an undocumented code already
        yield _schema_violation(facts, suffix, kind, error)


def _schema_violation(facts: Facts, suffix: str, kind: str, error: SchemaError) -> Violation:
    status = facts.exchange.response.status
    place = error.where or "the body"
    return _violation(
        facts,
        suffix,
        kind,
        message=f"A {status} answer does not look as documented at {place}: {error.message}.",
        expected=error.expected,
        found=error.found,
        where=error.where,
    )


def _embedded(facts: Facts, suffix: str) -> Iterator[Violation]:
    embedded = facts.embedded_json
    media = facts.media
    if embedded is None or media is None or media.schema is None or not isinstance(facts.response_json, str):
        return
    for problem in embedded.problems:
        yield _violation(
            facts,
            suffix,
            "embedded",
            message=f"The JSON inside the string: {problem}.",
            expected="strict JSON",
            found=shorten(facts.response_json, 200),
            where=problem,
        )
    if embedded.value is not MISSING:
        yield from _schema_violations(facts, media.schema.content, suffix, "embedded", embedded.value)


def _inferred(facts: Facts, schema: Schema, suffix: str) -> Iterator[Outcome]:
    broken = list(_schema_violations(facts, schema, suffix, "inferred", facts.response_json))
    if facts.embedded_json is not None and facts.embedded_json.value is not MISSING:
        broken += _schema_violations(facts, schema.content, suffix, "inferred", facts.embedded_json.value)
    yield from broken
    if not broken:
        yield f"{facts.operation.id}/{suffix}"

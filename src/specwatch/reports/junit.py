"""JUnit XML: one suite per API, one test case per claim, so that any CI shows what is broken and since when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import ApiResult, RunResult
from specwatch.reports.curl import to_curl
from specwatch.reports.summary import acceptance_note, accepted, broken, calls_note, fails, rate_note
from specwatch.reports.text import count, timestamp, xml_text
from specwatch.values.claim import Verdict
from specwatch.values.violation import Violation

DEFECTS: Final = "defects of this workspace"

MAX_VIOLATIONS: Final = 20
"""How many violations of one claim are written out; the JSON report has them all."""


def to_junit(result: RunResult) -> str:
    """A run as a JUnit XML document.

    A kept claim is a passed test case; a broken promise a failure; a broken inference passes with a warning in its
    output, or fails when the run was strict; an unknown claim is skipped with its reason. A claim of which everything
    that breaks it is accepted by the baseline is skipped, too, since it has neither passed nor failed the run.
    Defects of the workspace itself are errors in a suite of their own, before all others.
    """
    root = Element("testsuites", _attributes(name="specwatch check", time=f"{result.seconds:.3f}"))
    suites = [*_defects(root, result), *(_suite(root, api, result) for api in result.apis)]
    for key in ("tests", "failures", "errors"):  # the schema of Jenkins knows `skipped` of a suite only
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _attributes(**values: object) -> dict[str, str]:
    return {name: xml_text(str(value)) for name, value in values.items()}


def _defects(root: Element, result: RunResult) -> Iterator[Element]:
    if not result.defects:
        return
    number = len(result.defects)
    figures = _attributes(name=DEFECTS, tests=number, failures=0, errors=number, skipped=0, time="0.000")
    suite = SubElement(root, "testsuite", figures | _attributes(timestamp=timestamp(result.started_at)))
    for defect in result.defects:
        case = SubElement(suite, "testcase", _attributes(classname=defect.part.value, name=defect.where, time=0))
        error = SubElement(case, "error", _attributes(message=defect.text, type="defect"))
        error.text = xml_text(
            f"{defect}\nThis is about the workspace that checks, not about a provider: correct it first."
        )
    yield suite


def _suite(root: Element, api: ApiResult, result: RunResult) -> Element:
    figures = _attributes(
        name=api.id,
        tests=len(api.claims),
        failures=len(broken(api, strict=result.strict)),
        errors=0,
        skipped=api.count(Verdict.UNKNOWN) + len(accepted(api)),
        time=f"{api.seconds:.3f}",
        timestamp=timestamp(result.started_at),
    )
    suite = SubElement(root, "testsuite", figures)
    properties = SubElement(suite, "properties")
    facts = {"target": result.target, "profile": result.profile, "seed": result.seed, "requests": api.requests}
    for name, value in facts.items():
        SubElement(properties, "property", _attributes(name=name, value=value))
    for claim in api.claims:
        violations = [violation for violation in api.violations if violation.claim == claim.claim.id]
        _case(suite, claim, sorted(violations, key=result.accepts), api, result)
    _gone(suite, api, result)
    return suite


def _case(
    suite: Element, claim: ClaimResult, violations: Sequence[Violation], api: ApiResult, result: RunResult
) -> None:
    about = claim.claim
    case = SubElement(suite, "testcase", _attributes(classname=about.api, name=about.id, time=0))
    if claim.verdict is Verdict.UNKNOWN:
        SubElement(case, "skipped", _attributes(message=claim.reason or "unknown"))
    elif claim.verdict is Verdict.FAIL:
        message = violations[0].message if violations else f"Not so: {about.text}"
        told = _told(violations, api, result)
        if claim.accepted:
            notes = "; ".join(dict.fromkeys(acceptance_note(violation, result) for violation in violations))
            skipped = SubElement(case, "skipped", _attributes(message=f"accepted {notes}"))
            skipped.text = xml_text(told)
        elif fails(claim.level, strict=result.strict):
            failure = SubElement(case, "failure", _attributes(message=message, type=claim.level.value))
            failure.text = xml_text(told)
        else:
            SubElement(case, "system-out").text = xml_text(f"warning: {message}\n\n{told}")


def _gone(suite: Element, api: ApiResult, result: RunResult) -> None:
    """What a strict run fails for beside its claims: accepted violations that were not found any more."""
    gone = [each for each in result.baseline.gone if each.api == api.id] if result.baseline and result.strict else []
    for each in gone:
        name = f"baseline {each.violation.partition('/')[2]}"
        case = SubElement(suite, "testcase", _attributes(classname=api.id, name=name, time=0))
        message = f"the accepted violation of {each.claim} was not found any more: remove it from {each.where}"
        SubElement(case, "failure", _attributes(message=message, type="gone"))
    for figure in ("tests", "failures"):
        suite.set(figure, str(int(suite.get(figure, "0")) + len(gone)))


def _told(violations: Sequence[Violation], api: ApiResult, result: RunResult) -> str:
    blocks = ["\n".join(_lines(violation, api, result)) for violation in violations[:MAX_VIOLATIONS]]
    if more := len(violations) - MAX_VIOLATIONS:
        blocks += [f"and {count(more, 'violation')} more in the JSON report"] if more > 0 else []
    return "\n\n".join(blocks)


def _lines(violation: Violation, api: ApiResult, result: RunResult) -> Iterable[str]:
    yield violation.message
    if violation.operation:
        yield f"operation: {violation.operation}"
    if violation.expected:
        yield f"expected:  {violation.expected}"
    if violation.found:
        yield f"found:     {violation.found}"
    for label, note in (
        ("tries:     ", rate_note(violation)),
        ("calls:     ", calls_note(violation, api)),
        ("accepted:  ", acceptance_note(violation, result)),
    ):
        if note:
            yield f"{label}{note}"
    if violation.exchange is not None:
        yield f"repeat:    {to_curl(violation.exchange)}"

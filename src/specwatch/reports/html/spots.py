"""Which parts of an exchange a violation is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from specwatch.reports.html.body import Wanted
from specwatch.spec.model import Api
from specwatch.spec.source import escape
from specwatch.values.claim import Claim, Holds, Observe, Series
from specwatch.values.violation import Violation

_STEP: Final = r"""\.\w+\b(?!\s*\()|\["[^"\\]*"\]|\['[^'\\]*'\]|\[\d+\]"""
_PATH: Final = re.compile(rf"(?<![\w.])(?P<root>request|response)\.(?P<part>\w+)\b(?P<steps>(?:{_STEP})*)")
_ONE_STEP: Final = re.compile(r"""\.(\w+)|\["([^"]*)"\]|\['([^']*)'\]|\[(\d+)\]""")
_STATUS: Final = re.compile(r"\bstatus\b", re.IGNORECASE)
_STATUS_KINDS: Final = frozenset({"status", "survives", "credentials", "rejects"})

HERE: Final = "look here"


@dataclass(frozen=True, slots=True)
class Spots:
    """What is to be marked: each as a note, empty where nothing is.

    Args:
        headers: notes of response headers, by lower-case name.
        answer: what is to be marked in the response's body.
        question: what is to be marked in the request's body.
    """

    status: str = ""
    time: str = ""
    url: str = ""
    credentials: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    answer: Wanted = field(default_factory=Wanted)
    question: Wanted = field(default_factory=Wanted)


def spots(violation: Violation, claim: Claim | None, api: Api | None) -> Spots:
    """Where to look: what the judge pointed at, or what the claim's expression reads."""
    kind = violation.kind
    if kind in _STATUS_KINDS:
        refused = "this should have been refused" if kind in {"credentials", "rejects"} else HERE
        return Spots(
            status=f"expected {violation.expected}" if len(violation.expected) < 60 else HERE,
            credentials=refused if kind == "credentials" else "",
            url=refused if kind == "rejects" else "",
        )
    if kind == "media-type":
        return Spots(headers={"content-type": f"expected {violation.expected}"})
    if kind == "time":
        return Spots(time=f"expected {violation.expected}")
    if kind == "json":
        return Spots(answer=Wanted(broken=True))
    if kind in {"schema", "inferred", "code", "embedded"}:
        return Spots(answer=_wanted(violation, api))
    return _read(violation, claim)


def _wanted(violation: Violation, api: Api | None) -> Wanted:
    if violation.kind == "code":
        pointer = api.error_code_pointer if api is not None else None
        return Wanted((pointer,) if pointer else (), note="not a documented code")
    where = (violation.where,) if not violation.where or violation.where.startswith("/") else ()
    if violation.kind == "embedded":
        return Wanted((), where, broken=not where, note=HERE)
    return Wanted(where, where, note=HERE)


def _read(violation: Violation, claim: Claim | None) -> Spots:
    """The parts that an expression names: of the evidence where there is some, else of the claim."""
    if violation.where.startswith("/"):
        return Spots(answer=Wanted((violation.where,), note=HERE))
    form = claim.form if claim is not None else None
    texts = [violation.found] if isinstance(form, Holds) else []
    if isinstance(form, Series):
        texts = [form.value if form.each is None else form.each]
    elif isinstance(form, Observe):
        sides = [side for side in form.observations if side.operation == violation.operation]
        texts = [side.value if side.each is None else side.each for side in sides]
    found = _named(texts) or (_named([form.expression]) if isinstance(form, Holds) else [])
    if not found and _STATUS.search(f"{violation.found} {violation.expected}"):
        return Spots(status=HERE)
    return _of(found)


def _named(texts: list[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Root, part and steps of every path in some expressions."""
    matches = (match for text in texts for match in _PATH.finditer(text))
    return [(match["root"], match["part"], tuple(_steps(match["steps"]))) for match in matches]


def _steps(text: str) -> Iterator[str]:
    for match in _ONE_STEP.finditer(text):
        yield next(group for group in match.groups() if group is not None)


def _of(found: list[tuple[str, str, tuple[str, ...]]]) -> Spots:
    def pointers(root: str, part: str) -> tuple[str, ...]:
        chosen = [steps for each, piece, steps in found if (each, piece) == (root, part)]
        return tuple("".join(f"/{escape(step)}" for step in steps) for steps in chosen)

    parts = {(root, part) for root, part, _ in found}
    headers = {
        steps[0].lower(): HERE for root, part, steps in found if (root, part) == ("response", "headers") and steps
    }
    return Spots(
        status=HERE if ("response", "status") in parts else "",
        time=HERE if ("response", "seconds") in parts else "",
        url="compare this" if parts & {("request", "path"), ("request", "query")} else "",
        headers=headers,
        answer=Wanted(pointers("response", "json"), pointers("response", "embedded"), note=HERE),
        question=Wanted(pointers("request", "json"), note="compare this"),
    )

"""Kinds of drift: what about an answer a fault changes, so that a score shows where a contract is blind."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from specwatch.sandbox.faults import Fault, FaultKind

_CLIENT_ERROR: Final = 400


class DriftKind(StrEnum):
    """What about an API's answers a fault changes."""

    SCHEMA = "schema"
    STATUS = "status"
    HEADERS = "headers and media type"
    AUTHENTICATION = "authentication"
    ERRORS = "error bodies"
    INPUT = "input validation"
    SEMANTICS = "semantics and state"
    ROBUSTNESS = "robustness"


_DERIVED: Final = {
    "status": DriftKind.STATUS,
    "code": DriftKind.ERRORS,
    "media-type": DriftKind.HEADERS,
    "headers": DriftKind.HEADERS,
    "credentials": DriftKind.AUTHENTICATION,
    "rejects": DriftKind.INPUT,
    "accepts": DriftKind.INPUT,
    "json": DriftKind.ROBUSTNESS,
    "time": DriftKind.ROBUSTNESS,
    "delivery": DriftKind.ROBUSTNESS,
    "survives": DriftKind.ROBUSTNESS,
}
"""Last part of the derived claim that is broken to the kind of drift."""

_WORDS: Final = (
    (DriftKind.ROBUSTNESS, r"sporadic(ally)?|slow(er|ness)?|flood|hangs?|drops?-connection"),
    (DriftKind.AUTHENTICATION, r"token|tokens|credentials?|scheme|headers?|subscription|balance|application|account"),
    (DriftKind.ERRORS, r"errors?|message|trace|not-found|code|body-status|unnamed|template"),
    (DriftKind.INPUT, r"refused|accepted|rejected|missing-\w+-400|array|json|oversized|size|limit|malformed|4\d\d"),
)
"""Words that name a kind, in the claim that a fault breaks; the first kind with such a word is taken."""

_PATTERNS: Final = tuple((kind, re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")) for kind, words in _WORDS)


def kind_of(fault: Fault) -> DriftKind:
    """The kind of drift that a fault stands for.

    A derived fault is sorted by the derived claim that it breaks; one that a module declares by the words of its claim
    and its name. What nothing else speaks for is a matter of semantics: how an answer fits its request and other
    answers.
    """
    operation, slash, rest = fault.breaks.partition("/")
    if fault.kind is FaultKind.DERIVED:
        what = fault.short_name.removeprefix(f"{fault.operation}/").partition("/")[0]
        if what == "credential":
            return DriftKind.AUTHENTICATION
        if what == "relation":
            return DriftKind.SEMANTICS
    robust = _PATTERNS[0][1].search(fault.short_name)
    if robust:
        return DriftKind.ROBUSTNESS
    if slash and operation and rest:
        return _of_derived_claim(rest)
    return next((kind for kind, pattern in _PATTERNS[1:] if pattern.search(fault.breaks)), DriftKind.SEMANTICS)


def _of_derived_claim(rest: str) -> DriftKind:
    """Sort by a derived claim without its operation: `status`, `200`, `200/inferred`, `404/not_found`."""
    first = rest.partition("/")[0]
    if first in _DERIVED:
        return _DERIVED[first]
    digits = first.replace("X", "0")
    failure = digits.isdigit() and int(digits) >= _CLIENT_ERROR
    return DriftKind.ERRORS if failure or first == "default" else DriftKind.SCHEMA

"""Signs and words that the whole page uses for the same thing."""

from __future__ import annotations

from typing import Final

from specwatch.contract.result import RunResult
from specwatch.reports.html.view import Mark
from specwatch.reports.summary import fails
from specwatch.values.claim import Level, Verdict
from specwatch.values.exchange import ACCOUNT, Exchange
from specwatch.values.roles import ABSENT, ALTERED, EMPTY, EXTENDED, OTHER_CASE, TRUNCATED, WRONG_SCHEME
from specwatch.values.violation import Violation

BROKEN: Final = Mark("fail", "✗", "broken")
WARNED: Final = Mark("warn", "!", "broken, warns only")
KNOWN: Final = Mark("known", "≈", "broken, accepted")
UNKNOWN: Final = Mark("unknown", "?", "unknown")
KEPT: Final = Mark("pass", "✓", "kept")

VERDICTS: Final = {
    Verdict.FAIL: Mark("fail", "✗", "fail"),
    Verdict.UNKNOWN: Mark("unknown", "?", "unknown"),
    Verdict.PASS: Mark("pass", "✓", "pass"),
}


def graveness(violation: Violation, result: RunResult) -> Mark:
    """How grave a violation is: it fails the run, it warns, or the baseline accepts it."""
    if result.accepts(violation):
        return KNOWN
    return level_mark(violation.level, strict=result.strict)


def level_mark(level: Level, *, strict: bool) -> Mark:
    """What a broken claim of a level does to the run."""
    return BROKEN if fails(level, strict=strict) else WARNED


def anchor(violation: Violation) -> str:
    """Where a violation stands on the page."""
    return f"v-{violation.api}-{violation.id}"


def joined(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def as_whom(exchange: Exchange) -> str:
    """How a request was sent, behind its operation's name; empty for one with the credentials of our own account."""
    roles = dict.fromkeys(exchange.credentials.values())
    if len(roles) <= 1:
        return "".join(f" {_AS.get(role, f'with the credential {role}')}".rstrip() for role in roles)
    others = [f"{scheme} {role}" for scheme, role in exchange.credentials.items() if role != ACCOUNT]
    return f" with {joined(others)}"


_AS: Final = {
    ACCOUNT: "",
    "second": "as second account",
    "instant": "as an account whose work is done at once",
    ABSENT: "without credential",
    EMPTY: "with an empty credential",
    ALTERED: "with an altered credential",
    TRUNCATED: "with half of the credential",
    EXTENDED: "with a lengthened credential",
    OTHER_CASE: "with the credential in other case",
    WRONG_SCHEME: "with the credential in the wrong place",
}
"""Role to words."""

"""Whose credentials came with a request: the well-known ones of the sandbox, and what is wrong with others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from specwatch.spec import SecurityScheme
from specwatch.values import roles
from specwatch.values.sandbox import ACCOUNTS, PREFIX, sandbox_value

ANSWER = "answer-"
ABSENT, UNKNOWN, WRONG_SCHEME = "absent", "unknown", "wrong_scheme"
"""What a module is told about a bad credential."""

EMPTY, TRUNCATED, EXTENDED, OTHER_CASE = roles.EMPTY, roles.TRUNCATED, roles.EXTENDED, roles.OTHER_CASE
ELSEWHERE, SECOND = "elsewhere", "second"
"""The same more closely, for faults that overlook one way: among them another header, and another account."""

Excuses = AbstractSet[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An answer that a credential asks for: one of these statuses, with this code of the provider."""

    statuses: tuple[int, ...]
    code: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the credentials of a request say.

    Args:
        account: whose they are, `account` if nobody asked.
        problems: by scheme; empty when the credentials are good.
        wanted: the answer that one of them asks for.
    """

    account: str = "account"
    problems: Mapping[str, str] = field(default_factory=dict)
    wanted: Wanted | None = None


NOBODY_ASKED = Reading()
_UNSECURED = SecurityScheme("authorization", "authorization", "Bearer ", {})


def read(schemes: Sequence[SecurityScheme], headers: Mapping[str, str], excuses: Excuses = frozenset()) -> Reading:
    """Read the credentials of a request.

    Args:
        schemes: those of the operation, which must all carry the same role.
        headers: by lower-case name.
        excuses: pairs of scheme and problem that are overlooked.
    """
    found = {scheme.name: _classify(scheme, headers.get(scheme.header)) for scheme in schemes or (_UNSECURED,)}
    for name, what in found.items():
        if isinstance(what, tuple) and (name, what[0]) not in excuses:
            return Reading(wanted=what[1])
    if not schemes:
        return NOBODY_ASKED
    problems = {name: what for name, what in found.items() if isinstance(what, str) and what not in ACCOUNTS}
    accounts = {name: what for name, what in found.items() if isinstance(what, str) and what in ACCOUNTS}
    untrusted = {name for name, problem in excuses if problem in {UNKNOWN, SECOND}}
    trusted = {name: role for name, role in accounts.items() if name not in untrusted} or accounts
    account = next(iter(trusted.values()), "account")
    closer = {scheme.name: closely(scheme, headers) for scheme in schemes}
    mixed = {name for name, role in trusted.items() if role != account}
    problems |= dict.fromkeys(mixed, UNKNOWN)
    closer |= dict.fromkeys(mixed, SECOND)
    bad = {name: what for name, what in problems.items() if not {(name, what), (name, closer.get(name))} & excuses}
    return Reading(account, bad)


def closely(scheme: SecurityScheme, headers: Mapping[str, str]) -> str | None:
    """In which way a credential is bad, where that is one of the ways that a fault can overlook by itself."""
    sent = headers.get(scheme.header)
    if sent is None:
        elsewhere = "" if scheme.prefix else headers.get("authorization", "").partition(" ")[2]
        return ELSEWHERE if elsewhere.startswith(PREFIX) else None
    value = sent.partition(" ")[2] if scheme.prefix else sent
    value, right = value.strip(), sandbox_value("account")
    if not value:
        return EMPTY
    if value != right and right.startswith(value):
        return TRUNCATED
    if value != right and value.startswith(right):
        return EXTENDED
    return OTHER_CASE if value != right and value.lower() == right else None


def _classify(scheme: SecurityScheme, value: str | None) -> str | tuple[str, Wanted]:
    """A role, a problem, or the name of a state or special credential with the answer that it asks for."""
    if not value:
        return ABSENT
    if scheme.prefix:
        word, _, value = value.partition(" ")
        if word.lower() != scheme.prefix.strip().lower():
            return WRONG_SCHEME
    value = value.strip()
    return _well_known(scheme, value.removeprefix(PREFIX)) if value.startswith(PREFIX) else UNKNOWN


def _well_known(scheme: SecurityScheme, name: str) -> str | tuple[str, Wanted]:
    if name in ACCOUNTS:
        return name
    if name in scheme.states:
        state = scheme.states[name]
        return name, Wanted(state.statuses, state.code)
    status, _, code = name.removeprefix(ANSWER).partition("-")
    if name.startswith(ANSWER) and len(status) == 3 and status.isascii() and status.isdigit():
        return name, Wanted((int(status),), code or None)
    return UNKNOWN

"""Faults of access: each way in which a credential can be bad overlooked, and each state of one."""

from __future__ import annotations

from typing import Final

from specwatch.sandbox.credentials import (
    ABSENT,
    ELSEWHERE,
    EMPTY,
    EXTENDED,
    OTHER_CASE,
    SECOND,
    TRUNCATED,
    UNKNOWN,
    WRONG_SCHEME,
)
from specwatch.sandbox.derivation.maker import Derived, Maker
from specwatch.sandbox.examples import refusal
from specwatch.sandbox.interface import Answer, Call
from specwatch.spec import SecurityScheme, State
from specwatch.values import Concern, Level

_REDIRECT: Final = 300
_NOW_AND_THEN: Final = 3

WAYS = {
    ABSENT: ("absent", "is absent"),
    UNKNOWN: ("wrong", "is wrong"),
    WRONG_SCHEME: ("wrong-scheme", "comes in another scheme"),
    ELSEWHERE: ("elsewhere", "comes in another header"),
    EMPTY: ("empty", "is empty"),
    TRUNCATED: ("truncated", "is only the beginning of the right one"),
    EXTENDED: ("extended", "goes on after the right one"),
    OTHER_CASE: ("other-case", "is written in other letters' case"),
    SECOND: ("second", "is that of another account than the other credentials"),
}
"""What can be wrong with a credential: how a fault names it, and how it is told."""


def access(maker: Maker) -> Derived:
    """Each credential of an operation overlooked in each way in which it can be bad, and all of them together."""
    operation = maker.operation
    schemes = [maker.api.schemes[name] for name in operation.security] if operation.needs_credentials else []
    level = Level.PROMISE if operation.documents_refusal else Level.INFERENCE
    for scheme in schemes:
        for problem in _ways(scheme, several=len(schemes) > 1):
            name, words = WAYS[problem]
            # What an account may do with the credential of another is said by no document that names a header alone.
            mixed = Level.INFERENCE if problem == SECOND else level
            yield maker.fault(
                f"credential/{scheme.name}-{name}",
                f"A call is served although {scheme.name} {words}.",
                breaks="credentials",
                level=mixed,
                excuses=frozenset({(scheme.name, problem)}),
            )
        for state in scheme.states.values():
            yield maker.fault(
                f"credential/{scheme.name}-{state.name}",
                f"A call is served although its {scheme.name} is {state.name}.",
                breaks=_claim_of(state),
                excuses=frozenset({(scheme.name, state.name)}),
                concern=Concern.AUTHENTICATION,
            )
    if schemes:
        everything = {(scheme.name, problem) for scheme in schemes for problem in (*WAYS, *scheme.states)}
        text = "Credentials are not looked at."
        yield maker.fault("credential/ignored", text, breaks="credentials", level=level, excuses=frozenset(everything))


def in_between(maker: Maker) -> Derived:
    """A good credential refused now and then."""
    if not maker.operation.needs_credentials:
        return
    refused = refusal(maker.api, maker.operation)

    def apply(call: Call, answer: Answer) -> Answer:
        return refused if call.handled and answer.status < _REDIRECT and call.chance(_NOW_AND_THEN) else answer

    text = "Every third call of all is refused, however good its credentials are."
    yield maker.fault("credential/in-between", text, apply, breaks="accepts", level=Level.INFERENCE)


def _ways(scheme: SecurityScheme, *, several: bool) -> list[str]:
    left_out = {ELSEWHERE if scheme.prefix else WRONG_SCHEME, *(() if several else (SECOND,))}
    return [problem for problem in WAYS if problem not in left_out]


def _claim_of(state: State) -> str:
    """The derived claim that says how a credential in a state is answered."""
    if not state.statuses:
        return "credentials"
    return f"{state.statuses[0]}/{state.code}" if state.code else str(state.statuses[0])

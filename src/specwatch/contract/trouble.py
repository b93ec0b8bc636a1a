"""Trouble of our own: what it is, when it stops a run, and when it turns out to be the target's after all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from specwatch.conformance import Facts
from specwatch.errors import BrokenAnswer, CannotTell, CredentialRefused, QuotaSpent, RateLimited, Unreachable
from specwatch.spec.model import Effect, Operation, State
from specwatch.transport.draft import Draft
from specwatch.values.claim import Level
from specwatch.values.exchange import Exchange
from specwatch.values.violation import Violation

UNREACHABLE_LIMIT = 3
"""After that many requests in a row without a usable answer nothing more is sent to an API."""

REFUSAL_LIMIT = 2
"""After that many refusals of a credential that never worked nothing more is sent with it."""

USED_UP = "used_up"
"""The name that a spec gives to the state of a credential whose balance is gone."""

Roles = tuple[tuple[str, str], ...]
"""A role per security scheme, in the order of the schemes' names."""


@dataclass
class OwnTrouble:
    """The trouble of one API in one run.

    Args:
        api: the API's id.
        notes: sentences for the report, in the order in which they came up.
    """

    api: str
    notes: dict[str, None] = field(default_factory=dict)
    _unreachable: list[Unreachable] = field(default_factory=list)
    _refused: dict[Roles, list[Exchange]] = field(default_factory=dict)
    _accepted: set[Roles] = field(default_factory=set)
    _succeeded: set[tuple[str, Roles]] = field(default_factory=set)
    _spent: dict[str, str] = field(default_factory=dict)
    _broken: list[Violation] = field(default_factory=list)
    _answered: bool = False

    def before(self, draft: Draft) -> None:
        """Stop a request that would only meet the same trouble again.

        Raises:
            CannotTell: nothing more is sent to this API, to this operation or with this credential.
        """
        if len(self._unreachable) >= UNREACHABLE_LIMIT:
            raise self._unreachable[-1]
        roles = _sorted(draft.roles)
        if len(self._refused.get(roles, ())) >= REFUSAL_LIMIT and roles not in self._accepted:
            raise CredentialRefused(f"the target refuses the credential of {self.api}")
        if draft.operation.id in self._spent and not draft.refused:
            raise QuotaSpent(self._spent[draft.operation.id])

    def failed(self, operation: Operation, error: Unreachable) -> None:
        """Note that no usable answer came.

        An answer that breaks off between two that arrive whole is kept in mind: it is the target's doing.
        """
        self._unreachable.append(error)
        self.note(error)
        if isinstance(error, BrokenAnswer) and self._answered:
            self._broken.append(_undelivered(self.api, operation, error))

    def note(self, trouble: CannotTell) -> CannotTell:
        """Add a sentence to the report."""
        self.notes[str(trouble)] = None
        return trouble

    def answered(self) -> Iterator[Violation]:
        """Note that an answer arrived whole; yields the broken ones before it, which were not our network's fault."""
        self._unreachable.clear()
        self._answered = True
        for violation in self._broken:
            self.notes.pop(violation.found, None)
            yield violation
        self._broken.clear()

    def speaks_of_us(self, facts: Facts) -> bool:
        """Whether a documented error is about a state of our credential: a good request, and none succeeded before."""
        exchange = facts.exchange
        if exchange.vouched or not exchange.as_account or not facts.request_valid or credential_state(facts) is None:
            return False
        return (exchange.operation, _sorted(exchange.credentials)) not in self._succeeded

    def raise_for(self, facts: Facts) -> None:
        """Tell trouble of ours apart by its cause.

        Raises:
            CannotTell: the exchange is about our account, not about the request.
        """
        exchange, status = facts.exchange, facts.exchange.response.status
        if status == 429:
            reason = f"{exchange.operation} answered 429 to our own account"
            if facts.operation.effect is not Effect.READ:
                self._spent[exchange.operation] = reason
            raise self.note(RateLimited(reason))
        state = credential_state(facts)
        if status == 402 or (state is not None and state.name == USED_UP):
            raise self.note(QuotaSpent(f"{exchange.operation} answered {status}: our balance is used up"))
        self._refused.setdefault(_sorted(exchange.credentials), []).append(exchange)
        code = f" {state.code}" if state is not None and state.code else ""
        raise self.note(CredentialRefused(f"{exchange.operation} answered {status}{code} to our own credential"))

    def accepted(self, exchange: Exchange) -> Iterator[Violation]:
        """Note that a credential was accepted.

        A refusal between two acceptances by the same operation cannot be the credential's fault: it is yielded.
        """
        roles = _sorted(exchange.credentials)
        before = (exchange.operation, roles) in self._succeeded
        for refusal in self._refused.pop(roles, []):
            if before and refusal.operation == exchange.operation:
                yield _contradiction(refusal)
        self._accepted.add(roles)
        self._succeeded.add((exchange.operation, roles))


def _sorted(roles: Mapping[str, str]) -> Roles:
    return tuple(sorted(roles.items()))


def credential_state(facts: Facts) -> State | None:
    """The state of a credential that the answer speaks of, if its status and code are those of one."""
    status, code = facts.exchange.response.status, facts.error_code
    states = (s for name in facts.operation.security for s in facts.api.schemes[name].states.values())
    return next((s for s in states if s.code is not None and s.code == code and status in s.statuses), None)


def _undelivered(api: str, operation: Operation, error: BrokenAnswer) -> Violation:
    return Violation(
        api=api,
        claim=f"{operation.id}/delivery",
        level=Level.INFERENCE,
        operation=operation.id,
        kind="delivery",
        message="An answer did not arrive whole, while answers before and after it did.",
        expected="a whole answer",
        found=str(error),
    )


def _contradiction(refusal: Exchange) -> Violation:
    return Violation(
        api=refusal.api,
        claim=f"{refusal.operation}/accepts",
        level=Level.INFERENCE,
        operation=refusal.operation,
        kind="credentials",
        message="A credential was refused that was accepted before and after.",
        expected="the credential accepted, as before",
        found=f"status {refusal.response.status}",
        exchange=refusal,
    )

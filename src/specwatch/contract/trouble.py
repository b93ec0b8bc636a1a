"""Trouble of our own: what a run remembers of it, when it stops sending, and when it was the target's after all.

`blame` says what one answer tells of. What two or more of them say together is decided here: an answer that breaks off
between whole ones, a web page between answers of the API, a refusal between two acceptances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from specwatch.conformance import Facts
from specwatch.contract.blame import (
    Cause,
    is_of_the_api,
    is_page,
    late_for_the_way,
    looks_like_a_page,
    own_cause,
    sentence,
    theirs,
)
from specwatch.errors import (
    BrokenAnswer,
    CannotTell,
    CredentialRefused,
    GarbledAnswer,
    QuotaSpent,
    RateLimited,
    Unreachable,
)
from specwatch.spec.model import Effect, Operation
from specwatch.transport.draft import Draft
from specwatch.values.claim import Level
from specwatch.values.exchange import Exchange
from specwatch.values.sandbox import ACCOUNTS
from specwatch.values.violation import Breach, Violation

UNREACHABLE_LIMIT = 3
"""After that many requests in a row without a usable answer nothing more is sent to an API."""

GARBLED_LIMIT = 3
"""After that many answers of an operation in a row that are no HTTP it is not called again."""

REFUSAL_LIMIT = 2
"""After that many refusals of a credential that never worked nothing more is sent with it."""

RATE_LIMIT_LIMIT = 2
"""After that many calls of an operation in a row that ended in a rate limit it is not called again."""

ABOUT_STATES: Final = "*states"
"""In the place of an operation: about none of them, since only what speaks of that state stays unknown by it."""

Roles = tuple[tuple[str, str], ...]
"""A role per security scheme, in the order of the schemes' names."""


_REFUSALS: Final = frozenset({401, 402, 403})


@dataclass
class OwnTrouble:
    """The trouble of one API in one run.

    Args:
        api: the API's id.
        notes: sentences for the report, in the order in which they came up, each with the operation that it is about,
            or None when it is about all.
    """

    api: str
    notes: dict[str, str | None] = field(default_factory=dict)
    _unreachable: list[Unreachable] = field(default_factory=list)
    _refused: dict[Roles, list[Exchange]] = field(default_factory=dict)
    _accepted: set[Roles] = field(default_factory=set)
    _served: set[Roles] = field(default_factory=set)
    _succeeded: set[tuple[str, Roles]] = field(default_factory=set)
    _spent: dict[str, CannotTell] = field(default_factory=dict)
    _limited: Counter[tuple[str, bool]] = field(default_factory=Counter)
    _broken: list[Violation] = field(default_factory=list)
    _garbled: dict[str, list[GarbledAnswer]] = field(default_factory=dict)
    _undelivered: dict[str, str] = field(default_factory=dict)
    _pages: list[Violation] = field(default_factory=list)
    _doubtful: dict[tuple[str, Roles], list[Violation]] = field(default_factory=dict)
    _way_seconds: float | None = None
    _answered: bool = False
    _seen: bool = False
    _only_pages: bool = False

    def before(self, draft: Draft) -> None:
        """Stop a request that would only meet the same trouble again.

        Raises:
            CannotTell: nothing more is sent to this API, to this operation or with this credential.
        """
        if len(self._unreachable) >= UNREACHABLE_LIMIT:
            raise self._unreachable[-1]
        roles, operation = _sorted(draft.roles), draft.operation.id
        if len(garbled := self._garbled.get(operation, [])) >= GARBLED_LIMIT:
            raise garbled[-1]
        if self._is_refused(roles, operation):
            raise CredentialRefused(f"the target refuses the credential of {self.api}; renew or correct it")
        if operation in self._spent and not draft.refused:
            raise self._spent[operation]
        if self._limited[operation, _as_us(draft.roles)] >= RATE_LIMIT_LIMIT:
            raise RateLimited(f"{operation} answered 429 to our own account again and again; wait, then repeat the run")

    def failed(self, operation: Operation, error: Unreachable) -> Iterator[Violation]:
        """Note that no usable answer came; yields what that shows to be the target's doing at once.

        An answer that breaks off between two that arrive whole is kept in mind: it is the target's doing. One whose
        headers are no HTTP needs a whole one before it or after it, since no network makes them up; and other
        operations are asked all the same, because somebody does answer.
        """
        self.note(error)
        if isinstance(error, GarbledAnswer):
            self._garbled.setdefault(operation.id, []).append(error)
            self._broken.append(_violation(self.api, operation, error))
            if self._answered:
                yield self._delivered_by_them(self._broken.pop())
            return
        self._unreachable.append(error)
        if isinstance(error, BrokenAnswer) and self._answered:
            self._broken.append(_violation(self.api, operation, error))

    def _delivered_by_them(self, violation: Violation) -> Violation:
        """Take what was noted as trouble of ours off the list; as the reason for what stays unknown it is kept."""
        self.notes.pop(violation.found, None)
        self._undelivered[violation.operation] = violation.found
        return violation

    def note(self, trouble: CannotTell, operation: str | None = None) -> CannotTell:
        """Add a sentence to the report, about one operation or about all."""
        self.notes[str(trouble)] = operation
        return trouble

    def reason(self, operations: Iterable[str]) -> str | None:
        """The latest trouble that bears on any of these operations."""
        names = set(operations)
        found = (text for text, operation in reversed(self.notes.items()) if operation is None or operation in names)
        theirs = (self._undelivered[name] for name in sorted(names & self._undelivered.keys()))
        return next(found, None) or next(theirs, None)

    def cause(self, facts: Facts) -> Cause | None:
        """What trouble of ours an answer tells of, None when it is about the request.

        Pages in answer to odd paths are those of a router, but where pages are all that ever came.
        """
        exchange = facts.exchange
        cause = own_cause(facts, succeeded=(exchange.operation, _sorted(exchange.credentials)) in self._succeeded)
        is_doubtful = cause in {None, Cause.CREDENTIAL, Cause.BALANCE} and not exchange.vouched
        return Cause.PAGE if is_doubtful and self._only_pages and looks_like_a_page(facts) else cause

    def heard(self, facts: Facts, cause: Cause | None) -> Iterator[Violation]:
        """Note that an answer arrived whole; yields what it shows not to have been the doing of anybody in between."""
        if cause not in {Cause.RATE_LIMIT, Cause.LATER}:
            self._limited[_key(facts.exchange)] = 0
        self._learn_way(facts.exchange.timings.phases.get("connect"))
        if cause is not None and cause.on_the_way:
            self._only_pages = self._only_pages or not self._seen
            return
        if cause is None and facts.request_valid and facts.exchange.response.status < 500:
            self._served.add(_sorted(facts.exchange.credentials))
        self._unreachable.clear()
        self._answered = True
        self._garbled.pop(facts.operation.id, None)
        if facts.unread:
            self.note(
                CannotTell(f"{facts.operation.id} {facts.unread}; nothing is established by it"), facts.operation.id
            )
        yield from map(self._delivered_by_them, self._broken)
        self._broken.clear()
        if is_of_the_api(facts):
            yield from self._pages
            self._pages.clear()
            self._seen, self._only_pages = True, False

    def sift(self, facts: Facts, cause: Cause | None, broken: Iterable[Violation]) -> tuple[Violation, ...]:
        """Of what an answer seems to break, that for which the provider is to blame for certain by now.

        Undocumented web pages count once answers of the API came before and after them.
        """
        way = self._way_seconds or 0.0
        found = tuple(v for v in theirs(broken, cause) if not late_for_the_way(facts, v, way))
        if facts.exchange.vouched or not is_page(facts):
            return found
        if self._seen:
            self._pages.extend(found)
        return ()

    def doubt(self, exchange: Exchange, broken: Iterable[Violation]) -> None:
        """Keep in mind what an answer would break if its word about our credential were wrong."""
        self._doubtful.setdefault((exchange.operation, _sorted(exchange.credentials)), []).extend(broken)

    def raise_for(self, facts: Facts, cause: Cause) -> None:
        """Tell trouble of ours apart by its cause.

        Raises:
            CannotTell: the exchange is about us or the way there, not about the request.
        """
        exchange = facts.exchange
        roles, operation = _sorted(exchange.credentials), exchange.operation
        accepted = roles in self._accepted or roles in self._served
        text = sentence(facts, cause, accepted=accepted)
        match cause:
            case Cause.RATE_LIMIT | Cause.LATER:
                error: CannotTell = RateLimited(text)
                self._limited[_key(exchange)] += 1
                if facts.operation.effect is not Effect.READ:
                    self._spent[operation] = error
                raise self.note(error, operation)
            case Cause.BALANCE:
                raise self.note(QuotaSpent(text))
            case Cause.CREDENTIAL:
                if facts.request_valid:
                    self._refused.setdefault(roles, []).append(exchange)
                raise self.note(CredentialRefused(text), operation if accepted else None)
            case Cause.STATE:
                raise self.note(CredentialRefused(text), ABOUT_STATES)
            case Cause.GATEWAY | Cause.PAGE:
                raise self.note(Unreachable(text))

    def refused(self, facts: Facts) -> None:
        """Note that a credential which is vouched for was refused by an operation that accepted it before."""
        exchange, roles = facts.exchange, _sorted(facts.exchange.credentials)
        good = exchange.vouched and exchange.as_account and facts.request_valid
        if good and exchange.response.status in _REFUSALS and (exchange.operation, roles) in self._succeeded:
            self._refused.setdefault(roles, []).append(exchange)

    def accepted(self, exchange: Exchange) -> Iterator[Violation]:
        """Note that a credential was accepted.

        A refusal between two acceptances by the same operation cannot be the credential's fault: it is yielded, and so
        is what the operation said that is wrong of a credential in order.
        """
        roles = _sorted(exchange.credentials)
        before = (exchange.operation, roles) in self._succeeded
        for refusal in self._refused.pop(roles, []):
            if before and refusal.operation == exchange.operation:
                yield _contradiction(refusal)
        yield from self._doubtful.pop((exchange.operation, roles), [])
        self._accepted.add(roles)
        self._succeeded.add((exchange.operation, roles))

    def _is_refused(self, roles: Roles, operation: str) -> bool:
        """Whether a credential is known to be refused: everywhere, or by an operation that never accepted it."""
        refusals = self._refused.get(roles, [])
        if roles not in self._accepted and roles not in self._served:
            return len(refusals) >= REFUSAL_LIMIT
        own = [refusal for refusal in refusals if refusal.operation == operation]
        return len(own) >= REFUSAL_LIMIT and (operation, roles) not in self._succeeded

    def _learn_way(self, connect_seconds: float | None) -> None:
        """The quickest connection so far says how long the way there takes, there and back."""
        if connect_seconds is not None:
            known = self._way_seconds
            self._way_seconds = connect_seconds if known is None else min(connect_seconds, known)


def _sorted(roles: Mapping[str, str]) -> Roles:
    return tuple(sorted(roles.items()))


def _as_us(roles: Mapping[str, str]) -> bool:
    """Whether a call is sent with an account of ours; the others may well be treated in another way."""
    return set(roles.values()) <= ACCOUNTS


def _key(exchange: Exchange) -> tuple[str, bool]:
    return exchange.operation, _as_us(exchange.credentials)


def _violation(api: str, operation: Operation, error: BrokenAnswer) -> Violation:
    return Violation(
        api=api,
        claim=f"{operation.id}/delivery",
        level=Level.INFERENCE,
        operation=operation.id,
        kind=Breach.DELIVERY,
        message=(
            "The headers of an answer are no HTTP, while those of others are."
            if isinstance(error, GarbledAnswer)
            else "An answer did not arrive whole, while answers before and after it did."
        ),
        expected="a whole answer",
        found=str(error),
    )


def _contradiction(refusal: Exchange) -> Violation:
    return Violation(
        api=refusal.api,
        claim=f"{refusal.operation}/accepts",
        level=Level.INFERENCE,
        operation=refusal.operation,
        kind=Breach.CREDENTIALS,
        message="A credential was refused that was accepted before and after.",
        expected="the credential accepted, as before",
        found=f"status {refusal.response.status}",
        exchange=refusal,
    )

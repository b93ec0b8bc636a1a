"""One API on one target: sends its requests, judges what comes back, and takes the secrets out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from specwatch.claims import ClaimJudge
from specwatch.conformance import Facts, judge
from specwatch.conformance.judge import Judgement
from specwatch.contract.blame import credential_state
from specwatch.spec.model import Api
from specwatch.transport.clock import AsyncClock
from specwatch.transport.courier import Courier, Terms
from specwatch.transport.draft import Draft
from specwatch.transport.wire import WireError
from specwatch.values.exchange import Exchange
from specwatch.values.failure import Failure, Reason
from specwatch.values.observation import Sent
from specwatch.values.secrets import Redactor
from specwatch.values.violation import Violation

BIG_BODY_BYTES: Final = 256 * 1024
"""A body beyond this is decoded and validated in a thread, so that it does not hold up the other probes."""

MAX_ITEMS: Final = 1_000
"""Claims are not judged on longer lists: at this length all of them together take a fifth of a second."""

_REFUSALS: Final = frozenset({401, 402, 403, 407})


@dataclass(frozen=True, slots=True)
class Tools:
    """What a desk works with.

    Args:
        courier: sends.
        known: identifiers that exist on the target, by name.
        redactor: removes the secrets of the API.
    """

    courier: Courier
    known: Mapping[str, str | tuple[str, ...]]
    redactor: Redactor


class Desk:
    """Sends and judges the requests of one API; remembers what series of exchanges need."""

    def __init__(self, api: Api, tools: Tools, clock: AsyncClock) -> None:
        self.api = api
        self.courier = tools.courier
        self.known = tools.known
        self.redactor = tools.redactor
        self._clock = clock
        self._claims = ClaimJudge(api, tools.known, max_items=MAX_ITEMS)
        self._accepted: set[str] = set()

    def remember(self, other: Desk) -> None:
        """Take over what another desk for the same API has seen."""
        self._claims, self._accepted = other._claims, other._accepted

    async def send(self, draft: Draft, step: str, terms: Terms, seconds: float) -> Sent:
        """Send a draft and judge the exchange. What is handed back still holds what the target echoed.

        Args:
            draft: the request before credentials are added.
            step: id of the step that it belongs to.
            terms: what may be sent, and who pays.
            seconds: from resolving the name to the last claim judged.

        Raises:
            CannotTell: it was not sent.
        """
        started = self._clock.monotonic()
        try:
            exchange = await self.courier.deliver(draft, terms, seconds)
        except WireError as error:
            return Sent(step, draft.operation.id, failure=error.failure)
        sent = await self._judge(step, Facts(self.api, draft.operation, exchange))
        taken = self._clock.monotonic() - started
        if taken > seconds and sent.failure is None:
            message = f"judging the answer was not done within {seconds:g} s"
            return replace(sent, failure=_failure(exchange, Reason.TIMEOUT, message, "transfer"))
        return sent

    async def _judge(self, step: str, facts: Facts) -> Sent:
        exchange = facts.exchange
        big = len(exchange.response.body) > BIG_BODY_BYTES
        judgement = await asyncio.to_thread(judge, facts) if big else judge(facts)
        if self._speaks_of_us(facts):
            exchange = replace(exchange, about_us=True)
            facts = Facts(self.api, facts.operation, exchange)
        if exchange.own_trouble:
            return Sent(
                step,
                exchange.operation,
                exchange,
                _own_failure(exchange),
                facts.error_code or "",
                drift=judgement.drift,
                sightings=judgement.sightings,
            )
        if exchange.as_account and exchange.response.status < 300:
            self._accepted.add(exchange.operation)
        return self._sent(step, facts, judgement)

    def _sent(self, step: str, facts: Facts, judgement: Judgement) -> Sent:
        outcomes = list(self._claims.judge(facts))
        broken: list[Violation] = [*judgement.violations]
        kept: list[str] = [*judgement.verified]
        for outcome in outcomes:
            if outcome.violation is not None:
                broken.append(outcome.violation)
            else:
                kept.append(outcome.claim.id)
        return Sent(
            step=step,
            operation=facts.operation.id,
            exchange=facts.exchange,
            failure=_refusal(facts.exchange),
            error_code=facts.error_code or "",
            violations=tuple(broken),
            verified=tuple(kept),
            drift=judgement.drift,
            sightings=judgement.sightings,
        )

    def _speaks_of_us(self, facts: Facts) -> bool:
        """Whether a documented error is about a state of our credential: a good request, and none succeeded before."""
        exchange = facts.exchange
        if exchange.response.status < 400 or exchange.vouched or not exchange.as_account:
            return False
        if exchange.operation in self._accepted or not facts.request_valid:
            return False
        return credential_state(facts) is not None


def _own_failure(exchange: Exchange) -> Failure:
    """What an answer that is about us amounts to."""
    status = exchange.response.status
    if status == 429:
        return _failure(exchange, Reason.RATE_LIMITED, "429: the target asks us to slow down")
    return _failure(exchange, Reason.AUTH, f"{status}: the target refuses our own credential")


def _refusal(exchange: Exchange) -> Failure | None:
    """A refusal of credentials that are known to be good, as on the embedded sandbox: the target's fault."""
    refused = exchange.response.status in _REFUSALS and bool(exchange.credentials) and exchange.as_account
    if not refused:
        return None
    status = exchange.response.status
    return _failure(exchange, Reason.AUTH, f"{status}: a credential that is known to be good was refused")


def _failure(exchange: Exchange, reason: Reason, message: str, phase: str = "") -> Failure:
    timings = exchange.timings
    return Failure(
        reason,
        message,
        phase=phase,
        started_at=timings.started_at,
        seconds=timings.total_seconds,
        phases=timings.phases,
        certificate=exchange.certificate,
    )

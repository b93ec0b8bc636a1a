"""A contract run: who sends what, and what every exchange shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from specwatch.claims import ClaimJudge
from specwatch.conformance import Facts, judge
from specwatch.conformance.judge import Judgement
from specwatch.conformance.sightings import redacted as redacted_sighting
from specwatch.contract.blame import Cause, established, establishes
from specwatch.contract.ledger import NOT_REACHED, Ledger, verdict_over
from specwatch.contract.refusals import Refusals
from specwatch.contract.result import ApiResult, RunResult, drift_of
from specwatch.contract.retries import reserve, stands_alone
from specwatch.contract.settings import Selection, Settings
from specwatch.contract.trouble import OwnTrouble
from specwatch.errors import RateLimited, Unreachable
from specwatch.spec.model import Api
from specwatch.transport.budget import RunBudget
from specwatch.transport.clock import Clock, SystemClock
from specwatch.transport.draft import EXCHANGE, EXTENSION, Draft, header_bytes
from specwatch.transport.guard import GuardedTransport, Pauses
from specwatch.transport.permission import Permission
from specwatch.transport.steady import steady
from specwatch.transport.target import Kind
from specwatch.transport.tunnel import TunnelTransport, proxy_for
from specwatch.values.claim import Claim, Derived
from specwatch.values.exchange import Exchange
from specwatch.values.secrets import Redactor
from specwatch.values.violation import Drift, Sighting, Violation

__all__ = ["ApiRun", "ContractRun", "Listener", "Selection", "Settings", "redacted"]

_NO_COOKIES: Final = DefaultCookiePolicy(allowed_domains=[])
"""A cookie that was set once would let later calls in that carry no credential."""

UNREADABLE: Final = frozenset({"schema", "inferred", "json", "embedded", "media-type"})
"""Kinds of violations after which the content of an answer need not be what a claim speaks about."""

MISSHAPEN: Final = "its answers broke their schema, so their content was not judged"
_RAISES: Final = "; --budget raises it"
LEFT_OUT: Final = "the selection left out what would show it"

Listener = Callable[[str, "ApiRun"], None]
"""Told `exchange` or `violation` and the API whenever one happened."""


class ApiRun:
    """One API of a run: sends drafts, judges what comes back, and keeps the ledger."""

    def __init__(
        self,
        api: Api,
        settings: Settings,
        selection: Selection,
        listener: Listener,
        clock: Clock | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        self.api = api
        self.settings = settings
        self.clock = steady(clock or SystemClock())
        self.operations = selection.operation_ids(api)
        self.base = settings.base(api)
        self.known = settings.known(api)
        self._hidden = [each for own in self.known.values() for each in ([own] if isinstance(own, str) else own)]
        self.is_sandbox = settings.target.kind is Kind.SANDBOX
        self.wallet = settings.wallet(api)
        self.budget = RunBudget(settings.request_budget, settings.max_cost)
        self.permission = Permission(settings.allow, everything=self.is_sandbox)
        self.ledger = Ledger(api, selection.claim_ids(api))
        self.exchanges: list[Exchange] = []
        self.seconds = 0.0
        self.last: Exchange | None = None
        self.last_violations: tuple[Violation, ...] = ()
        self.last_plain = True
        self.drafts: dict[str, Draft] = {}
        self.trouble = OwnTrouble(api.id)
        self.refusals = Refusals()
        self.sent: Counter[str] = Counter()
        self.calls: Counter[tuple[str, bool]] = Counter()
        self.interrupted = False
        self._listener = listener
        self._redactor = self.wallet.redactor()
        self._claims = ClaimJudge(api, self.known)
        self._client = httpx.Client(
            transport=self._transport(pauses or Pauses()), trust_env=False, cookies=CookieJar(_NO_COOKIES)
        )
        self._established = False
        self.left_out = False
        self._answers: Counter[tuple[str, bool]] = Counter()

    def _transport(self, pauses: Pauses) -> GuardedTransport:
        plain = self.base.startswith("http://")
        verify = False if plain else self.settings.certificates()
        proxy = proxy_for(self.base, self.settings.proxies)
        inner = httpx.HTTPTransport(verify=verify, trust_env=not plain)
        return GuardedTransport(
            inner if proxy is None else TunnelTransport(proxy, verify=verify),
            api=self.api.id,
            base=self.base,
            wallet=self.wallet,
            budget=self.budget,
            permission=self.permission,
            limits=self.settings.limits,
            pauses=pauses,
            clock=self.clock,
            proxy=proxy,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, draft: Draft) -> Exchange:
        """Send a draft, judge the exchange, and hand it back with its secrets still in it.

        Raises:
            CannotTell: it was not sent, led to no usable answer, or the answer is about our account.
        """
        self.trouble.before(draft)
        started = self.clock.monotonic()
        try:
            return self._send_and_judge(draft)
        finally:
            self.seconds += self.clock.monotonic() - started

    def _send_and_judge(self, draft: Draft) -> Exchange:
        try:
            response = self._client.send(self._request(draft))
        except Unreachable as error:
            clean = type(error)(self._redactor.text(str(error)))
            for violation in self.trouble.failed(draft.operation, clean):
                self.report(violation)
            raise clean from error
        except RateLimited as error:
            raise self.trouble.note(error, draft.operation.id) from error
        return self._judge(draft, response.extensions[EXCHANGE])

    def scenario(self, claim: str, violation: Violation | None = None) -> None:
        """Note the outcome of a scenario that a contract test played."""
        if violation is None:
            self.ledger.keep([claim])
        else:
            self.report(violation)

    def explain(self, claim: str, reason: str) -> None:
        """Note why a contract test could not check a claim."""
        if not reason.endswith(_RAISES):  # the reason by default says which budget would do
            self.ledger.explain(claim, self._redactor.text(reason))

    def clean(self, text: str) -> str:
        """A text without the secrets of this API."""
        return self._redactor.text(text)

    def report(self, violation: Violation) -> None:
        """Note a violation that was found by other means than the judges."""
        clean = redacted(violation, self._redactor)
        if self.ledger.break_(clean):
            if stands_alone(clean) and not self.budget.held:
                self.budget.held = min(reserve(self.settings.profile.name), max(self.budget.left, 0))
            self._listener("violation", self)

    def _request(self, draft: Draft) -> httpx.Request:
        # The extension `target` keeps the path as it is: httpx itself would collapse `..` and decode `%2E`.
        url = httpx.URL(self.base)
        target = url.raw_path.rstrip(b"/") + draft.path.encode("ascii")
        headers = [(name.encode(), header_bytes(value)) for name, value in draft.headers]
        return self._client.build_request(
            draft.operation.method,
            url,
            headers=headers,
            content=draft.body or None,
            extensions={EXTENSION: draft, "target": target},
        )

    def _judge(self, draft: Draft, exchange: Exchange) -> Exchange:
        self.calls[draft.operation.id, draft.refused] += exchange.attempts
        facts = Facts(self.api, draft.operation, exchange)
        cause = self.trouble.cause(facts)
        if cause is not None:
            self._doubt(facts)
            exchange = replace(exchange, about_us=True)
        for violation in self.trouble.heard(facts, cause):
            self.report(violation)
        broken = self.trouble.sift(facts, cause, self._book(facts, exchange, cause))
        self.last = exchange
        self.last_plain = facts.plain_path and cause is None
        self.last_violations = () if cause is not None else broken
        if self.last_violations:
            self.drafts[exchange.id] = draft  # as it was, with what a report leaves out
        for violation in broken:
            self.report(violation)
        self._listener("exchange", self)
        if cause is not None:
            self.trouble.raise_for(facts, cause)
        self._established = self._established or establishes(facts, broken)
        self.ledger.keep(self.refusals.accepted(facts))
        self._note_acceptance(exchange)
        self.trouble.refused(facts)
        return exchange

    def _doubt(self, facts: Facts) -> None:
        """Remember what an answer to a bad request breaks, should its word about our credential turn out wrong."""
        if facts.exchange.as_account and not facts.request_valid and not facts.exchange.own_trouble:
            outcomes = self._claims.judge(facts)
            self.trouble.doubt(facts.exchange, [o.violation for o in outcomes if o.violation is not None])

    def _book(self, facts: Facts, exchange: Exchange, cause: Cause | None) -> tuple[Violation, ...]:
        """Enter what an exchange shows into the ledger; hands back what it breaks, whoever is to blame for it."""
        seen = facts if cause is None or cause.on_the_way else replace(facts, exchange=exchange)
        verdict = self.conformance(seen)
        outcomes = list(self._claims.judge(seen)) if cause is None else []
        if exchange.response.status < 300 and cause is None:
            self._answers[exchange.operation, any(v.kind in UNREADABLE for v in verdict.violations)] += 1
        kept = [*established(verdict.verified, facts.operation, cause)]
        kept += [outcome.claim.id for outcome in outcomes if outcome.violation is None]
        self.ledger.keep(self.refusals.sift(facts, kept))
        for sighting in () if cause is not None and cause.on_the_way else verdict.sightings:
            self.ledger.note(redacted_sighting(sighting, self._redactor, self._hidden))
        if exchange.attempts > 1:
            drift = Drift(self.api.id, exchange.operation, "connection", "closed without an answer")
            self.ledger.note(Sighting(drift, 1, exchange.timings.started_at, exchange.timings.started_at))
        status = facts.response_spec.status if facts.response_spec else str(exchange.response.status)
        self.ledger.responses[exchange.operation, status, self._redactor.text(facts.error_code or "")] += 1
        self.exchanges.append(self._redactor.exchange(exchange))
        return (*verdict.violations, *(o.violation for o in outcomes if o.violation is not None))

    def conformance(self, facts: Facts) -> Judgement:
        """What the spec itself says about one exchange."""
        return judge(facts)

    def _note_acceptance(self, exchange: Exchange) -> None:
        if exchange.as_account and exchange.credentials and exchange.response.status < 300:
            self.ledger.keep([f"{exchange.operation}/accepts"])
            for violation in self.trouble.accepted(exchange):
                self.report(violation)

    def _default_reason(self, claim: Claim) -> str:
        """Why a claim is unknown that nobody gave a reason for."""
        operations = [self.api.operation(name) for name in sorted(claim.operations)]
        if not any(self.permission.permits(operation) for operation in operations):
            return str(self.permission.refusal(operations[0]))
        if self.interrupted:
            return "the run was interrupted before"
        if trouble := self.trouble.reason(claim.operations) or self.refusals.reason(claim.id):
            return trouble
        if self.budget.left <= 0 or self.budget.exhausted:
            spent, asked = self.budget.max_requests, [o for o in self.api.operations if o.id in self.operations]
            enough = self.settings.profile.enough(asked, spent)
            return f"the budget of {spent} requests was used up before{_RAISES}, {enough} would probably do"
        if not isinstance(claim.form, Derived) and any(self._was_unreadable(name) for name in claim.operations):
            return MISSHAPEN
        return LEFT_OUT if self.left_out else NOT_REACHED

    def _was_unreadable(self, operation: str) -> bool:
        """Whether an operation was served, and none of the answers looked as documented."""
        return self._answers[operation, True] > 0 and not self._answers[operation, False]

    def result(self) -> ApiResult:
        """What is known so far."""
        claims, sightings = self.ledger.results(self._default_reason), self.ledger.sightings.all()
        return ApiResult(
            id=self.api.id,
            verdict=verdict_over(claims, established=self._established, strict=self.settings.strict),
            requests=self.budget.requests,
            cost=self.budget.cost,
            seconds=self.seconds,
            claims=claims,
            violations=tuple(self.ledger.violations.values()),
            drift=drift_of(sightings),
            sightings=sightings,
            responses=dict(self.ledger.responses),
            trouble=tuple(self.trouble.notes),
            established=self._established,
        )


def redacted(violation: Violation, redactor: Redactor) -> Violation:
    """A violation without secrets in any of its texts."""
    exchange = redactor.exchange(violation.exchange) if violation.exchange is not None else None
    return replace(
        violation,
        message=redactor.sentence(violation.message),
        expected=redactor.sentence(violation.expected),
        found=redactor.sentence(violation.found),
        where=redactor.text(violation.where),
        exchange=exchange,
    )


class ContractRun:
    """A run over several APIs.

    Args:
        selection: what to check.
        settings: how.
        listener: told about every exchange and violation.
    """

    def __init__(
        self, selection: Selection, settings: Settings, listener: Listener | None = None, clock: Clock | None = None
    ) -> None:
        self.selection = selection
        self.settings = settings
        self.clock = steady(clock or SystemClock())
        self.started_at = self.clock.now()
        self._started = self.clock.monotonic()
        tell = listener or (lambda _event, _api: None)
        pauses = Pauses()
        self.apis: dict[str, ApiRun] = {
            api.id: ApiRun(api, settings, selection, tell, self.clock, pauses) for api in selection.apis
        }

    @property
    def interrupted(self) -> bool:
        """Whether the run ended before it was through."""
        return any(api.interrupted for api in self.apis.values())

    @interrupted.setter
    def interrupted(self, value: bool) -> None:
        for api in self.apis.values():
            api.interrupted = value

    def close(self) -> None:
        """Close all connections."""
        for api in self.apis.values():
            api.close()

    def result(self) -> RunResult:
        """What is known so far."""
        exchanges: Sequence[Exchange] = [e for api in self.apis.values() for e in api.exchanges]
        return RunResult(
            target=self.settings.target.name,
            profile=self.settings.profile.name,
            seed=self.settings.seed,
            started_at=self.started_at,
            seconds=self.clock.monotonic() - self._started,
            strict=self.settings.strict,
            apis=tuple(api.result() for api in self.apis.values()),
            interrupted=self.interrupted,
            exchanges=tuple(sorted(exchanges, key=lambda exchange: exchange.timings.started_at)),
        )

"""A contract run: who sends what, and what every exchange shows."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from specwatch.claims import ClaimJudge
from specwatch.conformance import Facts, judge
from specwatch.contract.ledger import NOT_REACHED, ClaimResult, Ledger, worst
from specwatch.contract.profile import Profile
from specwatch.contract.result import ApiResult, RunResult
from specwatch.errors import (
    CannotTell,
    CredentialRefused,
    Problem,
    QuotaSpent,
    RateLimited,
    Unreachable,
    UsageError,
)
from specwatch.spec.model import Api
from specwatch.transport.budget import RunBudget
from specwatch.transport.clock import Clock, SystemClock
from specwatch.transport.draft import EXCHANGE, EXTENSION, Draft
from specwatch.transport.guard import GuardedTransport, Limits, Pauses
from specwatch.transport.permission import Permission
from specwatch.transport.target import Kind, Target, known_values
from specwatch.transport.wallet import Wallet
from specwatch.values.claim import Claim, Level, Verdict
from specwatch.values.exchange import Exchange
from specwatch.values.secrets import Redactor
from specwatch.values.violation import Violation

UNREACHABLE_LIMIT = 3
"""After that many requests in a row without a usable answer nothing more is sent to an API."""

REFUSAL_LIMIT = 2
"""After that many refusals of a credential that never worked nothing more is sent with it."""

_NO_COOKIES: Final = DefaultCookiePolicy(allowed_domains=[])
"""A cookie that was set once would let later calls in that carry no credential."""

Roles = tuple[tuple[str, str], ...]
"""A role per security scheme, in the order of the schemes' names."""


@dataclass(frozen=True)
class Selection:
    """Which part of a workspace a run is about.

    Args:
        apis: the APIs.
        operations: operation ids; empty means all.
        claims: shell-style patterns of full claim ids; empty means all.
    """

    apis: tuple[Api, ...]
    operations: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()

    def operation_ids(self, api: Api) -> frozenset[str]:
        """The selected operations of an API."""
        ids = (operation.id for operation in api.operations)
        return frozenset(i for i in ids if not self.operations or i in self.operations)

    def claim_ids(self, api: Api) -> frozenset[str]:
        """The selected claims of an API."""
        operations = self.operation_ids(api)
        return frozenset(
            claim.id
            for claim in api.claims
            if claim.operations & operations
            and (not self.claims or any(fnmatchcase(claim.full_id, p) or fnmatchcase(claim.id, p) for p in self.claims))
        )


@dataclass(frozen=True)
class Settings:
    """How a run is carried out.

    Args:
        environment: the variables that were read.
        max_requests: per API; None takes the profile's.
        max_cost: per run and API; None means no limit.
        allow: of `create`, `consume`, `paid`.
        ca: file with certificate authorities to trust instead of the usual ones.
        cert: file with a client certificate and its key.
        send_credentials: whether real credentials may go to a URL that the spec does not name.
    """

    target: Target
    profile: Profile
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_requests: int | None = None
    max_cost: float | None = None
    allow: Collection[str] = ()
    strict: bool = False
    seed: int = 0
    ca: str | None = None
    cert: str | None = None
    send_credentials: bool = False
    limits: Limits = field(default_factory=Limits)


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
        self.clock = clock or SystemClock()
        self.operations = selection.operation_ids(api)
        self.base = settings.target.base(api)
        self.known = known_values(api, settings.target, settings.environment)
        self.is_sandbox = settings.target.kind is Kind.SANDBOX
        self.wallet = Wallet(api, settings.environment, sandbox=self.is_sandbox, withheld=_withheld(api, settings))
        self.budget = RunBudget(
            settings.profile.max_requests if settings.max_requests is None else settings.max_requests, settings.max_cost
        )
        self.permission = Permission(settings.allow, everything=self.is_sandbox)
        self.ledger = Ledger(api, selection.claim_ids(api))
        self.exchanges: list[Exchange] = []
        self.seconds = 0.0
        self.last: Exchange | None = None
        self.last_violations: tuple[Violation, ...] = ()
        self.last_plain = True
        self.trouble: dict[str, None] = {}
        self.sent: Counter[str] = Counter()
        self.interrupted = False
        self._listener = listener
        self._redactor = self.wallet.redactor()
        self._claims = ClaimJudge(api, self.known)
        self._client = httpx.Client(
            transport=self._transport(pauses or Pauses()), trust_env=False, cookies=CookieJar(_NO_COOKIES)
        )
        self._accepted: set[Roles] = set()
        self._succeeded: set[tuple[str, Roles]] = set()
        self._established = False
        self._refused: dict[Roles, list[Exchange]] = {}
        self._unreachable: list[Unreachable] = []

    def _transport(self, pauses: Pauses) -> GuardedTransport:
        plain = self.base.startswith("http://")
        verify = False if plain else _certificates(self.settings)
        return GuardedTransport(
            httpx.HTTPTransport(verify=verify, trust_env=not plain),
            api=self.api.id,
            base=self.base,
            wallet=self.wallet,
            budget=self.budget,
            permission=self.permission,
            limits=self.settings.limits,
            pauses=pauses,
            clock=self.clock,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, draft: Draft) -> Exchange:
        """Send a draft, judge the exchange, and hand it back with its secrets still in it.

        Raises:
            CannotTell: it was not sent, led to no usable answer, or the answer is about our account.
        """
        self._give_up_early(draft)
        started = self.clock.monotonic()
        try:
            return self._send_and_judge(draft)
        finally:
            self.seconds += self.clock.monotonic() - started

    def _send_and_judge(self, draft: Draft) -> Exchange:
        try:
            response = self._client.send(self._request(draft))
        except Unreachable as error:
            clean = Unreachable(self._redactor.text(str(error)))
            self._unreachable.append(clean)
            raise self._note(clean) from error
        except RateLimited as error:
            raise self._note(error) from error
        self._unreachable.clear()
        exchange: Exchange = response.extensions[EXCHANGE]
        self._judge(draft, exchange)
        self._raise_own_trouble(exchange)
        return exchange

    def scenario(self, claim: str, violation: Violation | None = None) -> None:
        """Note the outcome of a scenario that a contract test played."""
        if violation is None:
            self.ledger.keep([claim])
        else:
            self.report(violation)

    def explain(self, claim: str, reason: str) -> None:
        """Note why a contract test could not check a claim."""
        self.ledger.explain(claim, self._redactor.text(reason))

    def clean(self, text: str) -> str:
        """A text without the secrets of this API."""
        return self._redactor.text(text)

    def report(self, violation: Violation) -> None:
        """Note a violation that was found by other means than the judges."""
        clean = redacted(violation, self._redactor)
        if self.ledger.break_(clean):
            self._listener("violation", self)

    def _request(self, draft: Draft) -> httpx.Request:
        # The extension `target` keeps the path as it is: httpx itself would collapse `..` and decode `%2E`.
        url = httpx.URL(self.base)
        target = url.raw_path.rstrip(b"/") + draft.path.encode("ascii")
        headers = [(name.encode(), _header_bytes(value)) for name, value in draft.headers]
        return self._client.build_request(
            draft.operation.method,
            url,
            headers=headers,
            content=draft.body or None,
            extensions={EXTENSION: draft, "target": target},
        )

    def _give_up_early(self, draft: Draft) -> None:
        if len(self._unreachable) >= UNREACHABLE_LIMIT:
            raise self._unreachable[-1]
        roles = _sorted(draft.roles)
        if len(self._refused.get(roles, ())) >= REFUSAL_LIMIT and roles not in self._accepted:
            raise CredentialRefused(f"the target refuses the credential of {self.api.id}")

    def _judge(self, draft: Draft, exchange: Exchange) -> None:
        facts = Facts(self.api, draft.operation, exchange)
        verdict = judge(facts)
        outcomes = list(self._claims.judge(facts))
        self.ledger.keep(verdict.verified)
        self.ledger.keep(outcome.claim.id for outcome in outcomes if outcome.violation is None)
        self.ledger.drift.update(replace(drift, name=self._redactor.text(drift.name)) for drift in verdict.drift)
        status = facts.response_spec.status if facts.response_spec else str(exchange.response.status)
        self.ledger.responses[exchange.operation, status, self._redactor.text(facts.error_code or "")] += 1
        self.exchanges.append(self._redactor.exchange(exchange))
        self._established = self._established or (exchange.as_account and not exchange.own_trouble)
        self.last = exchange
        self.last_plain = facts.plain_path and not exchange.own_trouble
        broken = (*verdict.violations, *(o.violation for o in outcomes if o.violation is not None))
        self.last_violations = () if exchange.own_trouble else broken
        for violation in self.last_violations:
            self.report(violation)
        self._listener("exchange", self)

    def _raise_own_trouble(self, exchange: Exchange) -> None:
        if not exchange.own_trouble:
            self._note_acceptance(exchange)
            return
        status = exchange.response.status
        if status == 429:
            raise self._note(RateLimited(f"{exchange.operation} answered 429 to our own account"))
        if status == 402 or b"used_up" in exchange.response.body:
            raise self._note(QuotaSpent(f"{exchange.operation} answered {status}: our balance is used up"))
        self._refused.setdefault(_sorted(exchange.credentials), []).append(exchange)
        raise self._note(CredentialRefused(f"{exchange.operation} answered {status} to our own credential"))

    def _note_acceptance(self, exchange: Exchange) -> None:
        """A refusal between two acceptances by the same operation cannot be the credential's fault."""
        if not exchange.as_account or exchange.response.status >= 300 or not exchange.credentials:
            return
        self.ledger.keep([f"{exchange.operation}/accepts"])
        roles = _sorted(exchange.credentials)
        accepted = (exchange.operation, roles) in self._succeeded
        refused = self._refused.pop(roles, [])
        for refusal in (r for r in refused if accepted and r.operation == exchange.operation):
            self.report(_contradiction(refusal))
        self._accepted.add(roles)
        self._succeeded.add((exchange.operation, roles))

    def _note(self, trouble: CannotTell) -> CannotTell:
        self.trouble[str(trouble)] = None
        return trouble

    def _verdict(self, claims: Sequence[ClaimResult]) -> Verdict:
        """The verdict over all claims; refusals of bad credentials alone establish nothing about the API."""
        verdict = worst(claims, strict=self.settings.strict)
        return Verdict.UNKNOWN if verdict is Verdict.PASS and not self._established else verdict

    def _default_reason(self, claim: Claim) -> str:
        """Why a claim is unknown that nobody gave a reason for."""
        operations = [self.api.operation(name) for name in sorted(claim.operations)]
        if not any(self.permission.permits(operation) for operation in operations):
            return str(self.permission.refusal(operations[0]))
        if self.interrupted:
            return "the run was interrupted before"
        if self.trouble:
            return next(reversed(self.trouble))
        if self.budget.left <= 0:
            return f"the budget of {self.budget.max_requests} requests was used up before; --budget raises it"
        return NOT_REACHED

    def result(self) -> ApiResult:
        """What is known so far."""
        claims = self.ledger.results(self._default_reason)
        return ApiResult(
            id=self.api.id,
            verdict=self._verdict(claims),
            requests=self.budget.requests,
            cost=self.budget.cost,
            seconds=self.seconds,
            claims=claims,
            violations=tuple(self.ledger.violations.values()),
            drift=dict(self.ledger.drift),
            responses=dict(self.ledger.responses),
            trouble=tuple(self.trouble),
        )


def _sorted(roles: Mapping[str, str]) -> Roles:
    return tuple(sorted(roles.items()))


def _header_bytes(value: str) -> bytes:
    """A header's value as it travels: latin-1, as http.client has it, and UTF-8 for what that cannot hold."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")


def _certificates(settings: Settings) -> ssl.SSLContext | bool:
    """Which certificates are trusted, and which is our own.

    Raises:
        UsageError: a file cannot be read, or holds something else.
    """
    if settings.ca is None and settings.cert is None:
        return True
    where = f"--ca {settings.ca}"
    try:
        context = ssl.create_default_context(cafile=settings.ca) if settings.ca else httpx.create_ssl_context()
        where = f"--cert {settings.cert}"
        if settings.cert:
            context.load_cert_chain(settings.cert)
    except OSError as error:  # which ssl.SSLError is
        raise UsageError(Problem(where, f"cannot be used: {error}", "a readable file in PEM format")) from error
    return context


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


def redacted(violation: Violation, redactor: Redactor) -> Violation:
    """A violation without secrets in any of its texts."""
    exchange = redactor.exchange(violation.exchange) if violation.exchange is not None else None
    return replace(
        violation,
        message=redactor.text(violation.message),
        expected=redactor.text(violation.expected),
        found=redactor.text(violation.found),
        where=redactor.text(violation.where),
        exchange=exchange,
    )


def _withheld(api: Api, settings: Settings) -> str | None:
    """Why this target must not get real credentials, or None."""
    target = settings.target
    if target.kind is Kind.SANDBOX or target.trusted(api):
        return None
    if not settings.send_credentials:
        return f"{target.url} is no server of {api.id}; --send-credentials sends your credentials there over https"
    return None if target.url.startswith("https://") else f"{target.url} is not https, so no credential is sent there"


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
        self.clock = clock or SystemClock()
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

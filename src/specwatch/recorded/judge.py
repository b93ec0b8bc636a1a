"""Judging recorded exchanges of one API: the judges of a live run, without anything that sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import httpx

from specwatch.claims import ClaimJudge
from specwatch.claims.judge import ClaimOutcome
from specwatch.claims.reads import reads
from specwatch.conformance import Facts, judge
from specwatch.conformance.judge import Judgement
from specwatch.contract.blame import Cause, establishes
from specwatch.contract.run import ApiRun
from specwatch.contract.settings import Selection, Settings
from specwatch.contract.trouble import OwnTrouble
from specwatch.errors import CannotTell, InternalError
from specwatch.recorded.masking import TrafficRedactor
from specwatch.recorded.matching import Match
from specwatch.recorded.roles import UNKNOWN, Standing
from specwatch.spec.model import Api
from specwatch.transport.draft import Draft
from specwatch.transport.guard import GuardedTransport, Pauses
from specwatch.values.claim import Claim, Derived, Scenario
from specwatch.values.exchange import ACCOUNT, Exchange, Request, Response, Timings
from specwatch.values.violation import Breach, Violation

NOT_RECORDED: Final = "the recorded traffic has no such exchange"
NOT_PLAYED: Final = "its contract test has to send requests, and a recording is only read"

_BY_HEAD: Final = frozenset(
    {Breach.STATUS, Breach.MEDIA_TYPE, Breach.CREDENTIALS, Breach.REJECTS, Breach.SURVIVES, Breach.TIME}
)
"""Derived claims that the head of an answer settles, without its body."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A recorded exchange, ready to be judged.

    Args:
        request_whole: whether the body of the request is known.
        response_whole: whether the body of the answer is known.
        timed: whether it is known how long it took.
    """

    exchange: Exchange
    standing: Standing
    request_whole: bool = True
    response_whole: bool = True
    timed: bool = True

    @property
    def whole(self) -> bool:
        """Whether both bodies are known."""
        return self.request_whole and self.response_whole


class RecordedApi(ApiRun):
    """One API in a recording: judged as in a run that sends, by the same code, but for what is not in the file.

    Args:
        api: the API.
        settings: the target is where the traffic was recorded.
        selection: which claims count.
        redactor: takes secrets out of what is kept.
    """

    def __init__(self, api: Api, settings: Settings, selection: Selection, redactor: TrafficRedactor) -> None:
        super().__init__(api, settings, selection, lambda _event, _api: None)
        self._redactor = self._traffic = redactor
        self._notes: dict[str, str | None] = {}
        self._accounts: dict[tuple[tuple[str, str], ...], tuple[ClaimJudge, OwnTrouble]] = {}
        self._gaps: Counter[str] = Counter()
        self._unseen: set[str] = set()
        self._shown: Shown | None = None
        self._tells = False

    def _transport(self, pauses: Pauses) -> GuardedTransport:
        return GuardedTransport(
            _Nowhere(),
            api=self.api.id,
            base=self.base,
            wallet=self.wallet,
            budget=self.budget,
            permission=self.permission,
            pauses=pauses,
            clock=self.clock,
        )

    def take(self, shown: Shown) -> None:
        """Judge an exchange. They are to come in the order in which they began."""
        self._shown, exchange = shown, shown.exchange
        self._note_gaps(shown)
        judges, self.trouble = self._account(shown.standing)
        self._claims = _Within(judges, shown, self._about_time)
        try:
            self._judge(Draft(self.api.operation(exchange.operation), path=""), exchange)
        except CannotTell:
            return  # it is noted
        finally:
            self.seconds += exchange.timings.total_seconds
            self.drafts.clear()
        if UNKNOWN in exchange.credentials.values() and exchange.response.status < 300 and self._tells:
            self._established = True  # somebody was let in
            self.ledger.keep(self.refusals.release())

    def note(self, sentence: str) -> None:
        """Add a sentence to what went wrong on our side."""
        self._notes[self.clean(sentence)] = None

    def report(self, violation: Violation) -> None:
        """Note a violation, without what is secret in its exchange."""
        super().report(self._traffic.violation(violation))

    def conformance(self, facts: Facts) -> Judgement:
        """What the spec itself says, as far as the recording holds what it speaks about."""
        ours, shown = _as_account(facts), self._shown
        found = judge(ours)
        self._tells = establishes(ours, found.violations)
        if shown is None:
            return found
        keeps = _Settles(facts, shown)
        violations = (v for v in found.violations if keeps(v.claim))
        return Judgement(
            violations=tuple(replace(v, exchange=facts.exchange) for v in violations),
            verified=tuple(claim for claim in found.verified if keeps(claim)),
            sightings=found.sightings if shown.response_whole else (),
        )

    def _account(self, standing: Standing) -> tuple[ClaimJudge, OwnTrouble]:
        """The memory of one account: answers to different credentials are not compared with each other."""
        if standing.values not in self._accounts:
            trouble = _Trouble(self.api.id, self._notes)
            self._accounts[standing.values] = (ClaimJudge(self.api, self.known), trouble)
        return self._accounts[standing.values]

    def _note_gaps(self, shown: Shown) -> None:
        gaps = {"request": shown.request_whole, "response": shown.response_whole, "time": shown.timed}
        self._gaps.update(name for name, is_whole in gaps.items() if not is_whole)
        roles = shown.exchange.credentials.items()
        self._unseen.update(self.api.schemes[name].header for name, role in roles if role == UNKNOWN)

    @cached_property
    def _about_time(self) -> frozenset[str]:
        return frozenset(claim.id for claim in self.api.claims if "response.seconds" in reads(claim))

    def _default_reason(self, claim: Claim) -> str:
        """Why a claim is unknown that nobody gave a reason for."""
        if isinstance(claim.form, Scenario):
            return NOT_PLAYED
        kind = claim.form.kind if isinstance(claim.form, Derived) else ""
        if self._unseen and (kind in {"credentials", "accepts"} or "request.credentials" in reads(claim)):
            names = " and ".join(sorted(self._unseen))
            return f"the recording does not show {names}, so nobody knows as whom requests were sent"
        held = self.refusals.reason(claim.id)
        return self._gap(kind) or self._trouble_of(claim) or held or NOT_RECORDED

    def _trouble_of(self, claim: Claim) -> str | None:
        return _Trouble(self.api.id, self._notes).reason(claim.operations)

    def _gap(self, kind: str) -> str | None:
        if kind == Breach.TIME:
            return "the recording does not say how long answers took" if self._gaps["time"] else None
        if self._gaps["response"]:
            return f"the recording lacks the bodies of {self._gaps['response']:,} of its answers"
        lacking = self._gaps["request"]
        return f"the recording lacks the bodies of {lacking:,} of its requests" if lacking else None


class _Nowhere(httpx.BaseTransport):
    """Sends nothing: a recording is only read."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse.

        Raises:
            InternalError: always.
        """
        raise InternalError(f"a request to {request.url.host} while a recording is judged")


class _Trouble(OwnTrouble):
    """Trouble of our own as a recording shows it: a refusal may be due to a credential that it does not show."""

    def cause(self, facts: Facts) -> Cause | None:
        """What trouble of ours an answer tells of, None when it is about the request."""
        return super().cause(_as_account(facts))


class _Within(ClaimJudge):
    """The claims that a recorded exchange can settle, judged by the memory of one account.

    Args:
        memory: the judge that remembers what this account saw.
        shown: the exchange.
        about_time: ids of claims that look at how long an answer took.
    """

    def __init__(self, memory: ClaimJudge, shown: Shown, about_time: frozenset[str]) -> None:
        self._memory = memory
        self._shown = shown
        self._about_time = about_time

    def judge(self, facts: Facts) -> Iterator[ClaimOutcome]:
        """Outcomes of the claims that apply; none where a body is missing."""
        for outcome in self._memory.judge(facts) if self._shown.whole else ():
            if self._shown.timed or outcome.claim.id not in self._about_time:
                yield outcome


@dataclass(frozen=True, slots=True)
class _Settles:
    """Tells which derived claims an exchange can settle, of which parts may be missing."""

    facts: Facts
    shown: Shown

    def __call__(self, claim: str) -> bool:
        form = self.facts.api.claim(claim).form
        kind = form.kind if isinstance(form, Derived) else ""
        if kind == Breach.TIME:
            return self.shown.timed
        if kind == Breach.REJECTS and not self.shown.request_whole:
            return False
        if self.shown.response_whole or kind in _BY_HEAD:
            return True
        spec = self.facts.response_spec
        return spec is not None and not spec.media and form == Derived("response", spec.status)


def _as_account(facts: Facts) -> Facts:
    """An exchange as if credentials that are not seen were ours: nothing may follow from them."""
    exchange = facts.exchange
    if UNKNOWN not in exchange.credentials.values():
        return facts
    roles = {name: ACCOUNT if role == UNKNOWN else role for name, role in exchange.credentials.items()}
    return Facts(facts.api, facts.operation, replace(exchange, credentials=roles))


def shown_exchanges(matches: Iterable[tuple[Match, Standing]], ids: Iterator[int]) -> Iterator[Shown]:
    """Exchanges out of what was matched, ordered by when they began.

    One without a time is taken to have begun with the one before it in its file, so that neither is compared with the
    other.
    """
    timed: list[tuple[float, Match, Standing]] = []
    began = 0.0
    for match, standing in matches:
        began = match.entry.started_at if match.entry.started_at is not None else began
        timed.append((began, match, standing))
    for started_at, match, standing in sorted(timed, key=lambda each: each[0]):
        yield _shown(match, standing, started_at, next(ids))


def _shown(match: Match, standing: Standing, started_at: float, number: int) -> Shown:
    entry, operation = match.entry, match.operation
    carried = {match.api.schemes[name].header for name in operation.security}
    plain = tuple((name.lower(), value) for name, value in entry.request_headers if name.lower() not in carried)
    exchange = Exchange(
        id=f"{match.api.id}-{number}",
        api=match.api.id,
        operation=operation.id,
        target=match.base,
        request=Request(
            entry.method, f"{match.base}{match.path}", (*plain, *standing.shown), entry.request_body or b""
        ),
        response=Response(
            entry.status, entry.response_headers, entry.response_body or b"", entry.reason, entry.http_version
        ),
        timings=Timings(started_at, entry.seconds or 0.0, entry.phases),
        credentials=standing.roles,
        path_parameters=match.path_parameters,
        query=match.query,
        vouched=standing.vouched,
    )
    whole = entry.request_body is not None
    return Shown(exchange, standing, whole, entry.response_body is not None, entry.seconds is not None)

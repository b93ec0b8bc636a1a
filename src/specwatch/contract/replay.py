"""Replay: show a violation of an earlier run again, or find that it is gone.

A violation that one exchange shows is replayed by sending its request again, as the same roles and by the same claims.
One that takes several exchanges is replayed by contract tests with the seed of the run: on a sandbox by all of its API,
elsewhere by those that look for its claim. A claim that they keep says something only where they asked the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specwatch.contract.likeness import as_whom, asked_again
from specwatch.contract.retries import stands_alone
from specwatch.errors import CannotTell, InternalError
from specwatch.spec.model import Api
from specwatch.transport.draft import Draft
from specwatch.values.claim import Verdict
from specwatch.values.exchange import Exchange
from specwatch.values.violation import Violation

if TYPE_CHECKING:
    from specwatch.contract.run import ApiRun, ContractRun

_GONE: Final = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file says about an earlier run.

    Args:
        target: `sandbox`, `live` or a URL; empty where each exchange has its own.
        profile: of the run, empty where the file does not say.
        seed: of the run, None where the file does not say.
        faults: those that were on in the embedded sandbox.
        violations: what can be replayed, in the order of the file.
        cut: ids of the exchanges whose request is not in the file as a whole.
    """

    target: str
    profile: str
    seed: int | None
    faults: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    cut: frozenset[str] = field(default_factory=frozenset)


class Way(StrEnum):
    """How a violation is replayed."""

    REQUEST = "request"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One replay.

    Args:
        verdict: fail when the claim is broken still, pass when it was kept, unknown when nothing can be said.
        found: what came, as a violation words it; why nothing can be said where the verdict is unknown.
        status: of the answer; 0 where there is none.
        same: whether it is broken in the same way as before.
        about_request: whether nothing can be said because of this one request, so that another way may tell more.
        unlike: whether nothing can be said because no request like that of the violation was sent.
        exchange: the request that was sent and its answer, as reports show it; None where there is not the one.
    """

    verdict: Verdict
    found: str
    status: int = 0
    same: bool = True
    about_request: bool = False
    unlike: bool = False
    exchange: Exchange | None = None


def way_of(violation: Violation, api: Api, known: Mapping[str, object], *, fresh: bool) -> tuple[Way, str]:
    """How a violation is replayed where nobody says, and why so.

    Args:
        violation: what is replayed.
        api: its API.
        known: identifiers that exist on the target, by name.
        fresh: whether the target has nothing of what the run made, as a sandbox that was just started.
    """
    if not stands_alone(violation):
        return Way.TEST, "no single exchange shows it"
    made = made_values(violation, api, known)
    if fresh and made:
        return Way.TEST, f"a new sandbox does not have {', '.join(made)}"
    return Way.REQUEST, "one exchange shows it"


def made_values(violation: Violation, api: Api, known: Mapping[str, object]) -> list[str]:
    """Values of the path that an earlier call of the run made, as `name value`: nobody knew them before.

    None where the request was refused, for which a value has to name nothing that exists.
    """
    exchange = violation.exchange
    if exchange is None or 400 <= exchange.response.status < 500:
        return []
    operation = api.operation(exchange.operation)
    values = {text for value in known.values() for text in (value if isinstance(value, tuple) else (value,))}
    for parameter in operation.parameters:
        values |= {str(example) for example in parameter.examples.values()}
    return [f"{name} {value}" for name, value in exchange.path_parameters.items() if value not in values]


def send_again(run: ContractRun, violation: Violation, draft: Draft) -> Attempt:
    """Send the request once, and judge the answer by the claim that it broke."""
    api = run.apis[violation.api]
    kept, sent = api.ledger.counts(violation.claim)[0], len(api.exchanges)
    try:
        exchange = api.send(draft)
    except CannotTell as reason:
        shown = api.exchanges[-1] if len(api.exchanges) > sent else None
        return Attempt(Verdict.UNKNOWN, api.clean(str(reason)), exchange=shown)
    return replace(_judged(api, violation, exchange.response.status, kept), exchange=api.exchanges[-1])


def _judged(api: ApiRun, violation: Violation, status: int, kept: int) -> Attempt:
    """What the answer to the request says about the claim, which was kept so many times before."""
    broken = [each for each in api.last_violations if each.claim == violation.claim]
    if broken:
        same = next((each for each in broken if each.identity == violation.identity), None)
        return Attempt(Verdict.FAIL, api.clean((same or broken[0]).found), status, same is not None)
    lost = status in _GONE and bool(made_values(violation, api.api, api.known))
    if api.ledger.counts(violation.claim)[0] > kept and not lost:
        return Attempt(Verdict.PASS, f"the claim is kept: status {status}", status)
    return Attempt(Verdict.UNKNOWN, _silent(api, violation, status), status, about_request=True)


def _silent(api: ApiRun, violation: Violation, status: int) -> str:
    """Why an answer says nothing about the claim."""
    made = made_values(violation, api.api, api.known)
    if status in _GONE and made:
        return f"status {status}: {', '.join(made)} was made by an earlier call of the run and may be gone"
    return f"status {status}, about which the claim says nothing"


def play_again(run: ContractRun, contracts: Path, violation: Violation) -> Attempt:
    """Run contract tests until one finds the claim broken as before: on a sandbox all of the API, as the first time.

    Args:
        run: a new run over the claim alone, with the seed and the profile of the run that found it.
        contracts: folder of the contract tests.
        violation: what is looked for.

    Raises:
        InternalError: the tests failed for reasons of their own, before one could show it.
    """
    from specwatch.contract.replay_plugin import ReplayPlugin
    from specwatch.contract.session import run_contracts

    defect = None
    api = run.apis[violation.api]
    try:
        run_contracts(run, contracts, partial(ReplayPlugin, violation=violation, everything=api.is_sandbox))
    except InternalError as error:
        defect = error
    (result,) = run.result().apis
    broken = [each for each in result.violations if each.claim == violation.claim]
    if broken:
        return _broken_again(broken, violation)
    if defect is not None:
        raise defect
    claim = next(each for each in result.claims if each.claim.id == violation.claim)
    if claim.verdict is not Verdict.PASS or run.interrupted:
        return Attempt(Verdict.UNKNOWN, claim.reason or "the replay was interrupted")
    if violation.exchange is not None and not asked_again(violation, api.exchanges):
        wanted = as_whom(violation.exchange)
        return Attempt(Verdict.UNKNOWN, f"no request like that which failed was sent, {wanted}", unlike=True)
    seen = "once" if claim.observations == 1 else f"{claim.observations:,} times"
    return Attempt(Verdict.PASS, f"the claim is kept, seen {seen}")


def _broken_again(broken: Sequence[Violation], before: Violation) -> Attempt:
    """The claim is broken still: in the same way as before if any of the violations is."""
    same = next((each for each in broken if each.identity == before.identity), None)
    shown = same or broken[0]
    status = shown.exchange.response.status if shown.exchange is not None else 0
    return Attempt(Verdict.FAIL, shown.found, status, same is not None)


def overall(attempts: tuple[Attempt, ...], *, sporadic: bool = False) -> Verdict:
    """Fail when any replay shows it, pass when none does and one kept the claim, else unknown.

    Args:
        attempts: what came of each.
        sporadic: whether it came and went before, so that its absence says nothing.
    """
    verdicts = {attempt.verdict for attempt in attempts}
    seen = (Verdict.FAIL,) if sporadic else (Verdict.FAIL, Verdict.PASS)
    return next((verdict for verdict in seen if verdict in verdicts), Verdict.UNKNOWN)

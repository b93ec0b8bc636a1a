"""What a run of a workflow amounts to: verdict, class of failure and one sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from specwatch.probing.execute import Execution
from specwatch.values.claim import Level, Verdict
from specwatch.values.exchange import Exchange, header
from specwatch.values.failure import Failure, Reason
from specwatch.values.observation import Criterion, Sent, StepResult
from specwatch.values.violation import Violation

OURS: Final = frozenset({Reason.RATE_LIMITED, Reason.INTERNAL})
"""Classes that say nothing about the target's health."""

_DEEP: Final = frozenset({"json", "schema", "media-type", "embedded"})
"""Kinds of violations by which a body is not what was promised at all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run amounts to.

    Args:
        reason: None for a pass, and where nothing was sent.
        message: one sentence; empty for a pass.
    """

    verdict: Verdict
    reason: Reason | None = None
    message: str = ""


def assess(execution: Execution, *, broken_promise_counts: bool, network_is_well: bool) -> Outcome:
    """The verdict over a run.

    The cause that lies deepest is named: an answer that did not come before one that was refused, that before a server
    error, a redirect, another status, and a broken promise last.

    Args:
        execution: what the workflow did.
        broken_promise_counts: whether a run that reached its goal fails when a promise was broken on the way.
        network_is_well: whether our own network is known to work, so that symptoms of it are the target's after all.
    """
    sent = [each for step in execution.steps for each in step.sent]
    if execution.met:
        late = _judged_late(execution.steps)
        if late is not None and late.failure is not None:
            return _failed(late, late.failure, network_is_well=network_is_well)
        return _reached(sent, broken_promise_counts=broken_promise_counts)
    last = sent[-1] if sent else None
    if last is not None and last.failure is not None:
        return _failed(last, last.failure, network_is_well=network_is_well)
    return _stopped(execution, last.exchange if last is not None else None)


def _stopped(execution: Execution, exchange: Exchange | None) -> Outcome:
    """A run that did not reach its goal, although nothing was wrong with its last exchange as such."""
    if execution.unknown:
        return Outcome(Verdict.UNKNOWN, None, execution.unknown)
    if not execution.finished:
        return Outcome(Verdict.FAIL, Reason.TIMEOUT, execution.message)
    if exchange is None:
        return Outcome(Verdict.UNKNOWN, Reason.INTERNAL, execution.message or "nothing was sent")
    return _missed(exchange, execution)


def _reached(sent: Sequence[Sent], *, broken_promise_counts: bool) -> Outcome:
    broken = _broken_promise(sent)
    if broken is None:
        return Outcome(Verdict.PASS)
    verdict = Verdict.FAIL if broken_promise_counts else Verdict.PASS
    return Outcome(verdict, Reason.CONTRACT, f"{broken.claim}: {broken.message}")


def _judged_late(steps: Sequence[StepResult]) -> Sent | None:
    """The last request of a step whose answer came, but was not judged within its time: the goal came too late."""
    last = [step.sent[-1] for step in steps if step.sent]
    return next((each for each in last if each.failure is not None and each.failure.reason is Reason.TIMEOUT), None)


def _failed(sent: Sent, failure: Failure, *, network_is_well: bool) -> Outcome:
    message = f"{sent.step}: {failure.message}"
    ours = failure.reason in OURS or (failure.local and not network_is_well)
    if failure.reason is Reason.AUTH:
        ours = sent.exchange is None or sent.exchange.own_trouble
    return Outcome(Verdict.UNKNOWN if ours else Verdict.FAIL, failure.reason, message)


def _missed(exchange: Exchange, execution: Execution) -> Outcome:
    """A run whose last answer came but was not the one that the workflow asks for."""
    step = execution.steps[-1]
    status = exchange.response.status
    reason = _class(status, step)
    unmet = _unmet(step) or execution.message
    if reason is Reason.REDIRECT:
        unmet += f"; redirects are not followed{_pointed(exchange)}"
    return Outcome(Verdict.FAIL, reason, f"{step.step}: {_explained(unmet, reason, step.sent)}")


def _pointed(exchange: Exchange) -> str:
    """Where a redirect led, where that cannot hold a secret: the scheme, and a host that was known before.

    A path, a query, or the name of a host that nobody has named may be made of a token, so nothing is told of them.
    """
    location = header(exchange.response.headers, "location")
    if location is None:
        return "; it names no Location"
    try:
        asked = urlsplit(exchange.request.url)
        host = urlsplit(urljoin(exchange.request.url, location))
        scheme, name, known = host.scheme.lower(), host.hostname or "", asked.hostname or ""
    except ValueError:
        return ""
    if scheme not in {"http", "https"} or not name:
        return ""
    same = name.removeprefix("www.") == known.removeprefix("www.")
    shown = f"[{name}]" if ":" in name else name
    return f"; this one leads to {scheme}://{shown}" if same else "; this one leads to another host"


def _class(status: int, step: StepResult) -> Reason:
    if status >= 500:
        return Reason.SERVER_ERROR
    if 300 <= status < 400:
        return Reason.REDIRECT
    if any(not criterion.met and _about_status(criterion) for criterion in step.criteria) or not step.criteria:
        return Reason.STATUS
    return Reason.CONTRACT


def _explained(unmet: str, reason: Reason, sent: Sequence[Sent]) -> str:
    """What was expected and found, with the promise that the same answer broke.

    A body that is not what was promised at all explains why a criterion finds nothing in it, so it goes first.
    """
    broken = [each for each in (sent[-1].violations if sent else ()) if each.level is Level.PROMISE]
    deep = next((each for each in broken if each.kind in _DEEP), None) if reason is Reason.CONTRACT else None
    if deep is not None:
        return f"{deep.message.rstrip('.')} ({deep.claim}); {unmet}"
    return f"{unmet}; broken promise {broken[0].claim}: {broken[0].message}" if broken else unmet


def _unmet(step: StepResult) -> str:
    unmet = next((criterion for criterion in step.criteria if not criterion.met), None)
    if unmet is None:
        return ""
    return f"expected {unmet.text}" + (f", found {unmet.found}" if unmet.found else "")


def _about_status(criterion: Criterion) -> bool:
    return "$statusCode" in criterion.text


def _broken_promise(sent: Sequence[Sent]) -> Violation | None:
    violations = (violation for each in sent for violation in each.violations)
    return next((violation for violation in violations if violation.level is Level.PROMISE), None)

"""Takes the secrets out of what a run found, wherever the target may have echoed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import is_

from specwatch.conformance.sightings import redacted as redacted_sighting
from specwatch.values.exchange import Exchange
from specwatch.values.failure import Certificate, Failure
from specwatch.values.observation import Criterion, Observation, Sent, StepResult
from specwatch.values.secrets import Redactor
from specwatch.values.violation import Violation


def redact(observation: Observation, redactor: Redactor) -> Observation:
    """The observation without secrets; the same one where there is nothing to look for."""
    if redactor.is_idle:
        return observation
    return replace(
        observation,
        message=redactor.text(observation.message),
        steps=tuple(_step(step, redactor) for step in observation.steps),
        outputs=clean_mapping(observation.outputs, redactor),
    )


def clean_mapping(values: Mapping[str, object], redactor: Redactor) -> dict[str, object]:
    """Outputs of a workflow without secrets, keys included."""
    return {redactor.text(name): _value(value, redactor) for name, value in values.items()}


def _value(value: object, redactor: Redactor) -> object:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, Mapping):
        return {redactor.text(str(name)): _value(item, redactor) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item, redactor) for item in value]
    return value


def _step(step: StepResult, redactor: Redactor) -> StepResult:
    sent = tuple(_sent(sent, redactor) for sent in step.sent)
    if step.met and all(map(is_, sent, step.sent)):
        return step  # nothing was found in it, and of criteria that hold nothing is said
    return replace(
        step,
        criteria=tuple(_criterion(criterion, redactor) for criterion in step.criteria),
        sent=sent,
        unknown=redactor.text(step.unknown),
    )


def _criterion(criterion: Criterion, redactor: Redactor) -> Criterion:
    return replace(criterion, found=redactor.text(criterion.found)) if criterion.found else criterion


def _sent(sent: Sent, redactor: Redactor) -> Sent:
    before = sent.exchange
    exchange = _exchange(before, redactor) if before is not None else None
    if exchange is before and not (sent.failure or sent.error_code or sent.violations or sent.drift):
        return sent  # as most are
    return replace(
        sent,
        exchange=exchange,
        failure=_failure(sent.failure, redactor) if sent.failure is not None else None,
        error_code=redactor.text(sent.error_code),
        violations=tuple(_violation(each, before, exchange, redactor) for each in sent.violations),
        drift=tuple(replace(drift, name=redactor.text(drift.name)) for drift in sent.drift),
        sightings=tuple(redacted_sighting(each, redactor) for each in sent.sightings),
    )


def _exchange(exchange: Exchange, redactor: Redactor) -> Exchange:
    if exchange.certificate is None:
        return redactor.exchange(exchange)
    return replace(redactor.exchange(exchange), certificate=_certificate(exchange.certificate, redactor))


def _failure(failure: Failure, redactor: Redactor) -> Failure:
    certificate = _certificate(failure.certificate, redactor)
    return replace(failure, message=redactor.text(failure.message), certificate=certificate)


def _certificate(certificate: Certificate | None, redactor: Redactor) -> Certificate | None:
    if certificate is None:
        return None
    issuer, problem = redactor.text(certificate.issuer), redactor.text(certificate.problem)
    return replace(certificate, issuer=issuer, problem=problem)


def _violation(violation: Violation, before: Exchange | None, clean: Exchange | None, redactor: Redactor) -> Violation:
    """A violation without secrets; that of the same exchange shares its clean form."""
    own = violation.exchange
    return replace(
        violation,
        message=redactor.text(violation.message),
        expected=redactor.text(violation.expected),
        found=redactor.text(violation.found),
        where=redactor.text(violation.where),
        exchange=clean if own is before else (_exchange(own, redactor) if own is not None else None),
    )

"""One run of a probe as blackbox_exporter would tell it, for `/probe`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from specwatch.metrics.exposition import EOF, Format, Rendered, encode, metric_of, negotiate, with_location
from specwatch.metrics.families import BLACKBOX
from specwatch.values import PHASES, Observation, Sent, Verdict


def blackbox_metrics(observation: Observation, accept: str = "", location: str = "") -> Rendered:
    """The metrics of a run, in the format that an `Accept` header asks for."""
    form = negotiate(accept)
    text = encode(with_location(_metrics(observation), location), form)
    end = EOF if form is Format.OPENMETRICS else ""
    return Rendered(form.value, (f"{text}{end}".encode(),))


def _metrics(observation: Observation) -> Iterator[Metric]:
    samples: dict[str, list[tuple[dict[str, str], float]]] = {
        "probe_success": [({}, float(observation.verdict is Verdict.PASS))],
        "probe_duration_seconds": [({}, observation.seconds)],
        "probe_http_status_code": [({}, float(_status(observation)))],
        "probe_http_duration_seconds": [({"phase": name}, value) for name, value in _phases(observation).items()],
        "probe_ssl_earliest_cert_expiry": [({}, value) for value in _expiry(observation)],
    }
    if observation.verdict is Verdict.UNKNOWN:
        samples["probe_success"] = []
    for family in BLACKBOX:
        metric = metric_of(family)
        for labels, value in samples[family.name]:
            metric.add_sample(family.name, labels, value)
        yield metric


def _status(observation: Observation) -> int:
    return next((sent.exchange.response.status for sent in reversed(observation.sent) if sent.exchange), 0)


def _phases(observation: Observation) -> dict[str, float]:
    """Seconds per phase. blackbox has no phase of its own for sending the request: that is part of `processing`."""
    found: dict[str, float] = {}
    for sent in observation.sent:
        for phase, seconds in _own_phases(sent).items():
            name = "processing" if phase == "request" else phase
            found[name] = found.get(name, 0.0) + seconds
    return {phase: found[phase] for phase in PHASES if phase in found}


def _own_phases(sent: Sent) -> dict[str, float]:
    if sent.exchange is not None:
        return dict(sent.exchange.timings.phases)
    return dict(sent.failure.phases) if sent.failure is not None else {}


def _expiry(observation: Observation) -> Iterator[float]:
    shown = [sent.exchange.certificate for sent in observation.sent if sent.exchange]
    shown += [sent.failure.certificate for sent in observation.sent if sent.failure]
    dates = [certificate.not_after for certificate in shown if certificate]
    if dates:
        yield min(dates)

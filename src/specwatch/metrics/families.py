"""Every metric that specwatch exports, as data: the exporter and docs/reference/metrics.md are made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The type of a metric, in the words of OpenMetrics."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its series.

    Args:
        name: as it is asked for, with the suffix of its type.
        kind: its type.
        labels: names of its labels; a `location` comes on top where the prober has one.
        unit: of its value, in the plural; empty for counts and states.
        meaning: one sentence, which is also its HELP.
        buckets: upper bounds of a histogram's buckets, in its unit, without the infinite one.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    meaning: str
    buckets: tuple[float, ...] = ()

    @property
    def base(self) -> str:
        """The name without the suffix that OpenMetrics 1.0 keeps for its type."""
        suffix = {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(self.kind, "")
        return self.name.removesuffix(suffix)


REQUEST_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""From a good answer of a near server to the longest that a probe usually waits; 1 and 2 s are usual objectives, and an
objective can be judged exactly only where a bucket ends. Each bucket is a series per operation: hence few."""

PHASE_BUCKETS: Final = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""A phase is a part of a request, so it begins lower: a cached name takes under 1 ms, a handshake tens."""

PROBE_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""A run is one request or a few; the last bounds are for those that ask again until something is ready."""

JOB_BUCKETS: Final = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0)
"""Work in the background takes seconds to half an hour."""

LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0)
"""A tick of a healthy prober is noticed within milliseconds, 10 ms at most; seconds are an overload."""

SECONDS: Final = "seconds"
_OPERATION: Final = ("api", "operation")
_PROBE: Final = ("api", "probe")
_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

FAMILIES: Final = (
    Family(
        "specwatch_probe_runs_total",
        _COUNTER,
        (*_PROBE, "verdict"),
        "",
        "Runs of a probe by verdict (pass, fail, unknown); every look counts, second ones before a probe is called "
        "down too.",
    ),
    Family(
        "specwatch_probe_verdict_seconds_total",
        _COUNTER,
        (*_PROBE, "verdict"),
        SECONDS,
        "Time that settled verdicts stand for: from the run before to this one, one interval of the probe at most; "
        "shares of it say how much of the time a probe failed, however often it runs while it fails.",
    ),
    Family(
        "specwatch_probe_success",
        _GAUGE,
        _PROBE,
        "",
        "Whether the last settled verdict of a probe was a pass (1) or a fail (0); no sample while it is unknown.",
    ),
    Family(
        "specwatch_probe_duration_seconds",
        _HISTOGRAM,
        _PROBE,
        SECONDS,
        "How long the runs of a probe took that sent anything, waits between requests included.",
        PROBE_BUCKETS,
    ),
    Family(
        "specwatch_probe_last_run_timestamp_seconds",
        _GAUGE,
        _PROBE,
        SECONDS,
        "When the last run of a probe ended, as Unix time.",
    ),
    Family(
        "specwatch_probe_interval_seconds",
        _GAUGE,
        _PROBE,
        SECONDS,
        "How often a probe is due, as it was planned; no sample for one that does not run here.",
    ),
    Family(
        "specwatch_probes_skipped_total",
        _COUNTER,
        (*_PROBE, "reason"),
        "",
        "Ticks that passed without a run: overlap, saturated, late, rate_limited, budget, maintenance or off.",
    ),
    Family(
        "specwatch_job_duration_seconds",
        _HISTOGRAM,
        _PROBE,
        SECONDS,
        "How long a run took that created something, from its first request to its end.",
        JOB_BUCKETS,
    ),
    Family(
        "specwatch_job_open_since_timestamp_seconds",
        _GAUGE,
        _PROBE,
        SECONDS,
        "When the oldest job of a probe that is still open began, as Unix time; no sample without one.",
    ),
    Family(
        "specwatch_request_duration_seconds",
        _HISTOGRAM,
        _OPERATION,
        SECONDS,
        "How long requests took that were answered, from resolving the host to the last byte.",
        REQUEST_BUCKETS,
    ),
    Family(
        "specwatch_request_phase_seconds",
        _HISTOGRAM,
        (*_OPERATION, "phase"),
        SECONDS,
        "How long the phases of requests took; a phase that never ran is not counted.",
        PHASE_BUCKETS,
    ),
    Family(
        "specwatch_responses_total",
        _COUNTER,
        (*_OPERATION, "status", "error_code"),
        "",
        "Answers by status and by the provider's own error code; what is not documented counts as other.",
    ),
    Family(
        "specwatch_request_failures_total",
        _COUNTER,
        (*_OPERATION, "reason"),
        "",
        "Requests that led to nothing usable, each by one class of failure.",
    ),
    Family(
        "specwatch_contract_violations_total",
        _COUNTER,
        (*_OPERATION, "claim", "level"),
        "",
        "Broken claims of the documentation, by level: a promise of its text, or an inference from its examples.",
    ),
    Family(
        "specwatch_claim_last_verified_timestamp_seconds",
        _GAUGE,
        ("api", "claim", "level"),
        SECONDS,
        "When an answer last kept a claim, as Unix time.",
    ),
    Family(
        "specwatch_claim_last_violated_timestamp_seconds",
        _GAUGE,
        ("api", "claim", "level"),
        SECONDS,
        "When an answer last broke a claim, as Unix time.",
    ),
    Family(
        "specwatch_drift_total",
        _COUNTER,
        (*_OPERATION, "kind"),
        "",
        "Undocumented but allowed things seen in answers: field, value, header, status, code or media-type.",
    ),
    Family(
        "specwatch_budget_remaining",
        _GAUGE,
        ("api", "unit"),
        "",
        "What the probes of an API may still spend today: requests, or the unit in which its calls are priced.",
    ),
    Family(
        "specwatch_budget_limit",
        _GAUGE,
        ("api", "unit"),
        "",
        "What the probes of an API may spend in a day: requests, or the unit in which its calls are priced.",
    ),
    Family(
        "specwatch_cost_total",
        _COUNTER,
        ("api",),
        "",
        "What requests to an API cost, in the unit in which its calls are priced.",
    ),
    Family(
        "specwatch_rate_limited",
        _GAUGE,
        ("api",),
        "",
        "Whether an API asked for a pause that is not over (1).",
    ),
    Family(
        "specwatch_certificate_expiry_timestamp_seconds",
        _GAUGE,
        ("api", "host"),
        SECONDS,
        "When the certificate that a host last showed expires, as Unix time, whether or not it could be verified.",
    ),
    Family(
        "specwatch_schedule_lag_seconds",
        _HISTOGRAM,
        (),
        SECONDS,
        "How much later than due ticks of the schedule were noticed.",
        LAG_BUCKETS,
    ),
    Family(
        "specwatch_saturated",
        _GAUGE,
        (),
        "",
        "Whether the prober is overloaded (1): it leaves out runs, and the times of others say less.",
    ),
    Family(
        "specwatch_config_last_reload_successful",
        _GAUGE,
        (),
        "",
        "Whether the last attempt to read the configuration succeeded (1); if not, the one before it is in use.",
    ),
    Family(
        "specwatch_config_last_reload_success_timestamp_seconds",
        _GAUGE,
        (),
        SECONDS,
        "When the configuration that is in use was read, as Unix time.",
    ),
    Family(
        "specwatch_state_errors_total",
        _COUNTER,
        ("operation",),
        "",
        "What could not be read from or written to the state: open, record, remember, journal or archive.",
    ),
    Family(
        "specwatch_notifications_total",
        _COUNTER,
        ("outcome",),
        "",
        "Notifications of `watch --notify` by outcome: sent, failed, or dropped because too many were waiting.",
    ),
    Family(
        "specwatch_build_info",
        Kind.INFO,
        ("version", "python"),
        "",
        "The version of specwatch and of the Python that runs it; always 1.",
    ),
)
"""All metrics of specwatch itself, in the order in which they are exported."""

BY_NAME: Final = {family.name: family for family in FAMILIES}

PROCESS: Final = (
    Family("process_virtual_memory_bytes", _GAUGE, (), "bytes", "Virtual memory of the prober."),
    Family("process_resident_memory_bytes", _GAUGE, (), "bytes", "Resident memory of the prober."),
    Family("process_start_time_seconds", _GAUGE, (), SECONDS, "When the prober started, as Unix time."),
    Family("process_cpu_seconds_total", _COUNTER, (), SECONDS, "Processor time of the prober, user and system."),
    Family("process_open_fds", _GAUGE, (), "", "Open file descriptors of the prober."),
    Family("process_max_fds", _GAUGE, (), "", "How many file descriptors the prober may open."),
)
"""What `prometheus_client` tells about the process, on Linux only. Described here, made there."""

BLACKBOX: Final = (
    Family("probe_success", _GAUGE, (), "", "Whether the run passed (1) or failed (0); no sample when it is unknown."),
    Family("probe_duration_seconds", _GAUGE, (), SECONDS, "How long the run took, waits between requests included."),
    Family("probe_http_status_code", _GAUGE, (), "", "Status of the last answer of the run, 0 without one."),
    Family(
        "probe_http_duration_seconds",
        _GAUGE,
        ("phase",),
        SECONDS,
        "How long each phase took, over all requests of the run; a phase that never ran is absent.",
    ),
    Family(
        "probe_ssl_earliest_cert_expiry",
        _GAUGE,
        (),
        "",
        "When the first of the certificates expires that were shown in the run, as Unix time.",
    ),
)
"""What `/probe` answers with: names and types of blackbox_exporter."""

"""Pieces of PromQL that the alerts are put together from."""

from __future__ import annotations

import json
from typing import Final

from specwatch.monitoring.settings import Settings

BY_PROBE: Final = "by (api, probe, location)"
"""What is said about a probe: `location` is absent where a prober has none."""

BY_API: Final = "by (api, location)"
"""What is said about an API as a whole."""

FROM: Final = "{{ with $labels.location }} from {{ . }}{{ end }}"
"""Template: from where it was seen, for a prober that has a location."""

AT: Final = "{{ $labels.instance }}{{ with $labels.location }} ({{ . }}){{ end }}"
"""Template: which prober it is about."""

LAST_SKIPPED: Final = "instance_probe:specwatch_probe_last_skipped_timestamp_seconds:max"
"""Recorded: when a tick of a probe was last left out for a reason that is no fault of the prober, as Unix time."""

LAST_REJECTED: Final = "api:specwatch_credential_last_rejected_timestamp_seconds:max"
"""Recorded: when an API last refused our own credential, as Unix time."""

LAST_VERIFIED: Final = "claim:specwatch_claim_last_verified_timestamp_seconds:max"
"""Recorded: when a claim was last kept, as Unix time; it outlives a restart of the prober."""

LAST_VIOLATED: Final = "claim:specwatch_claim_last_violated_timestamp_seconds:max"
"""Recorded: when a claim was last broken, as Unix time; it outlives a restart of the prober."""

CHECKED_IN_HEALTH: Final = 'claim!~"[^/]+/5[0-9Xx]{2}(/.*)?"'
"""Claims about more than server errors. What an answer of 500 looks like cannot be seen again once the API is well, so
that nothing can show that such a claim is kept again."""


def number(value: float) -> str:
    """A number as PromQL has it: `0.1`, `1800`."""
    return f"{value:.12g}"


def metric(settings: Settings, name: str, *matchers: str) -> str:
    """A selector of what the probers export.

    Args:
        settings: name the job.
        name: of the metric.
        matchers: further ones, such as `level="promise"`.
    """
    return f"{name}{{{', '.join((f'job={json.dumps(settings.selectors_job)}', *matchers))}}}"


def last_run(settings: Settings) -> str:
    """When each probe last ran, by API, probe and location."""
    return f"max {BY_PROBE} ({metric(settings, 'specwatch_probe_last_run_timestamp_seconds')})"


def success(settings: Settings) -> str:
    """The last settled verdict of each probe, by API, probe and location: 1, 0, or no sample while it is unknown."""
    return f"max {BY_PROBE} ({metric(settings, 'specwatch_probe_success')})"


def unknown_now(settings: Settings) -> str:
    """When the probes last ran of which nothing is known since; those that this process never ran are left out."""
    return f"({last_run(settings)} unless {success(settings)})"


def just_counted(settings: Settings) -> str:
    """The range in which an increase that a scrape has just brought is seen: a few scrapes, should one be lost."""
    return f"{number(4 * settings.scrape_interval)}s"

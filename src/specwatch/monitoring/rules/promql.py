"""Pieces of PromQL that the alerts are put together from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
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

LAST_BROKEN: Final = "claim:specwatch_claim_broken_timestamp_seconds:max"
"""Recorded: when a claim was last broken, as Unix time, for as long as it counts as broken at a location."""

CHECKED_IN_HEALTH: Final = 'claim!~"[^/]+/5[0-9Xx]{2}(/.*)?"'
"""Claims about more than server errors. What an answer of 500 looks like cannot be seen again once the API is well, so
that nothing can show that such a claim is kept again."""


_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
"""What means something in a regular expression of Prometheus, https://github.com/google/re2/wiki/Syntax."""


def quoted(text: str) -> str:
    """A string literal of PromQL, https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals."""
    return json.dumps(text, ensure_ascii=False)


def one_of(names: Iterable[str]) -> str:
    """A string literal to match a label against with `=~` or `!~`: these names literally, whatever is in them."""
    return quoted("|".join(_SPECIAL.sub(r"\\\g<0>", name) for name in names))


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
    return f"{name}{{{', '.join((f'job={quoted(settings.selectors_job)}', *matchers))}}}"


def last_run(settings: Settings) -> str:
    """When each probe last ran, by API, probe and location."""
    return f"max {BY_PROBE} ({metric(settings, 'specwatch_probe_last_run_timestamp_seconds')})"


def success(settings: Settings) -> str:
    """The last settled verdict of each probe, by API, probe and location: 1, 0, or no sample while it is unknown.

    Where several probers of one location watch the same, the worst verdict counts, as it does for the quorum.
    """
    return f"min {BY_PROBE} ({metric(settings, 'specwatch_probe_success')})"


def unknown_now(settings: Settings) -> str:
    """When the probes last ran of which nothing is known since; those that this process never ran are left out.

    Where several probers of one location watch the same, one that knows nothing is enough.
    """
    ran = metric(settings, "specwatch_probe_last_run_timestamp_seconds")
    known = metric(settings, "specwatch_probe_success")
    return f"(max {BY_PROBE} ({ran} unless on (job, instance, api, probe) {known}))"


def since(moment: str) -> str:
    """Seconds since a moment; none where the clock of a prober is ahead of that of Prometheus."""
    return f"clamp_min(time() - {moment}, 0)"


def just_counted_seconds(settings: Settings) -> float:
    """How long an increase is seen that a scrape has just brought: over a few scrapes, should one be lost."""
    return 4 * settings.scrape_interval


def just_counted(settings: Settings) -> str:
    """The range in which an increase that a scrape has just brought is seen."""
    return f"{number(just_counted_seconds(settings))}s"

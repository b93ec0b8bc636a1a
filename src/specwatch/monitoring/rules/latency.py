"""By which bucket of a histogram the runs of a probe are told slow from fast.

A histogram knows how many runs took at most as long as one of its bounds, and nothing in between. An objective whose
seconds are no bound is judged by the next smaller one: stricter than asked for, so that no slow run passes for a fast
one. One below all bounds is judged by the smallest: what is slower than that is certainly too slow, the rest is not
seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from specwatch.metrics.families import PROBE_BUCKETS
from specwatch.monitoring.origin import Origin
from specwatch.schedule import Probe


def judged_by(seconds: float) -> float:
    """The bound of `PROBE_BUCKETS`, in seconds, by which an objective of so many seconds is judged."""
    return max((bound for bound in PROBE_BUCKETS if bound <= seconds), default=PROBE_BUCKETS[0])


def spellings(bound: float) -> tuple[str, ...]:
    """How the label `le` may spell a bound: `5.0` by clients in Python and by Prometheus 3, `5` by others."""
    return tuple(dict.fromkeys((f"{bound:g}", str(float(bound)))))


def bounds(origin: Origin) -> Iterator[tuple[Probe, float, float]]:
    """The probes with a latency objective: the probe, the seconds it asks for, the bound it is judged by."""
    for probe in origin.probes:
        if probe.objective.latency is not None:
            yield probe, probe.objective.latency.seconds, judged_by(probe.objective.latency.seconds)


def bound_notes(origin: Origin) -> Iterator[str]:
    """A line for each latency objective that is judged by other seconds than its own."""
    for probe, seconds, bound in bounds(origin):
        if bound < seconds:
            yield (
                f"{probe.place or probe.id}: {probe.id} shall take {seconds:g} s at most; no bucket ends there, so "
                f"that it is judged by {bound:g} s, which is stricter"
            )
        elif bound > seconds:
            yield (
                f"{probe.place or probe.id}: {probe.id} shall take {seconds:g} s at most; the smallest bucket ends at "
                f"{bound:g} s, so that only slower runs count as slow"
            )

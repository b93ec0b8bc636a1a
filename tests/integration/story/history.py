"""Thirty days of run counters that nobody had to wait for: written as text, made into blocks by promtool."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from specwatch.metrics.families import PROBE_BUCKETS

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
LENGTH: Final = 30 * DAY

INTERVAL: Final = 300.0
FAILING_INTERVAL: Final = 60.0
"""How often a probe ran, in seconds, while it passed and while it failed."""

QUICK: Final = 0.08
SLOW: Final = 3.0
"""How long runs took, in seconds; each lies between two bounds of the histogram."""

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Past:
    """What a probe went through, seen by one prober.

    Args:
        labels: of its series, those of the scrape included.
        outages: stretches in which it failed, as seconds before the end of the history: (from, to), both positive.
        slow: share of its runs that were slow, all the time.
    """

    labels: Labels
    outages: tuple[tuple[float, float], ...] = ()
    slow: float = 0.0

    def failed(self, left: float) -> float:
        """Seconds for which it had failed when so much of the history was left."""
        return sum(max(0.0, begin - max(end, left)) for begin, end in self.outages)


def moments() -> list[float]:
    """When the counters were scraped, as seconds before the end: hourly, and more often in the last six hours."""
    hours = [LENGTH - HOUR * each for each in range(round((LENGTH - 6 * HOUR) / HOUR))]
    return [*hours, *(6 * HOUR - 120.0 * each for each in range(181))]


def openmetrics(pasts: Sequence[Past], end: float) -> str:
    """The history as OpenMetrics text.

    Args:
        pasts: one for each probe and prober.
        end: Unix time of its last moment.
    """
    families = {
        "specwatch_probe_verdict_seconds": ("counter", _verdict_seconds),
        "specwatch_probe_runs": ("counter", _runs),
        "specwatch_probe_duration_seconds": ("histogram", _durations),
    }
    lines: list[str] = []
    for name, (kind, values) in families.items():
        lines.append(f"# TYPE {name} {kind}")
        series: dict[str, list[str]] = {}  # whose samples have to stand together
        for past, left in itertools.product(pasts, moments()):
            for suffix, more, value in values(past, left):
                labels = ",".join(f'{key}="{text}"' for key, text in {**past.labels, **more}.items())
                one = f"{name}{suffix}{{{labels}}}"
                series.setdefault(one, []).append(f"{one} {value!r} {end - left:.3f}")
        lines += itertools.chain.from_iterable(series.values())
    return "\n".join([*lines, "# EOF", ""])


Sample = tuple[str, Labels, float]


def _verdict_seconds(past: Past, left: float) -> Iterator[Sample]:
    failed = past.failed(left)
    for verdict, value in (("pass", LENGTH - left - failed), ("fail", failed), ("unknown", 0.0)):
        yield "_total", {"verdict": verdict}, value


def _runs(past: Past, left: float) -> Iterator[Sample]:
    failed = past.failed(left)
    passed = (LENGTH - left - failed) // INTERVAL
    for verdict, value in (("pass", passed), ("fail", failed // FAILING_INTERVAL), ("unknown", 0.0)):
        yield "_total", {"verdict": verdict}, value


def _durations(past: Past, left: float) -> Iterator[Sample]:
    runs = (LENGTH - left) // INTERVAL
    slow = runs * past.slow // 1
    for bound in PROBE_BUCKETS:
        value = 0.0 if bound < QUICK else runs - slow if bound < SLOW else runs
        yield "_bucket", {"le": f"{bound}"}, value
    yield "_bucket", {"le": "+Inf"}, runs
    yield "_count", {}, runs
    yield "_sum", {}, QUICK * (runs - slow) + SLOW * slow


def backfill(pasts: Sequence[Past], end: float, folder: Path) -> None:
    """Make blocks of a history, for a Prometheus that is not running.

    Args:
        pasts: one for each probe and prober.
        end: Unix time of its last moment.
        folder: of the data of Prometheus.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    text = folder.with_suffix(".om")
    text.write_text(openmetrics(pasts, end), encoding="utf-8")
    made = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=720h", text, folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr

"""What goes into the tables: small immutable rows, ready to be bound."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from specwatch.probing.ports import Job, Progress
from specwatch.state.encode import Cut, detail, plain, summary
from specwatch.state.limits import HistoryLimits
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation

Document = dict[str, object]

SMALLEST_BODY = 64
"""A body that would have to be cut below this is left out with all the rest of the detail."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of a probe.

    Args:
        detail: JSON of its steps and outputs, or None where only the summary is kept.
    """

    id: str
    probe: str
    failed: bool
    verdict: str
    started_at: float
    summary: str
    detail: str | None

    @property
    def size(self) -> int:
        """Bytes that it takes, near enough: all of it is ASCII."""
        return len(self.summary) + len(self.detail or "")


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, with how it ended if it did; `progress` is kept as it was handed over."""

    job: Job
    document: str
    noted_at: float
    ended_at: float | None = None
    verdict: str = ""
    message: str = ""


def run_row(observation: Observation, limits: HistoryLimits, *, detailed: bool) -> RunRow:
    """The row of a run, its bodies cut until it fits.

    Raises:
        ValueError, TypeError, RecursionError: it holds something that cannot be written at all.
    """
    return RunRow(
        id=clean(observation.id),
        probe=clean(observation.probe),
        failed=observation.verdict is Verdict.FAIL,
        verdict=observation.verdict.value,
        started_at=finite(observation.started_at),
        summary=dumps(summary(observation)),
        detail=_fitting(observation, limits) if detailed else None,
    )


def _fitting(observation: Observation, limits: HistoryLimits) -> str | None:
    body_bytes = limits.body_bytes
    while body_bytes >= SMALLEST_BODY:
        text = dumps(detail(observation, Cut(body_bytes, limits.exchanges)))
        if len(text) <= limits.run_bytes:
            return text
        body_bytes //= 4
    text = dumps(detail(observation, Cut(0, 0)))
    return text if len(text) <= limits.run_bytes else None


def job_row(job: Job, progress: Progress, now: float) -> JobRow:
    """The row of a job that came that far.

    Raises:
        ValueError, TypeError, RecursionError: its progress cannot be written as JSON.
    """
    document = {
        "probe": job.probe,
        "workflow": job.workflow,
        "target": job.target,
        "started_at": job.started_at,
        "progress": {
            "inputs": progress.inputs,
            "outputs": progress.outputs,
            "following": progress.following,
            "in_doubt": progress.in_doubt,
        },
    }
    return JobRow(Job(job.id, job.probe, job.workflow, job.target, job.started_at, progress), exact(document), now)


def read_job(job_id: object, text: object) -> Job | None:
    """A job from its row; None when that is no job, as after a flipped bit."""
    document = loads(text)
    try:
        progress = document["progress"] if document else None
        if not document or not isinstance(progress, dict) or not isinstance(job_id, str):
            return None
        return Job(
            id=job_id,
            probe=str(document["probe"]),
            workflow=str(document["workflow"]),
            target=str(document["target"]),
            started_at=float(str(document["started_at"])),
            progress=Progress(
                inputs=dict(progress["inputs"]),
                outputs={str(step): dict(values) for step, values in dict(progress["outputs"]).items()},
                following=str(progress["following"]),
                in_doubt=str(progress["in_doubt"]),
            ),
        )
    except (KeyError, TypeError, ValueError):
        return None


def dumps(document: Mapping[str, object]) -> str:
    """Strict JSON in ASCII; whatever is no JSON is written as text."""
    try:
        return json.dumps(document, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        return json.dumps(plain(document), allow_nan=False, separators=(",", ":"))


def exact(document: Mapping[str, object]) -> str:
    """JSON in ASCII of what has to come back as it was, infinities included.

    Raises:
        ValueError, TypeError, RecursionError: it would not come back.
    """
    return json.dumps(document, separators=(",", ":"))


def loads(text: object) -> Document | None:
    """The document, or None when the text holds none, as after a flipped bit."""
    if not isinstance(text, str):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def clean(text: str) -> str:
    """Text that SQLite can hold: lone surrogates, as targets may send them, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def finite(number: float) -> float:
    """The number, or 0 where it is none: SQLite stores those as NULL."""
    return float(number) if math.isfinite(number) else 0.0

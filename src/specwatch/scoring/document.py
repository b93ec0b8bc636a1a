"""The JSON document `specwatch.score/1`: what `score.schema.json` beside this module describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

from specwatch.reports.schemas import packaged_schema
from specwatch.reports.text import timestamp
from specwatch.scoring.reasons import why_missed
from specwatch.scoring.values import Outcome, Result, Score, detected, requests
from specwatch.values import Level

SCHEMA: Final = "specwatch.score/1"

Document = dict[str, object]


def schema() -> Mapping[str, object]:
    """The JSON Schema (2020-12) of the document."""
    return packaged_schema("specwatch.scoring", "score.schema.json")


def to_document(score: Score, reasons: Mapping[str, str], underivable: Mapping[str, str] | None = None) -> Document:
    """A score as a document of JSON values.

    Args:
        score: the score.
        reasons: why faults are missed, by pattern of their names.
        underivable: what could not be built from the specs, by name, with the reason.
    """
    return {
        "schema": SCHEMA,
        "profile": score.profile,
        "started_at": timestamp(score.started_at),
        "duration_seconds": round(score.seconds, 3),
        "jobs": score.jobs,
        "interrupted": score.interrupted,
        "not_run": score.not_run,
        "totals": _totals(score),
        "groups": [
            {"api": api, "kind": kind.value, **_counted(outcomes)} for (api, kind), outcomes in score.groups().items()
        ],
        "runs": [_run(outcome, reasons) for outcome in score.outcomes],
        "underivable": [{"name": name, "reason": reason} for name, reason in (underivable or {}).items()],
    }


def _totals(score: Score) -> Document:
    promises = [outcome for outcome in score.faults if outcome.task.level is Level.PROMISE]
    return {
        "faults": _counted(score.faults),
        "promises": _counted(promises),
        "allowed": len(score.allowed),
        "false_alarms": len(score.having(Result.FALSE_ALARM)),
        "unknown": len(score.having(Result.UNKNOWN)),
    }


def _counted(outcomes: Sequence[Outcome]) -> Document:
    median, largest = requests(outcomes)
    return {
        "all": len(outcomes),
        "detected": detected(outcomes),
        "missed": sum(outcome.result is Result.MISSED for outcome in outcomes),
        "unknown": sum(outcome.result is Result.UNKNOWN for outcome in outcomes),
        "median_requests": median,
        "largest_requests": largest,
    }


def _run(outcome: Outcome, reasons: Mapping[str, str]) -> Document:
    task = outcome.task
    missed = outcome.result is Result.MISSED
    return {
        "name": task.name,
        "api": task.api,
        "kind": task.kind.value,
        "source": task.source,
        "level": task.level.value,
        "breaks": task.breaks,
        "text": task.text,
        "result": outcome.result.value.replace(" ", "_"),
        "by": list(outcome.by),
        "findings": [asdict(finding) for finding in outcome.findings],
        "requests": outcome.requests,
        "seconds": round(outcome.seconds, 3),
        "cpu_seconds": round(outcome.cpu_seconds, 3),
        "reason": why_missed(outcome, reasons) if missed else outcome.reason or None,
    }

"""Faults of ExaRoutes' bulk status: records that do not tell what became of the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from specwatch.sandbox import Answer, Call

from .exaroutes_bulk import (
    COMPLETED,
    DOWNLOADED,
    PROCESSING,
    Batch,
    Json,
    api,
    batch_of,
    classes_of,
    every,
    failed,
    failed_classes,
    keep,
    now_ms,
    outcomes,
    tallies,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A status that was read: the honest record of a batch."""

    call: Call
    batch: Batch
    record: Json

    def when(self, status: str, changes: Json) -> Json:
        """The changes, if the batch has a status; else none."""
        return changes if self.record["status"] == status else {}

    def tally(self, classes: list[Mapping[str, bool]]) -> Json:
        """The tallies of other rows than the failed ones, once completed."""
        return {} if self.record["status"] == PROCESSING else {"failedFeatures": tallies(classes)}

    @property
    def failures(self) -> list[Mapping[str, bool]]:
        """The classes of each failed row."""
        return failed_classes(self.call, self.batch)


def first_class_only(row: Mapping[str, bool]) -> Mapping[str, bool]:
    """The first class of a row, as if it had no other."""
    first = next((name for name, member in row.items() if member), None)
    return {name: name == first for name in row}


def with_uid(reading: Reading) -> list[Mapping[str, bool]]:
    """The classes of the failed rows that have a uid."""
    pairs = zip(reading.batch.rows, outcomes(reading.call, reading.batch), strict=True)
    return [classes_of(row) for row, entry in pairs if isinstance(entry, dict) and failed(entry) and "uid" in entry]


def cached(reading: Reading) -> Json:
    """What was first read of a batch."""
    first: Json = reading.call.store.setdefault("first records", {}).setdefault(reading.batch.id, reading.record)
    return first


def consumed(reading: Reading) -> Json:
    """Mark a completed batch as downloaded."""
    if reading.record["status"] == COMPLETED:
        keep(reading.call, replace(reading.batch, downloaded_ms=now_ms(reading.call)))
    return {}


_RECORD_FAULTS: dict[str, tuple[str, str, Callable[[Reading], Json]]] = {
    "other-batch": ("bulk-id-echoed", "The record is another batch's.", lambda _: {"bulkId": "bulk_other0000000"}),
    "id-shortened": (
        "bulk-id-echoed",
        "The id lacks its prefix.",
        lambda r: {"bulkId": r.batch.id.removeprefix("bulk_")},
    ),
    "other-product": ("product-is-qr", "The product is written in capitals.", lambda _: {"product": "QR"}),
    "status-cached": ("batch-completes", "What was first read is read forever.", cached),
    "status-sticks": (
        "status-reads-downloaded",
        "After the download the status still reads completed.",
        lambda r: r.when(DOWNLOADED, {"status": COMPLETED, "updatedAt": r.batch.ready_ms}),
    ),
    "state-regresses": (
        "status-moves-forward",
        "Every second reading of a completed batch says processing.",
        lambda r: r.when(
            COMPLETED, {"status": PROCESSING, "updatedAt": r.batch.created_ms} if every(r.call, 2) else {}
        ),
    ),
    "state-regresses-later": (
        "status-moves-forward",
        "A downloaded batch reads completed on every third reading.",
        lambda r: r.when(DOWNLOADED, {"status": COMPLETED, "updatedAt": r.batch.ready_ms} if every(r.call, 3) else {}),
    ),
    "product-template": ("product-is-qr", "The product is a template.", lambda _: {"product": "{product}"}),
    "completed-skipped": (
        "batch-completes",
        "A completed batch reads resultDownloaded before anybody downloads.",
        lambda r: r.when(COMPLETED, {"status": DOWNLOADED}),
    ),
    "completed-early": (
        "archive-ready-when-completed",
        "The status reads completed while the worker is running.",
        lambda r: r.when(PROCESSING, {"status": COMPLETED}),
    ),
    "status-consumes": ("archive-ready-when-completed", "Reading a completed status deletes the archive.", consumed),
    "count-of-successes": (
        "count-equals-submitted",
        "The count leaves failed rows out.",
        lambda r: {"count": r.record["count"] - len(r.failures)},
    ),
    "count-off-by-one": (
        "count-equals-submitted",
        "The count is one too many.",
        lambda r: {"count": len(r.batch.rows) + 1},
    ),
    "count-of-done": (
        "count-fixed",
        "The count is 0 until the rows are made.",
        lambda r: r.when(PROCESSING, {"count": 0}),
    ),
    "tallies-zero": ("tallies-equal-failed-rows", "No failure is ever tallied.", lambda r: r.tally([])),
    "tallies-first-class": (
        "tallies-equal-failed-rows",
        "A failed row counts in one class only.",
        lambda r: r.tally([first_class_only(row) for row in r.failures]),
    ),
    "tallies-of-all-rows": (
        "tallies-equal-failed-rows",
        "Rows that were made are tallied as well.",
        lambda r: r.tally([classes_of(row) for row in r.batch.rows]),
    ),
    "tallies-swapped": (
        "tallies-equal-failed-rows",
        "The classes secured and source are mixed up.",
        lambda r: r.tally(
            [row | {"securedQr": row["sourceQr"], "sourceQr": row["securedQr"]} for row in map(dict, r.failures)]
        ),
    ),
    "tallies-without-uidless": (
        "tallies-equal-failed-rows",
        "Rows without uid are not tallied.",
        lambda r: r.tally(with_uid(r)),
    ),
    "tallies-doubled": (
        "tallies-within-count",
        "Every failure is tallied three times.",
        lambda r: r.tally(r.failures * 3),
    ),
    "tallies-grow": (
        "tallies-fixed-once-completed",
        "The tallies are filled in after completion, by the second reading.",
        lambda r: r.tally(r.failures if every(r.call, 2) else []),
    ),
    "tallies-missing": (
        "tallies-on-completion",
        "A completed batch has no tallies.",
        lambda _: {"failedFeatures": None},
    ),
    "tallies-partial": (
        "tallies-on-completion",
        "A completed batch lacks one of the tallies.",
        lambda r: {"failedFeatures": {k: v for k, v in r.record["failedFeatures"].items() if k != "sourceQr"}},
    ),
    "times-in-seconds": (
        "times-in-milliseconds",
        "Both times are seconds.",
        lambda r: {name: r.record[name] // 1000 for name in ("createdAt", "updatedAt")},
    ),
    "times-in-microseconds": (
        "times-in-milliseconds",
        "Both times are microseconds.",
        lambda r: {name: r.record[name] * 1000 for name in ("createdAt", "updatedAt")},
    ),
    "updated-in-seconds": (
        "times-in-milliseconds",
        "One of the times is in seconds.",
        lambda r: {"updatedAt": r.record["updatedAt"] // 1000},
    ),
    "clock-behind": (
        "created-when-queued",
        "The provider's clock is two hours behind.",
        lambda r: {name: r.record[name] - 7_200_000 for name in ("createdAt", "updatedAt")},
    ),
    "created-at-moves": (
        "created-at-fixed",
        "createdAt is the time of reading.",
        lambda r: {"createdAt": now_ms(r.call)},
    ),
    "created-at-is-updated-at": (
        "created-at-fixed",
        "createdAt moves along with updatedAt.",
        lambda r: {"createdAt": r.record["updatedAt"]},
    ),
    "updated-at-moves": (
        "updated-at-fixed-while-status-is",
        "updatedAt is the time of reading.",
        lambda r: {"updatedAt": now_ms(r.call)},
    ),
    "updated-at-stuck": (
        "updated-at-marks-transition",
        "updatedAt stays at the time of creation.",
        lambda r: {"updatedAt": r.batch.created_ms},
    ),
    "updated-at-back": (
        "updated-at-never-back",
        "updatedAt falls back to the time of creation with the download.",
        lambda r: r.when(DOWNLOADED, {"updatedAt": r.batch.created_ms}),
    ),
    "updated-before-created": (
        "updated-not-before-created",
        "updatedAt is a second before createdAt.",
        lambda r: {"updatedAt": r.batch.created_ms - 1000},
    ),
}


def _record_fault(name: str, breaks: str, text: str, changes: Callable[[Reading], Json]) -> None:
    @api.fault(name, breaks=breaks, text=text, operation="getBulkStatus")
    def apply(call: Call, answer: Answer) -> Answer:
        batch = batch_of(call)
        if not call.handled or batch is None or not isinstance(answer.body, dict) or answer.status != 200:
            return answer
        return replace(answer, body=answer.body | changes(Reading(call, batch, answer.body)))


for _name, (_breaks, _text, _changes) in _RECORD_FAULTS.items():
    _record_fault(_name, _breaks, _text, _changes)

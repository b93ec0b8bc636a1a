"""ExaRoutes bulk generation as documented: tenants, a background worker, and archives that are handed out once.

The worker is a function of time, not a thread: a batch is completed as soon as its worker has had its seconds. Where
the document is silent (error bodies, which `dataType` there is, what a row without `qrType` means) this sandbox takes
one of the possible ways; the variations at the end take others.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from specwatch.sandbox import Answer, Call, SandboxApi

api = SandboxApi("exaroutes-bulk")

Json = dict[str, Any]
Entry = Json | str
"""What becomes of a row: an object for a dynamic or a failed one, a data URL for a static one."""

PROCESSING, COMPLETED, DOWNLOADED = "processing", "completed", "resultDownloaded"
MOST_BYTES: Final = 26_214_400
"""The larger one of the two readings of 25 MB."""

DATA_TYPES: Final = ("url", "text", "email", "phone", "sms", "wifi", "vcard")
IMAGE: Final = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
_URL = re.compile(r"https?://[^\s/]+\S*")


@dataclass(frozen=True, slots=True)
class Batch:
    """A submitted batch.

    Args:
        owner: the account that submitted it.
        created_ms: when it was queued, in epoch milliseconds, like the other two times.
        ready_ms: when its worker is done.
        downloaded_ms: when its archive was read; None before.
    """

    id: str
    owner: str
    rows: tuple[Any, ...]
    created_ms: int
    ready_ms: int
    downloaded_ms: int | None = None

    def status(self, now_ms: int) -> tuple[str, int]:
        """The status at a moment, and since when."""
        if self.downloaded_ms is not None:
            return DOWNLOADED, self.downloaded_ms
        return (COMPLETED, self.ready_ms) if now_ms >= self.ready_ms else (PROCESSING, self.created_ms)


# ------------------------------------------------------------------------------------------------------------ rows


def outcome(batch: Batch, index: int) -> Entry:
    """What becomes of one row, the same whenever it is asked for."""
    row = batch.rows[index]
    uid = row.get("uid") if isinstance(row, dict) else None
    if not isinstance(uid, str) or not uid:
        return {"status": "failed", "message": "Every row needs a uid.", "code": 400}
    problem = problem_of(row)
    if problem:
        return {"uid": uid, "status": "failed", "message": problem, "code": 400}
    return made(batch, index, uid) if row.get("qrType") == "dynamic" else IMAGE


def made(batch: Batch, index: int, uid: str) -> Json:
    """The entry of a dynamic row that was made."""
    digest = hashlib.sha256(f"{batch.id} {index}".encode()).hexdigest()
    return {"id": f"qr_{digest[:16]}", "uid": uid, "url": f"https://qr.exaroutes.com/r/{digest[16:26]}", "QRs": IMAGE}


def problem_of(row: Json) -> str | None:
    """Why a row cannot be made, or None."""
    data, data_type = row.get("data"), row.get("dataType", "text")
    if row.get("qrType", "static") not in ("dynamic", "static"):
        return "Invalid qrType"
    if data_type not in DATA_TYPES:
        return "Invalid dataType"
    if data in (None, "", [], {}):
        return "No data provided"
    if data_type == "url" and not (isinstance(data, str) and _URL.fullmatch(data)):
        return "Invalid URL provided for dataType: url"
    return None


def classes_of(row: object) -> Mapping[str, bool]:
    """Which tallies count a row if it fails."""
    fields = row if isinstance(row, dict) else {}
    lists = {name: isinstance(fields.get(name), list) and bool(fields[name]) for name in ("secure", "sources")}
    return {
        "dynamicQr": fields.get("qrType") == "dynamic",
        "securedQr": lists["secure"],
        "sourceQr": lists["sources"],
    }


def failed(entry: Entry) -> bool:
    """Whether an entry is that of a failed row."""
    return isinstance(entry, dict) and entry.get("status") == "failed"


def outcomes(call: Call, batch: Batch) -> list[Entry]:
    """The entries of a batch, computed once."""
    known: dict[str, list[Entry]] = call.store.setdefault("outcomes", {})
    if batch.id not in known or len(known[batch.id]) != len(batch.rows):
        known[batch.id] = [outcome(batch, index) for index in range(len(batch.rows))]
    return known[batch.id]


def failed_classes(call: Call, batch: Batch) -> list[Mapping[str, bool]]:
    """The classes of each failed row of a batch."""
    pairs = zip(batch.rows, outcomes(call, batch), strict=True)
    return [classes_of(row) for row, entry in pairs if failed(entry)]


def tallies(classes: list[Mapping[str, bool]]) -> Json:
    """How many rows each class has."""
    return {name: sum(row[name] for row in classes) for name in ("dynamicQr", "securedQr", "sourceQr")}


# ------------------------------------------------------------------------------------------------------ operations


@api.operation("submitBulk")
def submit_bulk(call: Call) -> Answer:
    """Queue the rows and answer with the id of their batch."""
    if len(call.body) > MOST_BYTES:
        return complaint(413, "The body exceeds 25 MB.")
    try:
        rows = call.json()
    except ValueError:
        rows = None
    if not isinstance(rows, list) or not rows:
        return complaint(400, "The body must be a non-empty array.")
    return queue(call, rows)


@api.operation("getBulkStatus")
def get_bulk_status(call: Call) -> Answer:
    """The record of the caller's own batch."""
    if not call.path["bulkId"]:
        return complaint(400, "The bulkId is missing.")
    batch = own(call)
    return Answer(body=record(call, batch)) if batch else unknown()


@api.operation("getBulkResult")
def get_bulk_result(call: Call) -> Answer:
    """The archive of the caller's own batch, once."""
    batch = own(call)
    if batch is None:
        return unknown()
    if batch.status(now_ms(call))[0] != COMPLETED:
        return gone()
    keep(call, replace(batch, downloaded_ms=now_ms(call)))
    return archive(outcomes(call, batch))


@api.refusal
def refuse(_call: Call, problems: Mapping[str, str]) -> Answer:
    """Missing or wrong headers."""
    return complaint(401, f"Send client-id and api-key; not good: {', '.join(sorted(problems))}.")


def queue(call: Call, rows: object) -> Answer:
    """Make a batch of whatever rows there are."""
    created = now_ms(call)
    ready = created + round(call.worker_seconds * 1000)
    batch = Batch(
        f"bulk_{secrets.token_hex(6)}", call.account, tuple(rows if isinstance(rows, list) else []), created, ready
    )
    keep(call, batch)
    return Answer(body=batch.id)


def record(call: Call, batch: Batch) -> Json:
    """What the status operation tells about a batch."""
    status, since = batch.status(now_ms(call))
    return {
        "bulkId": batch.id,
        "status": status,
        "count": len(batch.rows),
        "failedFeatures": tallies([] if status == PROCESSING else failed_classes(call, batch)),
        "product": "qr",
        "createdAt": batch.created_ms,
        "updatedAt": since,
    }


def archive(entries: list[Entry]) -> Answer:
    """The archive, as a JSON string that holds an array."""
    return Answer(body=json.dumps(entries, ensure_ascii=False))


def unknown() -> Answer:
    """The caller has no such batch."""
    return complaint(404, "There is no such batch.")


def gone() -> Answer:
    """There is no archive, not yet or no more."""
    return complaint(410, "There is no archive: it is not ready, or has been downloaded.")


def complaint(status: int, message: str) -> Answer:
    """An error; its body is undocumented."""
    return Answer(status, {"message": message})


def now_ms(call: Call) -> int:
    """The moment of the call in epoch milliseconds."""
    return int(call.now * 1000)


def batch_of(call: Call) -> Batch | None:
    """The batch with the id that was asked for, whoever owns it."""
    found: Batch | None = call.store.get("batches", {}).get(call.path.get("bulkId"))
    return found


def own(call: Call) -> Batch | None:
    """The same, if it is the caller's."""
    batch = batch_of(call)
    return batch if batch and batch.owner == call.account else None


def keep(call: Call, batch: Batch) -> None:
    """Remember a batch, new or changed."""
    call.store.setdefault("batches", {})[batch.id] = batch


def every(call: Call, n: int) -> bool:
    """True on every n-th use with this operation; for one use in an answer, since it counts."""
    counts: dict[str, int] = call.store.setdefault("counts", {})
    counts[call.operation] = counts.get(call.operation, 0) + 1
    return counts[call.operation] % n == 0


# ---------------------------------------------------------------------------------------- faults of the submission


def submission_fault(
    name: str, status: int, *, breaks: str, text: str
) -> Callable[[Callable[[Call], Answer | None]], Callable[[Call], Answer | None]]:
    """Decorate a function that answers submissions whose honest answer has a status; None leaves that answer."""

    def register(edit: Callable[[Call], Answer | None]) -> Callable[[Call], Answer | None]:
        @api.fault(name, breaks=breaks, text=text, operation="submitBulk")
        def apply(call: Call, answer: Answer) -> Answer:
            return (edit(call) or answer) if call.handled and answer.status == status else answer

        return edit

    return register


def body_of(call: Call) -> object:
    """The body as JSON; its text when it is none."""
    try:
        return call.json()
    except ValueError:
        return call.body.decode("utf-8", "replace")


def newest(call: Call) -> Batch:
    """The batch that was queued last."""
    batch: Batch = list(call.store["batches"].values())[-1]
    return batch


def queued_if(condition: Callable[[object], bool]) -> Callable[[Call], Answer | None]:
    """Queue what the body holds, where the condition is met."""
    return lambda call: queue(call, body_of(call)) if condition(body_of(call)) else None


_ACCEPTED: dict[str, tuple[int, str, str, Callable[[object], bool]]] = {
    "empty-array-accepted": (400, "empty-array-400", "An empty array makes a batch.", lambda body: body == []),
    "object-accepted": (400, "non-array-400", "An object makes a batch.", lambda body: isinstance(body, dict)),
    "scalar-accepted": (
        400,
        "non-array-400",
        "A number, a boolean or null makes a batch.",
        lambda body: body is None or isinstance(body, int | float),
    ),
    "text-accepted": (400, "not-json-400", "What is no JSON makes a batch.", lambda body: isinstance(body, str)),
    "size-limit-ignored": (413, "oversized-body-413", "There is no limit to the body's size.", lambda _: True),
}
for _name, (_status, _breaks, _text, _condition) in _ACCEPTED.items():
    submission_fault(_name, _status, breaks=_breaks, text=_text)(queued_if(_condition))


@submission_fault("oversized-400", 413, breaks="oversized-body-413", text="Too large a body is answered with 400.")
def oversized_400(_call: Call) -> Answer:
    """Another complaint than the documented one."""
    return complaint(400, "The body could not be read.")


@submission_fault("limit-too-low", 200, breaks="size-refused-above-limit-only", text="The limit is 10 MB.")
def limit_too_low(call: Call) -> Answer | None:
    """Less than promised."""
    return complaint(413, "The body exceeds 10 MB.") if len(call.body) > 10_000_000 else None


@submission_fault("bad-row-refuses-batch", 200, breaks="rows-never-refuse-batch", text="A bad row makes it a 400.")
def bad_row_refuses_batch(call: Call) -> Answer | None:
    """Rows are checked before the batch is queued."""
    return complaint(400, "A row is invalid.") if any(map(failed, outcomes(call, newest(call)))) else None


@submission_fault("row-cap", 200, breaks="rows-never-refuse-batch", text="More than three rows are refused.")
def row_cap(call: Call) -> Answer | None:
    """A cap on rows where there is none."""
    return complaint(400, "At most 3 rows.") if len(newest(call).rows) > 3 else None


@submission_fault("bulk-id-reused", 200, breaks="bulk-id-unique", text="All batches of an account share one id.")
def bulk_id_reused(call: Call) -> Answer:
    """The new batch replaces the old one."""
    batch = newest(call)
    first = call.store.setdefault("first ids", {}).setdefault(batch.owner, batch.id)
    call.store.get("outcomes", {}).pop(first, None)
    keep(call, replace(batch, id=first))
    return Answer(body=first)


@submission_fault("id-in-object", 200, breaks="submitBulk/200", text="The id comes inside an object.")
def id_in_object(call: Call) -> Answer:
    """Not a string any more."""
    return Answer(body={"bulkId": newest(call).id})


@submission_fault("id-unquoted", 200, breaks="submitBulk/json", text="The id comes bare, without the quotes of JSON.")
def id_unquoted(call: Call) -> Answer:
    """Text that calls itself JSON."""
    return Answer(raw=newest(call).id.encode())


@submission_fault("id-of-nothing", 200, breaks="submitted-batch-found", text="The id leads to no batch.")
def id_of_nothing(call: Call) -> Answer:
    """The batch is dropped."""
    return Answer(body=call.store["batches"].pop(newest(call).id).id)


@submission_fault("rows-dropped", 200, breaks="count-equals-submitted", text="Only the first two rows are queued.")
def rows_dropped(call: Call) -> None:
    """The rest is lost."""
    keep(call, replace(newest(call), rows=newest(call).rows[:2]))


@submission_fault("sporadic-submit-failure", 200, breaks="batch-is-queued", text="One submission in ten fails.")
def sporadic_submit_failure(call: Call) -> Answer | None:
    """The documented 500, too often."""
    return complaint(500, "The worker could not be started.") if every(call, 10) else None


@submission_fault(
    "submit-waits", 200, breaks="submit-answers-at-once", text="One answer in four waits until the rows are made."
)
def submit_waits(call: Call) -> Answer | None:
    """The work is not always left to the background."""
    return Answer(body=newest(call).id, delay_seconds=2.5 + call.worker_seconds) if every(call, 4) else None


# --------------------------------------------------------------------------------------------- faults of the status


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


# -------------------------------------------------------------------------------------------- faults of the archive


@dataclass(frozen=True, slots=True)
class Download:
    """An archive that is being handed out, with its honest entries, which may be changed."""

    call: Call
    batch: Batch
    entries: list[Any]

    def each(self, test: Callable[[Any], bool], changes: Callable[[Json], Json]) -> list[Any]:
        """The entries with those of a kind changed."""
        return [changes(entry) if test(entry) else entry for entry in self.entries]

    def previous(self) -> list[Any]:
        """The entries of the batch that was queued before this one; its own for the first."""
        batches: list[Batch] = list(self.call.store["batches"].values())
        before = batches[max(batches.index(self.batch) - 1, 0)]
        return list(outcomes(self.call, before))


def dynamic(entry: object) -> bool:
    """Whether an entry is that of a dynamic row that was made."""
    return isinstance(entry, dict) and "QRs" in entry


def static(entry: object) -> bool:
    """Whether an entry is that of a static row that was made."""
    return isinstance(entry, str)


def uidless(entry: object) -> bool:
    """Whether an entry is that of a row without uid."""
    return isinstance(entry, dict) and "uid" not in entry


def without(*names: str) -> Callable[[Json], Json]:
    """An entry without some of its fields."""
    return lambda entry: {name: value for name, value in entry.items() if name not in names}


def all_failed(download: Download) -> list[Any]:
    """Every row as failed as soon as one has."""
    if not any(map(failed, download.entries)):
        return download.entries
    uids = [row.get("uid") if isinstance(row, dict) else None for row in download.batch.rows]
    return [{"uid": uid, "status": "failed", "message": "The batch failed.", "code": 500} for uid in uids]


def rotated_uids(download: Download) -> list[Any]:
    """The uids of the dynamic entries moved on by one."""
    uids = [entry["uid"] for entry in download.entries if dynamic(entry)]
    moved = iter(uids[1:] + uids[:1])
    return download.each(dynamic, lambda entry: entry | {"uid": next(moved)})


def uidless_made(download: Download) -> list[Any]:
    """A code for each row that has no uid."""
    entries = enumerate(download.entries)
    return [made(download.batch, index, "") if uidless(entry) else entry for index, entry in entries]


_ARCHIVE_FAULTS: dict[str, tuple[str, str, Callable[[Download], list[Any]]]] = {
    "archive-reversed": ("archive-in-submission-order", "The entries come last row first.", lambda d: d.entries[::-1]),
    "archive-failed-last": (
        "archive-in-submission-order",
        "The entries of failed rows come after all others.",
        lambda d: sorted(d.entries, key=failed),
    ),
    "archive-in-completion-order": (
        "archive-in-submission-order",
        "Static rows come first, as they are made faster.",
        lambda d: sorted(d.entries, key=static, reverse=True),
    ),
    "archive-without-failed": (
        "archive-one-entry-per-row",
        "Failed rows have no entry.",
        lambda d: [entry for entry in d.entries if not failed(entry)],
    ),
    "archive-without-last": ("archive-one-entry-per-row", "The last entry is missing.", lambda d: d.entries[:-1]),
    "archive-entry-twice": (
        "archive-one-entry-per-row",
        "The first entry comes twice.",
        lambda d: d.entries[:1] + d.entries,
    ),
    "archive-first-replaces-last": (
        "archive-in-submission-order",
        "The first entry stands in the place of the last as well.",
        lambda d: d.entries[:-1] + d.entries[:1],
    ),
    "archive-of-previous-batch": ("uid-echoed", "The archive is that of the batch before.", Download.previous),
    "uid-missing": (
        "getBulkResult/200",
        "Dynamic entries lack the uid.",
        lambda d: d.each(dynamic, without("uid")),
    ),
    "uid-of-failed-missing": ("uid-echoed", "Failed entries lack the uid.", lambda d: d.each(failed, without("uid"))),
    "uid-upper-case": (
        "uid-echoed",
        "The uids come in capitals.",
        lambda d: d.each(dynamic, lambda entry: entry | {"uid": entry["uid"].upper()}),
    ),
    "uid-is-code-id": (
        "uid-echoed",
        "The uids are replaced by the ids of the codes.",
        lambda d: d.each(dynamic, lambda entry: entry | {"uid": entry["id"]}),
    ),
    "uids-rotated": ("uid-echoed", "Each dynamic entry has the uid of the next one.", rotated_uids),
    "all-or-nothing": ("bad-row-fails-alone", "One bad row fails the whole batch.", all_failed),
    "uidless-row-made": ("row-without-uid-fails", "A row without uid gets its code.", uidless_made),
    "uidless-row-500": (
        "row-without-uid-fails",
        "A row without uid fails with 500.",
        lambda d: d.each(uidless, lambda entry: entry | {"code": 500}),
    ),
    "failed-without-message": (
        "failed-rows-say-why",
        "Failed entries have no message.",
        lambda d: d.each(failed, without("message")),
    ),
    "failed-without-code": (
        "failed-rows-say-why",
        "Failed entries have no code.",
        lambda d: d.each(failed, without("code")),
    ),
    "failed-without-status": (
        "getBulkResult/200",
        "Failed entries have no status.",
        lambda d: d.each(failed, without("status")),
    ),
    "failed-otherwise": (
        "getBulkResult/200",
        "The status of failed entries is error.",
        lambda d: d.each(failed, lambda entry: entry | {"status": "error"}),
    ),
    "static-empty": (
        "getBulkResult/200",
        "Static rows come as empty objects.",
        lambda d: [{} if static(entry) else entry for entry in d.entries],
    ),
    "static-link": (
        "getBulkResult/200/inferred",
        "Static rows come as the address of their image.",
        lambda d: ["https://cdn.exaroutes.com/qr.png" if static(entry) else entry for entry in d.entries],
    ),
    "codes-shared": (
        "entries-have-codes-of-their-own",
        "All dynamic rows share one code.",
        lambda d: d.each(dynamic, lambda entry: entry | {"id": "qr_abc", "url": "https://qr.exaroutes.com/r/h4k2x9"}),
    ),
}


def _archive_edit(edit: Callable[[Download], object]) -> Callable[[Call, Answer], Answer]:
    """An edit of the answers that carry an archive, made of one of its entries."""

    def apply(call: Call, answer: Answer) -> Answer:
        batch = batch_of(call)
        if not call.handled or batch is None or answer.status != 200 or not isinstance(answer.body, str):
            return answer
        return replace(answer, body=edit(Download(call, batch, json.loads(answer.body))))

    return apply


for _name, (_breaks, _text, _entries) in _ARCHIVE_FAULTS.items():
    api.fault(_name, breaks=_breaks, text=_text, operation="getBulkResult")(
        _archive_edit(lambda d, entries=_entries: json.dumps(entries(d), ensure_ascii=False))  # type: ignore[misc]
    )

_ARCHIVE_FORMS: dict[str, tuple[str, Callable[[Download], object]]] = {
    "archive-not-a-string": ("The archive is a plain array.", lambda d: d.entries),
    "archive-cut-off": ("The JSON inside the string breaks off.", lambda d: json.dumps(d.entries)[:-1]),
    "archive-encoded-twice": ("The string holds another string.", lambda d: json.dumps(json.dumps(d.entries))),
    "archive-in-object": ("The array is inside an object.", lambda d: json.dumps({"results": d.entries})),
    "archive-in-lines": ("The string has one entry a line.", lambda d: "\n".join(map(json.dumps, d.entries))),
    "archive-in-python": ("The string is Python's notation.", lambda d: repr(d.entries)),
}
for _name, (_text, _form) in _ARCHIVE_FORMS.items():
    api.fault(_name, breaks="getBulkResult/200", text=_text, operation="getBulkResult")(_archive_edit(_form))


# ------------------------------------------------------------------------------------ faults of access and of states


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a batch that may exist, with its honest answer."""

    call: Call
    batch: Batch | None
    answer: Answer

    def serve(self) -> Answer | None:
        """The archive, whatever the honest answer was."""
        return archive(outcomes(self.call, self.batch)) if self.batch else None

    def leave(self, downloaded_ms: int | None) -> None:
        """Remember the batch as not downloaded, or as downloaded at a time."""
        if self.batch:
            keep(self.call, replace(self.batch, downloaded_ms=downloaded_ms))

    @property
    def mine(self) -> bool:
        """Whether the batch exists and is the caller's."""
        return self.batch is not None and self.batch.owner == self.call.account

    @property
    def foreign(self) -> bool:
        """Whether the batch exists and is somebody else's."""
        return self.batch is not None and not self.mine

    def in_state(self, status: str) -> bool:
        """Whether the batch is the caller's and, after the honest answer, has a status."""
        return self.mine and self.batch is not None and self.batch.status(now_ms(self.call))[0] == status


def _visit_fault(
    name: str, breaks: str, text: str, edit: Callable[[Visit], Answer | None], operation: str = "getBulkResult"
) -> None:
    """Declare a fault whose function gives another answer, or None for the honest one."""

    @api.fault(name, breaks=breaks, text=text, operation=operation)
    def apply(call: Call, answer: Answer) -> Answer:
        return (edit(Visit(call, batch_of(call), answer)) or answer) if call.handled else answer


def never_ready(visit: Visit) -> Answer | None:
    """410 for good, whatever the status says."""
    if visit.answer.status != 200:
        return None
    visit.leave(None)
    return gone()


def read_by_stranger(visit: Visit) -> None:
    """Somebody else's attempt uses the archive up."""
    if visit.foreign and visit.batch and visit.batch.status(now_ms(visit.call))[0] == COMPLETED:
        visit.leave(now_ms(visit.call))


_RESULT_FAULTS: dict[str, tuple[str, str, Callable[[Visit], Answer | None]]] = {
    "early-result": (
        "result-410-before-completion",
        "The archive is handed out while the worker is running.",
        lambda v: v.serve() if v.in_state(PROCESSING) else None,
    ),
    "early-result-empty": (
        "result-410-before-completion",
        "While the worker is running, an empty archive is handed out.",
        lambda v: archive([]) if v.in_state(PROCESSING) else None,
    ),
    "early-result-404": (
        "result-410-before-completion",
        "The result is not found while the worker is running.",
        lambda v: unknown() if v.in_state(PROCESSING) else None,
    ),
    "never-ready": ("archive-ready-when-completed", "The archive of a completed batch is always gone.", never_ready),
    "download-again": (
        "one-shot-download",
        "An archive can be downloaded again and again.",
        lambda v: v.serve() if v.answer.status == 410 and v.in_state(DOWNLOADED) else None,
    ),
    "second-download-empty": (
        "one-shot-download",
        "A second download gets an empty archive.",
        lambda v: archive([]) if v.answer.status == 410 and v.in_state(DOWNLOADED) else None,
    ),
    "second-download-404": (
        "result-410-after-download",
        "After the download the result is not found.",
        lambda v: unknown() if v.answer.status == 410 and v.in_state(DOWNLOADED) else None,
    ),
    "download-leaves-status": (
        "status-reads-downloaded",
        "A download changes nothing: the batch stays completed, the archive stays there.",
        lambda v: v.leave(None) if v.answer.status == 200 else None,
    ),
    "unknown-result-410": (
        "unknown-bulk-404",
        "The result of a batch that does not exist is gone.",
        lambda v: gone() if v.batch is None else None,
    ),
    "foreign-result": (
        "other-subscription-result-404",
        "An archive is handed out to another subscription.",
        lambda v: v.serve() if v.foreign else None,
    ),
    "foreign-result-410": (
        "other-subscription-result-404",
        "Another subscription is told that the result is gone.",
        lambda v: gone() if v.foreign else None,
    ),
    "foreign-result-403": (
        "other-subscription-result-404",
        "Another subscription is forbidden to read the result.",
        lambda v: complaint(403, "Not yours.") if v.foreign else None,
    ),
    "foreign-read-consumes": (
        "archive-ready-when-completed",
        "The attempt of another subscription uses the archive up.",
        read_by_stranger,
    ),
}
for _name, (_breaks, _text, _edit) in _RESULT_FAULTS.items():
    _visit_fault(_name, _breaks, _text, _edit)


def made_up(visit: Visit) -> Answer | None:
    """The record of a batch that does not exist."""
    if visit.batch is not None or visit.answer.status != 404:
        return None
    now = now_ms(visit.call)
    return Answer(body=record(visit.call, Batch(visit.call.path["bulkId"], "", ({},), now, now)))


_STATUS_FAULTS: dict[str, tuple[str, str, Callable[[Visit], Answer | None]]] = {
    "unknown-status": ("unknown-bulk-404", "A batch that does not exist is completed.", made_up),
    "foreign-status": (
        "other-subscription-status-404",
        "A status is told to another subscription.",
        lambda v: Answer(body=record(v.call, v.batch)) if v.foreign and v.batch else None,
    ),
    "foreign-status-403": (
        "other-subscription-status-404",
        "Another subscription is forbidden to read the status.",
        lambda v: complaint(403, "Not yours.") if v.foreign else None,
    ),
    "sporadic-loss": (
        "submitted-batch-found",
        "Every fifth reading does not find the batch.",
        lambda v: unknown() if v.mine and every(v.call, 5) else None,
    ),
    "lost-after-download": (
        "submitted-batch-found",
        "After the download the batch is not found.",
        lambda v: unknown() if v.in_state(DOWNLOADED) else None,
    ),
    "sporadic-failure": (
        "getBulkStatus/status",
        "One reading in ten fails with 500.",
        lambda v: complaint(500, "Internal error.") if v.mine and every(v.call, 10) else None,
    ),
    "sporadic-slowness": (
        "getBulkStatus/time",
        "One reading in five takes 2.5 s longer.",
        lambda v: replace(v.answer, delay_seconds=2.5) if v.mine and every(v.call, 5) else None,
    ),
}
for _name, (_breaks, _text, _edit) in _STATUS_FAULTS.items():
    _visit_fault(_name, _breaks, _text, _edit, "getBulkStatus")


@api.fault("never-completes", breaks="batch-completes", text="The worker never gets done.")
def never_completes(call: Call, answer: Answer) -> Answer:
    """Processing forever, and no archive."""
    batch = own(call)
    if not call.handled or batch is None or call.operation == "submitBulk":
        return answer
    forever = replace(batch, ready_ms=2**53, downloaded_ms=None)
    keep(call, forever)
    return gone() if call.operation == "getBulkResult" else Answer(body=record(call, forever))


@api.fault("refused-read-consumes", breaks="archive-ready-when-completed", text="A refused download uses it up.")
def refused_read_consumes(call: Call, answer: Answer) -> Answer:
    """Credentials are looked at too late."""
    batch = batch_of(call)
    completed = batch is not None and batch.status(now_ms(call))[0] == COMPLETED
    if batch and completed and call.problems and call.operation == "getBulkResult":
        keep(call, replace(batch, downloaded_ms=now_ms(call)))
    return answer


@api.fault("refused-as-400", breaks="both-headers-needed", text="Bad credentials are answered with 400.")
def refused_as_400(call: Call, answer: Answer) -> Answer:
    """Documented for one operation, for another cause."""
    return complaint(400, "A header is missing.") if call.problems and not call.handled else answer


@api.fault("refused-as-404", breaks="both-headers-needed", text="Bad credentials are answered with 404.")
def refused_as_404(call: Call, answer: Answer) -> Answer:
    """As if nothing were there."""
    return unknown() if call.problems and not call.handled else answer


# ------------------------------------------------------------------------------------------------------ variations


def record_variation(name: str, text: str, changes: Callable[[Json], Json]) -> None:
    """Declare a variation of the records of batches that are still being processed."""

    @api.variation(name, text=text, operation="getBulkStatus")
    def apply(call: Call, answer: Answer) -> Answer:
        body = answer.body
        if not call.handled or not isinstance(body, dict) or body.get("status") != PROCESSING:
            return answer
        return replace(answer, body=changes(body))


record_variation("tallies-absent", "There are no tallies before completion.", without("failedFeatures"))
record_variation(
    "tallies-null", "The tallies are null before completion.", lambda body: body | {"failedFeatures": None}
)
record_variation(
    "tallies-empty", "The tallies are empty before completion.", lambda body: body | {"failedFeatures": {}}
)


def archive_variation(name: str, text: str, form: Callable[[Download], object]) -> None:
    """Declare a variation of the archive."""
    api.variation(name, text=text, operation="getBulkResult")(_archive_edit(form))


def kept_shape(changes: Callable[[Download], list[Any]]) -> Callable[[Download], object]:
    """The archive with changed entries."""
    return lambda download: json.dumps(changes(download), ensure_ascii=False)


archive_variation("archive-indented", "The JSON in the string is indented.", lambda d: json.dumps(d.entries, indent=2))
archive_variation(
    "entries-with-more",
    "The objects of the archive have fields that are not documented.",
    kept_shape(lambda d: [e | {"createdAt": d.batch.created_ms} if isinstance(e, dict) else e for e in d.entries]),
)
archive_variation(
    "uidless-bare",
    "A failed row without uid has no message.",
    kept_shape(lambda d: d.each(uidless, without("message"))),
)
archive_variation(
    "uidless-null",
    "A failed row without uid has the uid null.",
    kept_shape(lambda d: d.each(uidless, lambda entry: entry | {"uid": None})),
)
archive_variation(
    "other-reasons",
    "Rows that have a uid fail with another code and message.",
    kept_shape(
        lambda d: d.each(
            lambda entry: failed(entry) and not uidless(entry),
            lambda entry: entry | {"message": "The row is not valid.", "code": 422},
        )
    ),
)
archive_variation(
    "svg-images",
    "Images come as SVG.",
    kept_shape(lambda d: json.loads(json.dumps(d.entries).replace("image/png", "image/svg+xml"))),
)


@api.variation("bodiless-errors", text="Errors have no body.")
def bodiless_errors(_call: Call, answer: Answer) -> Answer:
    """The document shows none."""
    return Answer(answer.status) if answer.status >= 400 else answer


@api.variation("html-errors", text="Errors come as HTML.")
def html_errors(_call: Call, answer: Answer) -> Answer:
    """Somebody's error page."""
    if answer.status < 400:
        return answer
    return Answer(answer.status, raw=f"<h1>{answer.status}</h1>".encode(), media_type="text/html")


@api.variation("limit-of-25000000", text="25 MB are 25,000,000 bytes.", operation="submitBulk")
def limit_of_25000000(call: Call, answer: Answer) -> Answer:
    """The smaller reading."""
    return complaint(413, "The body exceeds 25 MB.") if call.handled and len(call.body) > 25_000_000 else answer


@api.variation("empty-id-404", text="A path without id is answered with 404.", operation="getBulkStatus")
def empty_id_404(call: Call, answer: Answer) -> Answer:
    """The path of no operation."""
    return unknown() if call.handled and not call.path["bulkId"] else answer

"""ExaRoutes bulk generation as documented: tenants, a background worker, and archives that are handed out once.

The worker is a function of time, not a thread: a batch is completed as soon as its worker has had its seconds. Where
the document is silent (error bodies, which `dataType` there is, what a row without `qrType` means) this sandbox takes
one of the possible ways; the variations take others. Faults and variations are in the siblings named at the end.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
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


# ------------------------------------------------------------------------------------------- faults and variations

# Each sibling builds on what is above and declares its faults or variations with `api` when it is imported. They are
# listed and applied in this order.
for _part in ("submission", "status", "archive", "access", "variations"):
    import_module(f"._exaroutes_bulk_{_part}", __package__)

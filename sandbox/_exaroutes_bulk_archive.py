"""Faults of ExaRoutes' bulk archive: its entries, and the form in which they come."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from specwatch.sandbox import Answer, Call

from .exaroutes_bulk import Batch, Json, api, batch_of, failed, made, outcomes


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


def no_url(entry: object) -> bool:
    """Whether an entry is that of a row that failed because its data is no URL."""
    return isinstance(entry, dict) and str(entry.get("message", "")).startswith("Invalid URL")


def uid_of(download: Download, index: int) -> str:
    """The uid of a row; empty where it has none."""
    row = download.batch.rows[index]
    return str(row.get("uid", "")) if isinstance(row, dict) else ""


def rotated_uids(download: Download) -> list[Any]:
    """The uids of the dynamic entries moved on by one."""
    uids = [entry["uid"] for entry in download.entries if dynamic(entry)]
    moved = iter(uids[1:] + uids[:1])
    return download.each(dynamic, lambda entry: entry | {"uid": next(moved)})


def uidless_made(download: Download) -> list[Any]:
    """A code for each row that has no uid."""
    entries = enumerate(download.entries)
    return [made(download.batch, index, "") if uidless(entry) else entry for index, entry in entries]


def of_other_tenant(download: Download) -> list[Any]:
    """The entries of the newest batch of another account; its own where there is none."""
    batches: list[Batch] = list(download.call.store["batches"].values())
    theirs = [batch for batch in batches if batch.owner != download.batch.owner]
    return list(outcomes(download.call, theirs[-1])) if theirs else download.entries


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
    "archive-of-other-tenant": (
        "uid-echoed",
        "The archive is that of another account's newest batch.",
        of_other_tenant,
    ),
    "entry-url-template": (
        "getBulkResult/200/inferred",
        "The address of a dynamic code is a template.",
        lambda d: d.each(dynamic, lambda entry: entry | {"url": "https://qr.exaroutes.com/r/{code}"}),
    ),
    "failed-with-empty-message": (
        "getBulkResult/200/inferred",
        "Failed rows have an empty message.",
        lambda d: d.each(failed, lambda entry: entry | {"message": ""}),
    ),
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
    "static-as-dynamic": (
        "entries-are-of-their-rows-kind",
        "Static rows come as objects, like dynamic ones.",
        lambda d: [made(d.batch, i, "") if static(entry) else entry for i, entry in enumerate(d.entries)],
    ),
    "no-url-made": (
        "row-without-url-fails",
        "A code is made whatever the data of a row of type url.",
        lambda d: [made(d.batch, i, uid_of(d, i)) if no_url(entry) else entry for i, entry in enumerate(d.entries)],
    ),
    "codes-shared": (
        "entries-have-codes-of-their-own",
        "All dynamic rows share one code.",
        lambda d: d.each(dynamic, lambda entry: entry | {"id": "qr_abc", "url": "https://qr.exaroutes.com/r/h4k2x9"}),
    ),
}


def archive_edit(edit: Callable[[Download], object]) -> Callable[[Call, Answer], Answer]:
    """An edit of the answers that carry an archive, made of one of its entries."""

    def apply(call: Call, answer: Answer) -> Answer:
        batch = batch_of(call)
        if not call.handled or batch is None or answer.status != 200 or not isinstance(answer.body, str):
            return answer
        return replace(answer, body=edit(Download(call, batch, json.loads(answer.body))))

    return apply


for _name, (_breaks, _text, _entries) in _ARCHIVE_FAULTS.items():
    api.fault(_name, breaks=_breaks, text=_text, operation="getBulkResult")(
        archive_edit(lambda d, entries=_entries: json.dumps(entries(d), ensure_ascii=False))  # type: ignore[misc]
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
    api.fault(_name, breaks="getBulkResult/200", text=_text, operation="getBulkResult")(archive_edit(_form))

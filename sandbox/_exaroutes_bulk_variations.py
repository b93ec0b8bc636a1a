"""Variations of ExaRoutes' bulk generation: what the document leaves open, done in other ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from specwatch.sandbox import Answer, Call

from ._exaroutes_bulk_archive import Download, archive_edit, uidless, without
from .exaroutes_bulk import PROCESSING, Json, api, complaint, failed, unknown


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
    api.variation(name, text=text, operation="getBulkResult")(archive_edit(form))


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

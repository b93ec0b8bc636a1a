"""Drift as people and programs read it: `specwatch.drift/1`, as `drift.schema.json` beside this describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from specwatch.drift.proposal import day
from specwatch.reports.schemas import packaged_schema
from specwatch.reports.text import printable, shortened, timestamp
from specwatch.values.violation import Sighting

SCHEMA: Final = "specwatch.drift/1"

_HEAD: Final = ("operation", "kind", "what", "count", "first", "last", "example")
_WIDEST: Final = 60


def schema() -> Mapping[str, object]:
    """The JSON Schema (2020-12) of the document."""
    return packaged_schema("specwatch.drift", "drift.schema.json")


def as_lines(seen: Sequence[Sighting]) -> Iterator[str]:
    """A table per API, with an empty line between two of them."""
    for index, api in enumerate(dict.fromkeys(sighting.drift.api for sighting in seen)):
        if index:
            yield ""
        yield printable(api)
        rows = [_HEAD, *(_row(sighting) for sighting in seen if sighting.drift.api == api)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def as_document(seen: Sequence[Sighting]) -> dict[str, object]:
    """The same as JSON values."""
    return {"schema": SCHEMA, "drift": [_document(sighting) for sighting in seen]}


def _row(sighting: Sighting) -> tuple[str, ...]:
    drift = sighting.drift
    answer = f"{drift.operation} {sighting.status or ''}".rstrip()
    texts = (answer, drift.kind, drift.name, str(sighting.count), day(sighting.first_at), day(sighting.last_at))
    return tuple(printable(shortened(text, _WIDEST)) for text in (*texts, sighting.example))


def _document(sighting: Sighting) -> dict[str, object]:
    drift = sighting.drift
    return {
        "api": drift.api,
        "operation": drift.operation,
        "kind": drift.kind,
        "name": drift.name,
        "count": sighting.count,
        **({"first_at": timestamp(sighting.first_at)} if sighting.first_at else {}),
        **({"last_at": timestamp(sighting.last_at)} if sighting.last_at else {}),
        **({"status": sighting.status} if sighting.status else {}),
        **({"example": json.loads(sighting.example)} if sighting.example else {}),
        **({"sketch": json.loads(sighting.sketch)} if sighting.sketch else {}),
    }

"""Sightings from where runs have left them: JSON reports of `specwatch check`, and the state file of a watch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from specwatch.conformance.sightings import Sightings
from specwatch.conformance.sketch import is_sketch
from specwatch.errors import Problem, UsageError
from specwatch.state import Reader
from specwatch.values.violation import Drift, Sighting

REPORT: Final = "specwatch.check/1"
STDIN: Final = "-"

_MEND: Final = "write one with `specwatch check --json FILE`"


def read_reports(paths: tuple[str, ...]) -> tuple[Sighting, ...]:
    """What all these reports show, together.

    Raises:
        UsageError: a file cannot be read, or is no report of this version; all of them at once.
    """
    seen = Sightings()
    problems: list[Problem] = []
    for path in dict.fromkeys(paths):
        try:
            for sighting in read_report(path):
                seen.add(sighting)
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(*problems)
    return seen.all()


def read_report(path: str) -> Iterator[Sighting]:
    """What one report shows; `-` is standard input.

    Raises:
        UsageError: the file cannot be read, or is no report of this version.
    """
    where = f"--from {path}"
    document = _mapping(_json(where, path))
    schema = document.get("schema")
    if schema != REPORT:
        found = f"is a document of {schema!r}" if schema else _what(document)
        raise UsageError(Problem(where, found, f"a report, {REPORT}", _MEND))
    try:
        started = _seconds(document["started_at"])
        for api in document["apis"]:
            for raw in api["drift"]:
                yield _sighting(str(api["id"]), raw, started)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        found = f"is not whole: {type(error).__name__}: {error}"
        raise UsageError(Problem(where, found, f"a report, {REPORT}", _MEND)) from error


def read_state(path: Path) -> tuple[Sighting, ...]:
    """What the state file of a watch remembers.

    Raises:
        UsageError: there is no such file, or it is no state file.
    """
    with Reader(path) as reader:
        documents = reader.memories("drift")
    return Sightings(each for key, raw in documents.items() for each in _remembered(key, raw)).all()


def _remembered(key: str, raw: Mapping[str, Any]) -> Iterator[Sighting]:
    """One memory; its name is in its key, after API, operation and kind. One that a flipped bit spoiled is left out."""
    try:
        parts = key.split("/", 3)
        drift = Drift(*parts)
        yield Sighting(
            drift=drift,
            count=int(raw["times"]),
            first_at=float(raw["first_at"]),
            last_at=float(raw["last_at"]),
            status=int(raw.get("status", 0)),
            example=_text(raw.get("example", "")),
            sketch=_sketch(json.loads(str(raw.get("sketch") or "null"))),
        )
    except (KeyError, TypeError, ValueError):
        return


def _sighting(api: str, raw: Mapping[str, Any], started: float) -> Sighting:
    first = _seconds(raw["first_at"]) if "first_at" in raw else started
    return Sighting(
        drift=Drift(api, str(raw["operation"]), str(raw["kind"]), str(raw["name"])),
        count=int(raw["count"]),
        first_at=first,
        last_at=_seconds(raw["last_at"]) if "last_at" in raw else first,
        status=int(raw.get("status", 0)),
        example=json.dumps(raw["example"], ensure_ascii=False) if "example" in raw else "",
        sketch=_sketch(raw.get("sketch")),
    )


def _text(example: object) -> str:
    """An example as it was remembered; none where it is no JSON."""
    text = str(example)
    if text:
        json.loads(text)
    return text


def _sketch(raw: object) -> str:
    return json.dumps(raw, ensure_ascii=False) if is_sketch(raw) else ""


def _seconds(text: object) -> float:
    return datetime.fromisoformat(str(text)).timestamp()


def _json(where: str, path: str) -> object:
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
        return json.loads(data)
    except OSError as error:
        raise UsageError(Problem(where, f"cannot be read: {error.strerror or error}", "a report", _MEND)) from error
    except (ValueError, RecursionError) as error:
        found = f"is no JSON: {str(error) or 'nested too deeply'}"
        raise UsageError(Problem(where, found, f"a report, {REPORT}", _MEND)) from error


def _what(document: Mapping[str, Any]) -> str:
    """What a document without a schema seems to be."""
    if "log" in document:
        return "is recorded traffic; judge it first: `specwatch check --from FILE --json report.json`"
    return "is an overlay; apply it with `specwatch drift FILE --apply`" if "overlay" in document else "is no report"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

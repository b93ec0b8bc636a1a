"""Files with recorded traffic: opened, unpacked, and told apart by what is in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from specwatch.errors import Problem, UsageError
from specwatch.recorded.bodies import BodyError, inflate
from specwatch.recorded.flows import FORMAT as FLOWS
from specwatch.recorded.flows import read_flows
from specwatch.recorded.har import FORMAT as HAR
from specwatch.recorded.har import is_har, read_har
from specwatch.recorded.model import Entry, Recording, Skipped
from specwatch.recorded.own import own_format, read_own
from specwatch.recorded.tnetstring import TnetstringError, spans

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""Larger files are refused, unpacked or not: reading one as JSON takes several times as much memory."""

MAX_ENTRIES: Final = 50_000
"""Of one file; those behind them are told as left out."""

BEYOND: Final = f"is beyond the {MAX_ENTRIES:,} that are read of one file"
UNWRITABLE: Final = "has half of a character (a lone surrogate) in its URL or its headers"
EXPECTED: Final = "a HAR, flows of mitmproxy, or a JSON report of specwatch, each as it is or gzipped"

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_PIECE: Final = 1024 * 1024
_DIGITS: Final = 400


def read_recording(path: Path, option: str = "--from") -> Recording:
    """What a file holds.

    Args:
        path: the file.
        option: how it was named, for messages.

    Raises:
        UsageError: it cannot be read, holds something else, or none of its entries can be used.
    """
    where = f"{option} {path}"
    data = _unpacked(_bytes(path, where), where)
    if not data.strip():
        raise UsageError(Problem(where, "is empty", EXPECTED, "record again, and save when the requests are done"))
    if data[:1].isdigit():
        _check_flows(data, where)
        recording = _recording(str(path), FLOWS, read_flows(data, path.name))
    else:
        recording = _recording(str(path), *_of_json(_json(data, where), path.name, where))
    if recording.skipped and not recording.entries and all(skipped.broken for skipped in recording.skipped):
        first = recording.skipped[0]
        told = f"none of its {recording.size:,} entries can be read; {first.where} {first.reason}"
        raise UsageError(Problem(where, told, EXPECTED, "record again"))
    return recording


def _recording(name: str, format_name: str, found: Iterable[Entry | Skipped]) -> Recording:
    items = iter(found)
    read = [_written(each) for each in islice(items, MAX_ENTRIES)]
    beyond = sum(1 for _ in items)
    skipped = [each for each in read if isinstance(each, Skipped)]
    skipped += [Skipped(f"{name}, entry {MAX_ENTRIES + 1 + index:,}", BEYOND) for index in range(beyond)]
    entries = tuple(each for each in read if isinstance(each, Entry))
    return Recording(name, format_name, entries, tuple(skipped))


def _written(entry: Entry | Skipped) -> Entry | Skipped:
    """The entry, unless one of its texts can be in no request and no answer: JSON has escapes for halves of characters.

    Bodies are bytes already.
    """
    if isinstance(entry, Skipped):
        return entry
    headers = (text for pair in (*entry.request_headers, *entry.response_headers) for text in pair)
    for text in (entry.method, entry.url, entry.reason, entry.http_version, *headers):
        try:
            text.encode()
        except UnicodeEncodeError:
            return Skipped(entry.where, UNWRITABLE, broken=True)
    return entry


def _bytes(path: Path, where: str) -> bytes:
    if path.is_dir():
        raise UsageError(Problem(where, "is a folder", "a file", f"name the files in it: --from {path}/FILE"))
    pieces, size = [], 0
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                size += len(piece)
                if size > MAX_FILE_BYTES:
                    raise _too_large(where)
                pieces.append(piece)
    except OSError as error:
        found = f"cannot be read: {error.strerror or error}"
        raise UsageError(Problem(where, found, "a file with recorded traffic", "check the path")) from error
    return b"".join(pieces)


def _too_large(where: str) -> UsageError:
    expected = f"at most {MAX_FILE_BYTES // 1024**2} MB, unpacked"
    return UsageError(Problem(where, "is too large", expected, "record less, or save the API's own requests only"))


def _unpacked(data: bytes, where: str) -> bytes:
    if data.startswith(_ZIP):
        raise UsageError(
            Problem(where, "is a zip archive", EXPECTED, "unzip it; the file in it that ends in .har counts")
        )
    if not data.startswith(_GZIP):
        return data
    try:
        return inflate(data, 31, MAX_FILE_BYTES)
    except BodyError as error:
        if "larger" in str(error):
            raise _too_large(where) from error
        found = "is gzip that breaks off or is damaged"
        raise UsageError(Problem(where, found, EXPECTED, "copy it again; `gzip -t` tells")) from error


def _check_flows(data: bytes, where: str) -> None:
    try:
        next(spans(data))
    except TnetstringError as error:
        found = f"begins like flows of mitmproxy, but {error} at byte {error.at:,}"
        raise UsageError(Problem(where, found, EXPECTED, "save the flows again")) from error


def _json(data: bytes, where: str) -> object:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n\0")[:1] not in {b"{", b"["} and not data.startswith(
        (b"\xff\xfe", b"\xfe\xff")
    ):
        raise UsageError(Problem(where, f"is no recorded traffic: it begins with {_begin(data)}", EXPECTED))
    try:
        # NaN and the like are no JSON, and no measure either: what should be a number there counts as absent.
        return json.loads(data, parse_constant=lambda _name: None, parse_int=_integer)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        ends = error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith("Unterminated")
        found = f"ends in the middle of its JSON, at {place}" if ends else f"is no JSON at {place}: {error.msg}"
        raise UsageError(Problem(where, found, EXPECTED, "save it again when the recorder is done")) from error
    except UnicodeDecodeError as error:
        raise UsageError(Problem(where, f"is no text at byte {error.start:,}", EXPECTED)) from error
    except RecursionError as error:
        raise UsageError(Problem(where, "is nested too deeply", EXPECTED)) from error


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _DIGITS else float("inf")


def _begin(data: bytes) -> str:
    return repr(data[:16])[1:]


def _of_json(document: object, name: str, where: str) -> tuple[str, Iterable[Entry | Skipped]]:
    if isinstance(document, dict):
        if (own := own_format(document)) is not None:
            return f"report {own}", read_own(document, name)
        if is_har(document):
            return HAR, read_har(document, name)
    raise UsageError(Problem(where, f"is JSON, but no recorded traffic: {_shape(document)}", EXPECTED))


def _shape(document: object) -> str:
    if isinstance(document, Mapping):
        keys = [str(key)[:30] for key in list(document)[:5]]
        return f"an object with {', '.join(keys)}" if keys else "an empty object"
    return "a list" if isinstance(document, Sequence) else "a single value"

"""Files that cannot be read, or only in part: what is wrong is said, and nothing else happens."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.loopback import shop_api
from tests.recorded.conftest import Judge, Write, entry, har

from specwatch.contract.settings import Selection
from specwatch.errors import UsageError
from specwatch.recorded import Manner, judge_recordings, read_recording, sort
from specwatch.recorded.files import UNWRITABLE
from specwatch.values.claim import Verdict

HAR = json.dumps(har(entry())).encode()
SHOP = shop_api()


@pytest.mark.parametrize(
    "content, found",
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (HAR[:-30], "ends in the middle of its JSON"),
        (HAR.replace(b":", b";", 1), "is no JSON at line 1"),
        (HAR.replace(b"GET", b"\xff\xfe"), "is no text"),
        (b"[1, 2]", "is JSON, but no recorded traffic: a list"),
        (b'{"openapi": "3.1.0", "paths": {}}', "is JSON, but no recorded traffic: an object with openapi, paths"),
        (b'{"log": {"entries": {}}}', "an object with log"),
        (b'{"schema": "specwatch.check/2"}', "an object with schema"),
        (b"{}", "an empty object"),
        (b"\x89PNG\r\n\x1a\n\x00", "is no recorded traffic: it begins with"),
        (b"<html>", "is no recorded traffic: it begins with"),
        (b"PK\x03\x04rest", "is a zip archive"),
        (gzip.compress(HAR, mtime=0)[:-9], "is gzip that breaks off or is damaged"),
        (b"\x1f\x8bjunk", "is gzip that breaks off or is damaged"),
        (b"[" * 100_000, "is nested too deeply"),
        (json.dumps(har({}, 7)).encode(), "none of its 2 entries can be read; traffic.har, entry 1 has no request"),
    ],
)
def test_a_file_that_is_no_recording(write: Write, content: bytes, found: str) -> None:
    """One block: where, what was found, what was expected."""
    path = write(content)
    with pytest.raises(UsageError) as error:
        read_recording(path)
    (problem,) = error.value.problems
    assert problem.where == f"--from {path}"
    assert found in problem.found
    assert problem.expected


def test_places_that_are_no_file(tmp_path: Path) -> None:
    """A folder, nothing at all, and a link that leads to itself."""
    loop = tmp_path / "loop.har"
    loop.symlink_to(loop)
    for path, found in ((tmp_path, "is a folder"), (tmp_path / "x", "cannot be read"), (loop, "cannot be read")):
        with pytest.raises(UsageError) as error:
            read_recording(path)
        assert error.value.problems[0].found.startswith(found)


@pytest.mark.parametrize(
    "content", [HAR, gzip.compress(HAR, mtime=0), b"\xef\xbb\xbf" + HAR, HAR.decode().encode("utf-16")]
)
def test_a_har_may_be_zipped_or_begin_with_a_mark(write: Write, content: bytes) -> None:
    """What it is called does not matter either."""
    assert len(read_recording(write(content, "anything.txt")).entries) == 1


def test_nan_and_huge_numbers_are_no_measures(write: Write) -> None:
    """Recorders in loosely typed languages write them; the entry is judged without them."""
    text = HAR.replace(b'"time": 12.5', b'"time": NaN').replace(b'"wait": 10', b'"wait": 1' + b"0" * 5000)
    (found,) = read_recording(write(text)).entries
    assert found.seconds is None


def test_a_file_that_is_too_large_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that only becomes large when it is unpacked."""
    monkeypatch.setattr("specwatch.recorded.files.MAX_FILE_BYTES", 2000)
    for content in (HAR + b" " * 2000, gzip.compress(HAR + b" " * 2000, mtime=0)):
        with pytest.raises(UsageError, match="is too large"):
            read_recording(write(content))


def test_entries_beyond_the_limit_are_told(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is lost silently."""
    monkeypatch.setattr("specwatch.recorded.files.MAX_ENTRIES", 2)
    recording = read_recording(write(har(*[entry()] * 5)))
    assert (len(recording.entries), len(recording.skipped), recording.size) == (2, 3, 5)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["GET", "base64"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "value", "text", "size", "status", "headers", "encoding", "url", "content", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
PLACES = st.sampled_from(
    [
        ("time",),
        ("startedDateTime",),
        ("timings",),
        ("_specwatch",),
        *[("request", name) for name in ("method", "url", "headers", "postData", "bodySize")],
        *[("response", name) for name in ("status", "headers", "content", "statusText", "_transferSize", "bodySize")],
        ("response", "content", "text"),
        ("response", "content", "size"),
        ("timings", "wait"),
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PLACES, JUNK), min_size=1, max_size=4))
def test_any_har_is_judged_or_refused(tmp_path: Path, changes: list[tuple[tuple[str, ...], object]]) -> None:
    """Whatever stands in an entry, there is a result or a message, and the good entry beside it is judged."""
    bad = entry("/items", method="POST", sent={"name": "x"}, status=201)
    for place, value in changes:
        node: object = bad
        for name in place[:-1]:
            node = node.get(name) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node[place[-1]] = value
    path = tmp_path / "any.har"
    path.write_text(json.dumps(har(bad, entry())), encoding="utf-8", errors="surrogatepass")
    api = SHOP
    result = judge_recordings(sort([read_recording(path)], [api]), Selection((api,)), Manner())
    assert any(operation == "getItem" for operation, _, _ in result.apis[0].responses)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | JUNK.map(lambda value: json.dumps({"log": {"entries": [value]}}).encode()))
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """There is nothing else than a recording or a message."""
    path = tmp_path / "any"
    path.write_bytes(content)
    with contextlib.suppress(UsageError):
        assert read_recording(path).size >= 0


@pytest.mark.parametrize(
    "broken",
    [
        entry("/items/i-\ud800"),
        entry(headers=[("authorization", "Bearer \udfff")]),
        entry(came=[("x-\ud800", "1")]),
        {**entry(), "request": {**entry()["request"], "method": "G\ud800T"}},
    ],
    ids=["url", "sent", "came", "method"],
)
def test_half_of_a_character_is_told(write: Write, broken: object) -> None:
    """JSON has escapes for it, HTTP does not: the entry is left out, and the others are read."""
    recording = read_recording(write(har(entry(), broken)))

    assert [(each.reason, each.broken) for each in recording.skipped] == [(UNWRITABLE, True)]
    assert len(recording.entries) == 1


@pytest.mark.parametrize(
    "body", ['{"id": ' + "9" * 1_000 + "}", '{"id": ' + "[" * 300 + "]" * 300 + "}"], ids=["digits", "depth"]
)
def test_a_body_that_is_not_read_establishes_nothing(judged: Judge, body: str) -> None:
    """Nothing is known of an API of which no answer could be judged by its content."""
    found = judged(entry(body=body))

    assert found.api.verdict is Verdict.UNKNOWN
    assert "nothing is established by it" in found.api.trouble[0]

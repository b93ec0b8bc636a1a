"""Flow files of mitmproxy."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recorded.conftest import Write

from specwatch.errors import UsageError
from specwatch.recorded import Recording, read_recording
from specwatch.recorded.tnetstring import TnetstringError, loads, spans


def dumps(value: Any) -> bytes:
    """A value as a tagged netstring."""
    if isinstance(value, dict):
        data, tag = b"".join(dumps(part) for pair in value.items() for part in pair), b"}"
    elif isinstance(value, list | tuple):
        data, tag = b"".join(map(dumps, value)), b"]"
    elif value is None or isinstance(value, bool):
        data, tag = (b"", b"~") if value is None else (str(value).lower().encode(), b"!")
    elif isinstance(value, str | bytes):
        data, tag = (value, b",") if isinstance(value, bytes) else (value.encode(), b";")
    else:
        data, tag = repr(value).encode(), b"^" if isinstance(value, float) else b"#"
    return b"%d:%s%s" % (len(data), data, tag)


def flow(**change: Any) -> dict[str, Any]:
    """A flow as mitmproxy 7 to 12 save it, as far as it matters; `request__x` changes a part."""
    made: dict[str, Any] = {
        "version": 21,
        "type": "http",
        "id": "0",
        "websocket": None,
        "error": None,
        "request": {
            "host": "192.0.2.7",
            "port": 443,
            "method": b"GET",
            "scheme": b"https",
            "authority": b"",
            "path": b"/v1/items/i-1?a=1",
            "http_version": b"HTTP/1.1",
            "headers": [[b"Host", b"shop.example.com"], [b"Authorization", b"Bearer tok-alpha-0001"]],
            "content": b"",
            "trailers": None,
            "timestamp_start": 1769860800.0,
            "timestamp_end": 1769860800.25,
        },
        "response": {
            "status_code": 200,
            "reason": b"OK",
            "http_version": b"HTTP/1.1",
            "headers": [[b"content-type", b"application/json"], [b"content-encoding", b"gzip"]],
            "content": gzip.compress(b"{}", mtime=0),
            "trailers": None,
            "timestamp_start": 1769860800.75,
            "timestamp_end": 1769860801.0,
        },
        "client_conn": {"address": ["127.0.0.1", 1]},
        "server_conn": {"address": ["192.0.2.7", 443]},
    }
    for key, value in change.items():
        part, _, name = key.partition("__")
        if name:
            made[part] = {**made[part], name: value}
        else:
            made[part] = value
    return made


def read(write: Write, *flows: Any) -> Recording:
    """What is read of flows."""
    return read_recording(write(b"".join(map(dumps, flows)), "flows"))


def test_everything_of_a_flow_is_read(write: Write) -> None:
    """The URL is the one that the client meant, the body comes without its coding, phases in seconds."""
    (found,) = read(write, flow()).entries
    assert (found.method, found.url, found.status) == ("GET", "https://shop.example.com/v1/items/i-1?a=1", 200)
    assert (found.request_body, found.response_body, found.reason) == (b"", b"{}", "OK")
    assert (found.started_at, found.seconds) == (1769860800.0, 1.0)
    assert found.phases == {"request": 0.25, "processing": 0.5, "transfer": 0.25}


@pytest.mark.parametrize("version", [4, 9, 12, 15, 18, 20, 21, 30])
def test_every_version_since_4_is_read(write: Write, version: int) -> None:
    """Later ones changed what is not looked at."""
    assert len(read(write, flow(version=version)).entries) == 1


def test_the_host_of_http_2_and_of_a_bare_address(write: Write) -> None:
    """From `authority` where there is no Host, else from the address, with a port that is not the usual one."""
    by_authority = flow(request__headers=[], request__authority=b"shop.example.com")
    by_address = flow(request__headers=[], request__host="::1", request__port=8443)
    assert [each.url.removesuffix("/v1/items/i-1?a=1") for each in read(write, by_authority, by_address).entries] == [
        "https://shop.example.com",
        "https://[::1]:8443",
    ]


def test_bodies_that_were_streamed_or_cannot_be_decoded_are_missing(write: Write) -> None:
    """Mitmproxy saves none of a streamed body, and of others what was on the wire."""
    coded = [[b"content-encoding", b"zstd"]]
    flows = (flow(response__content=None), flow(response__headers=coded), flow(response__content=b"no gzip"))
    entries = read(write, *flows).entries
    assert [each.response_body for each in entries] == [None, None, None]
    assert [each.notes[0] for each in entries] == [
        "the response has no body in the file",
        "the response: its body is coded with zstd, which cannot be read here",
        "the response: its body is not what its content coding says",
    ]


@pytest.mark.parametrize(
    "change, reason, broken",
    [
        ({"type": "tcp"}, "is tcp, not HTTP", False),
        ({"response": None, "error": {"msg": "refused"}}, "got no answer", False),
        ({"websocket": {"messages": []}}, "is a WebSocket", False),
        ({"request": None}, "cannot be read: its headers are no pairs", True),
        (
            {"version": 3},
            "cannot be read: its mitmproxy is too old; open the file with a newer one and save it again",
            True,
        ),
        ({"request__headers": [[b"a"]]}, "cannot be read: its headers are no pairs", True),
        ({"response__status_code": b"200"}, "cannot be read: its status is no number", True),
    ],
)
def test_other_flows_are_left_out(write: Write, change: dict[str, Any], reason: str, broken: bool) -> None:  # noqa: FBT001
    """With the reason, and the good ones are read."""
    recording = read(write, flow(), flow(**change))
    ((skipped,), (good,)) = (recording.skipped, recording.entries)
    assert (skipped.where, skipped.reason, skipped.broken) == ("flows, flow 2", reason, broken)
    assert good.where == "flows, flow 1"


def test_a_file_that_breaks_off_keeps_what_came_before(write: Write) -> None:
    """A recorder that was killed: the last flow is told as broken."""
    whole = dumps(flow())
    recording = read_recording(write(whole + whole[:-40], "flows"))
    assert len(recording.entries) == 1
    (last,) = recording.skipped
    assert last.where == f"flows, flow 2 at byte {len(whole):,}"
    assert last.reason == "cannot be read: it ends in the middle of a value"


def test_a_file_that_only_begins_like_flows_is_refused(write: Write) -> None:
    """Digits alone are no flow."""
    with pytest.raises(UsageError, match="begins like flows of mitmproxy"):
        read_recording(write(b"12 monkeys", "flows"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    """Every value comes back as it was."""
    assert loads(dumps(value)) == value


@given(
    st.binary(max_size=80) | VALUES.map(dumps).flatmap(lambda data: st.integers(0, len(data)).map(lambda at: data[:at]))
)
def test_nothing_else_than_a_tnetstring_error_comes_of_junk(data: bytes) -> None:
    """Any bytes, and whatever is left of a good value that was cut."""
    with contextlib.suppress(TnetstringError):
        for at, end in spans(data):
            loads(data, at, end)


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    """So that no file exhausts the stack."""
    data = b""
    for _ in range(100):
        data = b"%d:%s]" % (len(data), data)
    with pytest.raises(TnetstringError, match="nested more than 60 deep"):
        loads(data)


def test_flows_may_be_zipped(write: Write, tmp_path: Path) -> None:
    """The name does not matter."""
    del tmp_path
    assert read_recording(write(gzip.compress(dumps(flow())), "x.bin")).format == "mitmproxy flows"

"""HAR of browsers, proxies and test tools: what each writes is read as it was meant."""

from __future__ import annotations

import base64
import gzip
import zlib
from typing import Any

import pytest
from tests.recorded.conftest import JSON, Write, entry, har

from specwatch.recorded import Entry, Skipped, read_recording


@pytest.fixture
def read(write: Write) -> Any:
    """Reads HAR entries."""

    def reading(*entries: object) -> tuple[tuple[Entry, ...], tuple[Skipped, ...]]:
        recording = read_recording(write(har(*entries)))
        return recording.entries, recording.skipped

    return reading


def test_everything_of_an_exchange_is_read(read: Any) -> None:
    """Method, URL, headers, bodies, status, when it began and how long each phase took."""
    ((found,), _) = read(entry("/items", method="post", status=201, body={"a": 1}, sent={"name": "x"}, second=1.25))
    assert (found.method, found.url, found.status) == ("POST", "https://shop.example.com/v1/items", 201)
    assert (found.request_body, found.response_body) == (b'{"name": "x"}', b'{"a": 1}')
    assert (found.started_at, found.seconds) == (1769860801.25, 0.0125)
    assert found.phases == {"request": 0.001, "processing": 0.01, "transfer": 0.0015}
    assert found.response_headers == (JSON,)


def test_base64_bodies_are_decoded(read: Any) -> None:
    """An answer with `encoding: base64`, and a request of our own with `_encoding`."""
    one = entry(sent={})
    one["response"]["content"] = {"size": 3, "encoding": "base64", "text": base64.b64encode(b"\xff\x00\x01").decode()}
    one["request"]["postData"] |= {"_encoding": "base64", "text": "/w=="}
    ((found,), _) = read(one)
    assert (found.response_body, found.request_body) == (b"\xff\x00\x01", b"\xff")


@pytest.mark.parametrize("text", ["not base64!", "AAA", "é"])
def test_a_wrong_base64_body_counts_as_missing(read: Any, text: str) -> None:
    """The rest of the exchange is still of use, and the reason is told."""
    one = entry()
    one["response"]["content"] = {"size": 3, "encoding": "base64", "text": text}
    ((found,), _) = read(one)
    assert (found.response_body, found.notes) == (None, ("the response: its body is no base64",))


def test_a_body_that_is_decoded_already_is_left_alone(read: Any) -> None:
    """Browsers take the coding off the body and leave it in the headers."""
    ((found,), _) = read(entry(came=[JSON, ("Content-Encoding", "gzip, br")], body={"id": "i-1"}))
    assert found.response_body == b'{"id": "i-1"}'


@pytest.mark.parametrize("coding, coded", [("gzip", gzip.compress(b"{}", mtime=0)), ("deflate", zlib.compress(b"{}"))])
def test_a_body_that_is_still_coded_is_decoded(read: Any, coding: str, coded: bytes) -> None:
    """Some proxies keep what was on the wire."""
    one = entry(came=[JSON, ("content-encoding", coding)])
    text = base64.b64encode(coded).decode()
    one["response"]["content"] = {"size": len(coded), "encoding": "base64", "text": text}
    ((found,), _) = read(one)
    assert found.response_body == b"{}"


def test_a_coding_that_cannot_be_read_makes_the_body_missing(read: Any) -> None:
    """Brotli that the recorder did not take off."""
    one = entry(came=[JSON, ("content-encoding", "br")])
    one["response"]["content"] = {"size": 4, "encoding": "base64", "text": base64.b64encode(b"\x8b\x02\x80{}").decode()}
    ((found,), _) = read(one)
    assert found.response_body is None
    assert "coded with br" in found.notes[0]


@pytest.mark.parametrize(
    "content",
    [
        {"size": 17},
        {"size": 17, "text": ""},
        {},
        {"size": 100, "text": "the begin"},
        {"text": "x", "comment": "cut to 1"},
    ],
)
def test_a_body_that_was_not_recorded_is_not_an_empty_one(read: Any, content: object) -> None:
    """No text where there was a body, a part of it, or nothing that says whether there was one."""
    one = entry()
    one["response"]["content"] = content
    ((found,), _) = read(one)
    assert found.response_body is None


@pytest.mark.parametrize(
    "content, size", [({"size": 0}, -1), ({"size": 0, "text": ""}, 0), ({"size": -1, "text": ""}, -1)]
)
def test_an_empty_body_is_one(read: Any, content: object, size: int) -> None:
    """No text, and a size that says that there was none."""
    one = entry()
    one["response"] |= {"content": content, "bodySize": size}
    ((found,), _) = read(one)
    assert found.response_body == b""


def test_sizes_of_mitmproxy_are_those_on_the_wire(read: Any) -> None:
    """There, `size` is that of the coded body, and `compression` leads to the other one."""
    one = entry(body="{}", came=[JSON, ("content-encoding", "gzip")])
    one["response"] |= {"content": {"size": 22, "compression": -20, "text": "{}"}, "bodySize": 22}
    ((found,), _) = read(one)
    assert found.response_body == b"{}"


def test_a_form_is_put_together_from_its_fields(read: Any) -> None:
    """Where the recorder lists fields instead of a text."""
    one = entry(method="POST")
    fields = [{"name": "a b", "value": "1&2"}]
    one["request"]["postData"] = {"mimeType": "application/x-www-form-urlencoded; charset=utf-8", "params": fields}
    ((found,), _) = read(one)
    assert found.request_body == b"a+b=1%262"


@pytest.mark.parametrize(
    "change", [{"bodySize": 5}, {"headers": [{"name": "Content-Length", "value": "5"}]}, {"postData": {"params": [{}]}}]
)
def test_a_request_body_that_was_not_recorded_is_told(read: Any, change: dict[str, object]) -> None:
    """A size, a length or fields of a multipart form say that there was one."""
    one = entry(method="POST")
    one["request"] |= change
    ((found,), _) = read(one)
    assert found.request_body is None


def test_headers_of_http_2_and_repeated_ones(read: Any) -> None:
    """Pseudo headers are none; one value with line breaks, as Chrome has it, is several headers."""
    one = entry(headers=[(":authority", "x"), (":method", "GET"), ("accept", "a/b"), ("Accept", "c/d")])
    one["response"]["headers"] = [{"name": "set-cookie", "value": "a=1\nb=2"}]
    ((found,), _) = read(one)
    assert found.request_headers == (("accept", "a/b"), ("Accept", "c/d"))
    assert found.response_headers == (("set-cookie", "a=1"), ("set-cookie", "b=2"))


def test_waiting_in_the_browser_is_no_time_of_the_server(read: Any) -> None:
    """What `blocked` says is taken off the whole; TLS is taken off `connect`, in which HAR counts it."""
    timings = {"blocked": 900, "dns": -1, "connect": 30, "ssl": 20, "send": 0, "wait": 60, "receive": 10}
    ((found,), _) = read(entry(time=1000, timings=timings))
    assert found.seconds == pytest.approx(0.1)
    assert {name: round(seconds, 3) for name, seconds in found.phases.items()} == {
        "connect": 0.01,
        "tls": 0.02,
        "request": 0.0,
        "processing": 0.06,
        "transfer": 0.01,
    }


@pytest.mark.parametrize(
    "value", [None, "", "yesterday", "9999-99-99T00:00:00Z", "0001-01-01T00:00:00Z", 1e300, [], "x" * 99]
)
def test_a_time_that_cannot_be_meant_is_unknown(read: Any, value: object) -> None:
    """It may be missing, no time at all, or thousands of years away."""
    ((found,), _) = read(entry(startedDateTime=value, time=value))
    assert (found.started_at, found.seconds) == (None, None)


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"response": {"status": 0, "headers": [], "content": {}, "_error": "net::ERR_ABORTED"}}, "got no answer"),
        ({"response": {"status": -1}}, "got no answer"),
        ({"response": None}, "got no answer"),
        ({"_resourceType": "websocket"}, "is a WebSocket"),
        ({"_fromCache": "disk"}, "was answered from a browser's cache"),
    ],
)
def test_what_shows_nothing_of_the_server_is_left_out(read: Any, change: dict[str, object], reason: str) -> None:
    """Aborted requests, WebSockets, and answers from a cache; none of them is a mistake of the file."""
    (found, (skipped,)) = read({**entry(), **change})
    assert (found, skipped.reason, skipped.broken) == ((), reason, False)


@pytest.mark.parametrize(
    "request_change, response_change, reason",
    [
        ({"url": "wss://shop.example.com/v1/items"}, {"status": 101}, "is a WebSocket"),
        ({"method": "CONNECT"}, {}, "opens a tunnel of a proxy"),
        ({}, {"status": 304}, "was not modified, so that the answer came from a cache"),
        ({}, {"_transferSize": 0}, "was answered from a browser's cache"),
        ({}, {"_fetchedViaServiceWorker": True}, "was answered by a service worker"),
        (
            {"method": "OPTIONS", "headers": [{"name": "access-control-request-method", "value": "PUT"}]},
            {},
            "is a browser's preflight",
        ),
    ],
)
def test_what_a_browser_does_by_itself_is_left_out(
    read: Any, request_change: dict[str, object], response_change: dict[str, object], reason: str
) -> None:
    """Tunnels, preflights, conditional requests and service workers."""
    one = entry()
    one["request"] |= request_change
    one["response"] |= response_change
    (found, (skipped,)) = read(one)
    assert (found, skipped.reason) == ((), reason)


def test_a_broken_entry_does_not_cost_the_others(read: Any) -> None:
    """Which one it is, and what is wrong with it, is told; the others are read."""
    bad = entry()
    bad["response"]["status"] = "fine"
    found, skipped = read(entry(), bad, 7, {}, entry())
    assert [each.where for each in found] == ["traffic.har, entry 1", "traffic.har, entry 5"]
    assert [(each.where, each.reason) for each in skipped] == [
        ("traffic.har, entry 2", "response.status is no status code"),
        ("traffic.har, entry 3", "is no object"),
        ("traffic.har, entry 4", "has no request"),
    ]
    assert all(each.broken for each in skipped)

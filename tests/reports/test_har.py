"""HAR 1.2: what the format requires is there, times add up, and no credential is in it."""

import base64
import json
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator

from specwatch import __version__
from specwatch.contract.result import RunResult
from specwatch.contract.run import ContractRun
from specwatch.reports.har import BODY_CHARACTERS, to_har
from specwatch.sandbox import EmbeddedSandbox
from specwatch.values import Exchange

PAIRS = {
    "type": "array",
    "items": {"type": "object", "required": ["name", "value"], "additionalProperties": {"type": "string"}},
}
COMMON = ["httpVersion", "cookies", "headers", "headersSize", "bodySize"]
REQUEST = [*COMMON, "method", "url", "queryString"]
RESPONSE = [*COMMON, "status", "statusText", "content", "redirectURL"]
HAR = {
    "type": "object",
    "required": ["log"],
    "properties": {
        "log": {
            "type": "object",
            "required": ["version", "creator", "entries"],
            "properties": {
                "version": {"const": "1.2"},
                "creator": {"required": ["name", "version"], "additionalProperties": {"type": "string"}},
                "entries": {"type": "array", "items": {"$ref": "#/$defs/entry"}},
            },
        }
    },
    "$defs": {
        "entry": {
            "required": ["startedDateTime", "time", "request", "response", "cache", "timings"],
            "properties": {
                "startedDateTime": {"type": "string", "format": "date-time"},
                "time": {"type": "number", "minimum": 0},
                "cache": {"type": "object"},
                "request": {
                    "required": REQUEST,
                    "properties": {
                        "url": {"type": "string", "format": "uri"},
                        "cookies": {"type": "array"},
                        "headers": PAIRS,
                        "queryString": PAIRS,
                        "postData": {"required": ["mimeType", "text"]},
                    },
                },
                "response": {
                    "required": RESPONSE,
                    "properties": {
                        "status": {"type": "integer"},
                        "headers": PAIRS,
                        "content": {"required": ["size", "mimeType"]},
                        "redirectURL": {"type": "string"},
                    },
                },
                "timings": {
                    "required": ["send", "wait", "receive"],
                    "properties": {name: {"minimum": 0} for name in ("send", "wait", "receive")},
                    "additionalProperties": {"type": "number", "minimum": -1},
                },
            },
        },
    },
}


def entries(*exchanges: Exchange) -> list[dict[str, dict[str, object]]]:
    """The entries of a HAR that has all that HAR 1.2 requires."""
    document = json.loads(json.dumps(to_har(exchanges)))
    checker = Draft202012Validator.FORMAT_CHECKER
    assert list(Draft202012Validator(HAR, format_checker=checker).iter_errors(document)) == []
    found: list[dict[str, dict[str, object]]] = document["log"]["entries"]
    return found


def test_real_runs_are_har(real_run: RunResult) -> None:
    """Every exchange of a run is an entry, with all required fields."""
    assert len(entries(*real_run.exchanges)) == len(real_run.exchanges)


def test_creator_is_specwatch() -> None:
    """A file says who wrote it."""
    assert to_har([])["log"] == {
        "version": "1.2",
        "creator": {"name": "specwatch", "version": __version__},
        "entries": [],
    }


def test_entries_are_ordered_by_time(make_exchange: Callable[..., Exchange]) -> None:
    """Whatever order they come in, they leave in the order in which they began."""
    late, early = make_exchange(started_at=20.0), make_exchange(started_at=10.0)

    times = [str(entry["startedDateTime"]) for entry in entries(late, early)]

    assert times == ["1970-01-01T00:00:10.000Z", "1970-01-01T00:00:20.000Z"]


def test_phases_become_timings(make_exchange: Callable[..., Exchange]) -> None:
    """Milliseconds by phase; connect includes TLS, as HAR wants it; the rest of the time is `blocked`."""
    phases = {"connect": 0.01, "tls": 0.02, "request": 0.03, "processing": 0.4, "transfer": 0.04}
    (entry,) = entries(make_exchange(phases=phases))

    assert entry["timings"] == pytest.approx(
        {"blocked": 0, "dns": -1, "connect": 30, "ssl": 20, "send": 30, "wait": 400, "receive": 40}, abs=0.01
    )
    assert entry["time"] == pytest.approx(500)


def test_phases_that_never_ran(make_exchange: Callable[..., Exchange]) -> None:
    """A connection that was open already has no connect and no TLS phase: -1. The others must not be negative."""
    (entry,) = entries(make_exchange(phases={"processing": 0.4}))

    assert entry["timings"] == pytest.approx(
        {"blocked": 100, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": 400, "receive": 0}
    )
    assert entry["time"] == pytest.approx(500)


def test_query_and_body_are_shown(make_exchange: Callable[..., Exchange]) -> None:
    """The query is taken apart, the body is text with its media type."""
    headers = (("content-type", "application/json"),)
    exchange = make_exchange(
        method="POST", url="https://parcels.example/p?a=1&a=&b=%20", headers=headers, body=b'{"a":1}'
    )
    (entry,) = entries(exchange)

    assert entry["request"]["queryString"] == [
        {"name": "a", "value": "1"},
        {"name": "a", "value": ""},
        {"name": "b", "value": " "},
    ]
    assert entry["request"]["postData"] == {"mimeType": "application/json", "text": '{"a":1}'}
    assert entry["request"]["bodySize"] == 7


def test_binary_bodies_are_base64(make_exchange: Callable[..., Exchange]) -> None:
    """Bytes that are no text keep their value in both directions."""
    (entry,) = entries(make_exchange(method="POST", body=b"\xff\x00", answer=b"\xfe"))
    content, sent = entry["response"]["content"], entry["request"]["postData"]
    assert isinstance(content, dict)
    assert isinstance(sent, dict)

    assert (content["encoding"], base64.b64decode(content["text"])) == ("base64", b"\xfe")
    assert (sent["_encoding"], base64.b64decode(sent["text"])) == ("base64", b"\xff\x00")


def test_huge_bodies_are_cut(make_exchange: Callable[..., Exchange]) -> None:
    """A refused upload of megabytes is cut and says so; its size is the true one."""
    (entry,) = entries(make_exchange(method="POST", body=b"x" * (BODY_CHARACTERS + 1)))
    sent = entry["request"]["postData"]
    assert isinstance(sent, dict)

    assert len(sent["text"]) == BODY_CHARACTERS
    assert sent["comment"] == "cut to 1,000,000 of 1,000,001 characters"
    assert entry["request"]["bodySize"] == BODY_CHARACTERS + 1


def test_credentials_are_variables(
    make_run: Callable[..., ContractRun], sandbox: EmbeddedSandbox, send: Callable[..., None]
) -> None:
    """The header that carried a credential names the variable; the value is nowhere in the file."""
    run = make_run(sandbox.url, environment={"PARCELS_TOKEN": "s3cr3t-value"})
    send(run.apis["parcels"], "p1")
    document = to_har(run.result().exchanges)

    (entry,) = document["log"]["entries"]  # type: ignore[index]
    assert {"name": "authorization", "value": "Bearer $PARCELS_TOKEN"} in entry["request"]["headers"]
    assert "s3cr3t-value" not in json.dumps(document)

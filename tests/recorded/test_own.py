"""Reports of our own that hold exchanges: those of a check and of a probe."""

from __future__ import annotations

from typing import Any

import pytest
from tests.recorded.conftest import BASE, ITEM, Judged, Write

from specwatch.contract.settings import Selection
from specwatch.recorded import Manner, judge_recordings, read_recording, sort
from specwatch.spec import Api


def check_report(value: str = "Bearer $SHOP_TOKEN", **response: Any) -> dict[str, Any]:
    """A report with one violation, which its exchange shows."""
    exchange = {
        "request": {
            "method": "GET",
            "url": f"{BASE}/items/i-1",
            "headers": [{"name": "authorization", "value": value}] if value else [],
            "body": "",
            "bytes": 0,
        },
        "response": {
            "status": 200,
            "reason": "OK",
            "http_version": "HTTP/1.1",
            "headers": [{"name": "content-type", "value": "application/json"}],
            "body": '{"id": "i-1"}',
            "bytes": 13,
            **response,
        },
        "timings": {"started_at": "2026-01-31T12:00:00.000Z", "total_seconds": 0.5, "phases": {"processing": 0.4}},
    }
    violation = {"claim": "getItem/200", "operation": "getItem", "exchange": exchange}
    none = {"claim": "x", "operation": "getItem", "exchange": None}
    apis = [{"id": "shop", "violations": [violation, {**violation, "claim": "getItem/json"}, none]}]
    return {"schema": "specwatch.check/1", "apis": apis}


def judged(write: Write, shop: Api, document: object) -> Judged:
    """What a report shows."""
    found = sort([read_recording(write(document, "report.json"))], [shop])
    return Judged(judge_recordings(found, Selection((shop,)), Manner()))


def test_an_exchange_beside_two_violations_is_one(write: Write, shop: Api) -> None:
    """It is judged once, and shows what it showed."""
    found = judged(write, shop, check_report())
    assert found.broken == {"getItem/200"}
    assert len(found.result.exchanges) == 1


@pytest.mark.parametrize(
    "value, role",
    [
        ("Bearer $SHOP_TOKEN", "account"),
        ("Bearer $SHOP_TOKEN_2", "second"),
        ("Bearer $SHOP_TOKEN_SPENT", "used_up"),
        ("Bearer $SHOP_TOKEN-altered", "altered"),
        ("Bearer $SHOP_TOKEN-other_case", "other_case"),
        ("Basic $SHOP_TOKEN", "wrong_scheme"),
        ("Bearer", "empty"),
        ("", "absent"),
        ("Bearer specwatch-sandbox-second", "second"),
        ("Bearer specwatch-sandbox-account-truncated", "truncated"),
        ("Bearer specwatch-sandbox-answer-401-bad_token", "answer-401-bad_token"),
    ],
)
def test_the_role_is_read_off_what_is_shown(write: Write, shop: Api, value: str, role: str) -> None:
    """Reports show variables and what was done to their values, and the credentials of a sandbox as they are."""
    (exchange,) = judged(write, shop, check_report(value)).result.exchanges
    assert exchange.credentials == {"token": role}
    assert exchange.vouched is ("sandbox" in value)


def test_bodies_that_a_report_cut_are_missing(write: Write, shop: Api) -> None:
    """Nothing is said about the form of an answer of which there is a part only."""
    assert judged(write, shop, check_report(truncated=True)).broken == set()


def test_bodies_that_are_no_text(write: Write, shop: Api) -> None:
    """They stand in base64."""
    found = judged(write, shop, check_report(encoding="base64", body="eyJpZCI6ICJpLTEiLCAibmFtZSI6ICJhIn0="))
    assert found.broken == set()


def probe_report(**change: Any) -> dict[str, Any]:
    """What a probe printed: one exchange, and one request without an answer."""
    exchange = {
        "id": "1",
        "api": "shop",
        "operation": "getItem",
        "target": BASE,
        "request": {
            "method": "GET",
            "url": f"{BASE}/items/i-1",
            "headers": [["authorization", "Bearer $SHOP_TOKEN"]],
            "body": {"text": ""},
        },
        "response": {
            "status": 200,
            "reason": "OK",
            "http_version": "HTTP/1.1",
            "headers": [["content-type", "application/json"]],
            "body": {"text": str(ITEM).replace("'", '"')},
        },
        "timings": {"started_at": 1769860800.0, "total_seconds": 0.5, "phases": {}},
        "credentials": {"token": "account"},
        "vouched": False,
        **change,
    }
    sent = [{"exchange": exchange}, {"exchange": None}]
    return {"schema": "specwatch.probe/1", "runs": [{"steps": [{"sent": sent}]}]}


def test_the_output_of_a_probe(write: Write, shop: Api) -> None:
    """Its exchanges with their roles; a request without an answer is told as one."""
    found = judged(write, shop, probe_report())
    assert {"getItem/200", "getItem/accepts"} <= found.kept
    assert [each.reason for each in read_recording(write(probe_report())).skipped] == ["got no answer"]


@pytest.mark.parametrize(
    "change", [{"request": None}, {"response": {"status": "x"}}, {"timings": 7}, {"credentials": 1}]
)
def test_a_damaged_report_is_read_as_far_as_it_goes(write: Write, change: dict[str, Any]) -> None:
    """What cannot be read is told, and there is no other end."""
    document = probe_report(**change)
    (good, _) = probe_report()["runs"][0]["steps"][0]["sent"]
    good["exchange"]["timings"]["started_at"] += 1
    document["runs"][0]["steps"][0]["sent"].append(good)
    recording = read_recording(write(document))
    assert 1 <= len(recording.entries) <= 2
    assert recording.size == 3

"""Recordings of a small shop, made by hand: HAR entries, flows, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.loopback import shop_api

from specwatch.contract.result import ApiResult, RunResult
from specwatch.contract.settings import Selection
from specwatch.recorded import Manner, judge_recordings, read_recording, sort
from specwatch.spec import Api
from specwatch.values.claim import Verdict

BASE = "https://shop.example.com/v1"
TOKEN = ("Authorization", "Bearer tok-alpha-0001")
JSON = ("content-type", "application/json")
ITEM = {"id": "i-1", "name": "a cup"}


def entry(
    path: str = "/items/i-1",
    *,
    method: str = "GET",
    status: int = 200,
    body: object = ITEM,
    sent: object = None,
    headers: Sequence[tuple[str, str]] = (TOKEN,),
    came: Sequence[tuple[str, str]] = (JSON,),
    second: float = 0,
    **more: Any,
) -> dict[str, Any]:
    """One HAR entry; `body` is sent as JSON unless it is text, None means an answer without a text."""
    text = body if isinstance(body, str) else json.dumps(body)
    url = path if ":" in path else f"{BASE}{path}"
    request: dict[str, Any] = {"method": method, "url": url, "headers": pairs(headers), "bodySize": 0}
    if sent is not None:
        request["headers"] = pairs([*headers, JSON])
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    content = {"size": 0, "mimeType": ""} if body is None else {"size": len(text.encode()), "text": text}
    return {
        "startedDateTime": f"2026-01-31T12:00:{second:06.3f}Z",
        "time": 12.5,
        "request": request,
        "response": {"status": status, "statusText": "", "headers": pairs(came), "content": content, "bodySize": -1},
        "timings": {"send": 1, "wait": 10, "receive": 1.5},
        **more,
    }


def pairs(headers: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Headers as HAR has them."""
    return [{"name": name, "value": value} for name, value in headers]


def har(*entries: object) -> dict[str, Any]:
    """A HAR."""
    return {"log": {"version": "1.2", "creator": {"name": "a browser", "version": "1"}, "entries": list(entries)}}


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes bytes or a JSON document to a file."""

    def make(content: object, name: str = "traffic.har") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return make


@pytest.fixture(scope="session")
def shop() -> Api:
    """The shop."""
    return shop_api()


class Judged:
    """What a recording of the shop shows."""

    def __init__(self, result: RunResult) -> None:
        self.result = result

    @property
    def api(self) -> ApiResult:
        """The only API."""
        (api,) = self.result.apis
        return api

    @property
    def broken(self) -> set[str]:
        """Ids of the claims that are broken."""
        return {violation.claim for violation in self.api.violations}

    @property
    def kept(self) -> set[str]:
        """Ids of the claims that are kept."""
        return {each.claim.id for each in self.api.claims if each.verdict is Verdict.PASS}

    def reason(self, claim: str) -> str | None:
        """Why a claim is unknown; None where it is not."""
        return next(each.reason for each in self.api.claims if each.claim.id == claim)


Judge = Callable[..., Judged]


@pytest.fixture
def judged(write: Write, shop: Api) -> Judge:
    """Judges HAR entries of the shop, in one file or in several, each a list."""

    def judge(*entries: Any, environment: Mapping[str, str] | None = None, base: str = "") -> Judged:
        files = entries if entries and isinstance(entries[0], list) else [list(entries)]
        read = [read_recording(write(har(*file), f"{number}.har")) for number, file in enumerate(files)]
        manner = Manner(base, environment or {})
        return Judged(judge_recordings(sort(read, [shop], base), Selection((shop,)), manner))

    return judge

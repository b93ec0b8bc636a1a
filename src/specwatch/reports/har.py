"""HAR 1.2: every exchange of a run, for browsers' network panels and other tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from specwatch import __version__
from specwatch.reports.text import BASE64, decoded, timestamp
from specwatch.values.exchange import Exchange, Headers, Request, Response, Timings, header

BODY_CHARACTERS: Final = 1_000_000
"""Longer bodies are cut, and a comment says so: a refused upload of 25 MB is no reason for a file of 50 MB."""

NEVER_RAN: Final = -1

Document = dict[str, object]


def to_har(exchanges: Iterable[Exchange]) -> Document:
    """The exchanges, ordered by when they began, as a HAR 1.2 document.

    `_specwatch` of an entry says which API and operation it belongs to, as whom it was sent, and, more exactly than
    HAR's milliseconds, when in seconds since 1970; with it, `specwatch check --from` judges the file as the run did.
    """
    ordered = sorted(exchanges, key=lambda exchange: exchange.timings.started_at)
    creator = {"name": "specwatch", "version": __version__}
    return {"log": {"version": "1.2", "creator": creator, "entries": [_entry(exchange) for exchange in ordered]}}


def _entry(exchange: Exchange) -> Document:
    timings = _timings(exchange.timings)
    return {
        "startedDateTime": timestamp(exchange.timings.started_at),
        "time": round(sum(value for name, value in timings.items() if value >= 0 and name != "ssl"), 3),
        "request": _request(exchange.request, exchange.response.http_version),
        "response": _response(exchange.response),
        "cache": {},
        "timings": timings,
        "_specwatch": {
            "id": exchange.id,
            "api": exchange.api,
            "operation": exchange.operation,
            "credentials": dict(exchange.credentials),
            "vouched": exchange.vouched,
            "started_at": exchange.timings.started_at,
        },
    }


def _request(request: Request, http_version: str) -> Document:
    query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    document: Document = {
        "method": request.method,
        "url": request.url,
        "httpVersion": http_version,
        "cookies": [],
        "headers": _pairs(request.headers),
        "queryString": _pairs(query),
        "headersSize": NEVER_RAN,
        "bodySize": len(request.body),
    }
    if request.body:
        content = _content(request.body, request.headers)
        if encoding := content.pop("encoding", None):
            content["_encoding"] = encoding  # HAR knows an encoding for responses only
        document["postData"] = content
    return document


def _response(response: Response) -> Document:
    return {
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": response.http_version,
        "cookies": [],
        "headers": _pairs(response.headers),
        "content": {"size": len(response.body), **_content(response.body, response.headers)},
        "redirectURL": header(response.headers, "location") or "",
        "headersSize": NEVER_RAN,
        "bodySize": len(response.body),
    }


def _content(body: bytes, headers: Headers) -> Document:
    text, encoding = decoded(body)
    document: Document = {"mimeType": header(headers, "content-type") or "", "text": text[:BODY_CHARACTERS]}
    if encoding == BASE64:
        document["encoding"] = BASE64
    if len(text) > BODY_CHARACTERS:
        document["comment"] = f"cut to {BODY_CHARACTERS:,} of {len(text):,} characters"
    return document


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[Document]:
    return [{"name": name, "value": value} for name, value in pairs]


def _timings(timings: Timings) -> dict[str, float]:
    """Milliseconds by phase. HAR counts TLS into `connect` too, and allows -1 for the optional phases only."""
    phases = {name: seconds * 1000 for name, seconds in timings.phases.items()}
    rest = timings.total_seconds * 1000 - sum(phases.values())
    return {
        "blocked": round(max(rest, 0.0), 3),
        "dns": NEVER_RAN,
        "connect": _sum(phases, "connect", "tls"),
        "ssl": _sum(phases, "tls"),
        "send": round(phases.get("request", 0.0), 3),
        "wait": round(phases.get("processing", 0.0), 3),
        "receive": round(phases.get("transfer", 0.0), 3),
    }


def _sum(phases: Mapping[str, float], *names: str) -> float:
    found = [phases[name] for name in names if name in phases]
    return round(sum(found), 3) if found else NEVER_RAN

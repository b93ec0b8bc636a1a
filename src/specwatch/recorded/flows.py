"""Flows that mitmproxy saved, of its versions 7 to 12; older files have the same names where it matters here.

What a flow holds is in `get_state` of mitmproxy/http.py (https://github.com/mitmproxy/mitmproxy), what changed from
version to version in mitmproxy/io/compat.py. Only the connections changed since 4; they are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from specwatch.recorded.bodies import BodyError, without_coding
from specwatch.recorded.model import Entry, Skipped
from specwatch.recorded.numbers import duration, moment
from specwatch.recorded.tnetstring import TnetstringError, loads, spans
from specwatch.values.exchange import Headers, header

FORMAT: Final = "mitmproxy flows"
_OLDEST: Final = 4

Node = Mapping[str, object]


def read_flows(data: bytes, name: str) -> Iterator[Entry | Skipped]:
    """The HTTP flows of a file.

    Args:
        data: the file.
        name: for messages.
    """
    places = spans(data)
    number = 0
    while True:
        number += 1
        where = f"{name}, flow {number}"
        try:
            at, end = next(places)
            flow = loads(data, at, end)
        except StopIteration:
            return
        except TnetstringError as error:
            yield Skipped(f"{where} at byte {error.at:,}", f"cannot be read: {error}", broken=True)
            continue  # after a value without an end there is no other: the iterator is done
        yield _flow(flow, where)


def _flow(flow: object, where: str) -> Entry | Skipped:
    if not isinstance(flow, dict) or not isinstance(flow.get("type"), str):
        return Skipped(where, "is no flow", broken=True)
    request, response = flow.get("request"), flow.get("response")
    if (reason := _unjudged(flow)) is not None or not isinstance(response, dict):
        return Skipped(where, reason or "got no answer")
    try:
        _check_version(flow.get("version"))
        return _entry(request if isinstance(request, dict) else {}, response, where)
    except (TypeError, ValueError) as error:
        return Skipped(where, f"cannot be read: {error}", broken=True)


def _unjudged(flow: Node) -> str | None:
    """Why a flow shows nothing that can be judged."""
    if flow["type"] != "http":
        return f"is {str(flow['type'])[:20]}, not HTTP"
    return "is a WebSocket" if flow.get("websocket") else None


def _check_version(version: object) -> None:
    if not isinstance(version, int) or version < _OLDEST:
        raise ValueError("its mitmproxy is too old; open the file with a newer one and save it again")


def _entry(request: Node, response: Node, where: str) -> Entry:
    sent, came = _headers(request), _headers(response)
    status = response.get("status_code")
    if not isinstance(status, int):
        raise TypeError("its status is no number")
    notes: list[str] = []
    started = moment(request.get("timestamp_start"))
    ended = moment(response.get("timestamp_end"))
    seconds = duration(ended - started) if started is not None and ended is not None else None
    return Entry(
        where=where,
        method=_text(request.get("method")),
        url=_url(request, sent),
        request_headers=sent,
        request_body=_content(request, sent, notes, "request"),
        status=status,
        response_headers=came,
        response_body=_content(response, came, notes, "response"),
        reason=_text(response.get("reason") or b""),
        http_version=_text(response.get("http_version") or b"HTTP/1.1"),
        started_at=started,
        seconds=seconds,
        phases=_phases(request, response),
        notes=tuple(notes),
    )


def _phases(request: Node, response: Node) -> dict[str, float]:
    names = ("request", "processing", "transfer")
    nodes = ((request, "timestamp_start"), (request, "timestamp_end"), (response, "timestamp_start"))
    moments = [moment(node.get(key)) for node, key in (*nodes, (response, "timestamp_end"))]
    spent = zip(names, moments, moments[1:], strict=False)
    found = {name: duration(b - a) for name, a, b in spent if a is not None and b is not None}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def _url(request: Node, headers: Headers) -> str:
    """The URL that the client asked for: proxies know the address only, which `Host` puts right."""
    scheme, path = _text(request.get("scheme")) or "http", _text(request.get("path"))
    port = request.get("port")
    host = header(headers, ":authority") or header(headers, "host") or _text(request.get("authority") or b"")
    if not host:
        host = _text(request.get("host"))
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        host = host if port in {80, 443, None} else f"{host}:{port}"
    return f"{scheme}://{host}{path}"


def _headers(node: Node) -> Headers:
    pairs = node.get("headers")
    if not isinstance(pairs, list) or any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        raise TypeError("its headers are no pairs")
    return tuple((_text(name), _text(value)) for name, value in pairs)


def _content(node: Node, headers: Headers, notes: list[str], side: str) -> bytes | None:
    content = node.get("content")
    if not isinstance(content, bytes):
        notes.append(f"the {side} has no body in the file")
        return None
    try:
        return without_coding(content, headers, as_sent=True)
    except BodyError as error:
        notes.append(f"the {side}: {error}")
        return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise TypeError("a text is missing")

"""HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as browsers, proxies and test tools write it.

Fields that begin with `_` are of the tools: `_fromCache`, `_transferSize`, `_resourceType`, `_error` and
`_fetchedViaServiceWorker` of Chrome and Playwright, `_file` of Playwright, `_specwatch` of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from specwatch.recorded.bodies import BodyError, from_base64, without_coding
from specwatch.recorded.model import Entry, Skipped, Told
from specwatch.recorded.numbers import duration, moment, number
from specwatch.values.exchange import Headers, header

FORMAT: Final = "HAR"
_MILLISECOND: Final = 0.001
_FORM: Final = "application/x-www-form-urlencoded"
_CUT: Final = "cut to "
"""How the comment begins that our own HAR gives a body of which it holds a part."""

Node = Mapping[str, object]


class _EntryError(ValueError):
    """An entry that is no HAR; the text says what is wrong."""


def is_har(document: object) -> bool:
    """Whether a JSON document is a HAR: an object with `log.entries`."""
    log = document.get("log") if isinstance(document, dict) else None
    return isinstance(log, dict) and isinstance(log.get("entries"), list)


def read_har(document: Mapping[str, Mapping[str, Sequence[object]]], name: str) -> Iterator[Entry | Skipped]:
    """The entries of a HAR, in its order.

    Args:
        document: what `is_har` says yes to.
        name: of the file, for messages.
    """
    for position, entry in enumerate(document["log"]["entries"], start=1):
        where = f"{name}, entry {position}"
        try:
            yield _read(entry, where)
        except _EntryError as error:
            yield Skipped(where, str(error), broken=True)


def _read(entry: object, where: str) -> Entry | Skipped:
    if not isinstance(entry, dict):
        raise _EntryError("is no object")
    request, response = _node(entry, "request"), entry.get("response")
    if reason := _no_answer(entry, request, response):
        return Skipped(where, reason)
    response = _node(entry, "response")
    status = response.get("status")
    if isinstance(status, float) and status.is_integer():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 999:
        raise _EntryError("response.status is no status code")
    if reason := _not_of_the_server(entry, request, response, status):
        return Skipped(where, reason)
    return _entry(entry, request, response, status, where)


def _no_answer(entry: Node, request: Node, response: object) -> str | None:
    """Why there is nothing to be judged: nothing came back, or it is no exchange of HTTP."""
    url = _text(request.get("url")).lower()
    if entry.get("_resourceType") == "websocket" or url.startswith(("ws:", "wss:")):
        return "is a WebSocket"
    if response is None or (isinstance(response, dict) and number(response.get("status", 0)) in {0.0, -1.0}):
        return "got no answer"
    return None


def _not_of_the_server(entry: Node, request: Node, response: Node, status: int) -> str | None:
    """Why the answer says nothing about the server at that time."""
    content = response.get("content")
    served = isinstance(content, dict) and bool(content.get("text")) and number(response.get("_transferSize")) == 0.0
    names = {name.lower() for name, _ in _headers(request)}
    preflight = request.get("method") == "OPTIONS" and "access-control-request-method" in names
    reasons = {
        "is a WebSocket": status == 101,
        "opens a tunnel of a proxy": request.get("method") == "CONNECT",
        "is a browser's preflight": preflight,
        "was answered from a browser's cache": entry.get("_fromCache") or response.get("_fromCache") or served,
        "was answered by a service worker": response.get("_fetchedViaServiceWorker") is True,
        "was not modified, so that the answer came from a cache": status == 304,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _entry(entry: Node, request: Node, response: Node, status: int, where: str) -> Entry:
    notes: list[str] = []
    sent, came = _headers(request), _headers(response)
    method, url = _required(request, "method"), _required(request, "url")
    told, extra = _told(entry), _optional(entry, "_specwatch")
    seconds, phases = _timings(entry, ours=told is not None)
    exact = moment(extra.get("started_at")) if told is not None else None
    return Entry(
        where=where,
        method=method.upper(),
        url=url,
        request_headers=sent,
        request_body=_noted(lambda: _request_body(request, sent), notes, "request"),
        status=status,
        response_headers=came,
        response_body=_noted(lambda: _response_body(response, came, method, status), notes, "response"),
        reason=_text(response.get("statusText")),
        http_version=_text(response.get("httpVersion")) or "HTTP/1.1",
        started_at=exact if exact is not None else moment(entry.get("startedDateTime")),
        seconds=seconds,
        phases=phases,
        notes=tuple(notes),
        told=told,
    )


def _required(request: Node, name: str) -> str:
    text = request.get(name)
    if not isinstance(text, str) or not text:
        raise _EntryError(f"request.{name} is no text")
    return text


def _noted(read: Callable[[], bytes], notes: list[str], side: str) -> bytes | None:
    try:
        return read()
    except BodyError as error:
        notes.append(f"the {side}: {error}")
        return None


def _told(entry: Node) -> Told | None:
    ours = _optional(entry, "_specwatch")
    api, operation, credentials = ours.get("api"), ours.get("operation"), ours.get("credentials")
    if not isinstance(api, str) or not isinstance(operation, str):
        return None
    roles = credentials if isinstance(credentials, dict) else None
    if roles is not None and not all(isinstance(role, str) for role in roles.values()):
        roles = None
    vouched = ours.get("vouched")
    return Told(api, operation, roles, vouched if isinstance(vouched, bool) else None)


def _node(parent: Node, name: str) -> Node:
    node = parent.get(name)
    if not isinstance(node, dict):
        raise _EntryError(f"has no {name}")
    return node


def _optional(parent: Node, name: str) -> Node:
    node = parent.get(name)
    return node if isinstance(node, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _headers(node: Node) -> Headers:
    """The headers, without those of HTTP/2 that are no headers (RFC 9113, section 8.3)."""
    pairs = node.get("headers", [])
    if not isinstance(pairs, list):
        raise _EntryError("its headers are no list")
    found = []
    for pair in pairs:
        name, value = (pair.get("name"), pair.get("value")) if isinstance(pair, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str | int | float):
            raise _EntryError("one of its headers has no name or no value")
        if not name.startswith(":"):
            # Repeated headers are one value with line breaks in Chrome and Playwright.
            found += [(name, part) for part in str(value).split("\n")]
    return tuple(found)


def _request_body(request: Node, headers: Headers) -> bytes:
    data = _optional(request, "postData")
    text, size = data.get("text"), number(request.get("bodySize"))
    if not isinstance(text, str) or not text:
        return _without_text(data, headers, size)
    _refuse_cut(data)
    if data.get("encoding") == "base64" or data.get("_encoding") == "base64":
        return without_coding(from_base64(text), headers, as_sent=False)
    return without_coding(_bytes(text), headers, as_sent=False)


def _without_text(data: Node, headers: Headers, size: float | None) -> bytes:
    """The body of a request for which no text is noted: a form's fields, or nothing."""
    fields = data.get("params")
    if isinstance(fields, list) and fields and _text(data.get("mimeType")).lower().startswith(_FORM):
        pairs = [(_text(f.get("name")), _text(f.get("value"))) for f in fields if isinstance(f, dict)]
        return urlencode(pairs).encode()
    length = header(headers, "content-length") or "0"
    chunked = header(headers, "transfer-encoding") is not None
    if (size or 0) > 0 or fields or length.strip() != "0" or chunked:
        raise BodyError("its body was not recorded")
    return b""


def _response_body(response: Node, headers: Headers, method: str, status: int) -> bytes:
    content = _optional(response, "content")
    text, size = content.get("text"), number(content.get("size"))
    if not isinstance(text, str) or not text:
        if (size or 0) > 0 and not _bodiless(method, status):
            raise BodyError("its body was not recorded")
        if not isinstance(text, str) and not _is_empty(response, headers, method, status):
            raise BodyError("its body was not recorded")
        return b""
    _refuse_cut(content)
    body = from_base64(text) if content.get("encoding") == "base64" else _bytes(text)
    _refuse_part(body, size, content, response, headers)
    return without_coding(body, headers, as_sent=False)


def _bodiless(method: str, status: int) -> bool:
    return method.upper() == "HEAD" or status in {204, 205, 304}


def _is_empty(response: Node, headers: Headers, method: str, status: int) -> bool:
    """Whether an answer without a text had no body, as far as its head says."""
    if _bodiless(method, status) or (header(headers, "content-length") or "").strip() == "0":
        return True
    sizes = (number(response.get("bodySize")), number(_optional(response, "content").get("size")))
    return 0.0 in sizes and header(headers, "content-length") is None


def _refuse_cut(content: Node) -> None:
    if _text(content.get("comment")).startswith(_CUT):
        raise BodyError("only a part of its body was recorded")


def _refuse_part(body: bytes, size: float | None, content: Node, response: Node, headers: Headers) -> None:
    """Recorders with a limit keep the beginning of a body only; the size that they note is that of all of it.

    mitmproxy notes the size on the wire, from which `compression` leads to the other one.
    """
    if size is None or len(body) >= size:
        return
    coded = header(headers, "content-encoding") is not None
    if size + (number(content.get("compression")) or 0) == len(body) or (
        coded and size == number(response.get("bodySize"))
    ):
        return
    charset = (header(headers, "content-type") or "").lower()
    if "utf-16" not in charset and "utf-32" not in charset:
        raise BodyError("only a part of its body was recorded")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _timings(entry: Node, *, ours: bool) -> tuple[float | None, dict[str, float]]:
    """Seconds in all and by phase. What a browser let a request wait before it was sent is no time of the server."""
    timings = _optional(entry, "timings")
    parts = {name: duration(timings.get(name), scale=_MILLISECOND) for name in _PHASES}
    phases = {_PHASES[name]: seconds for name, seconds in parts.items() if seconds is not None}
    if "tls" in phases and "connect" in phases:  # HAR counts TLS into `connect`, too
        phases["connect"] = max(phases["connect"] - phases["tls"], 0.0)
    seconds = duration(entry.get("time"), scale=_MILLISECOND)
    queued = duration(timings.get("blocked"), scale=_MILLISECOND)
    if seconds is not None and queued is not None and not ours:
        seconds = max(seconds - queued, 0.0)
    return seconds, phases


_PHASES: Final = {
    "dns": "resolve",
    "connect": "connect",
    "ssl": "tls",
    "send": "request",
    "wait": "processing",
    "receive": "transfer",
}

"""Exchanges in files of our own: reports of a check (`specwatch.check/1`) and of a probe (`specwatch.probe/1`).

A report of a check has the exchanges only that show a violation; the HAR of the same run has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from specwatch.recorded.bodies import BodyError, from_base64
from specwatch.recorded.model import Entry, Skipped, Told
from specwatch.recorded.numbers import duration, moment
from specwatch.values.exchange import Headers

CHECK: Final = "specwatch.check/1"
PROBE: Final = "specwatch.probe/1"

Node = Mapping[str, object]


def own_format(document: object) -> str | None:
    """The name of our format, or None where a JSON document is something else."""
    schema = document.get("schema") if isinstance(document, dict) else None
    return schema if schema in {CHECK, PROBE} else None


def read_own(document: Node, name: str) -> Iterator[Entry | Skipped]:
    """The exchanges of a report.

    Args:
        document: what `own_format` knows.
        name: of the file, for messages.
    """
    found = _of_check(document) if document["schema"] == CHECK else _of_probe(document)
    seen = set()
    for position, (node, told) in enumerate(found, start=1):
        where = f"{name}, exchange {position}"
        if node is None:
            yield Skipped(where, "got no answer")
            continue
        try:
            entry = _entry(node, told, where)
        except (TypeError, ValueError) as error:
            yield Skipped(where, f"cannot be read: {error}", broken=True)
            continue
        key = (entry.url, entry.started_at, entry.request_headers, entry.request_body, entry.response_body)
        if key not in seen:  # an exchange stands beside each violation that it shows
            seen.add(key)
            yield entry


def _of_check(document: Node) -> Iterator[tuple[object, Told]]:
    for api in _nodes(document.get("apis")):
        for violation in _nodes(api.get("violations")):
            if violation.get("exchange") is not None:
                yield violation["exchange"], Told(str(api.get("id")), str(violation.get("operation")))


def _of_probe(document: Node) -> Iterator[tuple[object, Told]]:
    for run in _nodes(document.get("runs")):
        for step in _nodes(run.get("steps")):
            for sent in _nodes(step.get("sent")):
                node = sent.get("exchange")
                yield node, _told(node) if isinstance(node, dict) else Told("", "")


def _told(node: Node) -> Told:
    credentials, vouched = node.get("credentials"), node.get("vouched")
    roles = {str(k): str(v) for k, v in credentials.items()} if isinstance(credentials, dict) else None
    known = vouched if isinstance(vouched, bool) else None
    return Told(str(node.get("api")), str(node.get("operation")), roles, known)


def _nodes(value: object) -> Iterator[Node]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each


def _entry(node: object, told: Told, where: str) -> Entry:
    exchange = _node(node, "the exchange")
    request, response = _node(exchange.get("request"), "request"), _node(exchange.get("response"), "response")
    timings = exchange.get("timings")
    timings = timings if isinstance(timings, dict) else {}
    status = response.get("status")
    if not isinstance(status, int):
        raise TypeError("its status is no number")
    notes: list[str] = []
    return Entry(
        where=where,
        method=_text(request.get("method")),
        url=_text(request.get("url")),
        request_headers=_headers(request.get("headers")),
        request_body=_body(request, notes, "request"),
        status=status,
        response_headers=_headers(response.get("headers")),
        response_body=_body(response, notes, "response"),
        reason=_text(response.get("reason")),
        http_version=_text(response.get("http_version")),
        started_at=moment(timings.get("started_at")),
        seconds=duration(timings.get("total_seconds")),
        phases=_phases(timings.get("phases")),
        notes=tuple(notes),
        told=told,
    )


def _phases(value: object) -> dict[str, float]:
    spent = {str(name): duration(seconds) for name, seconds in value.items()} if isinstance(value, dict) else {}
    return {name: seconds for name, seconds in spent.items() if seconds is not None}


def _node(value: object, name: str) -> Node:
    if not isinstance(value, dict):
        raise TypeError(f"{name} is no object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _headers(value: object) -> Headers:
    """Pairs, as objects (a check) or as lists (a probe)."""
    if not isinstance(value, list):
        raise TypeError("its headers are no list")
    pairs = [(each.get("name"), each.get("value")) if isinstance(each, dict) else tuple(each) for each in value]
    return tuple((_text(name), _text(text)) for name, text in pairs)


def _body(message: Node, notes: list[str], side: str) -> bytes | None:
    body = message.get("body")
    try:
        return _of_probe_body(body) if isinstance(body, dict) else _of_check_body(message)
    except BodyError as error:
        notes.append(f"the {side}: {error}")
        return None


def _of_check_body(message: Node) -> bytes:
    if message.get("truncated"):
        raise BodyError("only a part of its body was recorded")
    text = _text(message.get("body", ""))
    return from_base64(text) if message.get("encoding") == "base64" else text.encode("utf-8", "replace")


def _of_probe_body(body: Node) -> bytes:
    if "bytes" in body:
        raise BodyError("only a part of its body was recorded")
    coded = body.get("base64")
    return from_base64(coded) if isinstance(coded, str) else _text(body.get("text", "")).encode("utf-8", "replace")

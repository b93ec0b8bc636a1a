"""One exchange as it is shown: request, response, and where its time went."""

from __future__ import annotations

import re
from typing import Final

from specwatch.reports.html.allowance import Allowance
from specwatch.reports.html.body import bodies
from specwatch.reports.html.spots import Spots
from specwatch.reports.html.view import Field, Message, Phase, Row, Shown, Waterfall
from specwatch.reports.html.visible import clipped
from specwatch.reports.text import timestamp
from specwatch.values.exchange import Exchange, Headers, Timings
from specwatch.values.failure import PHASES

URL_CHARACTERS: Final = 1_000
HEADER_CHARACTERS: Final = 600
MAX_HEADERS: Final = 40
NARROWEST: Final = 0.6
"""Percent: a phase that took no time to speak of can still be seen."""

UNTOLD: Final = 0.05
"""Part of the time that may go by between the phases without a bar of its own."""

NAMES: Final = {
    "resolve": "look up the name",
    "connect": "connect",
    "tls": "TLS",
    "request": "send",
    "processing": "wait",
    "transfer": "receive",
}
_CREDENTIAL: Final = re.compile(r"(?:\S+ )?\$[A-Za-z_]\w*(?:-\w+)?", re.ASCII)


MARKUP: Final = 1_200
"""Bytes that an exchange takes on the page beside its texts, about."""


def shown(exchange: Exchange, marks: Spots, allowance: Allowance) -> Shown:
    """An exchange with its places marked."""
    allowance.bytes -= MARKUP + len(exchange.request.url)
    return Shown(
        request=_request(exchange, marks, allowance),
        response=_response(exchange, marks, allowance),
        waterfall=waterfall(exchange.timings, marks.time),
        sent_as=", ".join(f"{scheme}: {role}" for scheme, role in exchange.credentials.items()) or "nobody",
        at=moment(exchange.timings.started_at),
    )


def moment(at: float) -> str:
    """A moment in RFC 3339; one that no calendar has is left out."""
    try:
        return timestamp(at)
    except (ValueError, OverflowError, OSError):
        return ""


def duration(seconds: float) -> str:
    """`0.4 ms`, `12 ms`, `3.20 s`."""
    if seconds >= 1:
        return f"{seconds:,.2f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def waterfall(timings: Timings, note: str = "") -> Waterfall:
    """The phases one after another; empty for an exchange whose phases nobody took."""
    known = [(NAMES[name], timings.phases[name]) for name in PHASES if name in timings.phases]
    whole = max(timings.total_seconds, sum(seconds for _, seconds in known), 1e-9)
    rest = whole - sum(seconds for _, seconds in known)
    if known and rest > UNTOLD * whole:
        known.append(("not told apart", rest))
    bars, left = [], 0.0
    for name, seconds in known:
        width = max(100 * seconds / whole, NARROWEST)
        begin = min(100 * left / whole, 100 - NARROWEST)
        bars.append(Phase(name, round(begin, 2), round(width, 2), duration(seconds)))
        left += seconds
    return Waterfall(duration(timings.total_seconds), tuple(bars), note)


def _request(exchange: Exchange, marks: Spots, allowance: Allowance) -> Message:
    request = exchange.request
    fields = _fields(request.headers, {}, allowance)
    if marks.credentials:
        fields = tuple(_credential(each, marks.credentials) for each in fields)
        missing = [scheme for scheme, role in exchange.credentials.items() if role == "absent"]
        fields += tuple(Field(scheme, "(not sent)", marks.credentials) for scheme in missing)
    first = ((request.method, ""), (clipped(request.url, URL_CHARACTERS), marks.url))
    content = bodies(request.body, request.headers, marks.question, allowance)
    return Message(first, fields, content, max(len(request.headers) - MAX_HEADERS, 0))


def _response(exchange: Exchange, marks: Spots, allowance: Allowance) -> Message:
    response = exchange.response
    fields = _fields(response.headers, marks.headers, allowance)
    present = {name.lower() for name, _ in response.headers}
    fields += tuple(Field(name, "(not there)", note) for name, note in marks.headers.items() if name not in present)
    status = f"{response.status} {clipped(response.reason, HEADER_CHARACTERS)}".rstrip()
    first = ((response.http_version, ""), (status, marks.status))
    content = bodies(response.body, response.headers, marks.answer, allowance)
    return Message(first, fields, content, max(len(response.headers) - MAX_HEADERS, 0))


def _fields(headers: Headers, notes: dict[str, str], allowance: Allowance) -> tuple[Field, ...]:
    """The headers; one that is marked is shown wherever it stands."""
    fields = [
        Field(clipped(name, HEADER_CHARACTERS), clipped(value, HEADER_CHARACTERS), notes.get(name.lower(), ""))
        for position, (name, value) in enumerate(headers)
        if position < MAX_HEADERS or name.lower() in notes
    ]
    allowance.take([Row(0, each.name, "", each.value) for each in fields])
    return tuple(fields)


def _credential(each: Field, note: str) -> Field:
    return Field(each.name, each.value, note) if _CREDENTIAL.fullmatch(each.value) else each


NOTHING: Final = Spots()
"""Nothing is marked."""

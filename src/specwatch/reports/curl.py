"""An exchange as a command line that repeats its request: one line, for a POSIX shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urlsplit

from specwatch.reports.text import count
from specwatch.values.exchange import Exchange, Request, header

INLINE_BYTES: Final = 2000
"""Longer bodies are not printed: the command reads them from its standard input and says how long they are."""

_OWN: Final = frozenset({"host", "content-length", "connection", "accept-encoding", "user-agent", "transfer-encoding"})
"""Headers that curl sets itself."""

_TOKEN: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", re.ASCII)
"""A field name, RFC 9110 section 5.1."""

_CREDENTIAL: Final = re.compile(r"(?:[A-Za-z]+ )?\$[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
"""What the wallet shows instead of a secret. Nothing else is ever left to the shell to fill in."""

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_ASCII: Final = range(0x20, 0x7F)


def to_curl(exchange: Exchange) -> str:
    """The request as one line for a POSIX shell.

    Everything is quoted so that the shell takes it literally, except credentials: `$VARIABLE` stands in double quotes,
    so that the shell fills it in. A body with line breaks or other bytes that a line cannot show comes through
    `printf`; one that is longer than `INLINE_BYTES` is left to standard input, and a comment says so.
    """
    request = exchange.request
    headers, dropped = _headers(exchange)
    before, arguments, notes = _body(request)
    command = ["curl", "-i", *_method(request), *_url(request.url), *headers, *arguments]
    if dropped:
        notes.append(f"left out: {count(dropped, 'header')} with control characters")
    comment = f"  # {'; '.join(notes)}" if notes else ""
    return before + " ".join(command) + comment


def _method(request: Request) -> list[str]:
    if request.method == "GET" and not request.body:
        return []
    return ["--head"] if request.method == "HEAD" else ["-X", shlex.quote(request.method)]


def _url(url: str) -> Iterator[str]:
    if "/." in urlsplit(url).path:
        yield "--path-as-is"
    if any(char in url for char in "[]{}"):
        yield "--globoff"
    yield shlex.quote("".join(char if char.isprintable() else quote(char, errors="replace") for char in url))


def _headers(exchange: Exchange) -> tuple[list[str], int]:
    """Arguments for the headers, and how many headers cannot be written on a line."""
    request = exchange.request
    carried = sum(role != "absent" for role in exchange.credentials.values())
    arguments: list[str] = []
    dropped = 0
    for position, (name, value) in enumerate(request.headers, start=1):
        is_credential = position > len(request.headers) - carried  # the transport puts them last
        if name.lower() in _OWN or (name.lower() == "accept" and value == "*/*"):
            continue
        if is_credential and _CREDENTIAL.fullmatch(value) and _PLAIN_NAME.fullmatch(name):
            arguments += ["-H", f'"{name}: {value}"']
        elif (text := _wire_text(value)).isprintable() and _TOKEN.fullmatch(name):
            arguments += ["-H", shlex.quote(f"{name}: {text}" if text else f"{name};")]
        else:
            dropped += 1
    if request.body and header(request.headers, "content-type") is None:
        arguments += ["-H", "'Content-Type:'"]  # without it curl would claim a form
    return arguments, dropped


def _wire_text(value: str) -> str:
    """A header value as the bytes read in UTF-8: on the wire they are written down byte by byte."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _body(request: Request) -> tuple[str, list[str], list[str]]:
    """What stands before `curl`, its arguments for the body, and notes."""
    body = request.body
    if not body:
        return "", [], []
    if len(body) > INLINE_BYTES:
        note = f"give it the body of {len(body):,} bytes on standard input; the HAR report has it"
        return "", ["--data-binary", "@-"], [note]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if text.isprintable():
        return "", ["--data-raw", shlex.quote(text)], []
    return f"printf {shlex.quote(_printf_format(body))} | ", ["--data-binary", "@-"], []


def _printf_format(body: bytes) -> str:
    """A format that makes printf write these bytes: octal escapes as POSIX has them."""
    return "".join(_printf_byte(byte, first=index == 0) for index, byte in enumerate(body))


def _printf_byte(byte: int, *, first: bool) -> str:
    char = chr(byte)
    if char == "%":
        return "%%"
    if byte not in _ASCII or char in "\\'" or (first and char == "-"):
        return f"\\{byte:03o}"
    return char

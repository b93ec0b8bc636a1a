"""What in recorded traffic is secret: found where secrets stand, taken out everywhere."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from specwatch.recorded.harmless import Harmless
from specwatch.recorded.members import mask_body, mask_text, secrets_in, secrets_of
from specwatch.recorded.model import Entry
from specwatch.spec.model import Api
from specwatch.values.credential_names import is_secret_header, is_secret_member, is_secret_parameter
from specwatch.values.exchange import Exchange, Headers
from specwatch.values.secrets import MASK, Redactor
from specwatch.values.urls import mask_urls
from specwatch.values.violation import Violation

SHORTEST: Final = 8
"""Shorter values of cookies and the like are taken out where they stand, and not looked for elsewhere: they would blot
out ordinary text. Values of credentials are looked for from four characters on."""

MAX_OTHERS: Final = 50
"""That many values that are no credentials of a spec are looked for everywhere."""

_MASKED: Final = re.compile(
    r"(?:(?:bearer|basic|token)\b)?\W*"
    r"(?:x{3,}|secret|redacted|removed|masked|hidden|sanitized|filtered|omitted|private)?\W*",
    re.IGNORECASE,
)


def is_masked(value: str) -> bool:
    """Whether a recorder, or whoever shared the file, put something in the place of a value: `***`, `[REDACTED]`."""
    return _MASKED.fullmatch(value) is not None


def credential_values(entry: Entry, api: Api, harmless: Harmless) -> Iterator[str]:
    """The values of the headers that carry the API's credentials, and of `Authorization`, without their scheme."""
    names = {"authorization", "proxy-authorization", *(scheme.header for scheme in api.schemes.values())}
    for name, value in entry.request_headers:
        if name.lower() in names and value not in harmless and not is_masked(value):
            yield from _readings(value)


def other_values(entry: Entry) -> Iterator[str]:
    """The values of cookies, and of whatever else is secret by its name, in headers, in URLs and in bodies."""
    headers = (*entry.request_headers, *entry.response_headers)
    yield from _of_headers(headers)
    yield from secrets_of(entry.request_body or b"", entry.request_headers)
    yield from secrets_of(entry.response_body or b"", entry.response_headers)
    try:
        pairs = parse_qsl(urlsplit(entry.url).query, keep_blank_values=True)
        password = urlsplit(entry.url).password
    except ValueError:
        return
    yield from (value for name, value in pairs if is_secret_parameter(name, value))
    if password:
        yield password


def _of_headers(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        if name.lower() == "cookie":
            yield from (part.partition("=")[2].strip() for part in value.split(";"))
        elif name.lower() == "set-cookie":
            yield value.partition(";")[0].partition("=")[2].strip()
        elif is_secret_header(name, value):
            yield value
        else:
            yield from secrets_in(value)


def _readings(value: str) -> Iterator[str]:
    """The whole value, what follows its scheme, and the name and password inside `Basic`."""
    scheme, space, rest = value.strip().partition(" ")
    rest = rest.strip()
    yield rest if space and scheme.isalpha() else value.strip()
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, ValueError):
            return
        yield decoded
        yield decoded.partition(":")[2]


class TrafficRedactor(Redactor):
    """Takes secrets out of recorded traffic: known values everywhere, and the values of secret names where they stand.

    Args:
        secrets: the values.
        headers: names of the headers that carry credentials, lower case.
        harmless: tells what is no secret.
    """

    def __init__(self, secrets: Iterable[str], headers: Iterable[str], harmless: Harmless) -> None:
        super().__init__(secrets)
        self._headers = frozenset(headers)
        self._harmless = harmless

    def text(self, text: str) -> str:
        """The text without secrets, those included that show by their names what they are."""
        return mask_text(super().text(text), MASK, self._needs_none)

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange without secrets."""
        request, response = exchange.request, exchange.response
        masked = replace(
            exchange,
            request=replace(
                request,
                url=_masked_url(request.url),
                headers=self._masked(request.headers),
                body=mask_body(request.body, request.headers, MASK, self._needs_none),
            ),
            response=replace(
                response,
                headers=self._masked(response.headers),
                body=mask_body(response.body, response.headers, MASK, self._needs_none),
            ),
            query=_masked_query(exchange.query),
        )
        return super().exchange(masked)

    def violation(self, violation: Violation) -> Violation:
        """The violation without the secrets of its own exchange in its sentences, however short they are."""
        if violation.exchange is None:
            return violation
        request, response = violation.exchange.request, violation.exchange.response
        found = [*secrets_of(request.body, request.headers), *secrets_of(response.body, response.headers)]
        found += _of_headers((*request.headers, *response.headers))
        own = Redactor(value for value in found if not self._needs_none(value))
        quotes = is_secret_member(violation.where.rpartition("/")[2])
        return replace(
            violation,
            message=own.text(violation.message),
            expected=own.text(violation.expected),
            found=MASK if quotes and violation.found else own.text(violation.found),
        )

    def _needs_none(self, value: str) -> bool:
        return is_masked(value) or value in self._harmless

    def _masked(self, headers: Headers) -> Headers:
        return tuple(
            (name, MASK if self._hides(name, value) else mask_text(value, MASK, self._needs_none))
            for name, value in headers
        )

    def _hides(self, name: str, value: str) -> bool:
        lower = name.lower()
        secret = lower in self._headers or lower in {"cookie", "set-cookie"} or is_secret_header(lower, value)
        return secret and bool(value) and value not in self._harmless


def _masked_query(query: Mapping[str, str]) -> dict[str, str]:
    return {
        name: MASK if value and is_secret_parameter(name, value) else mask_urls(value, MASK)
        for name, value in query.items()
    }


def _masked_url(url: str) -> str:
    head, mark, query = url.partition("?")
    scheme, slashes, rest = head.partition("://")
    site, slash, path = rest.partition("/")
    if "@" in site:
        head = f"{scheme}{slashes}{site.rpartition('@')[2]}{slash}{path}"
    pairs = (pair.partition("=") for pair in query.split("&"))
    kept = [
        f"{name}={MASK}" if value and is_secret_parameter(unquote(name), unquote(value)) else f"{name}{sign}{value}"
        for name, sign, value in pairs
    ]
    return mask_urls(f"{head}{mark}{'&'.join(kept)}" if mark else head, MASK)

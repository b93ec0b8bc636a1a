"""What in recorded traffic is secret: found where secrets stand, taken out everywhere."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from specwatch.recorded.model import Entry
from specwatch.spec.model import Api
from specwatch.values.exchange import Exchange, Headers
from specwatch.values.sandbox import PREFIX
from specwatch.values.secrets import MASK, Redactor

SHORTEST: Final = 8
"""Shorter values of cookies and the like are taken out where they stand, and not looked for elsewhere: they would blot
out ordinary text. Values of credentials are looked for from four characters on."""

MAX_OTHERS: Final = 50
"""That many values that are no credentials of a spec are looked for everywhere."""

_WORDS: Final = (
    r"authori[sz]ation|auth|token|jwt|secret|passwd|password|pwd|cookie2?|session|sid|sig|signature|credentials?|"
    r"api-?key|apikey|access-?key|private-?key|client-?(?:id|secret)|subscription-?key|key|csrf|xsrf"
)
_NAME: Final = re.compile(rf"(?:^|[-_.]|x-)(?:{_WORDS})(?:$|[-_.])", re.IGNORECASE)
_HARMLESS: Final = frozenset({"www-authenticate", "proxy-authenticate", "idempotency-key", "sec-websocket-key"})
_SHOWN: Final = re.compile(r"(?:[A-Za-z]+ )?\$[A-Za-z_][A-Za-z0-9_-]*")
_MASKED: Final = re.compile(
    r"(?:(?:bearer|basic|token)\b)?\W*"
    r"(?:x{3,}|secret|redacted|removed|masked|hidden|sanitized|filtered|omitted|private)?\W*",
    re.IGNORECASE,
)


def is_masked(value: str) -> bool:
    """Whether a recorder, or whoever shared the file, put something in the place of a value: `***`, `[REDACTED]`."""
    return _MASKED.fullmatch(value) is not None


def is_shown(value: str) -> bool:
    """Whether a value is one that our own reports show: `$VARIABLE`, or a credential that every sandbox has."""
    return _SHOWN.fullmatch(value) is not None or PREFIX in value


def is_secret_name(name: str) -> bool:
    """Whether a header, a cookie's header or a parameter of a query holds a secret, by its name."""
    lower = name.lower()
    return lower not in _HARMLESS and _NAME.search(lower) is not None


def credential_values(entry: Entry, api: Api) -> Iterator[str]:
    """The values of the headers that carry the API's credentials, and of `Authorization`, without their scheme."""
    names = {"authorization", "proxy-authorization", *(scheme.header for scheme in api.schemes.values())}
    for name, value in entry.request_headers:
        if name.lower() in names and not is_shown(value) and not is_masked(value):
            yield from _readings(value)


def other_values(entry: Entry) -> Iterator[str]:
    """The values of cookies, and of whatever else is secret by its name."""
    for name, value in (*entry.request_headers, *entry.response_headers):
        if name.lower() == "cookie":
            yield from (part.partition("=")[2].strip() for part in value.split(";"))
        elif name.lower() == "set-cookie":
            yield value.partition(";")[0].partition("=")[2].strip()
        elif is_secret_name(name) and not is_shown(value):
            yield value
    try:
        pairs = parse_qsl(urlsplit(entry.url).query, keep_blank_values=True)
        password = urlsplit(entry.url).password
    except ValueError:
        return
    yield from (value for name, value in pairs if is_secret_name(name))
    if password:
        yield password


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
    """

    def __init__(self, secrets: Iterable[str], headers: Iterable[str] = ()) -> None:
        super().__init__(secrets)
        self._headers = frozenset(headers)

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange without secrets."""
        request, response = exchange.request, exchange.response
        masked = replace(
            exchange,
            request=replace(request, url=_masked_url(request.url), headers=self._masked(request.headers)),
            response=replace(response, headers=self._masked(response.headers)),
            query=_masked_query(exchange.query),
        )
        return super().exchange(masked)

    def _masked(self, headers: Headers) -> Headers:
        return tuple((name, MASK if self._hides(name, value) else value) for name, value in headers)

    def _hides(self, name: str, value: str) -> bool:
        lower = name.lower()
        secret = lower in self._headers or lower in {"cookie", "set-cookie"} or is_secret_name(lower)
        return secret and bool(value) and not is_shown(value)


def _masked_query(query: Mapping[str, str]) -> dict[str, str]:
    return {name: MASK if value and is_secret_name(name) else value for name, value in query.items()}


def _masked_url(url: str) -> str:
    head, mark, query = url.partition("?")
    scheme, slashes, rest = head.partition("://")
    site, slash, path = rest.partition("/")
    if "@" in site:
        head = f"{scheme}{slashes}{site.rpartition('@')[2]}{slash}{path}"
    pairs = (pair.partition("=") for pair in query.split("&"))
    kept = [
        f"{name}={MASK}" if value and is_secret_name(name) else f"{name}{sign}{value}" for name, sign, value in pairs
    ]
    return f"{head}{mark}{'&'.join(kept)}" if mark else head

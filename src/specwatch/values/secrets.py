"""Secrets leave nothing: every text that leaves the process goes through a `Redactor`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from html.entities import html5
from typing import Final
from urllib.parse import quote, quote_plus

from specwatch.values.exchange import Exchange, Headers
from specwatch.values.urls import mask_urls

MASK = "[secret]"
CUT = "…"
"""Stands where a text was shortened."""

SHORTEST = 4
"""Values shorter than this are not looked for: they would blot out ordinary text."""

LONG_PART: Final = 12
"""A half of a secret with that many characters is looked for by itself."""


class Redactor:
    """Replaces every known secret, in every usual spelling, by `[secret]`.

    Args:
        secrets: the values; those shorter than four characters are ignored.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        wanted = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        spellings = {spelling for secret in wanted for spelling in _spellings(secret)}
        self._texts = sorted(spellings, key=len, reverse=True)
        # One pass for all of them, longest first, so that no mask is taken apart by a secret that is part of it.
        pattern = "|".join([*(_loosely(secret) for secret in wanted), *map(re.escape, self._texts)])
        self._any_text = re.compile(pattern, re.IGNORECASE)
        self._any_bytes = re.compile(pattern.encode("utf-8", "surrogatepass"), re.IGNORECASE)
        # A text that holds none of these holds no secret; they are few, and looked for much faster than the pattern.
        self._folded = _shortest({*map(_core, wanted), *self._texts})
        self._folded_bytes = [core.lower().encode("utf-8", "surrogatepass") for core in self._folded]
        self._needles = _least(self._folded_bytes) if all(map(str.isascii, self._texts)) else None

    @property
    def is_idle(self) -> bool:
        """Whether there is no secret to look for."""
        return not self._texts

    def text(self, text: str) -> str:
        """The text without secrets."""
        folded = text.casefold()
        found = any(
            secret in folded for secret in self._folded
        )  # much faster than the pattern, and nearly always false
        clean = self._any_text.sub(MASK, text) if found else text
        return self._without_beginnings(clean) if CUT in clean else clean

    def sentence(self, text: str) -> str:
        """The text without secrets, those of URLs that it quotes included."""
        return mask_urls(self.text(text), MASK)

    def _without_beginnings(self, text: str) -> str:
        """The text without the beginnings of secrets that a shortened text ends in."""
        for secret in self._texts:
            for length in range(len(secret) - 1, SHORTEST - 1, -1):
                text = text.replace(f"{secret[:length]}{CUT}", f"{MASK}{CUT}")
        return text

    def bytes(self, data: bytes) -> bytes:
        """The bytes without secrets."""
        folded = data.lower()
        found = any(secret in folded for secret in self._folded_bytes)
        return self._any_bytes.sub(MASK.encode(), data) if found else data

    def headers(self, headers: Headers) -> Headers:
        """The headers without secrets, those of URLs in them included."""
        return tuple((self.text(name), self.text(value)) for name, value in _without_url_secrets(headers))

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange without secrets, wherever the target may have echoed them."""
        exchange = _with_clean_urls(exchange)
        if not self._texts or self._is_clean(exchange):
            return exchange
        request, response = exchange.request, exchange.response
        return replace(
            exchange,
            target=self.text(exchange.target),
            request=replace(
                request,
                url=self.text(request.url),
                headers=self.headers(request.headers),
                body=self.bytes(request.body),
            ),
            response=replace(
                response,
                reason=self.text(response.reason),
                headers=self.headers(response.headers),
                body=self.bytes(response.body),
            ),
            path_parameters={name: self.text(value) for name, value in exchange.path_parameters.items()},
            query={name: self.text(value) for name, value in exchange.query.items()},
        )

    def _is_clean(self, exchange: Exchange) -> bool:
        """Whether it is certain that there is nothing to replace, found out by looking at everything at once.

        It is never certain where a text or a secret is more than ASCII: there, letters have several forms.
        """
        request, response = exchange.request, exchange.response
        texts = [exchange.target, request.url, response.reason]
        for name, value in (*request.headers, *response.headers):
            texts += (name, value)
        texts += exchange.path_parameters.values()
        texts += exchange.query.values()
        text = "\n".join(texts)
        if self._needles is None or not text.isascii():
            return False
        folded = b"\n".join((text.encode(), request.body, response.body)).lower()
        return not any(needle in folded for needle in self._needles)


def _with_clean_urls(exchange: Exchange) -> Exchange:
    """The exchange without the secrets of URLs in its headers; itself where there are none."""
    request, response = exchange.request, exchange.response
    sent, came = _without_url_secrets(request.headers), _without_url_secrets(response.headers)
    if (sent, came) == (request.headers, response.headers):
        return exchange
    return replace(exchange, request=replace(request, headers=sent), response=replace(response, headers=came))


def _without_url_secrets(headers: Headers) -> Headers:
    return tuple((name, mask_urls(value, MASK)) for name, value in headers)


def _least(texts: Iterable[bytes]) -> tuple[bytes, ...]:
    """Those texts that have none of the others in them: where these are not, none is."""
    least: list[bytes] = []
    for text in sorted(set(texts), key=len):
        if not any(other in text for other in least):
            least.append(text)
    return tuple(least)


def _shortest(texts: Iterable[str]) -> list[str]:
    """The texts in small letters, but for those that contain another one."""
    found: list[str] = []
    for text in sorted({text.casefold() for text in texts}, key=len):
        if not any(each in text for each in found):
            found.append(text)
    return found


def _core(text: str) -> str:
    """The longest run of letters and digits of ASCII, which most encodings leave alone; empty where there is none."""
    return max(re.findall(r"[A-Za-z0-9]+", text), key=len, default="")


def _loosely(secret: str) -> str:
    """A pattern of the secret in which each character that is no letter or digit may be spelled in its own way.

    So it is found as an escaped JSON text inside another one, percent-encoded twice, as part of a JSON pointer or with
    the named entities of HTML, and also where only some characters were escaped.
    """
    return "".join(char if char.isascii() and char.isalnum() else _ways(char) for char in secret)


def _ways(char: str) -> str:
    raw = char.encode("utf-8", "surrogatepass")
    units = char.encode("utf-16-be", "surrogatepass").hex(" ", 2).split()
    names = {name.rstrip(";") for name, value in html5.items() if value == char}
    entities = "|".join([f"#0*{ord(char)}", f"#x0*{ord(char):x}", *sorted(map(re.escape, names))])
    ways = [
        "".join(f"%(?:25)*{byte:02x}" for byte in raw),
        "".join(rf"\\{{1,{_NESTED}}}u{unit}" for unit in units),
        f"&(?:amp;)*(?:{entities});?",
        *_SPECIAL.get(char, ()),
        rf"\\{{0,{_NESTED}}}{re.escape(char)}",
    ]
    return f"(?:{'|'.join(ways)})"


_NESTED: Final = 15
"""How many backslashes may stand before an escaped character: four levels of JSON in JSON."""

_SPECIAL: Final = {
    " ": (r"\+",),  # application/x-www-form-urlencoded
    "/": ("~1",),  # RFC 6901, section 3
    "~": ("~0",),
    "\\": (rf"\\{{1,{_NESTED}}}",),
}


def _spellings(secret: str) -> set[str]:
    """The secret as it is, percent-encoded, as JSON, in base64, hex and HTML entities, the usual variants of each.

    Also backwards, and each half of a long one. What would take many more texts to look for is left out, since every
    text that leaves is searched for all of them: see `docs/explanation/safety.md`.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    percent = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    escaped = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {
        secret,
        *percent,
        "".join(f"%{byte:02x}" for byte in raw),
        raw.hex(),
        "".join(f"&#{ord(char)};" for char in secret),
        "".join(f"&#x{ord(char):x};" for char in secret),
        *escaped,
        *(text.replace("/", "\\/") for text in escaped),
        *(text for offset in range(3) for text in _base64(raw, offset)),
        secret[::-1],
        *_halves(secret),
    }


def _halves(secret: str) -> tuple[str, ...]:
    """Both halves of a secret that is so long that neither can be anything else."""
    middle = len(secret) // 2
    return (secret[:middle], secret[middle:]) if middle >= LONG_PART else ()


def _base64(raw: bytes, offset: int) -> set[str]:
    """The characters that only the secret decides, in base64 of a text in which `offset` bytes modulo 3 precede it."""
    encoded = base64.b64encode(bytes(offset) + raw)
    certain = encoded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6].decode()
    return {certain, certain.translate(str.maketrans("+/", "-_"))}

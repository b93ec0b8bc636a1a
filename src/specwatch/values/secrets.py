"""Secrets leave nothing: every text that leaves the process goes through a `Redactor`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus

from specwatch.values.exchange import Exchange, Headers

MASK = "[secret]"
CUT = "…"
"""Stands where a text was shortened."""

SHORTEST = 4
"""Values shorter than this are not looked for: they would blot out ordinary text."""


class Redactor:
    """Replaces every known secret, in every usual spelling, by `[secret]`.

    Args:
        secrets: the values; those shorter than four characters are ignored.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {spelling for secret in secrets if len(secret) >= SHORTEST for spelling in _spellings(secret)}
        self._texts = sorted(spellings, key=len, reverse=True)
        self._bytes = [text.encode("utf-8", "surrogatepass") for text in self._texts]
        # One pass for all of them, longest first, so that no mask is taken apart by a secret that is part of it.
        self._any_text = re.compile("|".join(map(re.escape, self._texts)), re.IGNORECASE)
        self._any_bytes = re.compile(b"|".join(map(re.escape, self._bytes)), re.IGNORECASE)
        self._folded = [text.casefold() for text in self._texts]
        self._folded_bytes = [text.lower() for text in self._bytes]

    def text(self, text: str) -> str:
        """The text without secrets."""
        folded = text.casefold()
        found = any(
            secret in folded for secret in self._folded
        )  # much faster than the pattern, and nearly always false
        clean = self._any_text.sub(MASK, text) if found else text
        return self._without_beginnings(clean) if CUT in clean else clean

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
        """The headers without secrets."""
        return tuple((self.text(name), self.text(value)) for name, value in headers)

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange without secrets, wherever the target may have echoed them."""
        if not self._texts:
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


def _spellings(secret: str) -> set[str]:
    """The secret as it is, percent-encoded, as JSON, in base64, hex and HTML entities, the usual variants of each."""
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
    }


def _base64(raw: bytes, offset: int) -> set[str]:
    """The characters that only the secret decides, in base64 of a text in which `offset` bytes modulo 3 precede it."""
    encoded = base64.b64encode(bytes(offset) + raw)
    certain = encoded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6].decode()
    return {certain, certain.translate(str.maketrans("+/", "-_"))}

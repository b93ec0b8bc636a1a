"""Secrets leave nothing: every text that leaves the process goes through a `Redactor`."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus

from specwatch.values.exchange import Exchange, Headers

MASK = "[secret]"
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

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._texts:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def bytes(self, data: bytes) -> bytes:
        """The bytes without secrets."""
        for secret in self._bytes:
            if secret in data:
                data = data.replace(secret, MASK.encode())
        return data

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
    raw = secret.encode()
    encoded = base64.b64encode(raw).decode()
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        encoded,
        encoded.rstrip("="),
        base64.urlsafe_b64encode(raw).decode(),
    }

"""Secrets in bodies and in what is quoted of them: members that are called like a credential, and JSON Web Tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote_plus

from specwatch.values.credential_names import is_secret_member, is_secret_number
from specwatch.values.exchange import Headers, header
from specwatch.values.urls import mask_urls, url_secrets

_TEXT: Final = r'"(?:[^"\\]++|\\.)*+"'
_MEMBER: Final = re.compile(
    rf"({_TEXT})(?:(\s*+:\s*+)({_TEXT}|-?[0-9][0-9.eE+-]*+|\[\s*+{_TEXT}(?:\s*+,\s*+{_TEXT})*+\s*+\]))?+",
    re.ASCII | re.DOTALL,
)
"""Any JSON text, so that no quote is taken for the wrong one, with what it is the name of."""

_RUN: Final = re.compile(r"[A-Za-z0-9_.-]++", re.ASCII)
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]{4,}+(?:\.[A-Za-z0-9_-]*+){2,4}", re.ASCII)
_FIELD: Final = re.compile(r"(^|[&\n])([^=&\s]{1,80})=([^&\r\n]+)", re.ASCII)
_PART: Final = re.compile(
    r'(;\s*name="?([^"\r\n;]{1,80})"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)(.+?)(?=\r?\n--)', re.ASCII | re.DOTALL
)
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/"
_LEVELS: Final = 3
"""So many JSON documents inside texts of JSON documents are looked into."""

Judge = Callable[[str], bool]


def mask_text(text: str, mask: str, is_harmless: Judge) -> str:
    """The text with masks for the secrets that show themselves: in URLs, in JSON or a part of it, and JWTs.

    Args:
        text: a body, or a sentence that quotes one.
        mask: stands for a secret.
        is_harmless: whether a value needs no mask.
    """
    text = mask_urls(text, mask)
    if '"' in text:
        text = _mask_members(text, mask, is_harmless, _LEVELS)
    return _RUN.sub(lambda run: _without_jwt(run[0], mask), text) if "eyJ" in text else text


def mask_body(body: bytes, headers: Headers, mask: str, is_harmless: Judge) -> bytes:
    """A body with masks for its secrets: those of `mask_text`, and fields of a form.

    Args:
        body: any bytes.
        headers: of the message, for the kind of the body.
        mask: stands for a secret.
        is_harmless: whether a value needs no mask.
    """
    if not body:
        return body
    text = _latin(body)  # each byte is a character: what is no text comes out as it went in
    told = _latin(mask.encode())
    media = (header(headers, "content-type") or "").lower()
    if media.startswith(_FORM):
        text = _FIELD.sub(lambda f: f"{f[1]}{f[2]}={told}" if _is_field(f[2], f[3], is_harmless) else f[0], text)
    elif media.startswith(_MULTIPART):
        text = _PART.sub(lambda f: f"{f[1]}{told}" if _is_field(f[2], f[3], is_harmless) else f[0], text)
    return mask_text(text, told, is_harmless).encode("latin-1")


def secrets_of(body: bytes, headers: Headers) -> Iterator[str]:
    """The values that `mask_body` masks, as they would be quoted."""
    text = body.decode("utf-8", "replace")
    media = (header(headers, "content-type") or "").lower()
    if media.startswith(_FORM):
        yield from (unquote_plus(f[3]) for f in _FIELD.finditer(text) if is_secret_member(unquote_plus(f[2])))
    elif media.startswith(_MULTIPART):
        yield from (f[3] for f in _PART.finditer(text) if is_secret_member(f[2]))
    yield from secrets_in(text)


def secrets_in(text: str, levels: int = _LEVELS) -> Iterator[str]:
    """The values that `mask_text` masks, decoded."""
    yield from url_secrets(text)
    if "eyJ" in text:
        yield from (found[0] for run in _RUN.finditer(text) for found in _JWT.finditer(run[0]))
    for found in _MEMBER.finditer(text) if '"' in text else ():
        value = _decoded(found[3] or found[1])
        if found[3] and is_secret_member(_name(found[1])):
            yield from (str(each) for each in (value if isinstance(value, list) else [value]))
        elif levels and isinstance(value, str) and '"' in value:
            yield from secrets_in(value, levels - 1)


def _mask_members(text: str, mask: str, is_harmless: Judge, levels: int) -> str:
    def masked(found: re.Match[str]) -> str:
        quoted = found[3] or found[1]
        if found[3] and is_secret_member(name := _name(found[1])):
            return f"{found[1]}{found[2]}{_masked_value(found[3], name, mask, is_harmless)}"
        if levels and '\\"' in quoted and isinstance(inner := _decoded(quoted), str):
            clean = _mask_members(inner, mask, is_harmless, levels - 1)
            if clean != inner:
                again = json.dumps(clean, ensure_ascii=False)
                return f"{found[1]}{found[2]}{again}" if found[3] else again
        return found[0]

    return _MEMBER.sub(masked, text)


def _masked_value(quoted: str, name: str, mask: str, is_harmless: Judge) -> str:
    if quoted.startswith("["):
        return f'["{mask}"]'
    if not quoted.startswith('"'):
        return f'"{mask}"' if is_secret_number(name) else quoted
    value = _decoded(quoted)
    return quoted if isinstance(value, str) and is_harmless(value) else f'"{mask}"'


def _is_field(name: str, value: str, is_harmless: Judge) -> bool:
    return is_secret_member(unquote_plus(name)) and not is_harmless(unquote_plus(value))


def _without_jwt(run: str, mask: str) -> str:
    # A run has no more than one token, and everything behind its beginning may be a part of it.
    start = run.find("eyJ")
    return f"{run[:start]}{mask}" if start >= 0 and _JWT.match(run, start) else run


def _name(quoted: str) -> str:
    name = _decoded(quoted)
    return name if isinstance(name, str) else quoted.strip('"')


def _decoded(quoted: str) -> object:
    try:
        return json.loads(quoted, strict=False)
    except (ValueError, RecursionError):
        return quoted.strip('"')


def _latin(data: bytes) -> str:
    return data.decode("latin-1")

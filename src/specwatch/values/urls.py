"""Secrets in URLs, wherever a text has a URL in it: the user's part, and parameters that are called like a secret.

Facts: RFC 3986, sections 3.2.1 (userinfo) and 3.4 (query).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from specwatch.values.credential_names import is_secret_parameter

_END: Final = r"&#\s\"'<>\\"
_USER: Final = re.compile(rf"//([^/?{_END}@]*(?:@[^/?{_END}@]*)*)@", re.ASCII)
_CODED_USER: Final = re.compile(
    rf"(%(?:25)*3A%(?:25)*2F%(?:25)*2F)((?:(?!%(?:25)*(?:2F|3F|23|40))[^/?{_END}@])*)(?=%(?:25)*40)",
    re.ASCII | re.IGNORECASE,
)
_PLAIN: Final = re.compile(rf"([?&#;]|\\u0026)([^=/?;,{_END}]{{1,80}})=([^{_END}]+)", re.ASCII)
_CODED: Final = re.compile(
    rf"(%(?:25)*(?:3F|26|23))([A-Za-z0-9_.~-]{{1,80}})(%(?:25)*3D)((?:(?!%(?:25)*(?:26|23))[^{_END}])+)",
    re.ASCII | re.IGNORECASE,
)


def may_hold(text: str) -> bool:
    """Whether a text may have a URL with a secret in it; False is certain, and found out fast."""
    return "//" in text or "=" in text or "%" in text


def mask_urls(text: str, mask: str) -> str:
    """The text with a mask for each secret of a URL in it.

    Args:
        text: any text.
        mask: stands for a secret; what it stands for already is left alone.
    """
    if not may_hold(text):
        return text
    text = _USER.sub(f"//{mask}@", text) if "@" in text else text
    if "%" in text:
        text = _CODED_USER.sub(rf"\g<1>{mask}", text)
        text = _CODED.sub(lambda found: f"{found[1]}{found[2]}{found[3]}{mask}" if _coded(found) else found[0], text)
    if "=" in text:
        text = _PLAIN.sub(lambda found: f"{found[1]}{found[2]}={mask}" if _plain(found) else found[0], text)
    return text


def url_secrets(text: str) -> Iterator[str]:
    """The secrets of the URLs in a text, decoded."""
    if not may_hold(text):
        return
    for found in (*_USER.finditer(text), *_CODED_USER.finditer(text)):
        yield unquote(found[found.re.groups]).partition(":")[2]
    yield from (unquote(unquote(found[4])) for found in _CODED.finditer(text) if _coded(found))
    yield from (unquote(found[3]) for found in _PLAIN.finditer(text) if _plain(found))


def _coded(found: re.Match[str]) -> bool:
    return is_secret_parameter(found[2], unquote(found[4]))


def _plain(found: re.Match[str]) -> bool:
    return is_secret_parameter(unquote(found[2]), found[3])

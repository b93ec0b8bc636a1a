"""What the bodies of forms say: the fields of `x-www-form-urlencoded` and `multipart` as values of their schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_plus

from specwatch.spec.parameters import UNDECODABLE, best, typed
from specwatch.spec.schema import Schema

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
FORMS: Final = frozenset({URLENCODED, MULTIPART})
_NAME = re.compile(r';\s*name="([^"]*)"')
_JSON = re.compile(rb"content-type:\s*application/(?:[\w.-]+\+)?json", re.IGNORECASE)
Field = tuple[str, object]


def decoded_form(schema: Schema, content_type: str, body: bytes) -> object:
    """The fields of a form, each in the reading that fits its schema where one does.

    Args:
        schema: of the whole body.
        content_type: the header of the request, with its boundary.
        body: as sent.

    Returns:
        an object, or `UNDECODABLE` where no fields can be told apart or the schema nests deeper than forms can say.
    """
    essence = content_type.split(";", 1)[0].strip().lower()
    if essence == URLENCODED:
        return _whole(schema, _urlencoded(body))
    boundary = re.search(r'boundary="?([^";,]+)', content_type)
    if essence != MULTIPART or boundary is None:
        return UNDECODABLE
    return _whole(schema, _multipart(body, boundary.group(1).strip().encode()))


def _whole(schema: Schema, fields: Iterator[Field]) -> object:
    texts: dict[str, list[str]] = {}
    values: dict[str, object] = {}
    for name, value in fields:
        if isinstance(value, str):
            texts.setdefault(name, []).append(value)
        else:
            values[name] = value
    said = typed(schema, {name: each if len(each) > 1 else each[0] for name, each in texts.items()})
    return best(schema, [{**said, **values}]) if isinstance(said, dict) else UNDECODABLE


def _urlencoded(body: bytes) -> Iterator[Field]:
    for pair in filter(None, body.decode("utf-8", "replace").split("&")):
        name, _, value = pair.partition("=")
        yield unquote_plus(name), unquote_plus(value)


def _multipart(body: bytes, boundary: bytes) -> Iterator[Field]:
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head.decode("utf-8", "replace"))
        if name is not None:
            yield name.group(1), _content(head, content)


def _content(head: bytes, content: bytes) -> object:
    """A part that says it is JSON as its value; everything else as text."""
    text = content.decode("utf-8", "replace")
    if _JSON.search(head):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text

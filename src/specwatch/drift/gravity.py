"""What of a change to a spec decides about what is sent: such a change needs a look before the next run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from specwatch.spec.load import METHODS

_LONGEST: Final = 80
_NONE: Final = "none"
_OF_AN_OPERATION: Final = ("x-effect", "x-cost", "security")

_Operations = dict[str, Mapping[str, object]]


def grave(before: object, after: object) -> tuple[str, ...]:
    """What differs between two states of a spec in where requests go, what they carry, cost and do.

    Args:
        before: content of the document.
        after: content of the document with a change.

    Returns:
        A line for each difference, such as `POST /tasks x-effect: "consume" becomes "read"`.
    """
    had, has = _operations(before), _operations(after)
    old, new = dict(_deciding(before, had)), dict(_deciding(after, has))
    return (
        *(f"{name} is taken out" for name in had if name not in has),
        *(f"{name} is new" for name in has if name not in had),
        *(f"{name}: {old.get(name, _NONE)} becomes {new[name]}" for name in new if old.get(name, _NONE) != new[name]),
    )


def _deciding(document: object, operations: _Operations) -> Iterator[tuple[str, str]]:
    root = _mapping(document)
    yield "servers", _short(root.get("servers"))
    yield "security", _short(root.get("security"))
    for name, scheme in _mapping(_mapping(root.get("components")).get("securitySchemes")).items():
        yield f"securitySchemes.{name}", _short(scheme)
    for name, operation in operations.items():
        for field in _OF_AN_OPERATION:
            yield f"{name} {field}", _short(operation.get(field))


def _operations(document: object) -> _Operations:
    """The operations of a document by method and path."""
    paths = _mapping(_mapping(document).get("paths"))
    return {
        f"{method.upper()} {path}": _mapping(_mapping(item)[method])
        for path, item in paths.items()
        for method in METHODS
        if method in _mapping(item)
    }


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _short(value: object) -> str:
    if value is None:
        return _NONE
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

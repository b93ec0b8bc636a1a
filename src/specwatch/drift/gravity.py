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
    gone = [name for name in had if name not in has]
    return (
        *(f"{name} is taken out" for name in gone),
        *(f"{name} is new" for name in has if name not in had),
        *(
            _line(name, old.get(name), new.get(name))
            for name in {**old, **new}
            if old.get(name) != new.get(name) and name.rpartition(" ")[0] not in gone
        ),
    )


def _deciding(document: object, operations: _Operations) -> Iterator[tuple[str, object]]:
    root = _mapping(document)
    yield "servers", root.get("servers")
    yield "security", root.get("security")
    for name, scheme in _mapping(_mapping(root.get("components")).get("securitySchemes")).items():
        yield f"securitySchemes.{name}", scheme
    for name, operation in operations.items():
        for field in _OF_AN_OPERATION:
            yield f"{name} {field}", operation.get(field)


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


def _line(name: str, old: object, new: object) -> str:
    """Both values, cut to where they begin to differ."""
    texts = [_NONE if value is None else json.dumps(value, ensure_ascii=False) for value in (old, new)]
    if max(map(len, texts)) > _LONGEST:
        same = next((at for at, (one, other) in enumerate(zip(*texts, strict=False)) if one != other), 0)
        texts = [_around(text, same) for text in texts]
    return f"{name}: {texts[0]} becomes {texts[1]}"


def _around(text: str, at: int) -> str:
    start = max(at - _LONGEST // 4, 0)
    part = text[start : start + _LONGEST]
    return f"{'…' if start else ''}{part}{'…' if start + _LONGEST < len(text) else ''}"

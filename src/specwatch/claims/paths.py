"""Expressions that only name fields, read without CEL: `request.path.id`, or a list of such."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

_STEP = r"[a-zA-Z_][a-zA-Z0-9_]*"
_PATH: Final = re.compile(rf"(?:request|response|known)(?:\.{_STEP})+")
_TEXT: Final = re.compile(r'"[a-zA-Z0-9 _.:/-]*"')
_RESERVED: Final = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"}
    | {"namespace", "null", "package", "return", "true", "var", "void", "while"}
)
"""Words that CEL does not take for names."""

Data = Mapping[str, Any]
Read = Callable[[Data], Any]


@lru_cache(maxsize=1024)
def reader(text: str) -> Read | None:
    """What reads the value of an expression from the variables, or None where that takes CEL.

    Reading raises a LookupError or a TypeError where the expression has no value.
    """
    text = text.strip()
    if text[:1] == "[" and text[-1:] == "]":
        return _list(text[1:-1])
    if _TEXT.fullmatch(text):
        return lambda _data: text[1:-1]
    steps = text.split(".")
    if not _PATH.fullmatch(text) or not _RESERVED.isdisjoint(steps):
        return None
    return lambda data: _walk(data, steps)


def _list(text: str) -> Read | None:
    parts = [reader(part) for part in text.split(",")]
    found = [part for part in parts if part is not None]
    return (lambda data: [part(data) for part in found]) if len(found) == len(parts) else None


def _walk(data: Data, steps: list[str]) -> Any:
    value: Any = data
    for step in steps:
        if not isinstance(value, dict):
            raise TypeError(step)
        value = value[step]
    return value

"""Changes of JSON values and JSON texts: small pure functions, from which the derived faults are made.

A place in a value is a tuple of steps: a key; `ITEM`, the first item of a list that has what follows; `ENTRY`, the
first entry of an object whose keys are data. A change gets the value at a place and returns a new one, `DROP` to
remove it, or `NOT_HERE` when it does not apply. Nothing is changed in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator
from typing import Final

ITEM: Final = 0
ENTRY: Final = None
Step = str | int | None
Steps = tuple[Step, ...]


class _Mark:
    """A value that no JSON has."""


DROP: Final = _Mark()
NOT_HERE: Final = _Mark()
Change = Callable[[object], object]

MAX_KEYS = 4
"""How deep places go, counted in keys: a field of the body, and three levels within it."""


def edit(value: object, steps: Steps, change: Change) -> object:
    """The value with the change made at a place; `NOT_HERE` when it has no such place or the change does not apply."""
    if not steps:
        return change(value)
    if isinstance(value, dict):
        keys = list(value) if steps[0] is ENTRY else [steps[0]] if steps[0] in value else []
        for key in keys:
            new = edit(value[key], steps[1:], change)
            if new is not NOT_HERE:
                return {k: new if k == key else v for k, v in value.items() if k != key or new is not DROP}
    elif isinstance(value, list) and steps[0] == ITEM:
        for index, item in enumerate(value):
            new = edit(item, steps[1:], change)
            if new is not NOT_HERE:
                return [*value[:index], *([] if new is DROP else [new]), *value[index + 1 :]]
    return NOT_HERE


def places(value: object, declared: Container[str], steps: Steps = ()) -> Iterator[tuple[Steps, object]]:
    """All places of a value with what stands there, the value itself first.

    `declared` are the keys that a schema names; other keys are data, and stand for any. `steps` lead to the value.
    """
    yield steps, value
    if isinstance(value, dict) and sum(step is None or isinstance(step, str) for step in steps) < MAX_KEYS:
        for key, item in value.items():
            yield from places(item, declared, (*steps, key if key in declared else ENTRY))
    elif isinstance(value, list):
        for item in _one_of_each_shape(value):
            yield from places(item, declared, (*steps, ITEM))


def _one_of_each_shape(items: list[object]) -> list[object]:
    shapes: dict[object, object] = {}
    for item in items:
        shapes.setdefault(frozenset(item) if isinstance(item, dict) else type(item), item)
    return list(shapes.values())


def name_of(steps: Steps) -> str:
    """A place as part of a fault's name: `items.0.id`, `errors.*`, and `body` for the whole."""
    return ".".join("*" if step is ENTRY else str(step) for step in steps) or "body"


def drop(_value: object) -> object:
    """Remove it."""
    return DROP


def other_type(value: object) -> object:
    """A value of another JSON type, as like the old one as can be."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return 7
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    return "text" if isinstance(value, dict) else ["unexpected"]


def null(value: object) -> object:
    """Null instead of a value."""
    return NOT_HERE if value is None else None


def other_value(value: object) -> object:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return "changed" if isinstance(value, str) else NOT_HERE


def empty(value: object) -> object:
    """Nothing in it."""
    return type(value)() if isinstance(value, str | list) and value else NOT_HERE


def scaled(factor: float) -> Change:
    """The number in another unit, a thousand times larger or smaller, or below zero."""

    def change(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float) or not value:
            return NOT_HERE
        new = value * factor
        return int(new) if isinstance(value, int) else new

    return change


CHANGES: dict[str, tuple[str, Change]] = {
    "drop": ("{} is missing", drop),
    "type": ("{} has another type", other_type),
    "null": ("{} is null", null),
    "value": ("{} has a value that is not allowed there", other_value),
    "empty": ("{} is empty", empty),
    "times-1000": ("{} is a thousand times too large, as in another unit", scaled(1000)),
    "per-1000": ("{} is a thousand times too small, as in another unit", scaled(0.001)),
    "negative": ("{} is below zero", scaled(-1)),
}
"""Kinds of change by name, with what to say about a place that was changed so."""


FINER = frozenset({"empty", "times-1000", "per-1000", "negative"})
"""Kinds of change that show nothing new where any other value is refused already."""


def embedded(steps: Steps, change: Change) -> Change:
    """The change at a place within the JSON that a string holds."""

    def within(text: object) -> object:
        try:
            new = edit(json.loads(text), steps, change) if isinstance(text, str) else NOT_HERE
        except ValueError:
            return NOT_HERE
        return NOT_HERE if new is NOT_HERE or new is DROP else dumps(new)

    return within


def cut(text: object) -> object:
    """A string that breaks off."""
    return text[: len(text) // 2] if isinstance(text, str) and text else NOT_HERE


def dumps(value: object) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_bytes(value: object) -> bytes:
    """A JSON value as it goes over the wire: compact, UTF-8; lone surrogates are escaped."""
    try:
        return dumps(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def truncated(value: object) -> bytes | None:
    """JSON that breaks off."""
    raw = to_bytes(value)
    return raw[: max(1, len(raw) * 2 // 3)] if len(raw) > 1 else None


def duplicate_key(value: object) -> bytes | None:
    """JSON with an object that has its first key twice; None without an object."""
    text = dumps(value)
    start = text.find('{"') + 1
    if not start:
        return None
    key, _ = json.JSONDecoder().raw_decode(text, start)
    return f"{text[:start]}{dumps(key)}:null,{text[start:]}".encode()


def not_a_number(value: object) -> bytes | None:
    """JSON with NaN for its first number; None without a number."""
    new = _first(value, lambda v: isinstance(v, int | float) and not isinstance(v, bool), float("nan"))
    return None if new is NOT_HERE else to_bytes(new)


def not_utf8(value: object) -> bytes | None:
    """JSON with a byte of Latin-1 in its first string; None without a string."""
    new = _first(value, lambda v: isinstance(v, str), "caf\ue000")
    return None if new is NOT_HERE else to_bytes(new).replace("\ue000".encode(), b"\xe9")


def _first(value: object, test: Callable[[object], bool], new: object) -> object:
    found = next((steps for steps, item in places(value, ()) if test(item)), NOT_HERE)
    return edit(value, found, lambda item: new if test(item) else NOT_HERE) if isinstance(found, tuple) else NOT_HERE


WIRE: dict[str, tuple[str, Callable[[object], bytes | None]]] = {
    "truncated": ("the JSON breaks off", truncated),
    "duplicate-key": ("an object has a key twice", duplicate_key),
    "nan": ("a number is NaN", not_a_number),
    "not-utf8": ("the body is not UTF-8", not_utf8),
    "empty-body": ("the body is empty", lambda _value: b""),
}
"""Ways to spoil a JSON text, by name."""

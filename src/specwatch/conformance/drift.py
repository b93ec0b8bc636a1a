"""What an answer has beyond its document: allowed, but worth knowing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from specwatch.conformance.anonymous import is_code, is_name, is_personal, is_word, placeholder
from specwatch.conformance.facts import MISSING, Facts
from specwatch.conformance.headers import documented_headers
from specwatch.conformance.sightings import LONGEST_EXAMPLE, LONGEST_SKETCH
from specwatch.conformance.sketch import Sketch, merged, sketch_of
from specwatch.conformance.strictjson import parse_strict
from specwatch.conformance.usual import is_usual
from specwatch.spec.model import ResponseSpec
from specwatch.spec.schema import Schema
from specwatch.spec.shape import Shape
from specwatch.spec.source import escape
from specwatch.values.violation import Drift, Sighting

MAX_FIELDS: Final = 100
"""So many undocumented things of one answer are told: a hostile one may have a million."""

INSIDE: Final = "#"
"""Ends the part of a pointer that leads into the JSON inside a string: `/payload#/colour`."""

OPEN_LIST: Final = "x-extensible-enum"
"""A list of values that may grow, as many guidelines for APIs write it."""

_FIELD, _VALUE = "field", "value"
_BOUNDED: Final = frozenset({"enum", "const", "format", "pattern", "anyOf", "oneOf", "allOf", "$ref"})
_FEWEST_EXAMPLES: Final = 2


def undocumented_fields(schema: Schema | None, value: object) -> tuple[str, ...]:
    """JSON pointers, with `*` for array positions, of the fields that no part of the schema describes.

    An object that the schema does not describe at all (no `properties` anywhere) is free-form and yields nothing.

    Args:
        schema: what describes the value; None describes nothing.
        value: a JSON value.
    """
    return tuple(name for kind, name in undocumented(schema, value) if kind == _FIELD)


def sightings(facts: Facts) -> Iterator[Sighting]:
    """What a documented answer has that its document does not: fields, values of open lists, headers, error codes."""
    spec = facts.response_spec
    if spec is None:
        return
    for name, value in _headers(facts, spec):
        yield sighting(facts, "header", name, [value])
    if facts.response_json is MISSING:
        return
    schema = facts.media.schema if facts.media is not None else None
    code, place = facts.error_code, f"{facts.api.error_code_pointer}="
    for (kind, name), values in undocumented(schema, facts.response_json).items():
        if kind != _VALUE or code is None or not name.startswith(place):  # a code is told as one
            yield sighting(facts, kind, name, values, shown=kind == _VALUE)
    if code is not None and is_code(code) and code not in spec.codes and code not in (code_list(facts) or ()):
        yield sighting(facts, "code", code, [code], shown=True)


def sighting(facts: Facts, kind: str, name: str, values: Sequence[object] = (), *, shown: bool = False) -> Sighting:
    """Something undocumented in an answer.

    Args:
        facts: the answer.
        kind: see `Drift`.
        name: see `Drift`.
        values: those that were seen; none where there is nothing to show.
        shown: whether the values are harmless and are shown as they are.
    """
    exchange = facts.exchange
    last = name.rpartition("/")[2]
    telling = next((value for value in values if value is not None), None)
    example = json.dumps(telling if shown else placeholder(telling, last), ensure_ascii=False) if values else ""
    sketch = json.dumps(_sketch(values), ensure_ascii=False) if values else ""
    return Sighting(
        drift=Drift(facts.api.id, facts.operation.id, kind, name),
        count=1,
        first_at=exchange.timings.started_at,
        last_at=exchange.timings.started_at,
        status=exchange.response.status,
        example=example if len(example) <= LONGEST_EXAMPLE else "",
        sketch=sketch if len(sketch) <= LONGEST_SKETCH else "{}",
    )


def code_list(facts: Facts) -> frozenset[str] | None:
    """The open list of error codes in the schema of the answer, at the place where the API has its codes, or None."""
    schema = facts.media.schema if facts.media is not None else None
    if schema is None or facts.api.error_code_pointer is None:
        return None
    return listed(list(schema.at(facts.api.error_code_pointer)))


def listed(parts: Sequence[Mapping[str, Any]]) -> frozenset[str] | None:
    """The values that an open list of strings names; None where the sub-schemas have no such list.

    A list is open where it is `x-extensible-enum`, where it stands in `anyOf` or `oneOf` beside a string of any kind,
    or where it is `examples` of a string that is not bounded otherwise, two constants at least.
    """
    values = {value for part in parts for value in part.get(OPEN_LIST, ()) if isinstance(value, str)}
    is_open = bool(values)
    if any(_is_any_string(part) for part in parts):
        named = {value for part in parts for value in _enumerated(part)}
        shown = {value for part in parts for value in _exemplified(part)}
        values |= named | shown
        is_open = is_open or bool(named or shown)
    return frozenset(values) if is_open else None


def _is_any_string(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    return (kind == "string" or (isinstance(kind, list) and "string" in kind)) and not _BOUNDED & part.keys()


def _enumerated(part: Mapping[str, Any]) -> Iterator[str]:
    values = [*part.get("enum", ()), *([part["const"]] if "const" in part else [])]
    yield from (value for value in values if isinstance(value, str))


def _exemplified(part: Mapping[str, Any]) -> Sequence[str]:
    shown = part.get("examples", ())
    constants = isinstance(shown, list) and all(isinstance(value, str) and is_word(value) for value in shown)
    return shown if constants and len(shown) >= _FEWEST_EXAMPLES else ()


def _sketch(values: Iterable[object]) -> Sketch:
    """What fits all of them; of many alike only the first is looked at."""
    result: Sketch | None = None
    plain: set[type] = set()
    for value in values:
        if isinstance(value, bool | int | float | None):
            if type(value) in plain:
                continue
            plain.add(type(value))
        result = sketch_of(value) if result is None else merged(result, sketch_of(value))
    return result or {}


def _headers(facts: Facts, spec: ResponseSpec) -> Iterator[tuple[str, str]]:
    """Headers that are not documented, and not what every server sends; one that comes twice is told once."""
    unusual = {name.lower(): value for name, value in reversed(facts.exchange.response.headers) if not is_usual(name)}
    if not unusual:
        return
    documented = {each.name.lower() for each in documented_headers(facts.api, facts.operation, spec.status)}
    for name, value in list(unusual.items())[:MAX_FIELDS]:
        if name not in documented:
            yield (name if is_name(name) else "*"), value


Found = dict[tuple[str, str], list[object]]
"""Kind and name of what is undocumented, with the values that were seen."""

_LISTED: Final[WeakKeyDictionary[Shape, frozenset[str] | None]] = WeakKeyDictionary()
"""What was found out about strings, since many of them are looked at."""


def undocumented(schema: Schema | None, value: object) -> Found:
    """The fields and the values of open lists that no part of the schema describes, with what was seen."""
    found: Found = {}
    if schema is not None:
        _walk(schema.shape, value, "", found)
    return found


def _walk(shape: Shape, value: object, at: str, found: Found) -> None:
    if isinstance(value, dict):
        _fields(shape, value, at, found)
    elif isinstance(value, list):
        if shape.items is not None:
            for item in value:
                _walk(shape.items, item, f"{at}/*", found)
    elif isinstance(value, str):
        _text(shape, value, at, found)


def _fields(shape: Shape, value: dict[str, object], at: str, found: Found) -> None:
    described, others = shape.fields, shape.others
    for name, item in value.items():
        if name in described:
            _walk(described[name], item, f"{at}/{escape(name)}", found)
            continue
        patterned = [inner for pattern, inner in shape.patterns if pattern.search(name)]
        for inner in patterned or ([others] if others is not None else []):
            _walk(inner, item, f"{at}/*", found)
        if described and not patterned and others is None:
            _note(found, _FIELD, f"{at}/{escape(name) if is_name(name) else '*'}", item)


def _text(shape: Shape, value: str, at: str, found: Found) -> None:
    if shape.content is not None:
        inner = parse_strict(value.encode("utf-8", "surrogatepass")).value
        if inner is not MISSING:
            _walk(shape.content, inner, f"{at}{INSIDE}", found)
    elif is_word(value) and not is_personal(at.rpartition("/")[2]):
        if shape not in _LISTED:
            _LISTED[shape] = listed(shape.parts)
        known = _LISTED[shape]
        if known is not None and value not in known:
            _note(found, _VALUE, f"{at}={value}", value)


def _note(found: Found, kind: str, name: str, value: object) -> None:
    key = (kind, name)
    if key in found:
        found[key].append(value)
    elif len(found) < MAX_FIELDS:
        found[key] = [value]

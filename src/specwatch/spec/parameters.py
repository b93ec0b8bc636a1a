"""What the parameters of a request say: texts of its path, query, headers and cookies as values of their schemas."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

from specwatch.spec.model import Operation, Parameter
from specwatch.spec.schema import Schema

UNDECODABLE: Final[object] = ("undecodable",)
"""Something was sent whose value cannot be told from its text: nobody can say that it is wrong."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")
_WORDS: Final[Mapping[str, object]] = {"true": True, "false": False, "null": None}
_STYLES: Final = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_DELIMITERS: Final = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_NO_PARAMETERS: Final = frozenset({"accept", "content-type", "authorization"})
Key = tuple[str, str]
Pieces = list[str] | dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class _Sent:
    """The texts of one request: the query still encoded, by pairs; headers by lower-case name."""

    path: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]

    def texts(self, parameter: Parameter) -> list[str]:
        """What stands under a parameter's own name; query values still encoded."""
        if parameter.location == "query":
            return [raw for name, raw in self.query if name == parameter.name]
        sources = {"path": self.path, "header": self.headers, "cookie": self.cookies}
        name = parameter.name.lower() if parameter.location == "header" else parameter.name
        found = sources.get(parameter.location, {}).get(name)
        return [] if found is None else [found]


def decoded(
    operation: Operation, path: Mapping[str, str], query_string: str, headers: Iterable[tuple[str, str]]
) -> dict[Key, object]:
    """The values of a request's parameters by location and name; those that were not sent are left out.

    Args:
        operation: whose parameters.
        path: decoded texts of the path's parameters.
        query_string: as sent, without the question mark.
        headers: as sent; cookies are read from the header `cookie`.

    Returns:
        for each parameter the reading that fits its schema where one does; `UNDECODABLE` where none can be had.
    """
    if not operation.parameters:
        return {}
    by_name = {name.lower(): value for name, value in headers}
    sent = _Sent(path, tuple(_pairs(query_string)), by_name, _cookies(by_name.get("cookie", "")))
    taken = frozenset(parameter.name for parameter in operation.parameters if parameter.location == "query")
    found = {}
    for parameter in filter(counts, operation.parameters):
        values = _values(parameter, sent, taken)
        if values:
            found[parameter.location, parameter.name] = best(parameter.schema, values)
    return found


def counts(parameter: Parameter) -> bool:
    """Whether a parameter is one: OpenAPI passes over headers that it describes elsewhere."""
    return parameter.location != "header" or parameter.name.lower() not in _NO_PARAMETERS


def fits(parameter: Parameter, values: Mapping[Key, object]) -> bool:
    """Whether a parameter's part of what `decoded` found is allowed; what is undecodable counts as allowed."""
    key = (parameter.location, parameter.name)
    if key not in values:
        return not parameter.required or not counts(parameter)
    return parameter.schema is None or values[key] is UNDECODABLE or parameter.schema.in_range.is_valid(values[key])


def parameters_fit(operation: Operation, values: Mapping[Key, object]) -> bool:
    """Whether all parameters of a request are allowed, by what `decoded` found."""
    return all(fits(parameter, values) for parameter in operation.parameters)


def best(schema: Schema | None, values: Sequence[object]) -> object:
    """The first reading that fits; `UNDECODABLE` if none does and it holds what no style says how to write."""
    if schema is None:
        return UNDECODABLE
    for value in values:
        if schema.is_valid(value):
            return value
    return UNDECODABLE if any(_nests(schema, value) for value in values) else values[0]


def _values(parameter: Parameter, sent: _Sent, taken: frozenset[str]) -> list[object]:
    """The possible readings of a parameter, the one that its schema names first; none if it was not sent."""
    texts = sent.texts(parameter)
    schema = parameter.schema
    if schema is None:
        return [UNDECODABLE] if texts else []
    kinds = _kinds(schema)
    found: list[object] = []
    if "array" in kinds:
        found += [typed(schema, pieces) for pieces in _arrays(parameter, texts)]
    if "object" in kinds:
        found += [typed(schema, pieces) for pieces in _objects(parameter, texts, sent, taken)]
    text = [unquote_plus(texts[0]) if parameter.location == "query" else texts[0]] if texts else []
    if parameter.location == "path" and text:
        text = [_bare(parameter, text[0])]
    return [*found, *(value for one in text for value in _readings(one, kinds))]


def _readings(text: str, kinds: frozenset[str]) -> Iterator[object]:
    """A text as what it looks like and as itself; first as what is asked for."""
    other: list[object] = [_WORDS[text]] if text in _WORDS else []
    if not text and "null" in kinds:
        other.append(None)
    if _NUMBER.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            other.append(int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else number)
    plain = "string" in kinds or not kinds & {"integer", "number", "boolean", "null"}
    yield from (text, *other) if plain else (*other, text)


def typed(schema: Schema, pieces: Pieces) -> object:
    """Pieces of text as the values that the schema of the whole asks for."""
    if isinstance(pieces, list):
        return [_scalar(_items(schema), piece) for piece in pieces]
    return {name: _member(_property(schema, name), piece) for name, piece in pieces.items()}


def _member(schema: Schema | None, piece: str | list[str]) -> object:
    if schema is not None and "array" in _kinds(schema):
        return typed(schema, piece if isinstance(piece, list) else [piece])
    return _scalar(schema, piece if isinstance(piece, str) else piece[0])


def _scalar(schema: Schema | None, text: str) -> object:
    values = list(_readings(text, _kinds(schema) if schema else frozenset()))
    return next((value for value in values if schema is not None and schema.is_valid(value)), values[0])


def _style(parameter: Parameter) -> tuple[str, bool]:
    style = parameter.style or _STYLES.get(parameter.location, "form")
    return style, style == "form" if parameter.explode is None else parameter.explode


def _arrays(parameter: Parameter, texts: list[str]) -> Iterator[list[str]]:
    """The lists of texts that were perhaps sent."""
    style, explode = _style(parameter)
    if not texts:
        return
    if parameter.location == "query":
        if explode:
            yield [unquote_plus(raw) for raw in texts]
        elif texts[0]:
            delimiter = _DELIMITERS.get(style, ",")
            raw = texts[0]
            yield (
                [unquote_plus(part) for part in raw.split(delimiter)]
                if delimiter in raw
                else (unquote_plus(raw).split(delimiter))
            )
    elif style in {"label", "matrix"}:
        yield _prefixed(parameter, texts[0])
    elif texts[0]:
        parts = texts[0].split(",")
        yield [part.strip() for part in parts] if parameter.location == "header" else parts
    if not any(texts):
        yield []


def _objects(
    parameter: Parameter, texts: list[str], sent: _Sent, taken: frozenset[str]
) -> Iterator[dict[str, str | list[str]]]:
    """The members that were perhaps sent."""
    style, explode = _style(parameter)
    if parameter.location == "query" and (style == "deepObject" or (style == "form" and explode)):
        members: dict[str, list[str]] = {}
        for name, raw in sent.query:
            member = _deep(parameter.name, name) if style == "deepObject" else _spread(parameter, name, taken)
            if member is not None:
                members.setdefault(member, []).append(unquote_plus(raw))
        if members:
            yield {name: values if len(values) > 1 else values[0] for name, values in members.items()}
        return
    for parts in _arrays(parameter, texts):
        if explode and style != "form":
            pairs = [part.partition("=") for part in parts]
            if all(middle for _, middle, _ in pairs):
                yield {name: value for name, _, value in pairs}
        elif len(parts) % 2 == 0:
            yield dict(zip(parts[::2], parts[1::2], strict=True))


def _deep(parameter: str, name: str) -> str | None:
    """The member that `parameter[member]` names."""
    rest = name.removeprefix(f"{parameter}[")
    return rest.removesuffix("]") if rest != name and rest.endswith("]") else None


def _spread(parameter: Parameter, name: str, taken: frozenset[str]) -> str | None:
    """A query name as a member of an exploded object: declared there, or allowed there and declared nowhere else."""
    schema = parameter.schema
    if schema is None or name == parameter.name:
        return None
    flat = list(schema.flatten(schema.raw))
    declared = any(name in node.get("properties", {}) for node in flat)
    is_open = not any(node.get("additionalProperties", True) is False for node in flat)
    return name if declared or (is_open and name not in taken) else None


def _bare(parameter: Parameter, text: str) -> str:
    """The text of a path parameter without the marks of its style."""
    style, _ = _style(parameter)
    if style == "matrix":
        return text.removeprefix(f";{parameter.name}").removeprefix("=")
    return text.removeprefix(".") if style == "label" else text


def _prefixed(parameter: Parameter, text: str) -> list[str]:
    """The parts of a path parameter in the style `label` or `matrix`."""
    style, explode = _style(parameter)
    if not explode:
        return _bare(parameter, text).split(",")
    mark = "." if style == "label" else ";"
    return [part.removeprefix(f"{parameter.name}=") for part in text.removeprefix(mark).split(mark)]


def _pairs(query_string: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query_string.split("&")):
        name, _, raw = pair.partition("=")
        yield unquote_plus(name), raw


def _cookies(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name: value for name, _, value in pairs if name}


@lru_cache(maxsize=4096)
def _kinds(schema: Schema) -> frozenset[str]:
    """The types that a schema speaks of, through references and combinations."""
    found: set[str] = set()
    for node in schema.flatten(schema.raw):
        kind = node.get("type", ())
        found |= {kind} if isinstance(kind, str) else set(kind)
        found |= {"array"} if {"items", "prefixItems"} & node.keys() else set()
        found |= {"object"} if "properties" in node else set()
    return frozenset(found)


def _nests(schema: Schema, value: object) -> bool:
    """Whether a value has parts that should be lists or objects themselves; lists of texts may be an object's part."""
    if isinstance(value, list):
        return bool(value) and _has_parts(_items(schema), {"array", "object"})
    if not isinstance(value, dict):
        return False
    members = [_property(schema, name) for name in value]
    lists = [_items(member) for member in members if member is not None]
    deep = any(_has_parts(member, {"object"}) for member in members)
    return deep or any(_has_parts(items, {"array", "object"}) for items in lists)


def _has_parts(schema: Schema | None, kinds: set[str]) -> bool:
    return schema is not None and not kinds.isdisjoint(_kinds(schema))


@lru_cache(maxsize=4096)
def _items(schema: Schema) -> Schema | None:
    found = (node["items"] for node in schema.flatten(schema.raw) if isinstance(node.get("items"), Mapping))
    return next((Schema(raw, schema.components) for raw in found), None)


@lru_cache(maxsize=4096)
def _property(schema: Schema, name: str) -> Schema | None:
    for node in schema.flatten(schema.raw):
        for declared in (node.get("properties", {}).get(name), node.get("additionalProperties")):
            if isinstance(declared, Mapping):
                return Schema(declared, schema.components)
    return None

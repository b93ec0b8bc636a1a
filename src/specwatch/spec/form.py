"""What a published JSON Schema says about a configuration file: unknown keys and wrong values, each with its line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from specwatch.errors import Problem
from specwatch.spec.schema import Schema, as_text, lookup, shorten
from specwatch.spec.source import Source, pointer_parts

_SAID_HERE: Final = ("propertyNames", "dependentRequired")
"""Keywords that are there for editors; a loader says it in its own words."""

_LONGEST: Final = 80

Way = tuple[str, ...]
"""Keys and positions that lead to a part of the file."""


@dataclass(frozen=True, eq=False)
class Form:
    """The form of a configuration file.

    Args:
        file: its JSON Schema. `x-expected` beside a keyword says in words what is expected there.
    """

    file: Path

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema as written."""
        schema: Mapping[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return schema

    def problems(self, source: Source, content: Mapping[str, object]) -> Iterator[tuple[Way, Problem]]:
        """What the schema does not allow.

        Args:
            source: the file.
            content: what is in it.

        Returns:
            Problems, each with the way to the part that is wrong.
        """
        yield from self._unknown_keys(source, content, self.schema, ())
        for error in self._checked.errors(content):
            at = tuple(pointer_parts(error.where))
            expected = self._expected(at, error.expected)
            name = ".".join(at) or "the file"
            if error.found == "nothing":
                mend = f"add `{at[-1]}: {expected if expected.isdigit() else '...'}`"
                yield at, Problem(source.place(*at), f"no {name!r}", expected, mend)
            else:
                found = shorten(as_text(_part(content, at)), _LONGEST)
                yield at, Problem(source.place(*at), f"{name} is {found}", expected)

    @cached_property
    def _checked(self) -> Schema:
        """The part of the schema that judges values."""
        return Schema(_plain(self.schema))

    def _unknown_keys(
        self, source: Source, value: object, node: Mapping[str, Any], at: Way
    ) -> Iterator[tuple[Way, Problem]]:
        node = self._resolve(node)
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._unknown_keys(source, item, node.get("items", {}), (*at, str(index)))
        if not isinstance(value, dict):
            return
        known = node.get("properties", {})
        for key, item in value.items():
            if key not in known and node.get("additionalProperties") is False:
                yield (*at, key), _unknown(source, (*at, key), list(known))
            else:
                yield from self._unknown_keys(source, item, _child(node, key), (*at, key))

    def _expected(self, at: Way, otherwise: str) -> str:
        node: Mapping[str, Any] = self.schema
        for part in at:
            node = _child(self._resolve(node), part)
        return str(self._resolve(node).get("x-expected", otherwise))

    def _resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """A sub-schema with what its references lead to; what stands beside a reference goes first."""
        while isinstance(ref := node.get("$ref"), str):
            target: Any = lookup(self.schema, ref)
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node


def without(content: Mapping[str, object], paths: list[Way]) -> dict[str, Any]:
    """A copy of the content that lacks some parts; where one is in an item of a list, that item is None instead."""
    copy: dict[str, Any] = deepcopy(dict(content))
    for path in paths:
        _remove(copy, path)
    return copy


def _remove(holder: Any, path: Way) -> None:
    if isinstance(holder, list):
        holder[int(path[0])] = None
    elif isinstance(holder, dict) and path[0] in holder:
        if len(path) == 1:
            del holder[path[0]]
        else:
            _remove(holder[path[0]], path[1:])


def _unknown(source: Source, at: Way, known: list[str]) -> Problem:
    near = difflib.get_close_matches(at[-1], known, n=1, cutoff=0.5)
    mend = f"did you mean {near[0]!r}?" if near else "remove it"
    return Problem(source.place(*at), f"unknown key {'.'.join(at)!r}", f"one of {', '.join(known)}", mend)


def _part(node: Any, at: Way) -> object:
    for part in at:
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _plain(value) for key, value in node.items() if key not in _SAID_HERE}
    return {key: value for key, value in kept.items() if (key, value) != ("additionalProperties", False)}


def _child(node: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    """The schema of a part, or an empty one."""
    own = node.get("properties", {}).get(part)
    other = node.get("additionalProperties") or node.get("items") if own is None else own
    return other if isinstance(other, Mapping) else {}


def spelt(value: object) -> str:
    """A value as it is written in YAML, for messages."""
    return value if isinstance(value, str) else as_text(value)

"""Which fields a schema describes, found out once instead of for every value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

Node = Mapping[str, Any]
Flatten = Callable[[object], Iterator[Node]]


class Shape:
    """What some sub-schemas together say about the fields and elements of a value; followed only as far as it is used.

    Args:
        nodes: the sub-schemas.
        flatten: leads from a sub-schema to itself and the branches of its combinations.
        family: the shapes of the same schema by the sub-schemas that they stand for, so that each is made once, even
            where a schema leads back to itself. It holds no more than the schema has combinations of sub-schemas.
    """

    def __init__(self, nodes: Sequence[Any], flatten: Flatten, family: dict[tuple[int, ...], Shape]) -> None:
        self._nodes = nodes
        self._flatten = flatten
        self._family = family

    @cached_property
    def _flat(self) -> list[Node]:
        return [part for node in self._nodes for part in self._flatten(node)]

    @property
    def parts(self) -> Sequence[Node]:
        """The sub-schemas, and the branches of their combinations."""
        return self._flat

    @cached_property
    def fields(self) -> dict[str, Shape]:
        """The described fields, by name; empty for what is free-form."""
        described: dict[str, list[Any]] = {}
        for part in self._flat:
            for name, child in part.get("properties", {}).items():
                described.setdefault(name, []).append(child)
        return {name: self._of(children) for name, children in described.items()}

    @cached_property
    def others(self) -> Shape | None:
        """The shape of all further fields, or None where nothing is said about them."""
        nodes = [
            part["additionalProperties"] for part in self._flat if part.get("additionalProperties", True) is not True
        ]
        return self._of(nodes) if nodes else None

    @cached_property
    def items(self) -> Shape | None:
        """The shape of the elements of a list, or None where nothing is said about them."""
        nodes = [part["items"] for part in self._flat if isinstance(part.get("items"), Mapping)]
        return self._of(nodes) if nodes else None

    @cached_property
    def patterns(self) -> Sequence[tuple[re.Pattern[str], Shape]]:
        """The shapes of the fields whose names match; a pattern that Python cannot read is left out."""
        found = []
        for part in self._flat:
            for pattern, child in part.get("patternProperties", {}).items():
                try:
                    found.append((re.compile(pattern), self._of([child])))
                except re.error:
                    continue
        return found

    @cached_property
    def content(self) -> Shape | None:
        """The shape of the JSON inside a string, or None where none is declared."""
        nodes = [
            part["contentSchema"]
            for part in self._flat
            if isinstance(part.get("contentSchema"), Mapping)
            and "json" in str(part.get("contentMediaType", "")).lower()
        ]
        return self._of(nodes) if nodes else None

    def _of(self, nodes: list[Any]) -> Shape:
        distinct = {id(node): node for node in nodes}
        key = tuple(distinct)
        if key not in self._family:
            self._family[key] = Shape(list(distinct.values()), self._flatten, self._family)
        return self._family[key]

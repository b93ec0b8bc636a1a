"""Where in a document something is described, and for which answers else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from specwatch.conformance.drift import INSIDE
from specwatch.spec.load import METHODS, essence
from specwatch.spec.source import escape, pointer_parts

Way = tuple[str | int, ...]
REQUEST: Final = "request"
"""Stands for a status where a request is described."""

_DEEPEST: Final = 40
_BRANCHES: Final = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """An answer, or request, in which a part of the document is used.

    Args:
        status: as the document writes it, or `request`.
        pointer: into its body, as `Drift.name` has it.
    """

    operation: str
    status: str
    pointer: str = ""

    def __str__(self) -> str:
        return f"{self.operation} {self.status}{' at ' if self.pointer else ''}{self.pointer}"


@dataclass(frozen=True, eq=False)
class Places:
    """A document as it stands, and the ways into it.

    Args:
        raw: the document, with string keys.
    """

    raw: Mapping[str, Any]

    def at(self, way: Way) -> Any:
        """The part that the keys and positions lead to, None where there is none."""
        node: Any = self.raw
        for part in way:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def mapping(self, way: Way) -> Mapping[str, Any]:
        """The mapping there; an empty one where there is something else, or nothing."""
        node = self.at(way)
        return node if isinstance(node, Mapping) else {}

    def followed(self, way: Way) -> Way:
        """The place that a reference there leads to; the same one where there is none."""
        seen: set[Way] = set()
        while way not in seen:
            seen.add(way)
            node = self.at(way)
            ref = node.get("$ref") if isinstance(node, Mapping) else None
            if not isinstance(ref, str) or not ref.startswith("#/"):
                break
            way = tuple(pointer_parts(ref))
        return way

    def operation(self, operation: str) -> Way | None:
        """Where an operation is."""
        return next((way for way, name in self._operations() if name == operation), None)

    def response(self, operation: str, status: str) -> Way | None:
        """Where a documented response is."""
        own = self.operation(operation)
        way = self.followed((*own, "responses", status)) if own else ()
        return way if way and isinstance(self.at(way), Mapping) else None

    def schema(self, operation: str, status: str, media_type: str = "") -> Way | None:
        """Where the schema of a response is; of its JSON, or of the only media type that has a schema."""
        response = self.response(operation, status)
        content = self.at((*response, "content")) if response else None
        names = [name for name in content if self._has_schema(content[name])] if isinstance(content, Mapping) else []
        chosen = [name for name in names if essence(name) == media_type] or [n for n in names if "json" in n] or names
        return (*response, "content", chosen[0], "schema") if response and chosen else None

    def nodes(self, schema: Way, pointer: str) -> list[Way]:
        """The places that describe the value at a pointer."""
        ways = [self.followed(schema)]
        for part in pointer_parts(f"/{pointer}" if pointer.startswith(INSIDE) else pointer):
            ways = [child for way in ways for child in self._children(way, part)]
        return list(dict.fromkeys(ways))

    def flat(self, way: Way) -> Iterator[Way]:
        """A place and those of the branches of its combinations, references followed."""
        pending, seen = [self.followed(way)], set()
        while pending:
            place = pending.pop(0)
            if place in seen:
                continue
            seen.add(place)
            yield place
            node = self.at(place)
            if isinstance(node, Mapping):
                branches = [(*place, word, i) for word in _BRANCHES for i in range(len(node.get(word, ())))]
                pending += map(self.followed, [*branches, *((*place, w) for w in ("then", "else") if w in node)])

    def _children(self, way: Way, part: str) -> Iterator[Way]:
        for place in self.flat(way):
            node = self.at(place)
            if not isinstance(node, Mapping):
                continue
            if part in node.get("properties", {}):
                yield self.followed((*place, "properties", part))
            elif part == "*":
                yield from self._elements(place, node)
            elif part.endswith(INSIDE):
                yield from self._inside(place, node, part.removesuffix(INSIDE))

    def _elements(self, place: Way, node: Mapping[str, Any]) -> Iterator[Way]:
        for word in ("items", "additionalProperties"):
            if isinstance(node.get(word), Mapping):
                yield self.followed((*place, word))
        for pattern in node.get("patternProperties", {}):
            yield self.followed((*place, "patternProperties", pattern))

    def _inside(self, place: Way, node: Mapping[str, Any], name: str) -> Iterator[Way]:
        holders = [place] if not name else [(*place, "properties", name)] if name in node.get("properties", {}) else []
        if name == "*":
            holders = list(self._elements(place, node))
        for holder in holders:
            for inner in self.flat(holder):
                found = self.at(inner)
                if isinstance(found, Mapping) and isinstance(found.get("contentSchema"), Mapping):
                    yield self.followed((*inner, "contentSchema"))

    @staticmethod
    def _has_schema(media: object) -> bool:
        return isinstance(media, Mapping) and isinstance(media.get("schema"), Mapping)

    # ----------------------------------------------------------------------------------------------------------- users

    @cached_property
    def users(self) -> Mapping[Way, frozenset[Use]]:
        """Every described place with the answers and requests that it describes."""
        found: dict[Way, set[Use]] = {}
        for way, name in self._operations():
            responses = self.at((*way, "responses"))
            for status in responses if isinstance(responses, Mapping) else ():
                response = self.followed((*way, "responses", status))
                found.setdefault(response, set()).add(Use(name, status))
                self._content(response, Use(name, status), found)
            self._content(self.followed((*way, "requestBody")), Use(name, REQUEST), found)
        return {way: frozenset(uses) for way, uses in found.items()}

    def _content(self, way: Way, use: Use, found: dict[Way, set[Use]]) -> None:
        content = self.at((*way, "content"))
        for media in content if isinstance(content, Mapping) else ():
            self._walk((*way, "content", media, "schema"), use, found, ())

    def _walk(self, way: Way, use: Use, found: dict[Way, set[Use]], above: tuple[Way, ...]) -> None:
        place = self.followed(way)
        node = self.at(place)
        uses = found.setdefault(place, set())
        if not isinstance(node, Mapping) or place in above or use in uses or len(above) > _DEEPEST:
            return
        uses.add(use)
        inner = (*above, place)
        for child, step in self._steps(place, node):
            self._walk(child, Use(use.operation, use.status, f"{use.pointer}{step}"), found, inner)

    @staticmethod
    def _steps(place: Way, node: Mapping[str, Any]) -> Iterator[tuple[Way, str]]:
        for name in node.get("properties", {}):
            yield (*place, "properties", name), f"/{escape(name)}"
        for word in ("items", "additionalProperties"):
            yield (*place, word), "/*"
        for pattern in node.get("patternProperties", {}):
            yield (*place, "patternProperties", pattern), "/*"
        yield (*place, "contentSchema"), INSIDE
        for word in _BRANCHES:
            yield from (((*place, word, index), "") for index in range(len(node.get(word, ()))))
        yield from (((*place, word), "") for word in ("then", "else"))

    def _operations(self) -> Iterator[tuple[Way, str]]:
        for path in self.raw.get("paths", {}):
            item = self.followed(("paths", path))
            node = self.at(item)
            for method in METHODS if isinstance(node, Mapping) else ():
                if isinstance(node.get(method), Mapping):
                    yield (*item, method), str(node[method].get("operationId", ""))

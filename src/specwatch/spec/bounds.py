"""Bounds of a YAML file, found from its events: nothing is built of a file that would take the process with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from specwatch.errors import Problem, WorkspaceError

MAX_DEPTH: Final = 100
"""How deep mappings and lists may be nested, aliases included. Building them is recursive, in C without a bound."""

MAX_NODES: Final = 1_000_000
"""How many mappings, lists and scalars a file may have, with aliases in full; longer texts count for several."""

_CHARACTERS: Final = 64
"""How many characters count as one node more, so that aliases of one long text are bounded as well."""

_NO_JSON: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("binary", "timestamp", "set", "omap", "pairs"))


@dataclass(slots=True)
class _Open:
    """A mapping or list that has begun, or a whole node.

    Args:
        anchor: its name, or None.
        size: nodes so far.
        height: levels of mappings and lists, itself included.
    """

    anchor: str | None
    size: int = 1
    height: int = 1


def check_events(events: Iterable[yaml.Event], path: Path) -> None:
    """Pass where the file can be built.

    Args:
        events: of the parser, which is iterative. Those after the first problem are not asked for.
        path: of the file, for the problem.

    Raises:
        WorkspaceError: it is nested too deeply, too large with its aliases in full, or has what JSON cannot hold.
        yaml.YAMLError: it is no YAML.
    """
    counter = _Counter(path)
    for event in events:
        counter.see(event)


class _Counter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._anchors: dict[str, _Open | None] = {}
        self._open: list[_Open] = []
        self._total = 0

    def see(self, event: yaml.Event) -> None:
        """Count one event."""
        if isinstance(event, yaml.ScalarEvent):
            self._check_tag(event)
            self._add(event, event.anchor, _Open(event.anchor, 1 + len(event.value) // _CHARACTERS, 0))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._check_tag(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = None  # known, but without an end so far
            self._open.append(_Open(event.anchor))
            self._check_depth(event, 0)
            self._grow(event, 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            if done.anchor is not None:
                self._anchors[done.anchor] = done
            self._enclose(done)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:  # the composer complains about it
            return
        target = self._anchors[event.anchor]
        if target is None:
            found = f"is nested without end: by the alias *{event.anchor} inside of what it stands for"
            raise self._problem(event, found, "plain, finite data")
        self._check_depth(event, target.height)
        self._add(event, None, target)

    def _add(self, event: yaml.Event, anchor: str | None, node: _Open) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        self._grow(event, node.size)
        self._enclose(node)

    def _enclose(self, node: _Open) -> None:
        if self._open:
            around = self._open[-1]
            around.size += node.size
            around.height = max(around.height, node.height + 1)

    def _grow(self, event: yaml.Event, size: int) -> None:
        self._total += size
        if self._total > MAX_NODES:
            found = "is too large, with its aliases written in full"
            raise self._problem(event, found, f"{MAX_NODES:,} keys and values at most")

    def _check_depth(self, event: yaml.Event, more: int) -> None:
        if len(self._open) + more > MAX_DEPTH:
            raise self._problem(event, "is nested too deeply", f"{MAX_DEPTH} mappings and lists in each other at most")

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag in _NO_JSON:
            raise self._problem(event, f"has the tag !!{event.tag.rpartition(':')[2]}", "data that JSON can hold")

    def _problem(self, event: yaml.Event, found: str, expected: str) -> WorkspaceError:
        where = f"{self._path}:{event.start_mark.line + 1}" if event.start_mark else str(self._path)
        return WorkspaceError(Problem(where, found, expected))

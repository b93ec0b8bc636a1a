"""YAML files with the lines of their parts, so that every complaint can say where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec.bounds import check_events
from specwatch.spec.files import read_text

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # pragma: no cover - PyYAML built without libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]


class _Loader(_BaseLoader):
    """YAML as JSON sees it: no dates, booleans only `true` and `false`, no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """A mapping; a repeated key, of which the first would be lost, is an error."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                found = f"the key {key.value!r} is repeated"
                raise yaml.constructor.ConstructorError(None, None, found, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        """A value; one that its tag, or Python, cannot take is an error with a line."""
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, KeyError, AttributeError, OverflowError) as error:
            found = f"a {node.tag.rpartition(':')[2]} that cannot be read"
            raise yaml.constructor.ConstructorError(None, None, found, node.start_mark) from error


_REPLACED = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in _REPLACED]
    for first, pairs in _BaseLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def escape(part: str) -> str:
    """One part of a JSON pointer, escaped as RFC 6901 asks."""
    return part.replace("~", "~0").replace("/", "~1")


def pointer_parts(pointer: str) -> list[str]:
    """The parts of a JSON pointer, no longer escaped."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


@dataclass(frozen=True)
class Source:
    """A YAML file: its content as plain values, and the line of each of its parts."""

    path: Path
    text: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a file.

        Raises:
            WorkspaceError: the file is missing, unreadable, no regular file, too large or not UTF-8.
        """
        return cls(path, read_text(path))

    @cached_property
    def data(self) -> object:
        """The content: mappings with string keys, lists and scalars.

        Raises:
            WorkspaceError: the text is no YAML, or too deep or too large to be built, with the line.
        """
        return self._within_bounds(lambda: _string_keys(yaml.load(self.text, Loader=_Loader)))  # noqa: S506 - safe, narrowed

    def _within_bounds(self, build: Callable[[], Any]) -> Any:
        """What is built from the text, after the text has been found harmless: libyaml builds without any bound."""
        try:
            self._check  # noqa: B018 - the first look is what checks
            return build()
        except yaml.YAMLError as error:
            raise WorkspaceError(self._syntax_problem(error)) from error
        except RecursionError as error:
            found = "is nested too deeply"
            raise WorkspaceError(Problem(str(self.path), found, "plain, finite data")) from error

    @cached_property
    def _check(self) -> None:
        check_events(yaml.parse(self.text, Loader=_Loader), self.path)

    def mapping(self) -> Mapping[str, object]:
        """The content, which must be a mapping.

        Raises:
            WorkspaceError: it is something else.
        """
        if not isinstance(self.data, dict):
            found = "is empty" if self.data is None else f"holds a {type(self.data).__name__}"
            raise WorkspaceError(Problem(str(self.path), found, "a mapping at the top of the file"))
        return self.data

    def place(self, *parts: str | int) -> str:
        """`file:line` of the part that the keys and positions lead to, or of its nearest parent."""
        line = 1
        lines = self._lines
        for depth in range(len(parts) + 1):
            line = lines.get(tuple(str(part) for part in parts[:depth]), line)
        return f"{self.path}:{line}"

    @cached_property
    def _lines(self) -> Mapping[tuple[str, ...], int]:
        found: dict[tuple[str, ...], int] = {}
        root = self._within_bounds(lambda: yaml.compose(self.text, Loader=_Loader))
        if root is not None:
            _collect_lines(root, (), found)
        return found

    def _syntax_problem(self, error: yaml.YAMLError) -> Problem:
        mark = getattr(error, "problem_mark", None)
        where = f"{self.path}:{mark.line + 1}" if mark else str(self.path)
        found = " ".join(str(getattr(error, "problem", None) or error).split())
        return Problem(where, f"is not YAML: {found}", "well-formed YAML", "check indentation and quotes on that line")


def _string_keys(value: object) -> object:
    if isinstance(value, dict):
        return {_spelt(key): _string_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_string_keys(item) for item in value]
    return value


def _spelt(key: object) -> str:
    """A key as it is spelt in JSON and in the file: `null` and `true`, not `None` and `True`."""
    return json.dumps(key) if key is None or isinstance(key, bool) else str(key)


def _collect_lines(node: yaml.Node, at: tuple[str, ...], found: dict[tuple[str, ...], int]) -> None:
    found.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*at, str(key.value))
            found[place] = key.start_mark.line + 1
            _collect_lines(value, place, found)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect_lines(value, (*at, str(index)), found)

"""OpenAPI Overlays, version 1.0: https://spec.openapis.org/overlay/v1.0.0.html, section 4.4."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import jsonpath_rfc9535
import yaml

from specwatch.errors import Problem, UsageError
from specwatch.spec.source import Source

VERSION: Final = "1.0.0"
DIGEST: Final = "x-specwatch-spec-sha256"
"""Of the file that an overlay of ours was made for."""

_ROOT: Final = frozenset({"overlay", "info", "extends", "actions"})
_INFO: Final = frozenset({"title", "version"})
_ACTION: Final = frozenset({"target", "description", "update", "remove"})
_EXPECTED: Final = "an OpenAPI Overlay 1.0 document"
_IN_PATHS: Final = "/@!$&'()*+,;=~"
"""What stands for itself in a relative reference: RFC 3986, section 4.2; a colon might end a scheme."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Action:
    """One change.

    Args:
        target: JSONPath of RFC 9535 that selects objects or arrays.
        description: for people.
        update: merged into objects, appended to arrays.
        remove: take what is selected away instead.
        where: file and line, for messages.
    """

    target: str
    description: str = ""
    update: object = None
    remove: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A list of changes.

    Args:
        extends: which document it is for, a URI reference as it is written, or empty.
        digest: SHA-256 of the file that it was made for, or empty.
        where: the file, for messages.
    """

    title: str
    version: str
    actions: tuple[Action, ...]
    extends: str = ""
    digest: str = ""
    where: str = ""


def read_overlay(path: Path) -> Overlay:
    """Read an overlay, in YAML or JSON; actions that neither update nor remove anything are left out.

    Raises:
        SpecwatchError: the file is unreadable or no overlay of version 1.0; all that is wrong at once.
    """
    source = Source.read(path)
    raw = source.mapping()
    problems = list(_problems(source, raw))
    if problems:
        raise UsageError(*problems)
    info, actions = _mapping(raw.get("info")), raw.get("actions")
    return Overlay(
        title=str(info.get("title")),
        version=str(info.get("version")),
        actions=tuple(_action(source, index, each) for index, each in enumerate(_list(actions)) if _changes(each)),
        extends=str(raw.get("extends") or ""),
        digest=str(raw.get(DIGEST) or ""),
        where=str(path),
    )


def document(overlay: Overlay) -> dict[str, object]:
    """An overlay as JSON values, in the order of the specification."""
    return {
        "overlay": VERSION,
        "info": {"title": overlay.title, "version": overlay.version},
        **({"extends": overlay.extends} if overlay.extends else {}),
        **({DIGEST: overlay.digest} if overlay.digest else {}),
        "actions": [_as_json(action) for action in overlay.actions],
    }


def spelt(overlay: Overlay, path: Path) -> str:
    """The text of an overlay: JSON where the file is to be called so, else YAML."""
    content = document(overlay)
    if path.suffix == ".json":
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def reference(path: str) -> str:
    """The URI reference of a path."""
    return quote(path, safe=_IN_PATHS)


def path_of(extends: str) -> str:
    """The path in a URI reference; `?` and `#` end it, but not those that are escaped."""
    return unquote(urlsplit(extends).path)


def json_path(parts: tuple[str | int, ...]) -> str:
    """The JSONPath of one place; names as short as RFC 9535 allows."""
    return "$" + "".join(map(_segment, parts))


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        del indentless  # lists are indented
        return super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:
        """No anchors: an overlay is read by people."""
        del data
        return True


def _segment(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if _NAME.fullmatch(part):
        return f".{part}"
    inner = json.dumps(part, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"['{inner}']"


def _as_json(action: Action) -> dict[str, object]:
    described = {"description": action.description} if action.description else {}
    change = {"remove": True} if action.remove else {"update": action.update}
    return {"target": action.target, **described, **change}


def _action(source: Source, index: int, raw: Mapping[str, object]) -> Action:
    return Action(
        target=str(raw["target"]),
        description=str(raw.get("description", "")),
        update=raw.get("update"),
        remove=bool(raw.get("remove")),
        where=source.place("actions", index),
    )


def _changes(raw: Mapping[str, object]) -> bool:
    """Whether an action does anything: both `update` and `remove` may be left out, and then it is a remark."""
    return "update" in raw or bool(raw.get("remove"))


def _problems(source: Source, raw: Mapping[str, object]) -> Iterator[Problem]:
    version = raw.get("overlay")
    if not isinstance(version, str) or not re.fullmatch(r"1\.0\.\d+(-.+)?", version):
        found = f"is of overlay version {version!r}" if version is not None else "is no overlay: it has no `overlay`"
        hint = "a report is read with --from" if "schema" in raw else "write `overlay: 1.0.0` at the top, if it is one"
        yield Problem(source.place("overlay"), found, _EXPECTED, hint)
        return
    yield from _unknown(source, (), raw, _ROOT)
    yield from _info(source, raw.get("info"))
    if (problem := _wrong_reference(raw.get("extends", ""))) is not None:
        yield Problem(source.place("extends"), f"extends {problem}", "a URI reference")
    actions = raw.get("actions")
    if not isinstance(actions, list) or not actions:
        yield Problem(source.place("actions"), "has no actions", "a list of one action or more")
        return
    for index, action in enumerate(actions):
        yield from _action_problems(source, index, action)


def _wrong_reference(extends: object) -> str | None:
    if not isinstance(extends, str):
        return "is no text"
    try:
        return "names no file: it has a null character" if "\0" in path_of(extends) else None
    except ValueError as error:
        return f"is no URI reference: {error}"


def _info(source: Source, info: object) -> Iterator[Problem]:
    named = _mapping(info)
    for name in sorted(_INFO):
        if not isinstance(named.get(name), str):
            yield Problem(source.place("info", name), f"info has no {name}", "a text")
    yield from _unknown(source, ("info",), named, _INFO)


def _action_problems(source: Source, index: int, action: object) -> Iterator[Problem]:
    at = ("actions", index)
    if not isinstance(action, Mapping):
        yield Problem(source.place(*at), "the action is no mapping", "`target`, and `update` or `remove`")
        return
    yield from _unknown(source, at, action, _ACTION)
    target = action.get("target")
    if not isinstance(target, str):
        yield Problem(source.place(*at), "the action has no target", "a JSONPath, such as $.info")
    else:
        try:
            jsonpath_rfc9535.compile(target)
        except (jsonpath_rfc9535.JSONPathError, RecursionError, ValueError) as error:
            found = f"the target {target} is no JSONPath: {str(error).splitlines()[0]}"
            yield Problem(source.place(*at, "target"), found, "a query of RFC 9535")
    if not isinstance(action.get("description", ""), str):
        yield Problem(source.place(*at, "description"), "the description is no text", "a text")
    if not isinstance(action.get("remove", False), bool):
        yield Problem(source.place(*at, "remove"), f"remove is {action['remove']!r}", "true or false")


def _unknown(
    source: Source, at: tuple[str | int, ...], raw: Mapping[str, object], known: frozenset[str]
) -> Iterator[Problem]:
    for key in raw:
        if key not in known and not key.startswith("x-"):
            yield Problem(source.place(*at, key), f"unknown key {key!r}", f"one of {', '.join(sorted(known))}, or x-…")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Mapping[str, object]]:
    return value if isinstance(value, list) else []

"""Checks of the settings file, against its published JSON Schema."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec import Schema, Source

SCHEMA_FILE = Path(__file__).with_name("workspace.schema.json")


@cache
def settings_schema() -> Mapping[str, Any]:
    """The JSON Schema of `specwatch.yaml`."""
    schema: Mapping[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def lint_settings(path: Path) -> list[Problem]:
    """What is wrong with a settings file; nothing when it does not exist.

    Args:
        path: a `specwatch.yaml`.
    """
    if not path.exists():
        return []
    source = Source.read(path)
    try:
        content = source.mapping()
    except WorkspaceError as error:
        return list(error.problems)
    return [*_unknown_keys(source, content), *_wrong_values(source, content)]


def _unknown_keys(source: Source, content: Mapping[str, object]) -> Iterator[Problem]:
    known = list(settings_schema()["properties"])
    for key in content.keys() - set(known):
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else "remove it"
        yield Problem(source.place(key), f"unknown key {key!r}", f"one of {', '.join(known)}", mend)


def _wrong_values(source: Source, content: Mapping[str, object]) -> Iterator[Problem]:
    schema = {name: value for name, value in settings_schema().items() if name != "additionalProperties"}
    for error in Schema(schema).errors(content):
        parts = [part for part in error.where.split("/") if part]
        if error.expected == "a required field":
            found, mend = f"no {parts[-1]!r}", f"add `{parts[-1]}: {_fixed_value(parts[-1])}`"
        else:
            found, mend = f"{'.'.join(parts) or 'the file'} is {error.found}", ""
        yield Problem(source.place(*parts), found, _in_words(error.expected), mend)


def _fixed_value(name: str) -> str:
    return str(settings_schema()["properties"].get(name, {}).get("const", "..."))


def _in_words(expected: str) -> str:
    words = {
        "uniqueItems": "every name once",
        "pattern": "the name of an environment variable: letters, digits and _",
        "array": "a list of names",
        "object": "a mapping",
        "string": "a name",
    }
    return next((said for word, said in words.items() if word in expected), expected.removeprefix("const "))

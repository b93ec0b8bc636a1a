"""Random documents and random overlays: editing the text does what merging the data does, and touches nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from specwatch.drift.editing import edited
from specwatch.drift.merging import Way, carry_out, located
from specwatch.drift.overlay import Action, json_path
from specwatch.errors import UsageError
from specwatch.spec.source import Source

PATH = Path("random.yaml")
KEYS = st.sampled_from("abcd")
LEAVES = st.sampled_from(["word", "'quoted: {}'", '"two {}"', "9"])
"""How a value is written; a number makes each another one, so that it is known again."""

TREES = st.recursive(
    LEAVES,
    # no list directly in a list: its dashes are written anew, and so are the lines behind them
    lambda inner: (
        st.lists(inner.filter(lambda each: not isinstance(each, list)), max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(KEYS, TREES, min_size=1, max_size=4)
NEW = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["new", "no: thing", "#", "1", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)


class Writer:
    """Writes a document as YAML that a person might have written: a comment behind each value, and above some lines."""

    def __init__(self, dash: int, *, above: bool, data: st.DataObject) -> None:
        self._dash, self._above, self._data, self._numbers = dash, above, data, count(100)

    def text(self, document: object) -> str:
        """The whole of it."""
        return "".join(f"{line}\n" for line in self._lines(document, 0))

    def _lines(self, node: object, depth: int) -> Iterator[str]:
        pad = " " * depth
        if isinstance(node, dict):
            for key, value in node.items():
                yield from self._entry(f"{pad}{key}:", value, depth + (self._dash if isinstance(value, list) else 2))
        elif isinstance(node, list):
            for value in node:
                if isinstance(value, dict | list) and value:
                    first, *rest = [line for line in self._lines(value, depth + 2) if not _is_comment(line)]
                    yield f"{pad}- {first.strip()}"
                    yield from rest
                else:
                    yield from self._entry(f"{pad}-", value, depth)

    def _entry(self, head: str, value: object, depth: int) -> Iterator[str]:
        number = next(self._numbers)
        if self._above and self._data.draw(st.booleans()):
            yield f"{' ' * (len(head) - len(head.lstrip()))}# above {number}"
        if isinstance(value, dict | list):
            yield f"{head}  # part {number}" if value else f"{head} {json.dumps(value)}  # part {number}"
            yield from self._lines(value, depth)
        else:
            text = str(value).format(number) if "{" in str(value) else f"{value}{number}"
            yield f"{head} {text}  # value {number}"


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def ways(node: object, at: Way = ()) -> Iterator[Way]:
    """All places of a document."""
    yield at
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for part, child in inner:
        yield from ways(child, (*at, part))


def action(document: object, data: st.DataObject) -> Action:
    """Some action, mostly one that can be carried out."""
    targets = [json_path(way) for way in ways(document)]
    target = data.draw(st.sampled_from([*targets, "$..a", "$.*", "$.*.*", "$.nowhere"]))
    if data.draw(st.booleans()):
        return Action(target, remove=True)
    return Action(target, update=data.draw(st.dictionaries(KEYS, NEW, max_size=2) | NEW))


def carried(document: Any, actions: list[Action]) -> Any:
    """What the actions make of the plain data."""
    for each in actions:
        carry_out(document, each, located(document, each), copy.deepcopy)
    return document


@settings(deadline=None, max_examples=60, derandomize=True)
@given(DOCUMENTS, st.sampled_from([0, 2]), st.booleans(), st.data())
def test_editing_the_text_is_merging_the_data(
    tree: object,
    dash: int,
    above: bool,  # noqa: FBT001 - drawn
    data: st.DataObject,
) -> None:
    """The edited text says what merging makes of the data; the line of each value that is still there stays."""
    text = Writer(dash, above=above, data=data).text(tree)
    document = Source(PATH, text).data
    actions = [action(document, data) for _ in range(data.draw(st.integers(1, 3)))]
    try:
        expected = carried(copy.deepcopy(document), actions)
    except UsageError:
        with pytest.raises(UsageError):
            edited(PATH, text, actions)
        return
    try:
        result = edited(PATH, text, actions)
    except UsageError:
        reject()  # to be done by hand: rare, and nothing is written
    assert json.dumps(Source(PATH, result.text).data) == json.dumps(expected)
    if result.reformatted:
        return  # rare, and said
    left = json.dumps(expected)
    lines = iter([line.lstrip(" -") for line in result.text.splitlines()])
    for line in text.splitlines():
        number = line.rpartition(" ")[2]
        if "# value" in line and number in left:
            assert line.lstrip(" -") in lines, f"{line} is lost in\n{result.text}"

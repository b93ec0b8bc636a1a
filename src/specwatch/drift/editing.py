"""The text of a spec after the actions of an overlay, with its comments, order, quotes and anchors.

A document that is read and written again never looks quite the same. So it is written twice, as it is and as it shall
be, and only the lines in which these two differ are changed in the text. The result is read again: it has to say
exactly what the actions make of the plain document, or another way is tried.
"""

from __future__ import annotations

import copy
import io
import json
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final

from specwatch.drift.merging import Way, carry_out, key_of, located
from specwatch.drift.overlay import Action
from specwatch.errors import Problem, UsageError, WorkspaceError
from specwatch.spec.source import Source

_WIDE: Final = 1_000_000
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./,;-]+)*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


_LISTS: Final = re.compile(
    r"^([ ]*)(- |)[^\s#-][^\n]*:[ ]*(?:[&!#][^\n]*)?\n(?:[ ]*#[^\n]*\n)*([ ]*)-([ ]+)\S", re.MULTILINE
)
_STYLES: Final = 3
_EMPTIED: Final = re.compile(
    r"^([^\n]*[:-])([ ]+#[^\n]*)?\n((?:[ ]*(?:#[^\n]*)?\n)*)(\{\}|\[\])(?:\n|\Z)", re.MULTILINE
)  # what had a comment and has lost its last entry is written at the left margin, behind its comments

Places = Sequence[tuple[Action, Sequence[Way]]]
"""Actions, and where each is carried out."""

Written = tuple[str, str]
"""A document before and after, as a program writes it."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after a change.

    Args:
        text: the new text.
        reformatted: whether lines had to be written anew that did not have to change.
        missed: the positions of the actions whose targets were nowhere.
    """

    text: str
    reformatted: bool = False
    missed: tuple[int, ...] = ()


def edited(path: Path, text: str, actions: Sequence[Action]) -> Edited:
    """The text of a spec after these actions; one whose target is nowhere does nothing.

    Args:
        path: of the spec, whose suffix tells JSON from YAML.
        text: as it stands in the file.
        actions: of an overlay, in order.

    Raises:
        SpecwatchError: the text is no YAML, or an action cannot be carried out.
    """
    source = Source(path, text)
    expected = copy.deepcopy(source.mapping())
    places: list[tuple[Action, Sequence[Way]]] = []
    for action in actions:
        ways = located(expected, action)
        places.append((action, ways))
        carry_out(expected, action, ways, copy.deepcopy)
    missed = tuple(position for position, (_, ways) in enumerate(places) if not ways)
    if _same(expected, source.data):
        return Edited(text, missed=missed)
    newline = "\r\n" if "\r\n" in text else "\n"
    best = _best(path, text.replace("\r\n", "\n"), places, expected)
    if best is None:
        found = "cannot be changed so that it says what it shall, and nothing else is changed"
        raise UsageError(Problem(str(path), found, mend="make the changes of the overlay by hand"))
    return Edited(best.text.replace("\n", newline), best.reformatted, missed)


def _best(path: Path, text: str, places: Places, expected: object) -> Edited | None:
    """The text that says what is expected and differs in the fewest lines; None where none says it."""
    whole: list[str] = []
    for way in [_json] if path.suffix == ".json" else [_yaml, _yaml_apart]:
        right: list[tuple[int, str]] = []
        for before, after in way(text, places):
            fewest = _distance(before, after)
            whole.append(after)
            for tidy in (True, False):
                candidate = spliced(text, before, after, tidy=tidy)
                if _says(path, candidate, expected):
                    right.append((_distance(text, candidate), candidate))
                    break
            if right and right[-1][0] <= fewest:
                return Edited(right[-1][1])
        if right:
            return Edited(min(right)[1])
    return next((Edited(each, reformatted=True) for each in whole if _says(path, each, expected)), None)


def _distance(before: str, after: str) -> int:
    """How many lines differ."""
    codes = _matched(before.splitlines(), after.splitlines()).get_opcodes()
    return sum(i2 - i1 + j2 - j1 for tag, i1, i2, j1, j2 in codes if tag != "equal")


def _says(path: Path, text: str, expected: object) -> bool:
    try:
        return _same(Source(path, text).data, expected)
    except WorkspaceError:
        return False


def _same(one: object, other: object) -> bool:
    """Whether two documents are the same, order and types included."""
    return json.dumps(one, default=repr) == json.dumps(other, default=repr)


# ------------------------------------------------------------------------------------------------------------- writing


def _json(text: str, places: Places) -> Iterator[Written]:
    before = json.loads(text)
    after = copy.deepcopy(before)
    for action, ways in places:
        carry_out(after, action, ways, copy.deepcopy)
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    end = "\n" if text.endswith("\n") else ""

    def write(data: object) -> str:
        return json.dumps(data, indent=found[1] if found else None, ensure_ascii=text.isascii()) + end

    yield write(before), write(after)


def _yaml(text: str, places: Places) -> Iterator[Written]:
    return _written(text, places, apart=False)


def _yaml_apart(text: str, places: Places) -> Iterator[Written]:
    """The same, what an anchor shares written out wherever it is changed."""
    return _written(text, places, apart=True)


def _written(text: str, places: Places, *, apart: bool) -> Iterator[Written]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDE

    def write(data: object) -> str:
        out = io.StringIO()
        yaml.dump(data, out)
        written = _EMPTIED.sub(r"\1 \4\2\n\3", out.getvalue())
        return written.removesuffix("\n") + "\n"

    try:
        before, after = yaml.load(text), yaml.load(text)
        for document in (before, after):
            _keep_anchors(document)
        for action, ways in places:
            for way in ways if apart else ():
                _set_apart(after, way)
            carry_out(after, action, ways, _new)
    except (YAMLError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        return  # YAML 1.2 is read, the rest of specwatch reads 1.1; or what is shared was changed twice
    for mapping, sequence, offset in _indents(text):
        yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
        yield write(before), write(after)


def _indents(text: str) -> list[tuple[int, int, int]]:
    """How a text indents mappings, lists, and the dashes of lists: the most frequent ways first."""
    found = re.search(r"^[^\s#-][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]+)[^\s#-]", text, re.MULTILINE)
    mapping = len(found[1]) if found else 2
    styles: Counter[tuple[int, int]] = Counter()
    for key, item, dash, space in _LISTS.findall(text):
        start = len(key) + (2 if item else 0)
        styles[max(0, len(dash) - start), len(space)] += 1
    usual = [style for style, _ in styles.most_common(_STYLES)] or [(2, 1)]
    return [(mapping, offset + 1 + space, offset) for offset, space in usual]


def _new(value: object) -> object:
    """A new part of a document; texts that some reader of YAML might take for something else are quoted."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import SingleQuotedScalarString

    if isinstance(value, dict):
        return CommentedMap((_new(key), _new(item)) for key, item in value.items())
    if isinstance(value, list):
        made = CommentedSeq(map(_new, value))
        if all(not isinstance(item, dict | list) for item in value):
            made.fa.set_flow_style()
        return made
    if isinstance(value, str) and (not _PLAIN.fullmatch(value) or value.lower() in _WORDS) and value.isprintable():
        return SingleQuotedScalarString(value)
    return value


def _set_apart(document: Any, way: Sequence[str | int]) -> None:
    """Give this place its own copy of whatever it shares with others by an anchor."""
    shared = _shared(document)
    node = document
    for part in way:
        key: Any = int(part) if isinstance(node, list) else key_of(node, str(part))
        child = node[key]
        if id(child) in shared:
            child = copy.deepcopy(child)
            _forget_anchors(child)
            node[key] = child
            shared = _shared(document)
        node = child


def _shared(document: object) -> set[int]:
    counts: Counter[int] = Counter()
    waiting = [document]
    while waiting:
        for child in _children(waiting.pop()):
            counts[id(child)] += 1
            if counts[id(child)] == 1:
                waiting.append(child)
    return {each for each, times in counts.items() if times > 1}


def _children(node: object) -> list[object]:
    inner = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    return [each for each in inner if isinstance(each, dict | list)]


def _keep_anchors(document: object) -> None:
    """Have all anchors written, also those that nothing refers to."""
    waiting, seen = [document], set()
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            waiting += _children(node)
            anchor = getattr(node, "anchor", None)
            if anchor is not None and anchor.value:
                anchor.always_dump = True


def _forget_anchors(node: object) -> None:
    anchor = getattr(node, "anchor", None)
    if anchor is not None:
        anchor.value = None
    for child in _children(node):
        _forget_anchors(child)


# ------------------------------------------------------------------------------------------------------------ splicing


def spliced(text: str, before: str, after: str, *, tidy: bool) -> str:
    """The text with the changes that lead from `before` to `after`, another spelling of the same document.

    Args:
        text: as it stands in the file.
        before: the same document written by a program.
        after: the changed document, written by the same program.
        tidy: put new lines before the blank lines and comments that precede what follows.
    """
    own, old, new = (each.splitlines(keepends=True) for each in (text, before, after))
    if own and not own[-1].endswith("\n"):
        own[-1] += "\n"
    gaps = _Gaps(old, own)
    result, at = [], 0
    for region in _regions(old, new, gaps):
        start, end = gaps.up_to(region.low)[0], gaps.on_from(region.high)[0]
        lines = region.lines(old)
        if tidy and start == end and lines:
            start = end = _before_comments(own, start, lines[0])
        start = max(start, at)
        result += own[at:start] + lines
        at = max(start, end)
    return "".join(result + own[at:])


@dataclass
class _Region:
    """Lines of the old text, from gap to gap, and the changes among them."""

    low: int
    high: int
    changes: list[tuple[int, int, list[str]]]

    def lines(self, old: list[str]) -> list[str]:
        """What takes their place."""
        result, at = [], self.low
        for start, end, new in self.changes:
            result += old[at:start] + new
            at = end
        return result + old[at : self.high]


def _regions(old: list[str], new: list[str], gaps: _Gaps) -> list[_Region]:
    """The changed parts, each widened to gaps that are certain."""
    regions: list[_Region] = []
    for tag, i1, i2, j1, j2 in _matched(old, new).get_opcodes():
        if tag == "equal":
            continue
        low, high = gaps.up_to(i1)[1], gaps.on_from(i2)[1]
        if regions and low < regions[-1].high:
            regions[-1].high = max(regions[-1].high, high)
            regions[-1].changes.append((i1, i2, new[j1:j2]))
        else:
            regions.append(_Region(low, high, [(i1, i2, new[j1:j2])]))
    return regions


def _matched(one: list[str], other: list[str]) -> SequenceMatcher[str]:
    return SequenceMatcher(None, one, other, autojunk=False)


class _Gaps:
    """Gaps between lines of one text, and the same gaps in another text where they are certain.

    What is handed back is the gap in `own`, and the same gap in `old`.
    """

    def __init__(self, old: list[str], own: list[str]) -> None:
        self._certain = {0: 0}
        for a, b, size in [*_matched(old, own).get_matching_blocks()][:-1]:
            for step in range(size + 1):
                self._certain.setdefault(a + step, b + step)
        self._certain.setdefault(len(old), len(own))
        self._known = sorted(self._certain)

    def up_to(self, gap: int) -> tuple[int, int]:
        """The last certain gap that is not behind this one."""
        at = self._known[bisect_right(self._known, gap) - 1]
        return self._certain[at], at

    def on_from(self, gap: int) -> tuple[int, int]:
        """The first certain gap that is not before this one."""
        at = self._known[bisect_left(self._known, gap)]
        return self._certain[at], at


def _before_comments(own: list[str], at: int, first: str) -> int:
    """The gap above blank lines and comments that are not indented as deep as the new line."""
    depth = _depth(first)
    while at > 0 and (
        not own[at - 1].strip() or (own[at - 1].lstrip().startswith("#") and _depth(own[at - 1]) < depth)
    ):
        at -= 1
    return at


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

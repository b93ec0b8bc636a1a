"""The names that expressions of a workflow may use, and how a name that does not exist is told."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class Mistake(Exception):  # noqa: N818 - not an error of a run: it is caught where the line is known
    """What is wrong with a part of a document, before its place is known.

    Args:
        found: what stands there.
        expected: what should.
        mend: what to do about it.
        dangling: whether the form is right, but the name leads nowhere.
    """

    def __init__(self, found: str, expected: str, mend: str = "", *, dangling: bool = False) -> None:
        self.found = found
        self.expected = expected
        self.mend = mend
        self.dangling = dangling
        super().__init__(found)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a workflow declares.

    Args:
        inputs: names of its inputs; None where its schema does not list them.
        outputs: names of its outputs.
    """

    inputs: tuple[str, ...] | None
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What the expressions at one place of a document may name; None means that anything may stand there.

    Args:
        inputs: of the workflow.
        steps: outputs of its steps, by step id.
        outputs: of the workflow that a step calls.
        workflows: the other workflows of the document.
        sources: fields of the source descriptions, by their name.
        self_uri: the document's own address, or None where it has none.
    """

    inputs: tuple[str, ...] | None = None
    steps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: tuple[str, ...] | None = None
    workflows: Mapping[str, Declared] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    self_uri: str | None = None


def suggest(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?` with the nearest known name, or an empty text."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def listed(known: Iterable[str]) -> str:
    """The known names in one line."""
    return ", ".join(known) or "(there is none)"


def choose(text: str, known: Iterable[str] | None, what: str) -> tuple[str, tuple[str, ...]]:
    """Split dotted text into the longest known name and the members that follow it.

    Raises:
        Mistake: none of its beginnings is known.
    """
    parts = text.split(".")
    if known is None:
        return parts[0], tuple(parts[1:])
    names = tuple(known)
    for count in range(len(parts), 0, -1):
        if (name := ".".join(parts[:count])) in names:
            return name, tuple(parts[count:])
    found = f"no {what} is called {parts[0]!r}"
    raise Mistake(found, f"one of {listed(names)}", suggest(parts[0], names), dangling=True)

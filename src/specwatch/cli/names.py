"""Names that do not exist: the complaint says which one is nearest and which there are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from specwatch.errors import Problem, SpecwatchError, UsageError, WorkspaceError

_SHOWN = 8
"""Longer lists are not printed: the hint says how to see them."""

_NEAREST = 3

T = TypeVar("T")


def unknown(where: str, noun: str, given: str, known: Sequence[str], hint: str = "") -> Problem:
    """The complaint about a name.

    Args:
        where: the option as it was typed.
        noun: what the name stands for.
        given: the name.
        known: all names.
        hint: how to see them, for when there are too many to print or none is near.
    """
    near = difflib.get_close_matches(given, known, n=_NEAREST, cutoff=0.5)
    expected = _expected(noun, known, hint)
    mend = f"did you mean {either(near)}?" if near else hint if hint not in expected else ""
    return Problem(where, f"no such {noun}", expected, mend)


def either(names: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _expected(noun: str, known: Sequence[str], hint: str) -> str:
    if not known:
        return f"there is no {noun} at all"
    if hint and len(known) > _SHOWN:
        return f"one of the {len(known):,} that there are; {hint}"
    return f"one of {', '.join(known)}"


class Complaints:
    """Collects what is wrong with a command line, so that all of it is said at once."""

    def __init__(self) -> None:
        self._usage: list[Problem] = []
        self._workspace: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Note a problem of usage."""
        self._usage.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems of files."""
        self._workspace.extend(problems)

    def attempt(self, make: Callable[[], T]) -> T | None:
        """What the function returns; None when it raised, which is noted."""
        try:
            return make()
        except WorkspaceError as error:
            self._workspace += error.problems
        except SpecwatchError as error:
            self._usage += error.problems
        return None

    def raise_if_any(self) -> None:
        """Pass when nothing was noted.

        Raises:
            UsageError: something was asked for that does not exist; problems of files are among its problems.
            WorkspaceError: only files are wrong.
        """
        if self._usage:
            raise UsageError(*self._usage, *self._workspace)
        if self._workspace:
            raise WorkspaceError(*self._workspace)

"""Names that do not exist: the complaint says which one is nearest and which there are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from specwatch.errors import Problem, SpecwatchError, UsageError, WorkspaceError

_SHOWN = 20

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
    near = difflib.get_close_matches(given, known, n=2, cutoff=0.5)
    listed = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")
    mend = f"did you mean {' or '.join(near)}?" if near else hint
    return Problem(where, f"no such {noun}", f"one of {listed}" if known else f"there is no {noun} at all", mend)


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

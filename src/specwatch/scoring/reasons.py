"""Why faults are missed: what people found out about them, from a small file of the workspace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from specwatch.errors import Problem, WorkspaceError
from specwatch.scoring.values import Outcome
from specwatch.spec import Source

FILE: Final = "missed.yaml"
"""In the folder of the sandbox modules: a mapping `missed` from names of faults, or patterns of them, to reasons."""

UNEXPLAINED: Final = "no reason known"


def read_reasons(path: Path) -> dict[str, str]:
    """Pattern of fault names to the reason why they are missed; nothing where there is no file.

    Raises:
        WorkspaceError: the file is no such mapping.
    """
    if not path.exists():
        return {}
    source = Source.read(path)
    entries = source.mapping().get("missed")
    if not isinstance(entries, Mapping):
        raise WorkspaceError(Problem(str(path), "has no mapping `missed`", "names of faults with a reason each"))
    problems = [
        Problem(source.place("missed", str(name)), f"the reason is {reason!r}", "a sentence")
        for name, reason in entries.items()
        if not isinstance(reason, str) or not reason.strip()
    ]
    if problems:
        raise WorkspaceError(*problems)
    return {str(name): " ".join(str(reason).split()) for name, reason in entries.items()}


def reason_for(name: str, reasons: Mapping[str, str]) -> str:
    """The reason why a fault is missed, or the words that none is known."""
    return next((reason for pattern, reason in reasons.items() if fnmatchcase(name, pattern)), UNEXPLAINED)


def why_missed(outcome: Outcome, reasons: Mapping[str, str]) -> str:
    """Why a fault was missed: what people wrote down, else what the run and the fault itself tell."""
    known = reason_for(outcome.task.name, reasons)
    told = [known] if known != UNEXPLAINED else [outcome.task.unclaimed]
    return "; ".join(filter(None, (outcome.reason.rstrip(": "), *told))) or UNEXPLAINED


def stale(reasons: Mapping[str, str], names: Iterable[str]) -> Iterator[str]:
    """The patterns that fit no fault."""
    known = tuple(names)
    yield from (pattern for pattern in reasons if not any(fnmatchcase(name, pattern) for name in known))

"""Which sandbox module or contract test of the workspace has a defect, and where, as a result tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specwatch.values.defect import Defect, Part

if TYPE_CHECKING:
    from specwatch.errors import InternalError

CHARACTERS: Final = 400
"""How much is told of what one of them raised."""

_TOLD: Final = re.compile(
    r"(?P<file>[^:\s][^:]*?\.py)(?::(?P<line>\d+))?(?:::(?P<test>\w+)\S*)?: (?P<text>.*)", re.DOTALL
)
"""`test_x.py::test_of_it: KeyError: 'x'`, as pytest names a test; or a file and a line."""

_RAISED: Final = re.compile(r"^E\s+(.+)$", re.MULTILINE)
"""What pytest tells of a module that cannot be imported: the lines with what was raised."""


def of_tests(error: InternalError, contracts: Path, apis: Sequence[str]) -> Iterator[Defect]:
    """The defects of contract tests.

    Args:
        error: how the tests ended; its texts hold no secrets.
        contracts: their folder.
        apis: ids of the APIs of the run.
    """
    texts = [problem.found for problem in error.problems]
    for text in texts[1:] or texts:  # the first of several says what the others are
        told = _TOLD.fullmatch(text)
        if told is None:
            yield Defect(Part.CONTRACT_TEST, contracts.name, _one_line(text))
            continue
        path = contracts / told["file"]
        line = told["line"] or _line_of(path, told["test"])
        test = f"{told['test']}: " if told["test"] else ""
        where = f"{path}:{line}" if line else str(path)
        api = next((api for api in apis if path.name == f"test_{api.replace('-', '_')}.py"), "")
        yield Defect(Part.CONTRACT_TEST, where, _one_line(f"{test}{_essence(told['text'])}"), api)


def within(root: Path, defects: Iterable[Defect]) -> tuple[Defect, ...]:
    """The defects with their places as seen from the root of the workspace, each on one line."""
    inside = f"{root.resolve()}/"
    return tuple(
        replace(each, where=each.where.removeprefix(inside).removeprefix(f"{root}/"), text=_one_line(each.text))
        for each in defects
    )


def _essence(text: str) -> str:
    """Of a traceback the line with what was raised; any other text as it is."""
    raised = _RAISED.findall(text)
    return raised[-1] if raised else text


def _line_of(path: Path, test: str | None) -> str:
    """The line in which a test begins; empty where it is not found."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if test else []
    except (OSError, UnicodeDecodeError):
        return ""
    begin = re.compile(rf"\s*(async )?def {test}\b")
    return next((str(number) for number, line in enumerate(lines, start=1) if begin.match(line)), "")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CHARACTERS else f"{line[: CHARACTERS - 1]}…"

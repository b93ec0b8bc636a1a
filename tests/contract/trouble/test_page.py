"""The page about whose fault it is says what the matrix of causes shows."""

from __future__ import annotations

import re

from tests.contract.conftest import ROOT
from tests.contract.trouble.causes import CAUSES

PAGE = ROOT / "docs" / "explanation" / "whose-fault.md"


def rows() -> dict[str, tuple[str, str, str]]:
    """The table by cause: what is seen, the verdict, what to do."""
    section = PAGE.read_text("utf-8").partition("## Cause by cause")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if "|" in line]
    return {cause.strip("| "): (seen, verdict, todo) for cause, seen, verdict, todo in cells[2:]}


def test_every_cause_is_on_the_page() -> None:
    """In the same order, and no other."""
    assert list(rows()) == list(CAUSES)


def test_verdicts_are_those_of_the_matrix() -> None:
    """What the page says that a run ends with is what it ends with."""
    assert {cause: row[1] for cause, row in rows().items()} == {
        cause: f"`{trouble.verdict.value}`" for cause, trouble in CAUSES.items()
    }


def test_reasons_are_those_of_the_matrix() -> None:
    """What the page quotes is part of the reason that the matrix demands, and each cause has something to do."""
    wrong = {}
    for cause, (seen, _, todo) in rows().items():
        for quoted in re.findall(r"`([^`]+)`", seen):
            pieces = [piece.strip() for piece in quoted.split("…")]
            if quoted != "Date" and not all(piece in CAUSES[cause].seen for piece in pieces):
                wrong[cause] = quoted
        if not todo.rstrip("|").strip():
            wrong[cause] = "nothing to do"
    assert wrong == {}

"""A terminal on which text from anywhere is only ever text: no markup and no control sequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from specwatch.reports.text import printable
from specwatch.values.claim import Verdict

GLYPHS: Final = {Verdict.PASS: ("✓", "+"), Verdict.FAIL: ("✗", "x"), Verdict.UNKNOWN: ("?", "?")}
"""Verdict to its sign, and the sign where the terminal has ASCII only."""

STYLES: Final = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.UNKNOWN: "yellow"}

Cell = Text | str

NARROWEST: Final = 20
"""Text beside labels gets at least that many columns, even where the terminal has fewer."""

_GAP: Final = "  "


def in_ci(variables: Mapping[str, str]) -> bool:
    """Whether the variable CI says that nobody sits at the terminal."""
    return variables.get("CI", "").lower() not in {"", "0", "false"}


class Screen:
    """Writes lines, fields and tables to a rich console.

    Args:
        console: honours NO_COLOR and the width by itself.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    def text(self, text: str, style: str = "") -> Text:
        """The text, made harmless and writable in the console's encoding."""
        encoding = self.console.encoding
        safe = printable(text).encode(encoding, "backslashreplace").decode(encoding)
        return Text(safe, style)

    def glyph(self, verdict: Verdict) -> Text:
        """The sign of a verdict; a word stands beside it wherever it is used."""
        fine, plain = GLYPHS[verdict]
        return Text(plain if self.console.options.ascii_only else fine, STYLES[verdict])

    def line(self, *parts: Cell) -> None:
        """Print the parts, one after the other, wrapped at the width."""
        self.console.print(Text.assemble(*(self._cell(part) for part in parts)), highlight=False)

    def long_line(self, *parts: Cell) -> None:
        """Print the parts as one line however long it is, so that it can be copied as one line."""
        self.console.print(Text.assemble(*(self._cell(part) for part in parts)), highlight=False, soft_wrap=True)

    def fields(self, rows: Iterable[tuple[Cell, Cell]], *, indent: int = 2) -> None:
        """Print labels and, beside each, its text, wrapped within its column."""
        cells = [(self._cell(label), self._cell(text)) for label, text in rows]
        width = max((label.cell_len for label, _ in cells), default=0)
        room = max(self.console.width - indent - width - len(_GAP), NARROWEST)
        for label, text in cells:
            lines = text.wrap(self.console, room, overflow="fold")
            label.pad_right(width - label.cell_len)
            label.stylize("dim")
            for index, line in enumerate(lines):
                self.long_line(" " * indent, " " * width if index else label, _GAP, line)

    def row(self, table: Table, *cells: Cell, style: str | None = None) -> None:
        """Add a row to a table, every cell made harmless."""
        table.add_row(*(self._cell(cell) for cell in cells), style=style)

    def _cell(self, cell: Cell) -> Text:
        return self.text(cell) if isinstance(cell, str) else cell

"""Text from anywhere as Markdown that shows it and does nothing else, on GitHub and on GitLab.

Facts: GitHub Flavored Markdown, https://github.github.com/gfm/: backslash escapes (6.1), code spans (6.3), fenced code
(4.5), tables (4.10), autolinks (6.9).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from specwatch.reports.text import printable, shortened

_MEANS_SOMETHING: Final = re.compile(r"([\\`*_\[\]<>~&$])")
_BEGINS_SOMETHING: Final = re.compile(r"^(\d*)([-+=#.)])")
"""Lists, headings and lines below headings, where the text begins a line."""

_BREAK: Final = "\u200b"
_CALLS: Final = re.compile(r"@(?=\w)|#(?=\d)|:(?=//)|(?<=www)(?=\.)|(?<=WWW)(?=\.)")
"""Where a host makes a link of plain text, or tells somebody about it: names, numbers of issues, addresses."""


def one_line(text: str) -> str:
    """The text on one line, control characters written out, runs of spaces made one."""
    return " ".join(printable(text).split())


def words(text: str, limit: int = 600) -> str:
    """Text for a line or for a cell: every character that means something there is escaped.

    An invisible break keeps names and addresses from becoming mentions and links.
    """
    line = _MEANS_SOMETHING.sub(r"\\\1", _CALLS.sub(_broken, shortened(one_line(text), limit)))
    return _BEGINS_SOMETHING.sub(r"\1\\\2", line)


def _broken(match: re.Match[str]) -> str:
    return f"{match[0]}{_BREAK}"


def code(text: str, limit: int = 300) -> str:
    """Text as a code span, for the middle of a line or for a cell; an empty one is empty.

    A bar behind a backslash, which parsers of tables take apart in different ways, is shown as plain text instead.
    """
    line = shortened(one_line(text), limit)
    if not line or "\\|" in line:
        return words(text, limit)
    mark = "`" * (_longest_run(line) + 1)
    pad = " " if "`" in (line[0], line[-1]) else ""
    return f"{mark}{pad}{line}{pad}{mark}"


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Lines as a block of code, whatever they hold."""
    text = "\n".join(lines)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table of cells that are Markdown already.

    Args:
        head: titles.
        rows: as many cells each.
        numbers: so many columns at the end are aligned to the right.
    """
    words_first = len(head) - numbers
    rule = ["---"] * words_first + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (head, rule, *rows))


def _cell(text: str) -> str:
    """A cell: a bar would end it, within a code span, too."""
    return text.replace("|", "\\|")


def details(summary: str, content: str) -> str:
    """Content that is shown on a click. The blank lines make it Markdown again; `summary` is ours."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"

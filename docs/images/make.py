# ruff: noqa: INP001 - a script, no package
"""Draws docs/images/check.svg: the end of a real run of `specwatch check` on the embedded sandbox, with one fault on.

python docs/images/make.py
"""

from __future__ import annotations

import io
import re
from html import escape, unescape
from pathlib import Path
from typing import Final, cast

from rich.console import Console
from rich.text import Text

from specwatch.cli.check.build import build
from specwatch.cli.check.command import command
from specwatch.cli.check.parse import parse
from specwatch.cli.check.request import Given
from specwatch.contract.plugin import RunPlugin
from specwatch.contract.result import RunResult
from specwatch.contract.session import run_contracts
from specwatch.reports.console import Options, print_result
from specwatch.workspace import Workspace

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURE: Final = Path(__file__).with_name("check.svg")
ARGUMENTS: Final = ("--seed", "1", "--fault", "scan-documents/other-task")
COLUMNS: Final = 100

_FONT_FROM_ELSEWHERE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Whoever looks at the picture does not fetch a font for it: the next monospace font serves."""

_PIECE: Final = re.compile(
    r'<text class=(?P<style>"check-r\d+") x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="[\d.]+"(?P<rest>[^>]*)>'
    r"(?P<text>[^<]*)</text>"
)
_SPACE: Final = "\N{NO-BREAK SPACE}"
_COLUMN: Final = 12.2
"""How wide rich draws one character."""


def run(arguments: tuple[str, ...]) -> tuple[RunResult, Options]:
    """Carry out a check as the command line does, without printing; what it found, and what it was given."""
    context = command.make_context("check", list(arguments))
    request = parse(cast("Given", context.params), Workspace(ROOT, "this checkout"), ROOT)
    with build(request, lambda _event, _api: None) as contract:
        run_contracts(contract, request.workspace.contracts, RunPlugin)
        return contract.result(), request.options


def draw(result: RunResult, options: Options) -> str:
    """The result as the terminal shows it, as SVG: without drift, and with an ellipsis where a line is too long."""
    terminal = Console(width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard", no_color=False)
    with terminal.capture() as capture:
        print_result(terminal, result, options)
    blocks = [block for block in capture.get().strip("\n").split("\n\n") if "Drift: " not in block.partition("\n")[0]]
    prompt = Text.assemble(("$ ", "dim"), f"specwatch check {' '.join(ARGUMENTS)}")
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in (prompt, Text(), *map(Text.from_ansi, "\n\n".join(blocks).split("\n"))):
        line.truncate(COLUMNS, overflow="ellipsis")
        console.print(line, highlight=False)
    picture = console.export_svg(title="specwatch check", unique_id="check")
    return _PIECE.sub(_placed, _FONT_FROM_ELSEWHERE.sub("", picture))


def _placed(piece: re.Match[str]) -> str:
    """A piece of text without the spaces around it, which some viewers drop, set where its first letter stands."""
    text = unescape(piece["text"])
    letters = text.strip()
    if not letters:
        return ""
    left = float(piece["x"]) + (len(text) - len(text.lstrip())) * _COLUMN
    place = f'x="{left:g}" y="{piece["y"]}" textLength="{len(letters) * _COLUMN:g}"'
    return f"<text class={piece['style']} {place}{piece['rest']}>{escape(letters).replace(_SPACE, '&#160;')}</text>"


if __name__ == "__main__":
    PICTURE.write_text(draw(*run(ARGUMENTS)), encoding="utf-8")

# ruff: noqa: INP001 - a script, no package
"""Draws docs/images/report-{light,dark,phone}.png: the page of a real run on the embedded sandbox, with faults on.

python docs/images/make_report.py

Needs chromium; what is drawn is the top of the page, and of the phone's the first violation.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from docs.images.make import run  # noqa: E402 - the folder has to be known first
from tests.browser import Browser, Tab  # noqa: E402 - the same

from specwatch.reports.html import to_html  # noqa: E402 - the same
from specwatch.workspace import Workspace  # noqa: E402 - the same

HERE: Final = Path(__file__).parent
ARGUMENTS: Final = ("--seed", "1", "--fault", "exaroutes-bulk/state-regresses")
DESKTOP: Final = (1100, 1900)
PHONE: Final = (360, 1150)
SCALE: Final = 2
"""Times as many pixels on the phone, whose letters are small."""

FIRST: Final = "document.querySelector('#violations').getBoundingClientRect().top + scrollY"


def draw(tab: Tab, page: Path) -> None:
    """Draw the three pictures."""
    tab.open(page)
    tab.resize(DESKTOP[0])
    for theme in ("light", "dark"):
        tab.theme(theme)
        (HERE / f"report-{theme}.png").write_bytes(tab.picture(height=DESKTOP[1]))
    tab.theme("light")
    tab.resize(PHONE[0], scale=SCALE)
    (HERE / "report-phone.png").write_bytes(tab.picture(top=float(tab.run(FIRST)), height=PHONE[1]))


def main() -> None:
    """Carry out the run, and draw its page."""
    result, options = run(ARGUMENTS)
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        page = Path(folder) / "report.html"
        page.write_text(to_html(result, Workspace(ROOT, "this checkout").apis(), options), encoding="utf-8")
        draw(browser.tab(), page)


if __name__ == "__main__":
    main()

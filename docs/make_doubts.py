# ruff: noqa: INP001 - a script, no package
"""Writes docs/explanation/doubts.md from the `x-doubt` fields of the specs.

python docs/make_doubts.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from specwatch.spec import Api
from specwatch.workspace import Workspace

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "explanation" / "doubts.md"

HEAD: Final = """\
# Doubts

<!-- Written by docs/make_doubts.py from the field x-doubt of the specs. Change the specs, then run it again. -->

Documents contradict themselves, and they are silent where a client would like to know. A check that picks one reading
and reports the other as broken is wrong half of the time. So each such place is written down in the spec under
[`x-doubt`](../reference/spec-fields.md#x-doubt), with what we do about it: as a rule every reading passes, and what
comes is reported as drift where it is worth knowing.

Names of sections are those of the provider's document.
"""


def render() -> str:
    """The page."""
    workspace = Workspace(ROOT, "this checkout")
    return "\n".join([HEAD, *(line for api in workspace.apis() for line in _section(api))])


def _section(api: Api) -> Iterator[str]:
    yield f"## {api.id}"
    yield ""
    for doubt in api.doubts:
        yield f"**{_line(doubt.about)}**"
        yield ""
        yield f"- Where: {'; '.join(_line(place) for place in doubt.places)}"
        yield f"- Handling: {_line(doubt.handling)}"
        yield ""


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

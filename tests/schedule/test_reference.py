"""The pages about the schedule say what the schema says, and their examples load."""

import difflib
from pathlib import Path

import pytest
from tests.docs.test_pages import Block, all_blocks
from tests.docs.test_reference import script
from tests.probes.support import PROBES

from specwatch.schedule import load_schedule

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_fresh() -> None:
    """The reference is what its script writes: if not, `python docs/make_schedule.py`."""
    written = (ROOT / "docs" / "reference" / "schedule.md").read_text(encoding="utf-8").splitlines()

    assert list(difflib.unified_diff(written, script("make_schedule").render().splitlines(), "page", "fresh")) == []


@pytest.mark.parametrize("block", [block for block in all_blocks("yaml") if "schedule" in block.about], ids=str)
def test_schedules_on_pages_load(block: Block, tmp_path: Path) -> None:
    """A schedule on a page is accepted, with the workflows of this repository."""
    path = tmp_path / "schedule.yaml"
    path.write_text(block.text, encoding="utf-8")

    assert load_schedule(path, PROBES.documents).probes != ()

"""The reference pages of settings and alerts say what is derived, and their examples load."""

import difflib
from pathlib import Path

import pytest
from tests.docs.test_pages import Block, all_blocks
from tests.docs.test_reference import script
from tests.probes.support import PROBES

from specwatch.monitoring.origin import with_objective
from specwatch.monitoring.settings import load_settings

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", ["monitoring-settings.md", "alerts.md"])
def test_the_page_is_fresh(name: str) -> None:
    """It is what its script writes: if not, `python docs/make_monitoring.py`."""
    written = (REFERENCE / name).read_text(encoding="utf-8").splitlines()

    assert (
        list(difflib.unified_diff(written, script("make_monitoring").pages()[name].splitlines(), "page", "fresh")) == []
    )


@pytest.mark.parametrize("block", [block for block in all_blocks("yaml") if "settings" in block.about], ids=str)
def test_settings_on_pages_load(block: Block, tmp_path: Path) -> None:
    """Settings on a page are accepted, with the schedule of this repository, and change something."""
    path = tmp_path / "settings.yaml"
    path.write_text(block.text, encoding="utf-8")

    assert load_settings(path, with_objective(PROBES.schedule)) != load_settings(None, ())

"""What contract tests import from beside them, and what stays of it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from specwatch.contract.modules import importable


def test_neighbours_are_imported_afresh_by_every_run(tmp_path: Path) -> None:
    """A module of the folder can be imported while a run lasts; the next run gets what it says by then."""
    found = []
    path = list(sys.path)
    for value in ("first", "second and longer"):
        (tmp_path / "shop_shared_items.py").write_text(f"VALUE = {value!r}\n", encoding="utf-8")
        with importable(tmp_path):
            found.append(importlib.import_module("shop_shared_items").VALUE)
        assert "shop_shared_items" not in sys.modules
    assert found == ["first", "second and longer"]
    assert sys.path == path

"""A small workspace whose sandbox has a fault of each sort that a score has to tell apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faulty_sandbox import MODULE

from specwatch.cli.init import make_workspace
from specwatch.workspace import Workspace

MORE = """
import time


@api.operation("listRegions")
def list_regions(call: Call) -> Answer:
    return Answer(body={"count": 2, "regions": ["north", "south"]})


@api.fault("raises", breaks="count-equals-regions", text="The fault itself is broken.")
def raises(_call: Call, _answer: Answer) -> Answer:
    raise RuntimeError("no such luck")


@api.fault("hangs", breaks="count-equals-regions", text="No answer ever comes.")
def hangs(_call: Call, answer: Answer) -> Answer:
    time.sleep(60)
    return answer


@api.variation("told-allowed", text="A variation that is none.")
def told_allowed(_call: Call, answer: Answer) -> Answer:
    return replace(answer, body={**answer.body, "count": 7}) if answer.status == 200 else answer


@api.variation("with-more", text="One more field.")
def with_more(_call: Call, answer: Answer) -> Answer:
    return replace(answer, body={**answer.body, "more": True})
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """The workspace of `specwatch init` with that sandbox."""
    root = tmp_path / "workspace"
    make_workspace(root)
    (root / "sandbox" / "example_api.py").write_text(MODULE + MORE, encoding="utf-8")
    return Workspace(root, "the test's")

"""The comparison with stock Schemathesis: what it counts, what it prints, and that both tools really run."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from specwatch.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def _loaded() -> ModuleType:
    """The benchmark's module, which is in no package that tests could import."""
    spec = importlib.util.spec_from_file_location("side_by_side", ROOT / "benchmarks" / "detection" / "side_by_side.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


side_by_side = _loaded()
Bench, Finding, Row = side_by_side.Bench, side_by_side.Finding, side_by_side.Row
HONEST = {
    ("Schemathesis", "scan-documents"): Finding(frozenset({"server error GET"}), 40),
    ("specwatch", "scan-documents"): Finding(frozenset(), 61),
}
ROWS = [
    Row("schema", "scan-documents/one", {"Schemathesis": True, "specwatch": True}, {}),
    Row(
        "schema", "scan-documents/two", {"Schemathesis": False, "specwatch": True}, {"Schemathesis": "exit code 9: no"}
    ),
    Row("status", "scan-documents/three", {"Schemathesis": False, "specwatch": False}, {}),
    Row("variations", "scan-documents/more", {"Schemathesis": True, "specwatch": False}, {}),
]


def test_the_table_has_a_line_per_kind_and_the_sums() -> None:
    """Shares per kind and in all, without the variations, which are false alarms; then what the honest runs cost."""
    lines = side_by_side.table(ROWS, HONEST, {"Schemathesis": 2.04, "specwatch": 3.0}).splitlines()

    assert lines == [
        "| kind of drift | Schemathesis | specwatch |",
        "|---|---:|---:|",
        "| schema | 1/2 | 2/2 |",
        "| status | 0/1 | 0/1 |",
        "| **all** | **1/3** | **2/3** |",
        "| false alarms on harmless variations | 1/1 | 0/1 |",
        "| complaints about the honest server | 1 | 0 |",
        "| requests for all APIs, honest | 40 | 61 |",
        "| seconds for all APIs, honest | 2.0 | 3.0 |",
    ]


def test_what_was_missed_or_came_to_nothing_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Our misses, false alarms of either, runs without a verdict, and complaints about the honest server."""
    side_by_side._print_rest(ROWS, HONEST)

    assert capsys.readouterr().out.splitlines() == [
        "no verdict: Schemathesis on scan-documents/two: exit code 9: no",
        "missed by specwatch: scan-documents/three (status)",
        "false alarm: scan-documents/more by Schemathesis",
        "about the honest server: Schemathesis on scan-documents: server error GET",
    ]


def test_only_what_is_not_said_of_the_honest_server_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A complaint that a tool has about the honest server, too, is no detection."""
    api = Workspace(ROOT, "this checkout").api("scan-documents")
    said = {"Schemathesis": frozenset({"server error GET"}), "specwatch": frozenset({"getTask/200"})}

    def run(_bench: object, tool: Any, *_: object) -> Any:
        return Finding(said[tool.name], 1)

    monkeypatch.setattr(Bench, "run", run)
    row = side_by_side.compare(Bench({api.id: api}, {}, tmp_path), HONEST, "schema", "scan-documents/one")

    assert row.caught == {"Schemathesis": False, "specwatch": True}


@pytest.mark.slow
def test_both_tools_are_run_and_judged(tmp_path: Path) -> None:
    """The command itself, with one API and few faults: both columns, and a fault that specwatch alone can see."""
    rows = tmp_path / "rows.json"
    options = [
        "--api",
        "scan-documents",
        "--kind",
        "schema",
        "--kind",
        "semantics and state",
        "--every",
        "20",
        "--rounds",
        "1",
        "--json",
        str(rows),
    ]
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.detection.side_by_side", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    written = json.loads(rows.read_text(encoding="utf-8"))
    faults = [row["caught"] for row in written if row["kind"] != side_by_side.VARIATIONS]
    assert len(faults) > 1
    assert all(caught["specwatch"] for caught in faults), finished.stdout
    assert any(caught["Schemathesis"] for caught in faults), finished.stdout
    assert re.search(
        rf"^\| \*\*all\*\* \| \*\*\d+/{len(faults)}\*\* \| \*\*\d+/{len(faults)}\*\* \|$", finished.stdout, re.MULTILINE
    )
    assert "| complaints about the honest server | " in finished.stdout

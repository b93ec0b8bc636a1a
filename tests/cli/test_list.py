"""`specwatch list`: the whole of what it prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Command = Callable[..., CompletedProcess[str]]

PLAIN = """\
example-api  Example API
  GET  /v1/regions  listRegions  read
  10 claims: 7 promises, 3 inferences; 1 written down, 9 follow from the schemas
"""

CLAIM = """\
    example-api/count-equals-regions  (promise)
      The answer says how many regions it lists.
      source: List regions
"""


def test_operations_and_counts(specwatch: Command, workspace: Path) -> None:
    """Method, path, effect and price of each operation, and how many claims there are by level."""
    finished = specwatch("list", "--workspace", workspace)
    told = f"workspace: {workspace} (named by --workspace)\n"
    assert (finished.returncode, finished.stderr) == (0, told)
    lines = finished.stdout.splitlines()
    assert lines[:2] == PLAIN.splitlines()[:2]
    assert lines[2].endswith("follow from the schemas")
    assert "; 1 written down, " in lines[2]


def test_claims_with_text_and_source(specwatch: Command, workspace: Path) -> None:
    """--claims adds each claim, what it says and where the document says it."""
    assert specwatch("list", "--workspace", workspace, "--claims").stdout.endswith(CLAIM)


def test_paid_calls_show_their_price(specwatch: Command, workspace: Path, spec: Path) -> None:
    """An operation that costs something says so."""
    text = spec.read_text(encoding="utf-8").replace(
        "x-effect: read", "x-cost: {unit: credit, amount: 2.5}\n      x-effect: create"
    )
    spec.write_text(text, encoding="utf-8")
    assert (
        "  GET  /v1/regions  listRegions  create  costs 2.5 credit\n"
        in specwatch("list", "--workspace", workspace).stdout
    )


def test_json(specwatch: Command, workspace: Path, spec: Path) -> None:
    """--json is one document with all claims."""
    document = json.loads(specwatch("--workspace", workspace, "list", "--json").stdout)
    (api,) = document["apis"]
    assert document["schema"] == "specwatch.list/1"
    assert {key: api[key] for key in ("id", "title", "spec", "servers", "operations")} == {
        "id": "example-api",
        "title": "Example API",
        "spec": str(spec),
        "servers": ["https://api.example.com"],
        "operations": [{"id": "listRegions", "method": "GET", "path": "/v1/regions", "effect": "read", "cost": None}],
    }
    assert api["claims"][-1] == {
        "id": "example-api/count-equals-regions",
        "level": "promise",
        "form": "holds",
        "operations": ["listRegions"],
        "text": "The answer says how many regions it lists.",
        "source": "List regions",
    }

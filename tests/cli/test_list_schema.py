"""`specwatch list --json`: the published JSON Schema is what is printed, and what the page says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from jsonschema import Draft202012Validator

from specwatch.reports.schemas import packaged_schema

Command = Callable[..., CompletedProcess[str]]

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = packaged_schema("specwatch.cli", "list.schema.json")


def errors(document: object) -> list[str]:
    """What the schema has against a document."""
    return [f"{each.json_path}: {each.message}" for each in Draft202012Validator(SCHEMA).iter_errors(document)]


def test_schema_is_a_schema() -> None:
    """The published schema is itself valid under JSON Schema 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


def test_what_is_printed_fits_it(specwatch: Command, workspace: Path) -> None:
    """The small workspace, and the one of this repository: prices, workflows, probes, and claims of every form."""
    for place in (workspace, ROOT):
        document = json.loads(specwatch("list", "--workspace", place, "--json").stdout)
        assert errors(document) == []
    apis = document["apis"]
    assert {claim["form"] for api in apis for claim in api["claims"]} == set(
        SCHEMA["$defs"]["claim"]["properties"]["form"]["enum"]  # type: ignore[index]
    )
    assert any(operation["cost"] for api in apis for operation in api["operations"])
    assert any(workflow["probes"] for api in apis for workflow in api["workflows"])


@pytest.mark.parametrize(
    "part, change",
    [("apis", None), ("schema", "specwatch.list/2"), ("more", 1), ("apis", [{"id": "a"}])],
)
def test_what_is_something_else_does_not(part: str, change: object) -> None:
    """Another version, a part that is missing, and one that nobody has heard of."""
    assert errors({"schema": "specwatch.list/1", "apis": []}) == []
    assert errors({"schema": "specwatch.list/1", "apis": [], part: change})


def test_the_page_shows_such_a_document() -> None:
    """Its example fits, and every field is named."""
    page = (ROOT / "docs" / "reference" / "list.md").read_text(encoding="utf-8")
    example = page.partition("```json\n")[2].partition("```")[0]
    assert errors(json.loads(example)) == []
    fields = {name for part in SCHEMA["$defs"].values() for name in part["properties"]}  # type: ignore[attr-defined]
    assert {name for name in fields if f"`{name}`" not in page} == set()

"""A sandbox that answers by the document keeps it: an honest run finds nothing, wherever the API's paths begin."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Command
from tests.foreign.conftest import SPECS

from specwatch.cli.init import make_workspace


@pytest.fixture
def workspace(tmp_path: Path, name: str) -> Path:
    """A workspace as `specwatch init` makes it, with a foreign document in the place of its example."""
    folder = tmp_path / "workspace"
    make_workspace(folder)
    (folder / "specs" / "example-api.yaml").unlink()
    for sample in (*(folder / "sandbox").glob("*.py"), *(folder / "probes").glob("*.y*ml")):
        sample.unlink()
    shutil.copy(SPECS / f"{name}.yaml", folder / "specs")
    return folder


@pytest.mark.parametrize("profile", ["smoke", "standard"])
def test_an_honest_run_finds_nothing(specwatch: Command, workspace: Path, tmp_path: Path, profile: str) -> None:
    """Neither a promise nor an inference is broken by the sandbox that is made of the document."""
    report = tmp_path / "report.json"
    finished = specwatch("--workspace", workspace, "check", "--profile", profile, "--json", report)
    found = json.loads(report.read_text(encoding="utf-8"))["apis"]
    assert [(each["claim"], each["found"]) for api in found for each in api["violations"]] == []
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_requests_go_below_the_path_of_the_server(
    specwatch: Command, workspace: Path, tmp_path: Path, name: str
) -> None:
    """What is sent to the sandbox, with or without a target behind it, is what the live service would get."""
    traffic = tmp_path / "traffic.har"
    specwatch("--workspace", workspace, "check", "--profile", "smoke", "--har", traffic)
    urls = [each["request"]["url"] for each in json.loads(traffic.read_text(encoding="utf-8"))["log"]["entries"]]
    base = {"requests": "/api/v2", "answers": "/base"}[name]
    assert urls
    assert [url for url in urls if not re.match(rf"http://127\.0\.0\.1:[0-9]+{base}/", url)] == []
    for target in ("sandbox", "https://elsewhere.example.com/other"):
        planned = specwatch("--workspace", workspace, "check", "--profile", "smoke", "--dry-run", "--target", target)
        assert planned.returncode == 0, planned.stdout + planned.stderr

"""A second opinion: Redocly's `respect` runs the same workflows, and comes to the same outcome as our executor.

What it does beyond Arazzo is switched off: its checks of schemas, which allow no further field, and of statuses, which
no document names for some refusals. Its `x-security` takes the place of our `x-credentials`. It leaves out a body that
is an empty array, so no fault is chosen here that shows with such a body only.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.probes.support import FAULTS, ROOT, WORKFLOWS, WORKSPACE, embedded_sandbox, inputs_of, run

from specwatch.spec import Api
from specwatch.values.roles import ABSENT
from specwatch.values.sandbox import sandbox_value

WORKER_SECONDS = 1.0
"""Long enough to be seen at work by whoever is kept waiting by other tests, and done before both have given up."""

MOST_STEPS = 100
SECONDS = 60

pytestmark = pytest.mark.needs("npx")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of a workflow came to.

    Args:
        met: whether it succeeded.
        steps: the steps that ran, each once, however often it was tried.
    """

    met: bool
    steps: tuple[str, ...]


@pytest.fixture(scope="module")
def redocly() -> str:
    """The command of the package that the Makefile pins, out of the cache where it has been fetched before."""
    pinned = re.search(r"^REDOCLY := (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned is not None
    words = ["npx", "--yes", "--prefer-offline", "--package", pinned[1], "--call", "command -v redocly"]
    found = start(words, ROOT)
    if found.returncode != 0:
        pytest.skip(f"npx cannot fetch {pinned[1]}, or this Node.js cannot run it")
    return found.stdout.strip()


def start(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that sends nothing about itself to anybody."""
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def security(api: Api, roles: str | Mapping[str, str]) -> list[dict[str, object]]:
    """The well-known credentials of the sandbox for these roles, as respect wants to have them."""
    found: list[dict[str, object]] = []
    for scheme in api.schemes.values():
        role = roles if isinstance(roles, str) else roles.get(scheme.name, "account")
        if role != ABSENT:
            key = "token" if scheme.prefix else "apiKey"
            found.append({"schemeName": scheme.name, "values": {key: sandbox_value(role)}})
    return found


def derived(api: Api, folder: Path) -> tuple[Path, str]:
    """A copy of the API's document for respect, with a copy of the spec where it looks; and the name of the source."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "probes" / f"{api.id}.arazzo.yaml").read_text(encoding="utf-8"))
    for workflow in document["workflows"]:
        for step in workflow["steps"]:
            step["x-security"] = security(api, step.pop("x-credentials", "account"))
    for name in ("probes", "specs"):
        (folder / name).mkdir()
    (folder / "specs" / api.path.name).write_bytes(api.path.read_bytes())
    path = folder / "probes" / f"{api.id}.arazzo.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path, document["sourceDescriptions"][0]["name"]


def respect(redocly: str, api: Api, url: str, folder: Path) -> dict[str, Outcome]:
    """What respect makes of the API's workflows."""
    path, source = derived(api, folder)
    inputs = {name: value for workflow in workflows(api) for name, value in inputs_of(WORKFLOWS[workflow]).items()}
    options = {
        "--server": f"{source}={url}",
        "--input": json.dumps(inputs),
        "--max-steps": str(MOST_STEPS),
        "--json-output": "report.json",
    }
    switched_off = [word for check in ("SCHEMA_CHECK", "STATUS_CODE_CHECK") for word in ("--severity", f"{check}=off")]
    words = [word for option in options.items() for word in option]
    done = start([redocly, "respect", str(path.relative_to(folder)), *words, *switched_off], folder)
    report = folder / "report.json"
    assert report.exists(), done.stdout + done.stderr
    (file,) = json.loads(report.read_text(encoding="utf-8"))["files"].values()
    return {f"{api.id}/{each['workflowId']}": outcome(each) for each in file["executedWorkflows"]}


def outcome(workflow: Mapping[str, Any]) -> Outcome:
    """One workflow of the report."""
    steps = [step["stepId"] for step in workflow["executedSteps"]]
    return Outcome(workflow["status"] == "success", tuple(step for step, _ in groupby(steps)))


def workflows(api: Api) -> list[str]:
    """The workflows of an API."""
    return [name for name in WORKFLOWS if name.startswith(f"{api.id}/")]


def ours(api: Api, url: str) -> dict[str, Outcome]:
    """What our executor makes of them."""
    found = {}
    for name in workflows(api):
        execution = run(name, url)
        found[name] = Outcome(execution.met, tuple(step.step for step in execution.steps))
    return found


@pytest.mark.parametrize("broken", [False, True], ids=["honest", "with faults"])
@pytest.mark.parametrize("api_id", list(WORKSPACE.spec_files))
def test_respect_comes_to_the_same_outcome(api_id: str, broken: bool, redocly: str, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    """Each workflow takes the same steps and succeeds, or, with a fault for each switched on, fails at the same one."""
    api = WORKSPACE.api(api_id)
    with embedded_sandbox(api_id, worker_seconds=WORKER_SECONDS) as sandbox:
        if broken:
            sandbox.app_state.enable(*(f"{api_id}/{FAULTS[name][0]}" for name in workflows(api)))
        theirs = respect(redocly, api, sandbox.url, tmp_path)
        sandbox.app_state.reset()
        mine = ours(api, sandbox.url)

    assert theirs == mine
    assert {each.met for each in mine.values()} == {not broken}

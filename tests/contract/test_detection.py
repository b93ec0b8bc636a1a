"""The faults of the sandbox are detected at a price that a live account can pay, and nothing allowed is reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from specwatch.contract.profile import PROFILES
from specwatch.scoring import Result, make_plan, measure
from specwatch.scoring.reasons import UNEXPLAINED
from specwatch.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = Workspace(ROOT, "this checkout")


@pytest.mark.slow
@pytest.mark.parametrize("profile, share, promised, most", [("smoke", 0.85, 0.85, 40), ("standard", 0.98, 1.0, 150)])
def test_a_sample_of_faults_is_detected(profile: str, share: float, promised: float, most: int) -> None:
    """Of each 50th fault enough are detected, at `standard` every one that breaks a promise; misses are explained."""
    finished = subprocess.run(
        [sys.executable, "-m", "specwatch", "score", "--every", "50", "--profile", profile, "--json", "-"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode in {0, 1}, finished.stderr
    score = json.loads(finished.stdout)
    faults, promises = score["totals"]["faults"], score["totals"]["promises"]
    assert faults["detected"] >= share * faults["all"] > 0, finished.stderr
    assert promises["detected"] >= promised * promises["all"] > 0, finished.stderr
    assert (score["totals"]["false_alarms"], score["totals"]["unknown"]) == (0, 0), finished.stderr
    assert max(run["requests"] for run in score["runs"]) <= most
    unexplained = [run["name"] for run in score["runs"] if run["reason"] == UNEXPLAINED]
    assert profile == "smoke" or unexplained == []


@pytest.mark.slow
def test_nothing_that_the_documents_allow_is_reported() -> None:
    """Every variation, and the honest sandbox, at `standard`: not one raises anything."""
    plan = make_plan(WORKSPACE, WORKSPACE.apis(), PROFILES["standard"])
    allowed = replace(plan, tasks=tuple(task for task in plan.tasks if task.allowed))

    score = measure(allowed, jobs=os.cpu_count() or 1)

    raised = [(each.task.name, each.result, each.reason) for each in score.outcomes if each.result is not Result.QUIET]
    assert raised == []
    assert len(score.outcomes) == len(allowed.tasks) > len(allowed.apis)

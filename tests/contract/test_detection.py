"""The faults of the sandbox are detected at a price that a live account can pay, and nothing allowed is reported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("profile, share, most", [("smoke", 0.85, 40), ("standard", 0.95, 150)])
def test_a_sample_of_faults_is_detected(profile: str, share: float, most: int) -> None:
    """Of each 50th fault enough are detected, nothing that is allowed is reported, and no run goes over its limit."""
    finished = subprocess.run(
        [sys.executable, "-m", "specwatch", "score", "--every", "50", "--profile", profile, "--json", "-"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode in {0, 1}, finished.stderr
    score = json.loads(finished.stdout)
    faults = score["totals"]["faults"]
    assert faults["detected"] >= share * faults["all"] > 0, finished.stderr
    assert (score["totals"]["false_alarms"], score["totals"]["unknown"]) == (0, 0), finished.stderr
    assert max(run["requests"] for run in score["runs"]) <= most

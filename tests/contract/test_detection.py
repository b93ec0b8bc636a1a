"""The faults of the sandbox are detected, and what the documents allow is not reported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_sample_of_faults_is_detected() -> None:
    """Of each 40th fault at least 95 % are detected, and none of the variations among them raises anything."""
    script = ROOT / "benchmarks" / "detection" / "faults.py"

    finished = subprocess.run(
        [sys.executable, str(script), "--every", "40"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "false alarms on variations" in finished.stdout

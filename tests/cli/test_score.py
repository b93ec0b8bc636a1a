"""`specwatch score`: exit codes, the document, and what is refused before the first run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from jsonschema import Draft202012Validator
from tests.faulty_sandbox import MODULE

from specwatch.scoring.document import schema

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture
def measured(workspace: Path) -> Path:
    """The workspace of `specwatch init`, whose sandbox has faults of its own."""
    (workspace / "sandbox" / "example_api.py").write_text(MODULE, encoding="utf-8")
    return workspace


def test_all_detected_is_well(specwatch: Command, measured: Path, tmp_path: Path) -> None:
    """A few faults of each kind are detected and no variation is reported: 0, with a document as its schema says."""
    document = tmp_path / "score.json"

    done = specwatch(
        "score", "--workspace", measured, "--faults", "*[!m]*", "--every", "5", "--profile", "smoke", "--json", document
    )

    assert done.returncode == 0, done.stdout
    assert "false alarms: 0 in" in done.stdout
    score = json.loads(document.read_text(encoding="utf-8"))
    Draft202012Validator(dict(schema())).validate(score)
    assert score["totals"]["faults"]["missed"] == 0
    assert score["totals"]["faults"]["detected"] == score["totals"]["faults"]["all"] > 5
    assert score["runs"][0]["source"] == "honest"


def test_a_miss_is_shown_and_fails(specwatch: Command, measured: Path) -> None:
    """A fault that nobody notices is on the list with what it breaks and the reason that is known: 1."""
    reasons = "missed:\n  example-api/unseen: It changes nothing.\n"
    (measured / "sandbox" / "missed.yaml").write_text(reasons, encoding="utf-8")

    done = specwatch("score", "--workspace", measured, "--faults", "unseen", "--profile", "smoke")

    assert done.returncode == 1
    for line in (
        "missed: 1 fault, the to-do of the contract",
        "✗ example-api/unseen",
        "what        Nothing that shows.",
        "breaks      count-equals-regions (promise)",
        "why missed  It changes nothing.",
        "detected: 0 of 1 (0.0%)",
    ):
        assert line in done.stdout


def test_every_fault_is_told_with_the_claims_that_detect_it(specwatch: Command, measured: Path) -> None:
    """A line per fault where there are few; --to-the-end names all claims, and --verbose lists many faults as well."""
    given = ("score", "--workspace", measured, "--profile", "smoke")

    few = specwatch(*given, "--faults", "miscounted", "--to-the-end")
    many = specwatch(*given, "--faults", "*[!s]")
    all_of_them = specwatch(*given, "--faults", "*[!s]", "--verbose")

    assert "✓ example-api/miscounted: detected after " in few.stdout
    assert ", by count-equals-regions\n" in few.stdout
    assert "example-api/miscounted: detected" not in many.stdout
    assert "example-api/miscounted: detected" in all_of_them.stdout


def test_a_crash_is_unknown(specwatch: Command, measured: Path) -> None:
    """A run that dies is neither detected nor missed: 3, and the document on stdout says why."""
    done = specwatch(
        "score", "--workspace", measured, "--faults", "dies", "--profile", "smoke", "--json", "-", "--jobs", "1"
    )

    assert done.returncode == 3
    runs = {run["name"]: run for run in json.loads(done.stdout)["runs"]}
    assert runs["example-api/dies"]["result"] == "unknown"
    assert runs["example-api/dies"]["reason"] == "its process ended with exit code 3"
    assert "unknown: 1 run came to nothing" in done.stderr


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (("--api", "other"), "error: --api other: no such API"),
        (("--faults", "nothing-like-it"), "error: --faults nothing-like-it: fits no fault"),
        (("--profile", "grand"), "error: --profile grand: no such profile"),
        (("--json", "/nowhere/score.json"), "error: /nowhere/score.json: there is no folder /nowhere"),
        (("--json", "../workspace/specwatch.yaml"), "error: ../workspace/specwatch.yaml: belongs to the workspace"),
        (("--every", "0"), "Invalid value for '--every'"),
        (("--jobs", "none"), "Invalid value for '--jobs'"),
    ],
)
def test_what_does_not_exist_is_refused_before_the_first_run(
    specwatch: Command, measured: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    """Wrong options end with 2 and a block that says what is wrong; nothing is run."""
    done = specwatch("score", "--workspace", measured, *arguments)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stdout == ""


def test_a_fault_that_cannot_be_built_is_refused(specwatch: Command, measured: Path) -> None:
    """A sandbox module that does not load is told with its file and line: 2."""
    path = measured / "sandbox" / "example_api.py"
    path.write_text(MODULE.replace("def unseen", "def unseen oops"), encoding="utf-8")

    done = specwatch("score", "--workspace", measured)

    assert done.returncode == 2
    assert f"error: {path}:" in done.stderr


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_is_finished(measured: Path, tmp_path: Path, end: signal.Signals) -> None:
    """Ctrl-C ends a score at once with 130: finished runs are printed and written, the others counted."""
    document = tmp_path / "score.json"
    slow = MODULE.replace("os._exit(3)", "import time\n    time.sleep(60)")
    (measured / "sandbox" / "example_api.py").write_text(slow, encoding="utf-8")
    command = [sys.executable, "-m", "specwatch", "score", "--workspace", str(measured), "--faults", "[dm]*"]
    with subprocess.Popen(
        [*command, "--profile", "smoke", "--jobs", "1", "--json", str(document)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"NO_COLOR": "1", "COLUMNS": "200", "PATH": "/usr/bin:/bin"},
    ) as process:
        assert process.stdout
        begun = time.monotonic()
        told = process.stdout.readline()
        assert "2 faults" in told
        _wait_for_children(process.pid, begun)
        process.send_signal(end)
        out, err = process.communicate(timeout=50)

    assert process.returncode == 130, err
    score = json.loads(document.read_text(encoding="utf-8"))
    assert score["interrupted"] is True
    assert score["not_run"] == 3 - len(score["runs"]) > 0
    assert "interrupted: " in out


def _wait_for_children(pid: int, begun: float) -> None:
    """Return once the process has a child, so that it is at work."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not children.read_text(encoding="utf-8").strip():
        assert time.monotonic() - begun < 60

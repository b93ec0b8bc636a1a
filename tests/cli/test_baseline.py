"""`specwatch check --baseline` and `--write-baseline`: from a failing run to an accepted one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from xml.etree.ElementTree import fromstring

import pytest
import yaml

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]

DROPPED = "example-api/listRegions/200/drop/count"
DAY = datetime.now(UTC).date()


@pytest.fixture
def check(specwatch: Command, workspace: Path) -> Command:
    """Checks the workspace with the smallest profile."""

    def command(*arguments: str | Path) -> CompletedProcess[str]:
        return specwatch("check", "--workspace", workspace, "--profile", "smoke", *arguments)

    return command


@pytest.fixture
def baseline(check: Command, tmp_path: Path) -> Path:
    """A baseline that a run with a fault wrote and somebody filled in, for ten days more."""
    path = tmp_path / "baseline.yaml"
    assert check("--fault", DROPPED, "--write-baseline", path).returncode == 1
    fill_in(path, days=10)
    return path


def fill_in(path: Path, days: int) -> None:
    """Give every entry a reason and a last day."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in content["accepted"]:
        entry |= {"reason": "mended in May", "until": str(DAY + timedelta(days=days))}
    path.write_text(yaml.dump(content), encoding="utf-8")


def test_a_filled_in_baseline_lets_the_run_pass(check: Command, baseline: Path, tmp_path: Path) -> None:
    """The run exits with 0; every report shows what is accepted, why, and how many days are left."""
    reports = {kind: tmp_path / f"run.{kind}" for kind in ("json", "junit")}
    options = [text for kind, path in reports.items() for text in (f"--{kind}", path)]
    finished = check("--fault", DROPPED, "--baseline", baseline, *options)

    assert (finished.returncode, finished.stderr) == (0, "")
    note = f"until {DAY + timedelta(days=10)} (10 days left): mended in May"
    assert "≈ example-api/listRegions/200  accepted: broken promise" in finished.stdout
    assert f"  accepted  {note}\n" in finished.stdout
    assert "2 violations accepted" in finished.stdout or "1 violation accepted" in finished.stdout

    document = json.loads(reports["json"].read_text(encoding="utf-8"))
    (api,) = document["apis"]
    assert (document["verdict"], document["faults"]) == ("pass", [DROPPED])
    assert document["baseline"] == {"gone": [], "unseen": [], "unchecked": []}
    assert {each["accepted"]["days_left"] for each in api["violations"]} == {10}
    assert all(each["accepted"] for each in api["claims"] if each["verdict"] == "fail")

    (suite,) = fromstring(reports["junit"].read_text(encoding="utf-8"))  # noqa: S314 - our own file
    skipped = {str(each.get("message")) for each in suite.iter("skipped")}
    assert (suite.get("failures"), suite.get("skipped")) == ("0", str(len(list(suite.iter("skipped")))))
    assert f"accepted {note}" in skipped


def test_an_expired_acceptance_fails(check: Command, baseline: Path) -> None:
    """The run says since when."""
    fill_in(baseline, days=-3)
    finished = check("--fault", DROPPED, "--baseline", baseline)

    assert finished.returncode == 1
    since = f"not any more: ran out on {DAY - timedelta(days=3)}, 3 days ago: mended in May"
    assert f"  accepted  {since}\n" in finished.stdout


def test_what_is_gone_is_told_and_fails_a_strict_run(check: Command, baseline: Path, tmp_path: Path) -> None:
    """Without the fault nothing is broken: the entry can go, and has to under --strict, in JUnit as well."""
    finished = check("--baseline", baseline)
    assert finished.returncode == 0
    assert f"  gone  {baseline}:" in finished.stdout
    assert "(example-api/listRegions/200): was not found any more; remove it" in finished.stdout

    strict = check("--baseline", baseline, "--strict", "--junit", tmp_path / "run.xml")
    assert strict.returncode == 1
    assert "not found any more." in strict.stdout.splitlines()[-1 - strict.stdout.count("  next  ")]
    (suite,) = fromstring((tmp_path / "run.xml").read_text(encoding="utf-8"))  # noqa: S314 - our own file
    gone = [each.get("type") for each in suite.iter("failure")]
    assert gone == ["gone"] * int(suite.get("failures", "0"))
    assert gone


def test_what_a_smaller_run_does_not_find_is_not_gone(check: Command, baseline: Path, tmp_path: Path) -> None:
    """An entry of a larger profile is not seen, which no strict run fails for; a last day that is over is told."""
    fill_in(baseline, days=-3)
    text = baseline.read_text(encoding="utf-8")
    baseline.write_text(text.replace("profile: smoke", "profile: deep"), encoding="utf-8")
    page = tmp_path / "run.html"
    finished = check("--baseline", baseline, "--strict", "--html", page)

    assert finished.returncode == 0
    told = " ".join(finished.stdout.split())
    assert "not seen in this profile: a larger one may send what shows it;" in told
    assert f"its last day was {DAY - timedelta(days=3)}" in told
    assert " accepted; " not in told
    assert "which is over: mended in May" in page.read_text(encoding="utf-8")


def test_progress_counts_what_is_accepted_apart(check: Command, baseline: Path) -> None:
    """The line at the end of an API and the table have the same figures."""
    finished = check("--fault", DROPPED, "--baseline", baseline)

    (ended,) = [line for line in finished.stdout.splitlines() if ": ended after " in line]
    assert re.search(", 0 broken, [12] accepted by the baseline, ", ended)


def test_what_was_written_is_told(check: Command, tmp_path: Path) -> None:
    """A line for each file, and for a baseline what is left to do."""
    path, report, page = tmp_path / "b.yaml", tmp_path / "run.json", tmp_path / "run.html"
    options = ("--fault", DROPPED, "--write-baseline", path)
    first = check(*options, "--json", report, "--html", page).stdout
    again = check(*options, "--json", "-")

    assert f"wrote {report} (JSON)\n" in first
    assert f"wrote {page} (HTML)\n" in first
    number = len(yaml.safe_load(path.read_text(encoding="utf-8"))["accepted"])
    noun = "new entry" if number == 1 else "new entries"
    assert f"wrote {path} (baseline): {number} {noun}, fill in reason and until\n" in first
    assert f"wrote {path} (baseline): no new entry\n" in again.stderr
    assert "wrote -" not in again.stdout + again.stderr


def test_a_baseline_as_it_was_written_is_refused(check: Command, tmp_path: Path) -> None:
    """Somebody has to write why, and until when: nothing is sent before."""
    path = tmp_path / "baseline.yaml"
    check("--fault", DROPPED, "--write-baseline", path)
    finished = check("--baseline", path)

    assert (finished.returncode, finished.stdout) == (2, "")
    assert "mend: write why it is accepted" in finished.stderr
    assert "mend: write the last day on which it is accepted" in finished.stderr


def test_the_same_file_can_be_both(check: Command, baseline: Path) -> None:
    """What is new is added to what is accepted, and nothing else changes."""
    before = yaml.safe_load(baseline.read_text(encoding="utf-8"))["accepted"]
    other = DROPPED.replace("count", "regions")
    finished = check("--baseline", baseline, "--write-baseline", baseline, "--fault", other)

    after = yaml.safe_load(baseline.read_text(encoding="utf-8"))["accepted"]
    assert finished.returncode == 1
    assert after[: len(before)] == before
    assert [each["claim"] for each in after[len(before) :]] == ["example-api/listRegions/200"]


@pytest.mark.parametrize(
    "options, told",
    [
        (["--baseline", "none.yaml"], "none.yaml: cannot be read"),
        (["--write-baseline", "none/at/all.yaml"], "there is no folder none/at"),
        (["--write-baseline", "-"], "--write-baseline -: stdout cannot be added to"),
        (["--write-baseline", "a", "--json", "a"], "--write-baseline a: a report goes there, too"),
        (["--baseline", "bad.yaml"], "bad.yaml:1: unknown key 'x'"),
        (["--write-baseline", "bad.yaml"], "bad.yaml:1: unknown key 'x'"),
    ],
)
def test_bad_files_are_told_before_anything_is_sent(check: Command, options: list[str], told: str) -> None:
    """A baseline that is none, and a place that nothing can be written to: 2, and no run."""
    Path("bad.yaml").write_text("x: 1\nschema: specwatch.baseline/1\naccepted: []\n", encoding="utf-8")
    finished = check(*options)

    assert (finished.returncode, finished.stdout) == (2, "")
    assert told in finished.stderr
    assert Path("bad.yaml").read_text(encoding="utf-8").startswith("x: 1\n")


def test_the_next_commands_keep_the_baseline(check: Command, baseline: Path, spec: Path, edit: Edit) -> None:
    """A command that repeats the run accepts the same."""
    edit(spec, "count: 2", "count: 3")
    finished = check("--baseline", baseline)

    again = [line for line in finished.stdout.splitlines() if line.startswith("  next  ") and " check " in line]
    assert again
    assert all(f" --baseline {baseline}" in line for line in again)


def test_a_far_day_is_a_warning(check: Command, baseline: Path) -> None:
    """The run goes on."""
    fill_in(baseline, days=2000)
    finished = check("--baseline", baseline, "--fault", DROPPED)

    assert finished.returncode == 0
    assert finished.stderr.startswith(f"warning: {baseline}:")

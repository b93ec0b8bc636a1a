"""`specwatch check --from`: recorded traffic through the command line, with every report, and nothing is sent."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Command, Edit

from specwatch.cli.init import make_workspace

_watched: list[str] = []
_is_watching = False


def _audit(event: str, _arguments: Any) -> None:
    if _is_watching and event.startswith("socket."):
        _watched.append(event)


sys.addaudithook(_audit)


@pytest.fixture
def sockets() -> Iterator[list[str]]:
    """Everything that is done with sockets while the test runs, name look-ups included."""
    global _is_watching  # noqa: PLW0603 - an audit hook cannot be taken out again
    _watched.clear()
    _is_watching = True
    yield _watched
    _is_watching = False


@pytest.fixture(scope="module")
def har(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HAR of a run against the sandbox, which is honest."""
    folder = tmp_path_factory.mktemp("run")
    make_workspace(folder / "workspace")
    options: list[str | Path] = [
        "--workspace",
        folder / "workspace",
        "check",
        "--profile",
        "smoke",
        "--har",
        folder / "run.har",
    ]
    subprocess.run([sys.executable, "-m", "specwatch", *options], check=True, capture_output=True, cwd=folder)
    return folder / "run.har"


@pytest.fixture
def recorded(har: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copy(har, tmp_path))


def entries(path: Path) -> Any:
    """The entries of a HAR."""
    return json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]


def rewrite(path: Path, changed: Any) -> None:
    """Give a HAR other entries."""
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": changed}}), encoding="utf-8")


def test_nothing_is_sent(specwatch: Command, workspace: Path, recorded: Path, sockets: list[str]) -> None:
    """No socket is made and no name is looked up; the header says how many exchanges of which file are judged."""
    done = specwatch("--workspace", workspace, "check", "--from", recorded)
    assert (done.returncode, done.stderr) == (0, "")
    assert sockets == []
    count = len(entries(recorded))
    assert done.stdout.splitlines()[0] == f"specwatch check, {count} exchanges of {recorded}, nothing is sent"
    assert "PASS" in done.stdout


def test_every_report_is_written(specwatch: Command, workspace: Path, recorded: Path, tmp_path: Path) -> None:
    """As of a run that sends; the target is `recorded`, and no request was made."""
    kinds = ("json", "junit", "har", "markdown", "sarif", "html")
    options = [part for kind in kinds for part in (f"--{kind}", tmp_path / f"out.{kind}")]
    assert specwatch("--workspace", workspace, "check", "--from", recorded, *options, "--matrix").returncode == 0
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (report["target"], report["requests"], report["verdict"]) == ("recorded", 0, "pass")
    assert len(entries(tmp_path / "out.har")) == len(entries(recorded))
    assert all((tmp_path / f"out.{kind}").stat().st_size for kind in kinds)


def test_what_was_judged_once_can_be_judged_again(
    specwatch: Command, workspace: Path, recorded: Path, tmp_path: Path
) -> None:
    """The HAR of a recording shows the same as the recording."""
    first, second, again = tmp_path / "1.json", tmp_path / "2.json", tmp_path / "again.har"
    specwatch("--workspace", workspace, "check", "--from", recorded, "--json", first, "--har", again)
    specwatch("--workspace", workspace, "check", "--from", again, "--json", second)
    claims = [json.loads(path.read_text(encoding="utf-8"))["apis"][0]["claims"] for path in (first, second)]
    assert claims[0] == claims[1]


def test_a_broken_promise_ends_with_1(specwatch: Command, workspace: Path, recorded: Path) -> None:
    """And the next command repeats it with the same file."""
    changed = entries(recorded)
    for entry in changed:
        if entry["response"]["status"] == 200:
            entry["response"]["content"] = {"size": 2, "mimeType": "application/json", "text": "{}"}
    rewrite(recorded, changed)
    done = specwatch("--workspace", workspace, "check", "--from", recorded)
    assert done.returncode == 1
    assert f"--from {recorded}  # the first one alone" in done.stdout
    assert "--target recorded" not in done.stdout


def test_selections_and_strictness_work(specwatch: Command, workspace: Path, recorded: Path, tmp_path: Path) -> None:
    """One claim is one claim; an unknown one counts where it was asked to."""
    out = tmp_path / "out.json"
    arguments = ("--workspace", workspace, "check", "--from", recorded, "--json", out)
    specwatch(*arguments, "--claim", "*/status")
    (api,) = json.loads(out.read_text(encoding="utf-8"))["apis"]
    assert {claim["id"].rpartition("/")[2] for claim in api["claims"]} == {"status"}
    assert specwatch(*arguments, "--fail-on-unknown", "--strict").returncode in {0, 3}


def test_options_about_sending_are_refused(specwatch: Command, workspace: Path, recorded: Path) -> None:
    """All of them at once, each with a block of its own."""
    options = ["--budget=5", "--max-cost=1", "--allow=paid", "--seed=1", "--send-credentials", "--worker-seconds=1"]
    done = specwatch("--workspace", workspace, "check", "--from", recorded, *options, "--profile", "smoke")
    assert done.returncode == 2
    for option in (
        "--budget",
        "--max-cost",
        "--allow",
        "--seed",
        "--send-credentials",
        "--worker-seconds",
        "--profile",
    ):
        assert f"error: {option}" in done.stderr
    assert done.stderr.count("has no meaning with --from: nothing is sent") == 7
    assert specwatch("--workspace", workspace, "check", "--from", recorded, "--dry-run").returncode == 2
    assert "is named 2 times" in specwatch("--workspace", workspace, "check", *["--from", recorded] * 2).stderr


def test_bad_files_are_told_all_at_once(specwatch: Command, workspace: Path, recorded: Path, tmp_path: Path) -> None:
    """Exit code 2, one block for each; the good one beside them does not help."""
    (tmp_path / "empty").touch()
    files = [tmp_path, tmp_path / "empty", tmp_path / "missing", recorded]
    done = specwatch("--workspace", workspace, "check", *(part for path in files for part in ("--from", path)))
    assert done.returncode == 2
    assert [line.rpartition(": ")[2] for line in done.stderr.splitlines() if line.startswith("error: ")] == [
        "is a folder",
        "is empty",
        "No such file or directory",
    ]


def test_a_file_with_one_broken_entry_is_judged(specwatch: Command, workspace: Path, recorded: Path) -> None:
    """With a warning that names the entry."""
    rewrite(recorded, [*entries(recorded), {"response": {}}])
    done = specwatch("--workspace", workspace, "check", "--from", recorded)
    assert done.returncode == 0
    number = len(entries(recorded))
    assert done.stderr == f"warning: run.har, entry {number} has no request; it is left out\n"


def test_another_host_is_told_with_what_to_type(specwatch: Command, workspace: Path, recorded: Path) -> None:
    """And that makes it work."""
    changed = entries(recorded)
    for entry in changed:
        del entry["_specwatch"]
    rewrite(recorded, changed)
    done = specwatch("--workspace", workspace, "check", "--from", recorded)
    assert done.returncode == 2
    assert "has no exchange of a selected API; hosts: http://127.0.0.1:" in done.stderr
    target = done.stderr.rpartition("--target ")[2].strip()
    done = specwatch("--workspace", workspace, "check", "--from", recorded, "--target", target)
    assert done.returncode == 0
    assert "PASS" in done.stdout


def test_what_was_not_judged_is_listed(specwatch: Command, workspace: Path, recorded: Path) -> None:
    """Other hosts, requests that no spec has, and answers of a cache, with how many there were of each."""
    changed = entries(recorded)
    stray = {**changed[0], "_specwatch": None}
    stray["request"] = {**stray["request"], "url": "https://cdn.example.net/app.js"}
    rewrite(recorded, [*changed, stray, stray, {**changed[0], "_fromCache": "memory"}])
    done = specwatch("--workspace", workspace, "check", "--from", recorded)
    assert "Of no selected API: 2 exchanges\n  2  https://cdn.example.net\n" in done.stdout
    assert "Not judged: 1 exchange\n  1  was answered from a browser's cache\n" in done.stdout


def test_an_api_without_traffic_is_unknown_when_it_was_asked_for(
    specwatch: Command, workspace: Path, recorded: Path, edit: Edit
) -> None:
    """Else it drops out, and that is said."""
    other = workspace / "specs" / "other-api.yaml"
    other.write_text((workspace / "specs" / "example-api.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    edit(other, "openapi:", "# another one\nopenapi:")
    done = specwatch("--workspace", workspace, "check", "--from", recorded)
    assert (done.returncode, "none of other-api" in done.stdout) == (0, True)
    both = ("--api", "example-api", "--api", "other-api")
    assert specwatch("--workspace", workspace, "check", "--from", recorded, *both).returncode == 3

"""`specwatch build` writes what differs, all of it or nothing, and `--check` writes nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Command

from specwatch.monitoring.build import derive
from specwatch.monitoring.origin import load_origin
from specwatch.workspace import PACKAGED, Workspace, find_workspace

ROOT = Path(__file__).resolve().parents[2]


def files(folder: Path) -> dict[str, str]:
    """Path to text of all files of a folder, but for those that are written by hand."""
    paths: Iterator[Path] = (path for path in sorted(folder.rglob("*")) if path.is_file())
    texts = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}
    return {name: text for name, text in texts.items() if Path(name).name not in {"README.md", "settings.yaml"}}


def test_the_committed_files_are_what_is_derived() -> None:
    """What lies below grafana/ in this repository is, byte for byte, what its specs, probes and settings say."""
    assert files(ROOT / "grafana") == derive(load_origin(find_workspace(ROOT, ROOT)))


def test_a_new_workspace_is_built(specwatch: Command, workspace: Path) -> None:
    """The example API of a new workspace gets rules, dashboards and configuration without a line by hand."""
    finished = specwatch("build", "--workspace", workspace)

    written = files(workspace / "grafana")
    assert finished.returncode == 0
    assert written == derive(load_origin(Workspace(workspace, "")))
    assert f"{len(written)} files, 0 of them as they were" in finished.stdout
    assert "example-api" in written["prometheus/rules/objectives.yml"]
    assert "example-api" in written["dashboards/overview.json"]


def test_only_what_differs_is_written(specwatch: Command, workspace: Path) -> None:
    """A second build writes nothing; a changed file is written again, and what is not derived is left alone."""
    specwatch("build", "--workspace", workspace)
    folder = workspace / "grafana"
    rules = folder / "prometheus" / "rules" / "objectives.yml"
    own = rules.with_name("own.yml")
    own.write_text(rules.read_text("utf-8"), encoding="utf-8")
    before = rules.stat().st_mtime_ns

    again = specwatch("build", "--workspace", workspace)
    (folder / "dashboards" / "api.json").write_text("{}", encoding="utf-8")
    mended = specwatch("build", "--workspace", workspace)

    assert "13 files, 13 of them as they were" in again.stdout
    assert (own.exists(), rules.stat().st_mtime_ns) == (True, before)
    assert mended.stdout.startswith("  changed  dashboards/api.json\n")
    assert files(folder)["dashboards/api.json"] != "{}"


def test_check_tells_and_writes_nothing(specwatch: Command, workspace: Path) -> None:
    """--check ends with 2 and names each file that is missing or different, and leaves the folder as it is."""
    missing = specwatch("build", "--check", "--workspace", workspace)
    assert (missing.returncode, files(workspace / "grafana")) == (2, {})
    assert "grafana/prometheus/prometheus.yml: is missing" in missing.stderr
    assert "mend: `specwatch build` writes it" in missing.stderr

    specwatch("build", "--workspace", workspace)
    (workspace / "grafana" / "dashboards" / "api.json").write_text("{}", encoding="utf-8")
    changed = specwatch("build", "--check", "--workspace", workspace)

    assert changed.returncode == 2
    assert "dashboards/api.json: is not as it would be derived" in changed.stderr


def test_nothing_is_written_when_something_is_wrong(specwatch: Command, workspace: Path) -> None:
    """Mistakes in schedule and settings are told together, with their lines, and no file is made."""
    settings = workspace / "grafana" / "settings.yaml"
    settings.write_text("version: 1\njobs: {stuk: 1}\n", encoding="utf-8")
    schedule = workspace / "probes" / "schedule.yaml"
    schedule.write_text(schedule.read_text("utf-8").replace("version: 1", "version: 2", 1), encoding="utf-8")

    finished = specwatch("build", "--workspace", workspace)

    assert (finished.returncode, files(workspace / "grafana")) == (2, {})
    assert "settings.yaml:2: unknown key 'jobs.stuk'" in finished.stderr
    assert "schedule.yaml:" in finished.stderr


def test_a_workspace_without_a_schedule_is_told(specwatch: Command, workspace: Path) -> None:
    """Without a schedule there is nothing to watch over, which is said."""
    (workspace / "probes" / "schedule.yaml").unlink()

    finished = specwatch("build", "--workspace", workspace)

    assert finished.returncode == 2
    assert "schedule.yaml: does not exist" in finished.stderr


def test_the_installed_workspace_is_left_alone(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The workspace inside an installation is not written to; another folder is asked for, and serves."""
    monkeypatch.setattr("specwatch.workspace.PACKAGED", workspace)
    assert workspace != PACKAGED

    refused = specwatch("build", "--workspace", workspace)
    built = specwatch("build", "--workspace", workspace, "--output", tmp_path / "out")

    assert refused.returncode == 2
    assert "add `--output DIR`" in refused.stderr
    assert built.returncode == 0
    assert files(tmp_path / "out").keys() == derive(load_origin(Workspace(workspace, ""))).keys()


def test_a_folder_that_cannot_be_written_is_told(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """A file where a folder has to be is an error with its path and the way out."""
    place = tmp_path / "out"
    place.mkdir()
    (place / "prometheus").write_text("", encoding="utf-8")

    finished = specwatch("build", "--workspace", workspace, "--output", place)

    assert finished.returncode == 2
    assert "cannot be written" in finished.stderr or "cannot be read" in finished.stderr
    assert "--output DIR" in finished.stderr or "that you may read" in finished.stderr


def test_what_is_made_can_be_read_by_other_users(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """Prometheus and Grafana run as users of their own: whatever the mask of this one, they can read the files."""
    before = os.umask(0o077)
    try:
        specwatch("build", "--workspace", workspace, "--output", tmp_path / "out")
    finally:
        os.umask(before)

    made = list((tmp_path / "out").rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in made if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in made if path.is_dir()} == {0o755}


def test_a_pipe_in_the_place_of_a_file_is_told(specwatch: Command, workspace: Path) -> None:
    """What cannot be read to its end is not read."""
    place = workspace / "grafana" / "prometheus" / "prometheus.yml"
    place.parent.mkdir()
    os.mkfifo(place)

    finished = specwatch("build", "--check", "--workspace", workspace)

    assert finished.returncode == 2
    assert "prometheus.yml: is no regular file" in finished.stderr

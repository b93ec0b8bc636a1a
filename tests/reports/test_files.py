"""Reports are written whole or not at all, and what cannot be written is known before a run."""

import json
import os
import stat
from pathlib import Path

import pytest

from specwatch.errors import UsageError
from specwatch.reports.files import check_writable, write_json, write_text


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    """A path that can be written to is not written to."""
    check_writable(tmp_path / "report.json")

    assert list(tmp_path.iterdir()) == []


def test_checking_keeps_what_is_there(tmp_path: Path) -> None:
    """The last report survives until the next one is complete."""
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    check_writable(path)

    assert path.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(
    "name, found, mend",
    [("", "is a folder", "report"), ("no/report.json", "there is no folder", "mkdir -p")],
)
def test_a_bad_path_is_named_with_its_mend(tmp_path: Path, name: str, found: str, mend: str) -> None:
    """A folder, or a file in a folder that does not exist, is refused before anything is sent."""
    with pytest.raises(UsageError) as raised:
        check_writable(tmp_path / name)
    (problem,) = raised.value.problems

    assert problem.where == str(tmp_path / name)
    assert found in problem.found
    assert mend in problem.mend


def test_a_name_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """What the file system refuses is told in its words."""
    with pytest.raises(UsageError, match=r"cannot be written: .*too long"):
        check_writable(tmp_path / ("x" * 300))


def test_a_folder_that_takes_no_files_is_refused() -> None:
    """So is a folder in which nobody, not even root, may make a file."""
    with pytest.raises(UsageError):
        check_writable(Path("/proc/report.json"))


def test_writing_replaces_at_once(tmp_path: Path) -> None:
    """Whoever has the old report open goes on reading it; no temporary file stays."""
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        write_text(path, "new")
        assert reader.read() == "old"

    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full, what was there is still there, and nothing else."""
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")

    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write_text(path, "new")

    assert {each.name: each.read_text(encoding="utf-8") for each in tmp_path.iterdir()} == {"report.json": "old"}


def test_others_may_read_a_report_as_the_umask_says(tmp_path: Path) -> None:
    """A report is an ordinary file, not one that only its writer can read."""
    (tmp_path / "ordinary").touch()
    write_text(tmp_path / "report.json", "new")

    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file that it leads to is replaced."""
    (tmp_path / "real").write_text("old", encoding="utf-8")
    (tmp_path / "link").symlink_to("real")
    check_writable(tmp_path / "link")
    write_text(tmp_path / "link", "new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text(encoding="utf-8") == "new"


def test_a_device_is_written_to(tmp_path: Path) -> None:
    """A pipe or /dev/null is no file to be replaced."""
    check_writable(Path(os.devnull))
    write_text(Path(os.devnull), "gone")

    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert list(tmp_path.iterdir()) == []


def test_json_is_readable_and_takes_any_text(tmp_path: Path) -> None:
    """Letters stay letters; half a character that a provider sent stays the escape that it was."""
    path = tmp_path / "report.json"
    write_json(path, {"text": "höhö", "half": "\ud800"})

    assert path.read_text(encoding="utf-8") == '{\n  "text": "höhö",\n  "half": "\\ud800"\n}\n'
    assert json.loads(path.read_bytes()) == {"text": "höhö", "half": "\ud800"}

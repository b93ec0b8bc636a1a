"""Reports are written whole or not at all, and what cannot be written is known before a run."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from specwatch.errors import UsageError
from specwatch.reports.files import check_apart, check_writable, json_text, same_place, write_json, write_text
from specwatch.workspace import Workspace


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


def test_a_pipe_that_nobody_reads_is_no_place_to_wait(tmp_path: Path) -> None:
    """The end of a run does not hang on a reader that never comes."""
    os.mkfifo(tmp_path / "pipe")

    check_writable(tmp_path / "pipe")
    with pytest.raises(UsageError, match="cannot be written: nobody reads it"):
        write_text(tmp_path / "pipe", "lost")


def test_a_pipe_with_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    """What is more than a pipe holds waits for its reader, by name and by the descriptor of a shell's `>(...)`."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    writer = os.open(tmp_path / "pipe", os.O_WRONLY)
    text = "x" * 1_000_000
    with ThreadPoolExecutor() as pool, os.fdopen(reader, "rb") as file:
        for path in (tmp_path / "pipe", Path(f"/dev/fd/{writer}")):
            written = pool.submit(write_text, path, text)
            assert file.read(len(text)) == text.encode()
            written.result()
    os.close(writer)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of three files, one of them a link to a file elsewhere."""
    root = tmp_path / "workspace"
    (root / "specs").mkdir(parents=True)
    (root / "specs" / "parcels.yaml").touch()
    (root / "specwatch.yaml").touch()
    (tmp_path / "shared.yaml").touch()
    (root / "specs" / "shared.yaml").symlink_to(tmp_path / "shared.yaml")
    (tmp_path / "link").symlink_to(root / "specs" / "parcels.yaml")
    (tmp_path / "same.yaml").hardlink_to(root / "specs" / "parcels.yaml")
    return Workspace(root, "the test's")


@pytest.mark.parametrize(
    "name",
    [
        "workspace/specs/parcels.yaml",
        "workspace/specs/../specs/parcels.yaml",
        "workspace/specs/new.json",
        "workspace/specwatch.yaml",
        "shared.yaml",
        "link",
        "same.yaml",
    ],
)
def test_no_file_of_the_workspace_is_replaced(tmp_path: Path, workspace: Workspace, name: str) -> None:
    """However the path is spelt, and whatever links lie between."""
    with pytest.raises(UsageError, match="belongs to the workspace"):
        check_apart(tmp_path / name, (), workspace)


def test_other_places_are_free(tmp_path: Path, workspace: Workspace) -> None:
    """A report may lie in the workspace's root and anywhere else, and a device is never replaced."""
    for path in (tmp_path / "report.json", workspace.root / "report.json", Path(os.devnull), tmp_path / ("x" * 300)):
        check_apart(path, [("--from", tmp_path / "x.har"), ("--ca", Path(os.devnull))], workspace)


def test_no_input_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The complaint says which input it is; a file that does not exist yet is told by its whole path."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"x\.har: is the file of --from, which a report would replace"):
        check_apart(tmp_path / "x.har", [("--ca", Path("ca.pem")), ("--from", Path("x.har"))])
    assert not same_place(Path(os.devnull), Path(os.devnull))


def test_json_is_readable_and_takes_any_text(tmp_path: Path) -> None:
    """Letters stay letters; half a character that a provider sent stays the escape that it was."""
    path = tmp_path / "report.json"
    write_json(path, {"text": "höhö", "half": "\ud800"})

    assert path.read_text(encoding="utf-8") == '{\n  "text": "höhö",\n  "half": "\\ud800"\n}\n'
    assert json.loads(path.read_bytes()) == {"text": "höhö", "half": "\ud800"}


def test_links_that_lead_to_each_other_are_no_place(tmp_path: Path) -> None:
    """It is said as any other place that cannot be written to, before a run and after it, and once."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    (tmp_path / "specwatch.yaml").touch()

    check_apart(one, [("--baseline", tmp_path / "base"), ("--from", other)], Workspace(tmp_path, "this one"))
    for path in (one, one / "report.json"):
        with pytest.raises(UsageError, match=r"Too many levels of symbolic links|there is no folder"):
            check_writable(path)
        with pytest.raises(UsageError, match="Too many levels of symbolic links"):
            write_text(path, "new")


def test_what_nobody_sees_stands_as_an_escape_in_json() -> None:
    """Marks of direction, separators of lines, controls and halves of characters; the document is the same."""
    document = {"a\u202eb": "\u2028\u2029\u200b\x7f\x9b\ud800\U000e0041 and ü, 茶, 🍵"}
    text = json_text(document)

    assert json.loads(text) == document
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert all(shown in text for shown in ("\\u202e", "\\u2028", "\\ud800", "ü, 茶, 🍵"))

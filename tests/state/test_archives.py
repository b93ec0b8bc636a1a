"""Archives are whole or not there, never written over, and safe for a month."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.state.made import Told, job, opened, os_error, with_store

from specwatch.probing.ports import Progress
from specwatch.state import HistoryLimits, SqliteStore
from specwatch.state.archives import FileArchives, name_of, prefix_of

DAY = 86_400
NOW = 1_800_000_000.0


def archives(folder: Path, **limits: int) -> FileArchives:
    """Archives with small limits."""
    return FileArchives(folder / "a", HistoryLimits(**limits), 1_000)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.text(), st.text(), st.text(), st.text())
def test_names_are_safe_and_unlike_each_other(job_id: str, step: str, other_job: str, other_step: str) -> None:
    """Whatever a job and a step are called, the name has safe characters only, is not long, and is theirs alone."""
    name = name_of(job_id, step)
    assert name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert name.isascii()
    assert len(name) < 150
    assert (name == name_of(other_job, other_step)) == ((job_id, step) == (other_job, other_step))
    assert name.startswith(prefix_of(job_id))


def test_an_archive_is_never_written_over(tmp_path: Path) -> None:
    """Another body of the same step gets a place of its own; the same body is kept once."""
    kept = archives(tmp_path)
    for body in (b"one", b"two", b"one"):
        kept.keep("job", "download", body)
    assert [archive.path.read_bytes() for archive in kept.listed("job")] == [b"two", b"one"]
    assert kept.listed("jo") == ()


def test_only_archives_older_than_a_month_go_and_the_oldest_first(tmp_path: Path) -> None:
    """Young archives and those of open jobs stay, however large all together are."""
    kept = archives(tmp_path, archive_bytes=25)
    for name, age in {"open": 90, "oldest": 80, "old": 70, "young": 29, "new": 0}.items():
        kept.keep(name, "download", b"0123456789")
        (archive,) = kept.listed(name)
        os.utime(archive.path, (NOW - age * DAY, NOW - age * DAY))
    kept.prune(["open"], NOW)
    assert [bool(kept.listed(name)) for name in ("open", "oldest", "old", "young", "new")] == [
        True,
        False,
        False,
        True,
        True,
    ]
    before = len(list(kept.folder.iterdir()))
    kept.prune([], NOW)
    assert before - len(list(kept.folder.iterdir())) == 1


def test_old_archives_stay_while_there_is_room(tmp_path: Path) -> None:
    """Age alone removes nothing."""
    kept = archives(tmp_path)
    kept.keep("job", "download", b"body")
    kept.prune([], NOW * 2)
    assert len(kept.listed("job")) == 1


def test_what_cannot_be_kept_is_held_within_bounds_and_kept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk raises, holds the body, and loses only what is too much to hold, which is told."""
    lost: list[str] = []
    kept = FileArchives(tmp_path / "a", HistoryLimits(), 10, lost.append)

    def full(*_: object) -> None:
        raise os_error()

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for name, body in {"one": b"12345678", "two": b"87654321"}.items():
            with pytest.raises(OSError, match="No space"):
                kept.keep(name, "download", body)
        with pytest.raises(OSError, match="No space"):
            kept.retry()
    assert list(kept.folder.iterdir()) == []
    assert kept.parked == 8
    assert len(lost) == 1
    assert "'two'" in lost[0]
    kept.retry()
    assert [archive.bytes for archive in kept.listed("one")] == [8]
    assert kept.parked == 0


def test_a_half_written_archive_is_kept_under_a_name_that_says_so(tmp_path: Path) -> None:
    """What a killed process was writing may be all that is left of it: it is told of and not removed."""
    path, told = tmp_path / "state.db", Told()
    folder = tmp_path / "state.db.archives"
    folder.mkdir()
    name = f"{name_of('job-1', 'download')}.bin"
    (folder / f"{name}.1.partial").write_bytes(b"older")
    (folder / f"{name}.writing").write_bytes(b"beginning")

    async def check(store: SqliteStore) -> list[str]:
        return [archive.path.name for archive in await store.archives("job-1")]

    assert with_store(path, check, told) == [f"{name}.1.partial", f"{name}.2.partial"]
    assert "may not be whole" in told.of("archive")[0]


def test_a_folder_that_cannot_be_made_is_told_and_tried_again(tmp_path: Path) -> None:
    """The step learns that its body is not safe; when the way is free, the body is written after all."""
    path, told = tmp_path / "state.db", Told()

    async def check() -> None:
        async with opened(path, told) as store:
            blocker = tmp_path / "state.db.archives"
            blocker.touch()
            journal = store.journal(job())
            await journal.intend(Progress(in_doubt="download"))
            with pytest.raises(OSError, match="exists"):
                await journal.keep("download", b"zip")
            await asyncio.sleep(0)
            assert told.of("archive")
            blocker.unlink()
            await store.flush()
            assert [archive.bytes for archive in await store.archives("job-1")] == [3]

    asyncio.run(check())


def test_without_a_file_archives_are_bounded() -> None:
    """In memory there is room for so much only, and what is too much is refused."""

    async def check() -> None:
        async with opened(None) as store:
            journal = store.journal(job())
            await journal.keep("a", b"x" * 1_000)
            with pytest.raises(OSError, match="memory"):
                await journal.keep("b", b"x" * 70_000_000)

    asyncio.run(check())

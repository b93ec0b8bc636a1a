"""Where the state may lie: never in what is somebody else's, and never where a second process may write as well."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.state.made import BRISK, Clock, Told, job, observation, opened, os_error, with_store

from specwatch.errors import CannotTell, UsageError
from specwatch.probing.ports import Progress
from specwatch.state import Pace, SqliteStore
from specwatch.state.archives import FileArchives
from specwatch.state.inbox import Call

MAGIC = b"SQLite format 3\0"
posix = pytest.mark.skipif(os.name == "nt", reason="these things exist on POSIX systems only")


def _refused(path: Path, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        with_store(path, SqliteStore.flush)


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# ---------------------------------------------------------------------------------------------------- other content


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=3_000).filter(lambda content: not content.startswith(MAGIC)))
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever it holds, it stays as it is under its name, and nothing appears beside it, however often it is tried."""
    path = tmp_path_factory.mktemp("state") / ".env"
    path.write_bytes(content)
    for _ in range(2):
        _refused(path, r"(?s)\.env.*no state file.*mend")
    assert path.read_bytes() == content
    assert _names(path.parent) == [".env"]


@posix
def test_a_link_to_such_a_file_is_refused_as_well(tmp_path: Path) -> None:
    """Neither the link nor what it leads to is touched."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / ".env").write_text("TOKEN=1\n", encoding="ascii")
    link = tmp_path / "state.db"
    link.symlink_to(folder / ".env")
    _refused(link, "no state file")
    assert link.is_symlink()
    assert (folder / ".env").read_text(encoding="ascii") == "TOKEN=1\n"
    assert (_names(tmp_path), _names(folder)) == (["elsewhere", "state.db"], [".env"])


@pytest.mark.parametrize("lock", ["", "4711\n", "[[package]]\n"])
def test_a_lock_of_another_program_does_not_make_a_file_ours(tmp_path: Path, lock: str) -> None:
    """Other programs leave locks too, some with a process id; only our name in one counts."""
    path, beside = tmp_path / "notes", tmp_path / "notes.lock"
    path.write_text("notes", encoding="ascii")
    beside.write_text(lock, encoding="ascii")
    _refused(path, "no state file")
    assert (path.read_text(encoding="ascii"), beside.read_text(encoding="ascii")) == ("notes", lock)


def test_a_file_where_the_lock_has_to_be_is_not_written_over(tmp_path: Path) -> None:
    """A state file named `poetry` does not cost the project its `poetry.lock`."""
    lock = tmp_path / "poetry.lock"
    lock.write_text("[[package]]\n", encoding="ascii")
    _refused(tmp_path / "poetry", "another program")
    assert lock.read_text(encoding="ascii") == "[[package]]\n"
    assert _names(tmp_path) == ["poetry.lock"]


@pytest.mark.parametrize("companion", ["lock", "wal"])
def test_a_state_file_that_lost_its_header_is_set_aside(tmp_path: Path, companion: str) -> None:
    """A lock that a specwatch left, or SQLite's own log, shows that the file was a state file."""
    path, told = tmp_path / "state.db", Told()
    with_store(path, SqliteStore.flush)
    path.write_bytes(b"garbage")
    if companion == "wal":
        (tmp_path / "state.db.lock").unlink()
        (tmp_path / "state.db-wal").write_bytes(bytes.fromhex("377f0682") + bytes(28))
    with_store(path, SqliteStore.flush, told)
    (aside,) = [each for each in tmp_path.glob("state.db.corrupt-*") if not each.name.endswith("-wal")]
    assert aside.read_bytes() == b"garbage"
    assert aside.name in told.of("open")[0]


def test_an_empty_file_is_begun(tmp_path: Path) -> None:
    """What `touch` or `mktemp` made is as good as a new name."""
    path, told = tmp_path / "state.db", Told()
    path.touch()
    with_store(path, SqliteStore.flush, told)
    assert path.read_bytes().startswith(MAGIC)
    assert told == []


# -------------------------------------------------------------------------------------------------------- no files


@posix
@pytest.mark.parametrize("kind", ["FIFO", "socket", "folder"])
@pytest.mark.parametrize("linked", [False, True], ids=["itself", "linked"])
def test_what_is_no_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, linked: bool
) -> None:
    """The refusal says what it is; nothing is created beside it, nor beside a link to it."""
    monkeypatch.chdir(tmp_path)  # the name of a socket may have a hundred characters only
    with socket.socket(socket.AF_UNIX) as made:
        match kind:
            case "FIFO":
                os.mkfifo("thing")
            case "socket":
                made.bind("thing")
            case _:
                Path("thing").mkdir()
        Path("link").symlink_to("thing")
        _refused(Path("link" if linked else "thing"), f"this is a {kind}")
    assert _names(tmp_path) == ["link", "thing"]


@posix
@pytest.mark.parametrize("device", ["/dev/null", "/dev/full", "/dev/zero"])
def test_a_device_is_refused(device: str) -> None:
    """A device is no file, and gets no lock beside it."""
    if not Path(device).exists():
        pytest.skip(f"there is no {device}")
    _refused(Path(device), "this is a device")
    assert not list(Path("/dev").glob(f"{Path(device).name}?*"))


@posix
@pytest.mark.parametrize("name", ["one", "one/state.db"])
def test_a_loop_of_links_is_refused(tmp_path: Path, name: str) -> None:
    """Links that lead to each other, as the file or on the way to it, are a usage error."""
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    _refused(tmp_path / name, "cannot be written there")
    assert _names(tmp_path) == ["one", "two"]


@posix
def test_a_link_is_followed_once(tmp_path: Path) -> None:
    """A link that is turned elsewhere while it is in use does not part the file from its lock and its archives."""
    first, second, link = tmp_path / "first", tmp_path / "second", tmp_path / "link"
    first.mkdir()
    second.mkdir()
    link.symlink_to(first)

    async def check() -> None:
        store = SqliteStore(link / "state.db", Clock(), Told(), pace=BRISK)
        link.unlink()
        link.symlink_to(second)
        await store.start()
        await store.journal(job()).keep("download", b"body")
        await store.close()

    asyncio.run(check())
    assert {"state.db", "state.db.lock", "state.db.archives"} <= set(_names(first))
    assert _names(second) == []


# --------------------------------------------------------------------------------------------------- removed in use

OTHER = """
import asyncio, sys
from pathlib import Path
from specwatch.errors import UsageError
from tests.state.made import opened

async def hold():
    async with opened(Path(sys.argv[1])) as store:
        store.remember("streak", "other", {"n": 2})
        await store.flush()
        print("started", flush=True)
        sys.stdin.readline()

try:
    asyncio.run(hold())
except UsageError as error:
    print(error.problems[0].found, flush=True)
"""


def _other(path: Path) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    command = [sys.executable, "-c", OTHER, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def _remove(path: Path, what: str) -> None:
    if what == "folder":
        shutil.rmtree(path.parent)
    else:
        for each in path.parent.glob("state.db.lock" if what == "lock" else "state.db*"):
            each.unlink()


@posix
@pytest.mark.parametrize("what", ["file", "folder", "lock"])
@pytest.mark.parametrize("then", ["remember", "intend"])
def test_whoever_removes_the_file_does_not_let_a_second_process_in(tmp_path: Path, what: str, then: str) -> None:
    """With the file its lock is taken anew; the next write is enough, and all that was known is there again."""
    path, told = tmp_path / "state" / "state.db", Told()

    async def check() -> str:
        async with opened(path, told) as store:
            store.remember("streak", "old", {"n": 1})
            await store.flush()
            _remove(path, what)
            if then == "intend":
                await store.journal(job()).intend(Progress(in_doubt="submit"))
            else:
                store.remember("streak", "new", {"n": 1})
                await store.flush()
            with _other(path) as other:
                return (await asyncio.to_thread(other.communicate, "\n"))[0]

    assert asyncio.run(check()) == f"process {os.getpid()} is using this state file\n"
    assert "removed" in told.of("open")[0]

    async def recall(store: SqliteStore) -> None:
        assert "old" in store.memories("streak")
        assert len(store.open_jobs()) == (then == "intend")

    with_store(path, recall)


@posix
def test_a_file_that_another_process_has_taken_by_then_is_left_to_it(tmp_path: Path) -> None:
    """It is told, nothing that creates is sent, the other's file is untouched, and what is lost by the end is said."""
    path, told = tmp_path / "state" / "state.db", Told()

    async def check(other: subprocess.Popen[str], store: SqliteStore) -> None:
        assert other.stdout is not None
        assert await asyncio.to_thread(other.stdout.readline) == "started\n"
        store.remember("streak", "late", {"n": 1})
        store.record(observation())
        await store.flush()
        with pytest.raises(CannotTell, match="submit was not sent"):
            await store.journal(job()).intend(Progress(in_doubt="submit"))
        assert f"in memory only: process {other.pid} is using" in told.of("open")[0]
        await store.close()
        assert store.lost == 2
        other.communicate("\n")

    async def remove() -> None:
        async with opened(path, told) as store:
            store.remember("streak", "mine", {"n": 1})
            await store.flush()
            _remove(path, "folder")
            with _other(path) as other:
                await check(other, store)

    asyncio.run(remove())

    async def recall(store: SqliteStore) -> None:
        assert dict(store.memories("streak")) == {"other": {"n": 2}}

    with_store(path, recall)


# ------------------------------------------------------------------------------------------------------------- lost


def test_nothing_is_lost_where_all_was_written(tmp_path: Path) -> None:
    """A store that wrote everything, one in memory, and one that never started have lost nothing."""

    async def check() -> None:
        for path in (tmp_path / "state.db", None):
            async with opened(path) as store:
                store.remember("streak", "a", {"n": 1})
                store.record(observation())
            assert store.lost == 0
        idle = SqliteStore(tmp_path / "idle.db", Clock(), Told())
        await idle.close()
        assert idle.lost == 0

    asyncio.run(check())


def test_an_archive_that_cannot_be_written_counts_as_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each body that still waits when the store is closed counts."""

    def full(*_: object) -> None:
        raise os_error()

    async def check() -> None:
        async with opened(tmp_path / "state.db") as store:
            monkeypatch.setattr(FileArchives, "_write", full)
            for step in ("one", "two"):
                with pytest.raises(OSError, match="No space"):
                    await store.journal(job()).keep(step, b"body")
        assert store.lost == 2

    asyncio.run(check())


def test_a_store_that_cannot_be_closed_in_time_has_lost_something(tmp_path: Path) -> None:
    """While the disk hangs it cannot be known how much that is, but it is not nothing."""
    hangs = threading.Event()

    def hang() -> None:
        hangs.wait(20)

    async def check() -> None:
        store = SqliteStore(tmp_path / "state.db", Clock(), Told(), pace=Pace(closing=0.01))
        await store.start()
        store._inbox.call(Call(hang, after_writes=False))
        await store.close()
        assert store.lost >= 1
        hangs.set()
        await asyncio.to_thread(store._writer._thread.join, 20)

    asyncio.run(check())

"""Bad days: full, locked, corrupt, removed, in use, of a newer version, not writable."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.state.made import BRISK, NOW, Clock, Told, job, observation, opened, wait_for_trouble, with_store

from specwatch.errors import CannotTell, UsageError
from specwatch.probing.ports import Progress
from specwatch.state import HistoryLimits, Reader, SqliteStore
from specwatch.state.schema import VERSION
from specwatch.state.troubles import Troubles
from specwatch.values.claim import Verdict

SMALL = HistoryLimits(database_bytes=200_000)
PADDING = {"padding": "x" * 50_000}


async def _fill(store: SqliteStore) -> None:
    for number in range(8):
        store.remember("padding", str(number), PADDING)
    await store.flush()


async def _make_room(store: SqliteStore) -> None:
    database = store._writer._database
    database._limits = HistoryLimits()
    await store._bounded(lambda: database.connection.execute("PRAGMA max_page_count = 100000").fetchone(), 10)
    await store.flush()


def test_a_full_disk_is_told_and_made_up_for(tmp_path: Path) -> None:
    """While nothing fits, everything goes on and is readable; when there is room again, the newest is written."""
    path, told = tmp_path / "state.db", Told()

    async def check() -> None:
        async with opened(path, told, limits=SMALL) as store:
            await _fill(store)
            assert "full" in told.of("remember")[0]
            store.remember("streak", "a", {"n": 1})
            store.remember("streak", "a", {"n": 2})
            store.record(observation(1, body=b"y" * 16_000, verdict=Verdict.FAIL))
            await store.flush()
            assert isinstance(await store.history("shop/read"), list)
            await _make_room(store)
            assert len(await store.history("shop/read")) == 1
        with Reader(path) as reader:
            assert reader.counts().memories == {"padding": 8, "streak": 1}

    asyncio.run(check())


def test_while_the_disk_is_full_nothing_is_sent_that_creates(tmp_path: Path) -> None:
    """An intention that cannot be written keeps the request from being sent, and leaves no job behind."""
    path, told = tmp_path / "state.db", Told()
    huge = Progress(inputs={"text": "x" * 300_000}, in_doubt="submit")

    async def check() -> None:
        async with opened(path, told, limits=SMALL) as store:
            with pytest.raises(CannotTell, match="submit was not sent"):
                await store.journal(job()).intend(huge)
            assert told.of("journal")
            await _make_room(store)
            assert await store.jobs() == []

    asyncio.run(check())


def test_a_step_that_could_not_be_noted_is_noted_later(tmp_path: Path) -> None:
    """A `done` on a full disk does not raise, is told, and is on disk as soon as there is room."""
    path, told = tmp_path / "state.db", Told()
    huge = Progress(inputs={"text": "x" * 300_000}, following="poll")

    async def check() -> None:
        async with opened(path, told, limits=SMALL) as store:
            await store.journal(job()).done(huge)
            await _make_room(store)
            assert [view.job.progress for view in await store.jobs()] == [huge]

    asyncio.run(check())
    assert told.of("journal")


def test_what_could_not_be_written_by_the_end_is_told(tmp_path: Path) -> None:
    """Closing on a full disk says how many of what were lost."""
    told = Told()

    async def check() -> None:
        async with opened(tmp_path / "state.db", told, limits=SMALL) as store:
            await _fill(store)
            assert store.lost == 0
        assert 0 < store.lost <= 8

    asyncio.run(check())
    assert re.search(r"before the end \(and \d+ more", " ".join(told.of("remember")))


def test_a_lock_of_somebody_else_is_waited_out(tmp_path: Path) -> None:
    """While another program holds a write lock, troubles are told; afterwards all is written."""
    path, told = tmp_path / "state.db", Told()

    async def check() -> None:
        async with opened(path, told) as store:
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            store.remember("streak", "a", {"n": 1})
            await wait_for_trouble(told, "remember")
            with pytest.raises(CannotTell, match="locked"):
                await store.journal(job()).intend(Progress(in_doubt="submit"))
            store.remember("streak", "a", {"n": 2})
            other.execute("ROLLBACK")
            other.close()
            await store.journal(job()).intend(Progress(in_doubt="submit"))
            await store.flush()
            with Reader(path) as reader:
                assert reader.counts().memories == {"streak": 1}
        async with opened(path) as again:
            assert again.memories("streak") == {"a": {"n": 2}}
            assert len(again.open_jobs()) == 1

    asyncio.run(check())


def test_a_file_that_cannot_even_be_read_is_refused(tmp_path: Path) -> None:
    """Without knowing what is paused or in flight it is not safe to start."""
    path = tmp_path / "state.db"
    sqlite3.connect(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("CREATE TABLE memory (x)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UsageError, match="holds a lock"):
        with_store(path, SqliteStore.flush)
    other.close()


def test_a_second_specwatch_is_refused_with_the_number_of_the_first(tmp_path: Path) -> None:
    """One state file has one process; the refusal names it, under whatever name the file is given."""
    path = tmp_path / "state.db"
    other_name = tmp_path / "link.db"
    other_name.symlink_to(path)

    async def check() -> None:
        async with opened(path):
            for name in (path, other_name):
                with pytest.raises(UsageError, match=rf"process {os.getpid()} is using"):
                    async with opened(name):
                        pass
        async with opened(path):
            pass

    asyncio.run(check())


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The error says the file, both versions and what to do; the file stays as it was."""
    path = tmp_path / "state.db"
    with_store(path, SqliteStore.flush)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 6}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UsageError) as raised:
        with_store(path, SqliteStore.flush)
    (problem,) = raised.value.problems
    assert problem.where == str(path)
    assert f"version {VERSION + 6}" in problem.found
    assert f"version {VERSION}" in problem.expected
    assert problem.mend
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A slip in `--state` does not rename somebody's data."""
    path = tmp_path / "books.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE books (title)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UsageError, match="another program"):
        with_store(path, SqliteStore.flush)
    assert path.read_bytes() == before


def test_a_place_that_cannot_hold_a_file_is_refused(tmp_path: Path) -> None:
    """A file where a folder should be is an error that names the place and a mend."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"(?s)cannot be written there.*mend"):
        with_store(tmp_path / "file" / "state.db", SqliteStore.flush)


# ------------------------------------------------------------------------------------------------------------- corrupt


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a state file with some of everything in it."""
    path = tmp_path_factory.mktemp("whole") / "state.db"

    async def fill(store: SqliteStore) -> None:
        for number in range(20):
            store.record(observation(number, verdict=Verdict.FAIL))
            store.remember("streak", str(number), {"n": number})
        await store.journal(job()).intend(Progress(in_doubt="submit"))

    with_store(path, fill)
    return path.read_bytes()


def _works(path: Path, told: Told) -> None:
    """Assert that a store on a file, whatever it is, starts or is refused properly, and works once it started."""

    async def use(store: SqliteStore) -> None:
        store.remember("new", "key", {"n": 1})
        store.record(observation(999, "new"))
        await store.journal(job("new")).intend(Progress(in_doubt="submit"))
        assert len(await store.history("new")) == 1
        await store.failures()
        await store.counts()
        assert "new" in [view.job.id for view in await store.jobs()]

    async def recall(store: SqliteStore) -> None:
        assert store.memories("new") == {"key": {"n": 1}}
        assert "new" in [each.id for each in store.open_jobs()]

    try:
        with_store(path, use, told)
    except UsageError:
        return
    with_store(path, recall)


def _make_ours(path: Path) -> None:
    """What a specwatch leaves beside its state file."""
    path.with_name(f"{path.name}.lock").write_text("4711 specwatch\n", encoding="ascii")


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
@example(b"SQLite format 3\0" + bytes(200))
def test_garbage_is_set_aside(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    """A state file that is no database any more, nor empty, is renamed, unchanged, and told of; the store works."""
    path, told = tmp_path_factory.mktemp("state") / "state.db", Told()
    path.write_bytes(garbage)
    _make_ours(path)
    _works(path, told)
    asides = list(path.parent.glob("state.db.corrupt-*"))
    assert [aside.read_bytes() for aside in asides] == ([garbage] if garbage else [])
    assert bool(told.of("open")) == bool(asides)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1))
def test_a_truncated_file_is_set_aside(tmp_path_factory: pytest.TempPathFactory, whole: bytes, part: float) -> None:
    """A file that lost its end does not keep the store from starting."""
    path = tmp_path_factory.mktemp("state") / "state.db"
    path.write_bytes(whole[: int(len(whole) * part)])
    _make_ours(path)
    _works(path, Told())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=8))
@example([(0.0, 1)])
def test_flipped_bits_never_keep_it_from_working(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, flips: list[tuple[float, int]]
) -> None:
    """Wherever bits flipped, a start succeeds or is refused with a usage error, and the store works."""
    path = tmp_path_factory.mktemp("state") / "state.db"
    path.write_bytes(_flipped(whole, [(int(place * len(whole)), bit) for place, bit in flips]))
    _make_ours(path)
    _works(path, Told())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4_095), st.integers(0, 7))
def test_flipped_bits_of_the_first_page_neither(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, place: int, bit: int
) -> None:
    """The same for the page that holds the header and the layout of all tables."""
    path = tmp_path_factory.mktemp("state") / "state.db"
    path.write_bytes(_flipped(whole, [(place, bit)]))
    _make_ours(path)
    _works(path, Told())


def _flipped(data: bytes, flips: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for place, bit in flips:
        changed[place] ^= 1 << bit
    return bytes(changed)


def test_a_layout_that_is_no_text_is_set_aside(tmp_path: Path, whole: bytes) -> None:
    """A flipped bit in the name of a column, which SQLite then quotes in its error, does not stop the start."""
    path = tmp_path / "state.db"
    path.write_bytes(_flipped(whole, [(whole.index(b", size)") + 4, 7)]))
    told = Told()
    _works(path, told)
    assert "garbled" in told.of("open")[0]


def test_what_can_be_read_of_a_broken_file_is_taken_along(tmp_path: Path, whole: bytes) -> None:
    """A broken history does not lose the jobs in flight nor what was remembered."""
    path, told = tmp_path / "state.db", Told()
    path.write_bytes(_break_history(whole, tmp_path))

    async def check(store: SqliteStore) -> None:
        assert len(store.memories("streak")) == 20
        assert [each.id for each in store.open_jobs()] == ["job-1"]

    with_store(path, check, told)
    assert "20 memories and 1 open jobs" in told.of("open")[0]
    with_store(path, check)


def _break_history(data: bytes, folder: Path) -> bytes:
    path = folder / "whole.db"
    path.write_bytes(data)
    connection = sqlite3.connect(path)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()
    connection.close()
    return data[: (page - 1) * 4096] + b"\xff" * 4096 + data[page * 4096 :]


def test_a_file_that_breaks_while_in_use_is_replaced(tmp_path: Path, whole: bytes) -> None:
    """All that is still known, memories and open jobs, goes into the new file."""
    path, told = tmp_path / "state.db", Told()
    path.write_bytes(whole)

    async def check() -> None:
        async with opened(path, told) as store:
            broken = _break_history(whole, tmp_path)

            def break_it() -> None:
                connection = store._writer._database.connection
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                path.write_bytes(broken)
                connection.execute("PRAGMA shrink_memory")

            await store._bounded(break_it, 10)
            for number in range(50):
                store.record(observation(number, f"p{number}", Verdict.FAIL, at=NOW + 1))
                await store.flush()
        assert told.of("open")
        async with opened(path) as store:
            assert len(store.memories("streak")) == 20
            assert len(store.open_jobs()) == 1
            assert (await store.history("p49"))[0]["verdict"] == "fail"

    asyncio.run(check())


def test_a_file_that_is_removed_is_written_again(tmp_path: Path, whole: bytes) -> None:
    """Whoever cleans up under a running specwatch loses history, but no memory and no job."""
    path, told = tmp_path / "state.db", Told()
    path.write_bytes(whole)

    async def check() -> None:
        async with opened(path, told) as store:
            for each in path.parent.glob("state.db*"):
                each.unlink()
            store.remember("streak", "new", {"n": 1})
            await store.flush()
        async with opened(path) as store:
            assert len(store.memories("streak")) == 21
            assert len(store.open_jobs()) == 1

    asyncio.run(check())
    assert "removed" in told.of("open")[0]


# ------------------------------------------------------------------------------------------------------------ no space

LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from specwatch.errors import CannotTell
from specwatch.probing.ports import Progress
from specwatch.state import Reader
from tests.state.made import NOW, Told, job, observation, opened

path, told = Path(sys.argv[1]), Told()

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def check():
    if sys.argv[2] == "from-the-start":
        limit(int(sys.argv[3]))
    async with opened(path, told) as store:
        limit(int(sys.argv[3]))
        journal = store.journal(job())
        for number in range(40):
            store.remember("streak", str(number), {"n": number, "text": "x" * 1000})
            store.record(observation(number, at=NOW + number, body=b"y" * 8000))
            await store.flush()
        try:
            await journal.keep("download", b"z" * 2_000_000)
            print("kept")
        except OSError as error:
            print("not kept")
        try:
            await journal.intend(Progress(inputs={"x": "x" * 1_500_000}, in_doubt="submit"))
            print("intended")
        except CannotTell:
            print("refused")
        limit(resource.RLIM_INFINITY)
        await store.flush()
        await journal.intend(Progress(in_doubt="submit"))
        print(sorted({operation for operation, _ in told}))
        print([archive.bytes for archive in await store.archives("job-1")])
        print((await store.counts()).memories.get("streak"), len(await store.jobs()))
        print(len(await store.history("shop/read", 100)) > 0)

asyncio.run(check())
"""


@pytest.mark.skipif(os.name == "nt", reason="the operating system has no such limit")
@pytest.mark.parametrize("when", ["from-the-start", "later"])
def test_files_that_cannot_grow_lose_nothing(tmp_path: Path, when: str) -> None:
    """While no file can grow, keeping and intending are refused and told; when they can, all of it is written."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "state.db"), when, "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.stderr == ""
    kept, intended, operations, archives, counts, history = done.stdout.splitlines()
    assert (kept, intended) == ("not kept", "refused")
    assert "archive" in operations
    assert "journal" in operations
    assert archives == "[2000000]"
    assert counts == "40 1"
    assert history == "True"


# ---------------------------------------------------------------------------------------------------------------- told


def test_trouble_is_told_at_once_and_then_once_a_minute_with_a_count() -> None:
    """A disk that is full for an hour leads to sixty messages for an operation, and all are counted."""
    told, now = Told(), [0.0]
    troubles = Troubles(told, lambda: now[0])
    for second in range(121):
        now[0] = float(second)
        troubles.report("record", "full")
        troubles.settle()
    troubles.report("remember", "full", 3)
    now[0] = 180.0
    troubles.report("record", "full")
    troubles.report("record", "full", 4)
    assert troubles.next_due() == 60
    troubles.settle(all_of_it=True)
    assert told == [
        ("record", "full"),
        ("record", "full (and 59 more like it)"),
        ("record", "full (and 59 more like it)"),
        ("remember", "full (and 2 more like it)"),
        ("record", "full"),
        ("record", "full (and 3 more like it)"),
    ]
    assert troubles.next_due() is None


def test_trouble_is_told_in_the_threads_of_the_loop(tmp_path: Path) -> None:
    """Listeners need no locks: they are always called by the event loop."""
    threads: list[str] = []

    async def check() -> None:
        store = SqliteStore(
            tmp_path / "state.db", Clock(), lambda *_: threads.append(threading.current_thread().name), pace=BRISK
        )
        await store.start()
        store.remember("kind", "bad", {"value": object()})
        await store.flush()
        await store.close()

    asyncio.run(check())
    assert threads == [threading.main_thread().name]

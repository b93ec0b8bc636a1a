"""What is handed to the store is there when it is opened again."""

import asyncio
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.state.made import BRISK, NOW, Clock, Told, job, mappings, observation, opened, texts, with_store

from specwatch.probing.ports import Job, Json, Progress, Store
from specwatch.state import HistoryLimits, Keep, Pace, Reader, SqliteStore, from_json
from specwatch.values.claim import Verdict

MICROSECONDS = 1e6


def test_it_is_a_store(tmp_path: Path) -> None:
    """The engine's protocol is met."""
    store: Store = SqliteStore(tmp_path / "state.db", Clock(), Told())
    assert isinstance(store, SqliteStore)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["streak", "pause"]), texts, st.none() | mappings), max_size=12))
def test_memories_survive_and_the_last_one_wins(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str, Json | None]]
) -> None:
    """Whatever was remembered last under a key is what the next start finds; what was forgotten is not there."""
    path = tmp_path_factory.mktemp("state") / "state.db"
    told = Told()

    async def say(store: SqliteStore) -> None:
        for number, (kind, key, value) in enumerate(said):
            store.remember(kind, key, value)
            if number % 5 == 0:
                await store.flush()

    with_store(path, say, told)

    async def recall(store: SqliteStore) -> dict[str, dict[str, Json]]:
        return {kind: dict(store.memories(kind)) for kind in ("streak", "pause")}

    expected: dict[str, dict[str, Json]] = {"streak": {}, "pause": {}}
    for kind, key, value in said:
        expected[kind].pop(key, None)
        if value is not None:
            expected[kind][key] = value
    assert with_store(path, recall, told) == expected
    assert told == []


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(Verdict), st.integers(0, 200), st.integers(0, 3_000)),
        max_size=40,
    ),
    st.integers(1, 40),
)
def test_history_keeps_its_caps_whatever_comes(runs: list[tuple[str, Verdict, int, int]], pieces: int) -> None:
    """After any runs in any order, no cap is exceeded, and the newest of each kind that fits is there."""
    keep = Keep(rows=3, details=2, bytes=6_000, seconds=100.0)
    limits = HistoryLimits(passes=keep, failures=keep, pass_every=0.0, run_bytes=4_000)

    async def check() -> None:
        async with opened(None, limits=limits, clock=Clock(NOW)) as store:
            for number, (probe, verdict, age, size) in enumerate(runs):
                store.record(observation(number, probe, verdict, NOW - age, b"x" * size))
                if number % pieces == 0:
                    await store.flush()
            for probe in "ab":
                _check_caps(await store.history(probe), [run for run in runs if run[0] == probe], keep)

    asyncio.run(check())


def _check_caps(found: list[dict[str, object]], runs: list[tuple[str, Verdict, int, int]], keep: Keep) -> None:
    for failed in (True, False):
        kept = [each for each in found if (each["verdict"] == "fail") == failed]
        ages = sorted(age for _, verdict, age, _ in runs if (verdict is Verdict.FAIL) == failed and age <= keep.seconds)
        assert len(kept) <= keep.rows
        assert len([each for each in kept if "steps" in each]) <= keep.details
        assert sum(len(str(each)) for each in kept) < keep.bytes * 1.5
        assert [NOW - float(str(each["started_at"])) for each in kept] == ages[: len(kept)]
        assert bool(kept) == bool(ages)


def test_failures_outlive_passes_and_a_flood_of_either_spares_the_other() -> None:
    """An old failure is kept when a pass of its age has gone, and many failures do not push out the last pass."""

    async def check() -> list[str]:
        async with opened(None, limits=HistoryLimits(failures=Keep(10, 10, 100_000, 1e7))) as store:
            store.record(observation(1, verdict=Verdict.FAIL, at=NOW - 30 * 86_400))
            store.record(observation(2, at=NOW - 30 * 86_400))
            store.record(observation(3, at=NOW - 3_600))
            for number in range(20):
                store.record(observation(100 + number, verdict=Verdict.UNKNOWN, at=NOW - number))
            return [str(each["id"]).rsplit("-", 1)[1] for each in await store.history("shop/read", 100)][-3:]

    assert asyncio.run(check()) == ["119", "3", "1"]


def test_the_whole_history_is_capped_passes_first() -> None:
    """Where many probes are small but together too much, failures are the last to go."""

    async def check() -> dict[str, dict[str, int]]:
        async with opened(None, limits=HistoryLimits(total_bytes=20_000), pace=Pace(sweep=0.0)) as store:
            for number in range(30):
                store.record(observation(number, f"p{number}", Verdict.FAIL if number < 5 else Verdict.PASS))
            await store.flush()
            counts = await store.counts()
            assert counts.bytes <= 20_000
            return {probe: dict(runs) for probe, runs in counts.runs.items()}

    left = asyncio.run(check())
    assert {f"p{number}" for number in range(5)} <= set(left)
    assert len(left) < 30


def test_answers_of_passes_are_sampled(tmp_path: Path) -> None:
    """A probe that runs each second keeps a pass's answers once a minute, and at once after anything else."""

    async def check(store: SqliteStore) -> list[bool]:
        verdicts = [Verdict.PASS] * 3 + [Verdict.UNKNOWN] + [Verdict.PASS] * 2
        for second, verdict in enumerate(verdicts):
            store.record(observation(second, verdict=verdict, at=NOW + second))
        return ["steps" in each for each in reversed(await store.history("shop/read"))]

    assert with_store(tmp_path / "state.db", check) == [True, False, False, True, True, False]


def test_history_gives_observations_back(tmp_path: Path) -> None:
    """What was recorded can be had again as the value that it was, newest first, also after a restart."""
    path = tmp_path / "state.db"
    runs = [observation(number, verdict=Verdict.FAIL, at=NOW + number) for number in range(3)]

    async def say(store: SqliteStore) -> None:
        for run in runs:
            store.record(run)

    async def recall(store: SqliteStore) -> list[dict[str, object]]:
        assert await store.failures(10) == await store.history("shop/read", 10)
        assert [await store.run(str(each["id"])) for each in await store.history("shop/read")] == await store.history(
            "shop/read"
        )
        assert await store.run("shop/read-of-another-day") is None
        return await store.history("shop/read", 2)

    with_store(path, say)
    assert [from_json(each) for each in with_store(path, recall)] == [runs[2], runs[1]]


def test_text_that_sqlite_cannot_hold_is_escaped(tmp_path: Path) -> None:
    """A lone surrogate from a target keeps nothing from being written."""
    told = Told()

    async def check(store: SqliteStore) -> int:
        store.record(observation(1, "p\ud800"))
        store.remember("kind\ud800", "key", {"value": "\ud800"})
        store.finish("\ud800", "pass", "\ud800")
        return len(await store.history("p\\ud800"))

    assert with_store(tmp_path / "state.db", check, told) == 1
    assert told == []


def test_what_is_no_json_is_told_and_harms_nothing_else(tmp_path: Path) -> None:
    """A memory that cannot be written is reported by its name, and the one beside it is kept."""
    path, told = tmp_path / "state.db", Told()

    async def say(store: SqliteStore) -> None:
        store.remember("kind", "bad", {"value": object()})
        store.remember("kind", "good", {"value": 1})

    async def recall(store: SqliteStore) -> dict[str, Json]:
        return dict(store.memories("kind"))

    with_store(path, say, told)
    assert with_store(path, recall) == {"good": {"value": 1}}
    assert len(told) == 1
    assert told[0][0] == "remember"
    assert "'bad'" in told[0][1]


def test_more_than_may_wait_is_dropped_oldest_passes_first_and_told() -> None:
    """When the writer cannot keep up, the newest runs and the failures stay, and the number of lost ones is said."""
    told = Told()

    async def check() -> list[str]:
        pace = Pace(batch_seconds=60, waiting_runs=10, batch_items=1_000)
        async with opened(None, told, pace=pace) as store:
            await store.flush()
            for number in range(30):
                verdict = Verdict.FAIL if number == 0 else Verdict.PASS
                store.record(observation(number, verdict=verdict, at=NOW + number))
            return [str(each["id"]).rsplit("-", 1)[1] for each in await store.history("shop/read")]

    assert asyncio.run(check()) == [str(number) for number in range(29, 20, -1)] + ["0"]
    assert len(told.of("record")) == 2
    assert "18 more" in told.of("record")[1]


def test_large_bodies_that_wait_are_bounded_in_bytes() -> None:
    """Megabytes of answers that wait for the disk do not become gigabytes."""
    told = Told()

    async def check() -> int:
        pace = Pace(batch_seconds=60, waiting_bytes=1_000_000, batch_items=1_000)
        async with opened(None, told, pace=pace) as store:
            await store.flush()
            for number in range(30):
                store.record(observation(number, body=b"x" * 100_000))
            return len(await store.history("shop/read"))

    assert asyncio.run(check()) == 9
    assert told.of("record")


def test_a_job_is_open_until_it_is_finished(tmp_path: Path) -> None:
    """Each note replaces the one before; a job that ended is not open at the next start, and its end is listed."""
    path = tmp_path / "state.db"
    halfway = Progress(inputs={"n": 1}, outputs={"submit": {"id": "7"}}, following="poll")

    async def begin(store: SqliteStore) -> tuple[Job, ...]:
        first, second = store.journal(job("one")), store.journal(job("two"))
        await first.intend(Progress(in_doubt="submit"))
        await first.done(halfway)
        await second.intend(Progress(in_doubt="submit"))
        store.finish("two", "pass", "")
        store.finish("nobody", "fail", "no such job")
        return store.open_jobs()

    async def again(store: SqliteStore) -> tuple[Job, ...]:
        views = await store.jobs()
        assert [(view.job.id, view.verdict, view.ended_at) for view in views] == [
            ("one", "", None),
            ("two", "pass", NOW),
        ]
        assert views[0].age(NOW + 5) == 5
        counts = await store.counts()
        assert (counts.open_jobs, counts.ended_jobs) == (1, 1)
        store.finish("one", "fail", "lost")
        return store.open_jobs()

    async def last(store: SqliteStore) -> tuple[Job, ...]:
        return store.open_jobs()

    assert with_store(path, begin) == ()
    assert with_store(path, again) == (Job("one", "shop/buy", "buy", "sandbox", NOW, halfway),)
    assert with_store(path, last) == ()


def test_another_process_may_read_meanwhile(tmp_path: Path) -> None:
    """A command reads history, jobs and counts of a state that is in use."""
    path = tmp_path / "state.db"

    async def check(store: SqliteStore) -> None:
        store.record(observation(verdict=Verdict.FAIL))
        await store.journal(job()).intend(Progress(in_doubt="submit"))
        await store.flush()
        with Reader(path) as reader:
            assert reader.history("shop/read") == reader.failures() == await store.history("shop/read")
            assert reader.jobs() == await store.jobs()
            assert reader.counts() == await store.counts()

    with_store(path, check)


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """History holds what targets said, so nobody else may read any of its files."""
    path = tmp_path / "new" / "state.db"

    async def check(store: SqliteStore) -> dict[str, int]:
        store.record(observation())
        await store.journal(job()).keep("download", b"zip")
        await store.flush()
        return {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.rglob("*")}

    modes = with_store(path, check)
    assert modes.pop("state.db.archives") == 0o700
    assert len(modes) >= 4
    assert set(modes.values()) == {0o600}


def test_in_memory_everything_works_and_no_file_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path the store behaves the same and leaves nothing behind."""
    monkeypatch.chdir(tmp_path)
    told = Told()

    async def check(store: SqliteStore) -> None:
        journal = store.journal(job())
        await journal.intend(Progress(in_doubt="submit"))
        await journal.keep("download", b"zip")
        store.record(observation())
        assert [archive.bytes for archive in await store.archives("job-1")] == [3]
        assert len(await store.history("shop/read")) == 1
        assert len(await store.jobs()) == 1

    with_store(None, check, told)
    assert told == []
    assert list(tmp_path.iterdir()) == []


def test_recording_costs_the_caller_microseconds(tmp_path: Path) -> None:
    """Encoding happens elsewhere: the median cost of `record` stays far below that of writing JSON."""
    runs = [observation(number, body=b"x" * 2_000) for number in range(2_000)]

    async def measure(store: SqliteStore) -> float:
        costs = []
        for run in runs:
            began = time.thread_time()
            store.record(run)
            costs.append(time.thread_time() - began)
            await asyncio.sleep(0)
        return sorted(costs)[len(costs) // 2] * MICROSECONDS

    assert with_store(tmp_path / "state.db", measure) < 100


def test_a_closed_store_is_quiet(tmp_path: Path) -> None:
    """Closing twice, reading afterwards and a store that never started raise nothing."""
    told = Told()

    async def check() -> None:
        store = SqliteStore(tmp_path / "state.db", Clock(), told, pace=BRISK)
        await store.close()
        await store.start()
        await store.close()
        await store.close()
        store.record(observation())
        assert await store.history("shop/read") == []
        assert await store.archives("job-1") == ()
        await store.journal(job()).done(Progress())
        await store.flush()

    asyncio.run(check())

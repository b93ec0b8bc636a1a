"""A process that is killed at any moment has lost nothing of what it was told is safe."""

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.state.made import Told, with_store

from specwatch.probing.ports import Job
from specwatch.state import SqliteStore
from specwatch.state.archives import name_of

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 15


def killed_after(path: Path, start: int, lines: int, spin: int) -> list[str]:
    """What a worker acknowledged until it was killed, some lines and a moment after it began."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    command = [sys.executable, "-m", "tests.state.worker", str(path), str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as worker:
        assert worker.stdout is not None
        said = [worker.stdout.readline().strip() for _ in range(lines)]
        for _ in range(spin):  # a moment that no acknowledgement marks
            pass
        worker.kill()
        said += [line.strip() for line in worker.stdout if line.endswith("\n")]
    return said


@pytest.mark.skipif(os.name == "nt", reason="a process is killed otherwise there")
@pytest.mark.slow
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """After each of many kills, all intentions and steps are in the journal and all archives are whole."""
    path = tmp_path / "state.db"
    chance = random.Random(7)  # noqa: S311 - the moments need not be secret
    steps: dict[str, set[str]] = {}
    for turn in range(ROUNDS):
        said = killed_after(path, turn * 1_000, chance.randrange(2, 14), chance.randrange(200_000))
        assert said[0].startswith("ready")
        assert not [line for line in said if line.startswith("trouble") and "being written" not in line]
        for line in said[1:]:
            word, name, *_ = line.split()
            if word != "trouble":
                steps.setdefault(name, set()).add(word)
        _check(path, steps)


def _check(path: Path, steps: dict[str, set[str]]) -> None:
    told = Told()

    async def jobs(store: SqliteStore) -> dict[str, Job]:
        await asyncio.sleep(0)
        return {each.id: each for each in store.open_jobs()}

    found = with_store(path, jobs, told)
    assert told.of("open") == []
    for name, words in steps.items():
        number = name.removeprefix("job-")
        assert name in found
        progress = found[name].progress
        if "done" in words:
            assert progress.outputs == {"download": {"n": int(number)}}
        else:
            assert "download" in (progress.in_doubt, *progress.outputs)
        if "kept" in words:
            archive = path.with_name("state.db.archives") / f"{name_of(name, 'download')}.bin"
            assert archive.read_bytes() == number.encode() * 20_000

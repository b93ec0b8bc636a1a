"""What a `specwatch up` that was killed leaves behind: programs that still run, and a token that nobody needs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from specwatch.cli.up.programs import TITLES, Place
from specwatch.errors import Problem, UsageError
from specwatch.state.lockfile import LockFile

RECORD: Final = "processes.json"
"""The file of the data folder that says what runs."""

_STATE, _STARTED = 0, 19
"""Where fields 3 and 22 of /proc/PID/stat are behind the name of the program (proc(5))."""


@dataclass(frozen=True, slots=True)
class Running:
    """A program that was started.

    Args:
        name: `watch`, `prometheus`, `alertmanager` or `grafana`.
        id: of its process.
        port: where it listens.
        started: what tells it from a later process with the same id; empty where the system does not say.
    """

    name: str
    id: int
    port: int
    started: str


def record(place: Place, processes: Iterable[tuple[str, int]]) -> None:
    """Write down what runs, so that it can be found again; a disk that is full is no reason to stop.

    Args:
        place: folder and ports.
        processes: name and process id of each program.
    """
    running = [Running(name, number, place.ports[name], _started(number) or "") for name, number in processes]
    path = place.data / RECORD
    draft = path.with_name(f".{RECORD}")
    with suppress(OSError):
        draft.write_text(json.dumps([asdict(each) for each in running]), encoding="utf-8")
        draft.replace(path)


def forget(place: Place) -> None:
    """Nothing runs any more."""
    with suppress(OSError):
        (place.data / RECORD).unlink(missing_ok=True)


def left_over(place: Place) -> tuple[Running, ...]:
    """What an earlier one has left running; its token is removed.

    Where the folder is in use by another one that runs, nothing is left over, and nothing is touched.
    """
    files = (place.token_file, place.data / RECORD)
    if not any(map(os.path.lexists, files)):
        return ()
    lock = LockFile(place.data / "lock", place.data)
    try:
        lock.acquire()
    except (UsageError, OSError):
        return ()
    try:
        with suppress(OSError):
            place.token_file.unlink(missing_ok=True)
        found = tuple(each for each in _recorded(place.data / RECORD) if _started(each.id) == each.started)
        if not found:
            forget(place)
        return found
    finally:
        lock.release()


def problems(place: Place, left: tuple[Running, ...]) -> Iterator[Problem]:
    """What to say of it: two of them cannot share a folder.

    Args:
        place: the folder.
        left: what still runs.
    """
    if left:
        names = ", ".join(f"{TITLES[each.name]} (process {each.id}, port {each.port})" for each in left)
        numbers = " ".join(str(each.id) for each in left)
        mend = f"`kill {numbers}` ends them; `kill -9` where that does not help"
        if not all(each.started for each in left):
            mend = f"see with `ps` whether these processes are still the same; then {mend}"
        found = f"an earlier `specwatch up` was killed, and what it had started still runs: {names}"
        yield Problem(f"--data {place.data}", found, "a folder that nobody uses", mend)


def _recorded(path: Path) -> Iterator[Running]:
    """What a file says; nothing where it is not ours."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = [Running(str(each["name"]), int(each["id"]), int(each["port"]), str(each["started"])) for each in data]
    except (OSError, ValueError, TypeError, KeyError):
        return
    yield from (each for each in found if each.name in TITLES and each.id > 1)


def _started(number: int) -> str | None:
    """When a process started, in a form to compare; empty where the system does not say; None where it has ended."""
    if sys.platform == "win32":  # where signal 0 would end it
        return None
    try:
        os.kill(number, 0)
    except (OSError, OverflowError):  # of somebody else's: ours has ended
        return None
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return None if fields[_STATE] == "Z" else fields[_STARTED]

"""Bodies that cannot be had again: files that are whole or not there."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from specwatch.state.limits import HistoryLimits

UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
WRITING = ".writing"
PARTIAL = ".partial"
"""Ends the name of what was being written when the process ended: it may lack its end."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A body on disk.

    Args:
        path: of the file.
        bytes: its size.
        kept_at: epoch seconds.
    """

    path: Path
    bytes: int
    kept_at: float


def prefix_of(job_id: str) -> str:
    """How the names of a job's archives begin: readable, safe on every file system, and unlike any other job's."""
    return _safe(job_id, 64)


def name_of(job_id: str, step: str) -> str:
    """The file name of what a step of a job brought."""
    return f"{prefix_of(job_id)}.{_safe(step, 48)}"


def _safe(text: str, length: int) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{UNSAFE.sub('-', text)[:length]}-{digest}"


class Keeper(Protocol):
    """Keeps bodies."""

    def keep(self, job_id: str, step: str, body: bytes) -> None:
        """Keep a body; it is safe when this returns.

        Raises:
            OSError: it is not.
        """

    def retry(self) -> None:
        """Try again what could not be kept.

        Raises:
            OSError: something still cannot.
        """

    def listed(self, job_id: str) -> tuple[Archive, ...]:
        """The archives of a job."""

    def salvage(self) -> tuple[Path, ...]:
        """Give what was being written when the last process ended a name that lasts; returns those files."""

    def prune(self, open_jobs: Collection[str], now: float) -> None:
        """Remove what `HistoryLimits` says, and nothing of an open job."""

    @property
    def parked(self) -> int:
        """Bytes that wait to be tried again."""

    @property
    def bodies(self) -> int:
        """How many bodies these are."""


class MemoryArchives:
    """Archives of a store that keeps everything in memory.

    Args:
        most: bytes that all of them may take together.
    """

    parked = 0
    bodies = 0

    def __init__(self, most: int) -> None:
        self._most = most
        self._bodies: dict[str, bytes] = {}

    def keep(self, job_id: str, step: str, body: bytes) -> None:
        """Keep a body while the process lives.

        Raises:
            OSError: there is no room for it.
        """
        if sum(map(len, self._bodies.values())) + len(body) > self._most:
            raise OSError(errno.ENOMEM, f"there is no state file, and memory is kept for {self._most} bytes only")
        self._bodies[name_of(job_id, step)] = body

    def retry(self) -> None:
        """Nothing waits."""

    def listed(self, job_id: str) -> tuple[Archive, ...]:
        """The archives of a job, under names that are no files."""
        start = f"{prefix_of(job_id)}."
        return tuple(Archive(Path(n), len(b), 0.0) for n, b in sorted(self._bodies.items()) if n.startswith(start))

    def salvage(self) -> tuple[Path, ...]:
        """Nothing is left over."""
        return ()

    def prune(self, open_jobs: Collection[str], now: float) -> None:
        """What is there stays: it goes with the process."""


class FileArchives:
    """Archives in a folder beside the state file; used from several threads.

    Args:
        folder: created with the first archive, for its owner only.
        limits: what is removed.
        most_parked: bytes of what could not be written that are held for another try.
        dropped: is told of a body that can neither be written nor held.
    """

    def __init__(
        self, folder: Path, limits: HistoryLimits, most_parked: int, dropped: Callable[[str], None] = lambda _: None
    ) -> None:
        self.folder = folder
        self._limits = limits
        self._most_parked = most_parked
        self._dropped = dropped
        self._waiting: dict[tuple[str, str, str], bytes] = {}
        self._lock = threading.Lock()

    @property
    def parked(self) -> int:
        """Bytes that wait to be tried again."""
        return sum(map(len, list(self._waiting.values())))

    @property
    def bodies(self) -> int:
        """How many bodies these are."""
        return len(self._waiting)

    def keep(self, job_id: str, step: str, body: bytes) -> None:
        """Write a body beside its place, then move it there: file and folder are on disk when this returns.

        What fails is held in memory, within bounds, and tried again with every retry of the store.

        Raises:
            OSError: it is not on disk.
        """
        with self._lock:
            try:
                self._write(name_of(job_id, step), body)
            except OSError:
                self._park((job_id, step, hashlib.sha256(body).hexdigest()), body)
                raise

    def retry(self) -> None:
        """Try again what could not be written.

        Raises:
            OSError: something still cannot.
        """
        with self._lock:
            for key, body in list(self._waiting.items()):
                self._write(name_of(key[0], key[1]), body)
                del self._waiting[key]

    def _park(self, key: tuple[str, str, str], body: bytes) -> None:
        if key not in self._waiting and self.parked + len(body) > self._most_parked:
            self._dropped(f"{len(body)} bytes of step {key[1]!r} of job {key[0]!r} can neither be written nor held")
            return
        self._waiting[key] = body

    def _write(self, name: str, body: bytes) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        place = self._free_place(name, body)
        if place is None:
            return
        beside = place.with_name(place.name + WRITING)
        try:
            _write_through(beside, body)
            beside.replace(place)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            raise
        _sync_folder(self.folder)
        _sync_folder(self.folder.parent)

    def _free_place(self, name: str, body: bytes) -> Path | None:
        """Where to write: an archive is never written over. None when that very body is there."""
        number = 1
        while True:
            place = self.folder / (f"{name}.bin" if number == 1 else f"{name}.{number}.bin")
            if not place.exists():
                return place
            if place.stat().st_size == len(body) and place.read_bytes() == body:
                _sync_folder(self.folder)
                return None
            number += 1

    def listed(self, job_id: str) -> tuple[Archive, ...]:
        """The archives of a job, by name."""
        start = f"{prefix_of(job_id)}."
        return tuple(each for each in self._all() if each.path.name.startswith(start))

    def _all(self) -> list[Archive]:
        found = []
        with suppress(OSError):
            for path in sorted(self.folder.iterdir()):
                with suppress(OSError):
                    about = path.stat()
                    found.append(Archive(path, about.st_size, about.st_mtime))
        return found

    def salvage(self) -> tuple[Path, ...]:
        """Give what was being written when the last process ended a name that lasts; returns those files."""
        saved = []
        for archive in self._all():
            if archive.path.name.endswith(WRITING):
                with suppress(OSError):
                    saved.append(_made_lasting(archive.path))
        return tuple(saved)

    def prune(self, open_jobs: Collection[str], now: float) -> None:
        """Remove the oldest while all together are too large; never young ones nor those of an open job."""
        spared = tuple(f"{prefix_of(job)}." for job in open_jobs)
        with self._lock:
            archives = sorted(self._all(), key=lambda archive: archive.kept_at)
            total = sum(archive.bytes for archive in archives)
            for archive in archives:
                if total <= self._limits.archive_bytes or archive.kept_at > now - self._limits.archive_seconds:
                    return
                if not archive.path.name.startswith(spared or ("/",)):
                    with suppress(OSError):
                        archive.path.unlink()
                        total -= archive.bytes


def _made_lasting(path: Path) -> Path:
    name = path.name.removesuffix(WRITING)
    number = 1
    while (place := path.with_name(f"{name}.{number}{PARTIAL}")).exists():
        number += 1
    return path.replace(place)


def _write_through(path: Path, body: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Put names on disk too; Windows has no such call and does it by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

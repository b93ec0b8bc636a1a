"""What a sandbox is started with, and what changes while it runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from specwatch.errors import Problem, SandboxError
from specwatch.sandbox.catalogue import Catalogue
from specwatch.sandbox.faults import Fault, FaultKind
from specwatch.values.sandbox import WORKER_SECONDS

MOST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How a sandbox is started.

    Args:
        worker_seconds: how long a background job takes; 0 to 3600.
        faults: full names of the faults that are on from the start.
        max_body_bytes: larger requests are cut off with a 413 of the sandbox's own; far above any documented limit.
        clock: epoch seconds.
        hold: holds an answer back for that many seconds.
    """

    worker_seconds: float = WORKER_SECONDS
    faults: tuple[str, ...] = ()
    max_body_bytes: int = 128 * 1024 * 1024
    clock: Callable[[], float] = time.time
    hold: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Active:
    """The faults that are on for one operation, ready to be applied.

    Args:
        names: of all faults of the API that are on, without its id.
        excuses: what is overlooked in credentials.
        edits: faults, then variations.
    """

    names: frozenset[str] = frozenset()
    excuses: frozenset[tuple[str, str]] = frozenset()
    edits: tuple[Fault, ...] = ()


NOTHING = Active()


class SandboxState:
    """What changes while a sandbox runs. Every method may be called from any thread.

    Readers see either the old or the new state, never a mixture: writers build a new value and put it in place.

    Raises:
        UnknownFaultError: the settings name a fault that does not exist.
        SandboxError: the worker's speed is out of range.
    """

    def __init__(self, catalogue: Catalogue, operations: Sequence[tuple[str, str]], settings: SandboxSettings) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self._operations = tuple(operations)
        self._lock = threading.Lock()
        self._on: dict[str, Fault] = {}
        self._active: dict[tuple[str, str], Active] = {}
        self._worker_seconds = settings.worker_seconds
        self.reset()
        self.set_worker_seconds(settings.worker_seconds)
        self.enable(*settings.faults)

    @property
    def faults(self) -> tuple[str, ...]:
        """Full names of the faults that are on."""
        return tuple(self._on)

    @property
    def worker_seconds(self) -> float:
        """How long a background job takes."""
        return self._worker_seconds

    def enable(self, *names: str) -> None:
        """Switch faults on, all of them or, when one is unknown, none.

        Raises:
            UnknownFaultError: one of them does not exist.
        """
        faults = {name: self.catalogue.get(name) for name in names}
        with self._lock:
            self._switch({**self._on, **faults})

    def disable(self, *names: str) -> None:
        """Switch faults off; those that are off already stay so.

        Raises:
            UnknownFaultError: one of them does not exist.
        """
        gone = {self.catalogue.get(name).name for name in names}
        with self._lock:
            self._switch({name: fault for name, fault in self._on.items() if name not in gone})

    def disable_all(self) -> None:
        """Switch all faults and variations off."""
        with self._lock:
            self._switch({})

    def set_worker_seconds(self, seconds: float) -> None:
        """Set how long a background job takes, from the next job on.

        Raises:
            SandboxError: not a number from 0 to 3600.
        """
        self._worker_seconds = _checked(seconds)

    def reset(self) -> None:
        """Forget what the APIs remember and the requests counted; faults and the worker's speed stay."""
        with self._lock:
            self._stores: dict[str, dict[str, Any]] = {}
            self._requests: Counter[tuple[str, str]] = Counter()

    def store(self, api_id: str) -> dict[str, Any]:
        """What an API remembers."""
        return self._stores.setdefault(api_id, {})

    def count(self, api_id: str, operation_id: str) -> int:
        """Count a request; the how manyth of its operation it is, from 1."""
        self._requests[api_id, operation_id] += 1
        return self._requests[api_id, operation_id]

    def requests(self) -> dict[str, int]:
        """Requests since the last reset, by `<api-id>/<operationId>`; 0 where there was none."""
        return {f"{api}/{operation}": self._requests[api, operation] for api, operation in self._operations}

    def active(self, api_id: str, operation_id: str) -> Active:
        """The faults that are on for an operation."""
        return self._active.get((api_id, operation_id), NOTHING)

    def _switch(self, faults: dict[str, Fault]) -> None:
        self._active = {key: active for key in self._operations if (active := self._compile(key, faults)) != NOTHING}
        self._on = faults

    def _compile(self, key: tuple[str, str], faults: dict[str, Fault]) -> Active:
        api_id, operation_id = key
        order = list(self.catalogue.of(api_id)) if any(f.api == api_id for f in faults.values()) else []
        mine = [fault for fault in faults.values() if fault.api == api_id]
        here = [fault for fault in mine if fault.operation in {None, operation_id}]
        here.sort(key=lambda fault: (fault.kind is FaultKind.VARIATION, order.index(fault.name)))
        excuses = frozenset(excuse for fault in here for excuse in fault.excuses)
        return Active(frozenset(fault.short_name for fault in mine), excuses, tuple(here))


def _checked(seconds: object) -> float:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= MOST_SECONDS:
        return float(seconds)
    raise SandboxError(Problem("worker seconds", f"is {seconds!r}", f"a number from 0 to {MOST_SECONDS:g}"))

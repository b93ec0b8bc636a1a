"""Looks names up without keeping anybody: one look-up a name at a time, on threads of its own."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from typing import Final

LookUp = Callable[[str], tuple[str, ...]]

_THREADS: Final = 32
"""So many names may hang at once before others have to wait. A thread that hangs keeps no process from ending."""


def look_up(host: str) -> tuple[str, ...]:
    """The addresses of a name, in the order in which the system prefers them (RFC 6724).

    Raises:
        OSError: there are none, or nobody knows.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "no host has such a name") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Resolver:
    """Shares the answer of a look-up among all who ask while it is under way. Nothing is kept afterwards.

    Args:
        look_up: finds the addresses of a name; may block.
    """

    def __init__(self, look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._waiting: dict[tuple[str, asyncio.AbstractEventLoop], list[asyncio.Future[tuple[str, ...]]]] = {}
        self._jobs: queue.SimpleQueue[tuple[str, asyncio.AbstractEventLoop] | None] = queue.SimpleQueue()
        self._idle = 0
        self._threads = 0
        self._lock = threading.Lock()

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The addresses of a name.

        Raises:
            OSError: there are none, or nobody knows.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[str, ...]] = loop.create_future()
        waiting = self._waiting.get((host, loop))
        if waiting is not None:
            waiting.append(future)
        else:
            self._waiting[host, loop] = [future]
            self._start(host, loop)
        return await future

    def close(self) -> None:
        """Let the threads end; one that hangs ends with the process."""
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)
            self._threads = self._idle = 0

    def _start(self, host: str, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if self._idle:
                self._idle -= 1
            elif self._threads < _THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="specwatch-resolver", daemon=True).start()
        self._jobs.put((host, loop))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            host, loop = job
            try:
                result: tuple[str, ...] | BaseException = self._look_up(host)
            except Exception as error:  # noqa: BLE001 - it belongs to those who asked
                result = error
            with self._lock:
                self._idle += 1
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._tell, (host, loop), result)

    def _tell(self, asked: tuple[str, asyncio.AbstractEventLoop], result: tuple[str, ...] | BaseException) -> None:
        for future in self._waiting.pop(asked, ()):
            if future.done():  # whoever asked has given up
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

"""A thread with an event loop of its own, so that whatever a receiver sends keeps nobody else's loop busy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Final, TypeVar

T = TypeVar("T")

NAME: Final = "specwatch-notify"
CLOSING_SECONDS: Final = 1.0
"""So long the end of the thread is waited for; after that it ends with the process."""


class Worker:
    """Runs coroutines elsewhere. The thread begins with the first one, and keeps no process from ending."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._ended: Future[None] = Future()

    async def run(self, make: Callable[[], Coroutine[None, None, T]]) -> T:
        """What a coroutine returns or raises; cancelling this cancels it there.

        Args:
            make: makes the coroutine.

        Raises:
            RuntimeError: the worker is closed.
        """
        if self._closed:
            raise RuntimeError("a closed worker was given work")
        loop = self._loop = self._loop or self._start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), loop))

    async def aclose(self) -> None:
        """Cancel what runs, and end; it is not waited for longer than a moment."""
        self._closed = True
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
            await asyncio.wait({asyncio.wrap_future(self._ended)}, timeout=CLOSING_SECONDS)

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        threading.Thread(target=self._serve, args=(loop,), name=NAME, daemon=True).start()
        return loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.get_loop().run_forever()
        finally:
            self._ended.set_result(None)

"""Has the blackbox exporter probe, as Prometheus does: over kept connections, as fast as it goes or at a fixed rate."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import quote

import uvloop
from benchmarks.probing.line import answer_until_the_end, say

DURATION = re.compile(rb"^probe_duration_seconds (\S+)", re.MULTILINE)
SUCCESS = b"\nprobe_success 1"


@dataclass(frozen=True)
class Work:
    """What to do.

    Args:
        port: of the exporter.
        url: base URL of the target; a path of its own for each probe is added.
        probes: how many.
        lanes: how many probes are in flight at most.
        interval: seconds from one look to the next of the same probe; 0 for as fast as it goes.
    """

    port: int
    url: str
    probes: int = 64
    lanes: int = 16
    interval: float = 0.0


@dataclass
class Counts:
    """What came of it; `took` has the exporter's own seconds, by path."""

    runs: int = 0
    failed: int = 0
    took: dict[str, list[float]] = field(default_factory=dict)

    def report(self) -> object:
        """Numbers only."""
        return {"runs": self.runs, "failed": self.failed}


class Loader:
    """Asks the exporter."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._lanes = asyncio.Semaphore(work.lanes)
        self.counts = Counts()

    async def run(self) -> None:
        """Go on until cancelled."""
        numbers = range(self._work.probes)
        async with asyncio.TaskGroup() as group:
            if self._work.interval:
                for number in numbers:
                    group.create_task(self._at_a_rate(number))
            else:
                for lane in range(self._work.lanes):
                    group.create_task(self._without_pause(numbers[lane :: self._work.lanes]))

    async def _without_pause(self, numbers: range) -> None:
        while True:
            for number in numbers:
                await self._look(path(number))

    async def _at_a_rate(self, number: int) -> None:
        interval = self._work.interval
        due = time.perf_counter() + interval * number / self._work.probes
        while True:
            await asyncio.sleep(due - time.perf_counter())
            async with self._lanes:
                await self._look(path(number))
            due += interval * max(1, int((time.perf_counter() - due) / interval) + 1)

    async def _look(self, where: str) -> None:
        url = quote(f"{self._work.url}{where}", safe="")
        reader, writer = self._idle.pop() if self._idle else await self._connect()
        writer.write(f"GET /probe?module=ok&target={url} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else await _chunks(reader)
        self._idle.append((reader, writer))
        self.counts.runs += 1
        found = DURATION.search(body)
        if found is None or SUCCESS not in body:
            self.counts.failed += 1
        if found is not None:
            self.counts.took.setdefault(where, []).append(float(found[1]))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._work.port)


def path(number: int) -> str:
    """The path of a probe, the same for all probers."""
    return f"/v1/shipments/lot_{number:06d}"


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    pieces: list[bytes] = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)


async def main(work: Work) -> None:
    """Load until the input ends."""
    loader = Loader(work)
    task = asyncio.create_task(loader.run())
    say({})
    await answer_until_the_end({"report": loader.counts.report, "took": lambda: loader.counts.took})
    task.cancel()
    await asyncio.wait([task])


if __name__ == "__main__":
    uvloop.run(main(Work(**json.loads(sys.argv[1]))))

"""What probing with httpx itself costs: one client, no kept connection, phases from the trace extension."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from dataclasses import dataclass

import httpx
from benchmarks.probing.line import answer_until_the_end, say
from benchmarks.probing.loader import path


@dataclass
class Counts:
    """What came of it."""

    runs: int = 0
    failed: int = 0

    def report(self) -> object:
        """Numbers only."""
        return {"runs": self.runs, "failed": self.failed}


async def look(client: httpx.AsyncClient, url: str, counts: Counts) -> None:
    """One request with its phases."""
    stamps: dict[str, float] = {}

    async def trace(name: str, _info: object) -> None:
        stamps[name] = time.perf_counter()

    response = await client.get(url, headers={"x-api-key": "key-of-the-benchmark"}, extensions={"trace": trace})
    counts.runs += 1
    counts.failed += response.status_code != 200 or not stamps


async def main(url: str, authority: str, probes: int = 64, lanes: int = 16) -> None:
    """Probe until the input ends."""
    counts = Counts()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    verify = ssl.create_default_context(cafile=authority) if authority else True

    async def lane(first: int) -> None:
        while True:
            for number in range(first, probes, lanes):
                await look(client, f"{url}{path(number)}", counts)

    async with httpx.AsyncClient(verify=verify, limits=limits) as client:
        tasks = [asyncio.create_task(lane(first)) for first in range(lanes)]
        say({})
        await answer_until_the_end({"report": counts.report})
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))

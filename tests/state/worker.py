"""Writes to a store until it is killed, and says on standard output what was acknowledged."""

import asyncio
import sys
from pathlib import Path

from tests.state.made import BRISK, job, observation, opened

from specwatch.probing.ports import Progress


def say(*words: object) -> None:
    """Tell the parent, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def one_job(store_path: Path, start: int) -> None:
    """Do job after job, with other writes between their notes."""
    async with opened(store_path, lambda *told: say("trouble", *told), pace=BRISK) as store:
        say("ready", *sorted(each.id for each in store.open_jobs()))
        for number in range(start, start + 10_000):
            name = f"job-{number}"
            journal = store.journal(job(name))
            body = str(number).encode() * 20_000
            store.record(observation(number))
            store.remember("streak", "a", {"n": number})
            await journal.intend(Progress(in_doubt="download"))
            say("intended", name)
            await journal.keep("download", body)
            say("kept", name)
            await journal.done(Progress(outputs={"download": {"n": number}}, following="check"))
            say("done", name)


if __name__ == "__main__":
    asyncio.run(one_job(Path(sys.argv[1]), int(sys.argv[2])))

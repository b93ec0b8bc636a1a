"""What a watch sees survives in its state file, and can be read there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from tests.state.made import opened

from specwatch.drift.reading import read_state
from specwatch.probing.events import Ran
from specwatch.probing.memory import Memory
from specwatch.probing.redaction import redact
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation, Sent, StepResult
from specwatch.values.secrets import Redactor
from specwatch.values.violation import Sighting

TOKEN = "tok-alpha-0001"


def ran(*seen: Sighting) -> Ran:
    """A run of a probe in which something was seen, without secrets, as it leaves the prober."""
    sent = Sent("get", "getPlant", drift=tuple(each.drift for each in seen), sightings=seen)
    step = StepResult("get", met=True, sent=(sent,))
    observation = Observation("1", "garden", "garden/p", "p", "live", Verdict.PASS, None, "", 2e9, 0.1, (step,))
    return Ran(redact(observation, Redactor([TOKEN])))


def test_a_watch_remembers_what_it_saw(tmp_path: Path, seen: Callable[..., Sighting]) -> None:
    """How often, when, an example and a schema of all of it, over a restart; no secret is in it."""
    path = tmp_path / "state.sqlite"

    async def watch(*events: Ran) -> None:
        async with opened(path) as store:
            memory = Memory(store)
            for event in events:
                memory(event)
            memory.flush()
            await store.flush()

    asyncio.run(watch(ran(seen("field /colour", None)), ran(seen("field /colour", TOKEN))))
    asyncio.run(watch(ran(seen("field /colour", 3), seen("field /colour/x", 1))))

    colour, inner = read_state(path)
    assert (colour.drift.operation, colour.drift.name, inner.drift.name) == ("getPlant", "/colour", "/colour/x")
    assert (colour.count, colour.first_at, colour.last_at, colour.status) == (3, 2e9, 2e9, 200)
    assert json.loads(colour.example) == 3
    assert json.loads(colour.sketch)["type"] == ["integer", "null", "string"]
    assert TOKEN.encode() not in path.read_bytes()

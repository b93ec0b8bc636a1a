"""How a benchmark talks to its processes: a JSON line when one is ready, then an answer per question; EOF ends it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def say(value: object) -> None:
    """Write a line."""
    print(json.dumps(value), flush=True)


def _write(path: str, value: object) -> None:
    Path(path).write_text(json.dumps(value), encoding="utf-8")


async def answer_until_the_end(answers: Mapping[str, Callable[[], object]]) -> None:
    """Answer questions until there are no more. A question is a word, or `word path` for an answer in a file."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while question := (await reader.readline()).decode().split():
        value = answers[question[0]]()
        if len(question) > 1:
            _write(question[1], value)
            value = {}
        say(value)

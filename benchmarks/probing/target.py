"""The server that is probed: 1.5 KB of JSON, at once or after a fixed time. Notes when who came, and what it took.

It writes bare bytes from a protocol of uvloop, so that it is not what a benchmark measures.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from functools import partial
from typing import Any

import uvloop
from benchmarks.probing.line import answer_until_the_end, say

ID = b"lot_000000"
SHIPMENT = {
    "id": ID.decode(),
    "state": "sent",
    "created_at": "2026-10-30T09:12:44Z",
    "updated_at": "2026-11-02T16:40:03Z",
    "total_grams": 10_000,
    "count": 8,
    "note": "Leave it with the neighbours at number 12 if nobody is at home; the bell does not work.",
    "links": {"self": f"https://shipments.example.com/v1/shipments/{ID.decode()}"},
    "parcels": [
        {
            "id": f"box_{number:04d}",
            "shipment": ID.decode(),
            "grams": 1_250,
            "fragile": number % 3 == 0,
            "contents": f"ceramic tiles, lot {number}",
            "packed_at": "2026-11-01T07:30:00Z",
        }
        for number in range(8)
    ],
}
BODY = json.dumps(SHIPMENT).encode()
HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Sun, 01 Nov 2026 12:00:00 GMT\r\nServer: bench\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY)
)


class Log:
    """By path: when each connection came, on the machine's monotonic clock, and the seconds until it was answered."""

    def __init__(self) -> None:
        self.came: dict[str, list[float]] = {}
        self.took: dict[str, list[float]] = {}

    def note(self, path: bytes, came: float, took: float) -> None:
        """Note an answer."""
        name = path.decode("latin-1")
        self.came.setdefault(name, []).append(came)
        self.took.setdefault(name, []).append(took)

    def clear(self) -> object:
        """Forget all."""
        self.came, self.took = {}, {}
        return {}

    def count(self) -> object:
        """How many were answered."""
        return {"answered": sum(map(len, self.came.values()))}


class Connection(asyncio.Protocol):
    """One request, one answer."""

    def __init__(self, log: Log, delay: float) -> None:
        self._log = log
        self._delay = delay
        self._data = b""
        self._transport: Any = None
        self._came = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note when."""
        self._transport = transport
        self._came = time.perf_counter()

    def data_received(self, data: bytes) -> None:
        """Answer once the head is there."""
        self._data += data
        if b"\r\n\r\n" not in self._data:
            return
        asked = time.perf_counter()
        path = self._data.split(b" ", 2)[1]
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._answer, path, asked)
        else:
            self._answer(path, asked)

    def _answer(self, path: bytes, asked: float) -> None:
        if self._transport.is_closing():
            return
        body = BODY.replace(ID, path.rpartition(b"/")[2])
        self._log.note(path, self._came, time.perf_counter() - asked)
        self._transport.write(HEAD + body)
        self._transport.close()


async def serve(delay: float, pair: str) -> None:
    """Serve until the input ends.

    Args:
        delay: seconds until the answer.
        pair: file with certificate and key; empty for plain HTTP.
    """
    context = None
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
    log = Log()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Connection, log, delay), "127.0.0.1", 0, ssl=context, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    say({"url": f"{'https' if pair else 'http'}://127.0.0.1:{port}", "bytes": len(BODY)})
    await answer_until_the_end(
        {"clear": log.clear, "count": log.count, "came": lambda: log.came, "took": lambda: log.took}
    )


if __name__ == "__main__":
    uvloop.run(serve(**json.loads(sys.argv[1])))

"""A server that misbehaves in another way on each connection.

It knows all of `tests.hostile`, and answers that are good HTTP but made to cost whoever judges them.
"""

from __future__ import annotations

import asyncio
import itertools
import json

from benchmarks.probing.line import answer_until_the_end, say
from tests.hostile import (
    BROKEN_OFF,
    ENDLESS,
    GARBAGE,
    HANGING_UP,
    OK,
    SILENT,
    UNDECODABLE,
    HostileServer,
    Peer,
    Script,
    sized,
    then,
)

JSON = b"Content-Type: application/json"
_NUMBERS = itertools.count()


def _new_fields(peer: Peer) -> None:
    number = next(_NUMBERS)
    peer.send(sized(json.dumps({f"field_{number}_{each}": each for each in range(2000)}).encode(), JSON))


def _new_code(peer: Peer) -> None:
    body = json.dumps({"error": {"code": f"code_{next(_NUMBERS)}", "message": "x" * 100_000}}).encode()
    peer.send(sized(body, JSON).replace(b"200 OK", b"%d Odd" % (400 + next(_NUMBERS) % 199), 1))


def _new_headers(peer: Peer) -> None:
    number = next(_NUMBERS)
    peer.send(OK, b"".join(b"X-%d-%d: y\r\n" % (number, each) for each in range(150)), b"Content-Length: 0\r\n\r\n")


COSTLY: dict[str, Script] = {
    "deep nesting": then(lambda peer: peer.send(sized(b"[" * 1_000_000, JSON))),
    "a million zeros": then(lambda peer: peer.send(sized(b"[" + b"0," * 1_000_000 + b"0]", JSON))),
    "a million objects": then(lambda peer: peer.send(sized(b"[" + b"{}," * 1_000_000 + b"{}]", JSON))),
    "long number": then(lambda peer: peer.send(sized(b'{"count": ' + b"9" * 1_000_000 + b"}", JSON))),
    "bad parcels": then(lambda peer: peer.send(sized(b'{"parcels": [' + b'{"id": 1},' * 20_000 + b"{}]}", JSON))),
    "new fields each time": then(_new_fields),
    "new code each time": then(_new_code),
    "new headers each time": then(_new_headers),
    "string of 8 MB": then(lambda peer: peer.send(sized(b'{"id": "' + b"x" * (8 << 20) + b'"}', JSON))),
}
ALL = [*SILENT, *ENDLESS, *BROKEN_OFF, *HANGING_UP, *GARBAGE, *UNDECODABLE, *COSTLY]


def main() -> None:
    """Serve until the input ends."""
    groups = (SILENT, ENDLESS, BROKEN_OFF, HANGING_UP, GARBAGE, UNDECODABLE, COSTLY)
    scripts = itertools.cycle([script for group in groups for script in group.values()])

    def script(peer: Peer) -> None:
        next(scripts)(peer)

    with HostileServer(script) as server:
        say({"url": f"http://127.0.0.1:{server.port}", "kinds": len(ALL)})
        asyncio.run(answer_until_the_end({"accepted": lambda: {"accepted": server.accepted}}))


if __name__ == "__main__":
    main()

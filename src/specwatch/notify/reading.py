"""A connection on which only the head of an answer counts: what a webhook says after it is of no use."""

from __future__ import annotations

from typing import Final

from specwatch.transport.wire import Caps
from specwatch.transport.wire.flow import Flow
from specwatch.transport.wire.trouble import Broken
from specwatch.values.failure import Reason

CAPS: Final = Caps(wire_bytes=10**21, header_bytes=16 * 1024, interim=16)
"""Of a head. A body may announce any length, since it is not fetched."""

MOST_BYTES: Final = 256 * 1024
"""Received in one attempt until its head is there, handshake and interim answers included."""


class HeadOnly(Flow):
    """Is over as soon as the final head is there; `parser.head` is set then, and the error None."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is more than a head can be."""
        if self.received + len(data) > MOST_BYTES and self.parser.head is None:
            self._finish(Broken(Reason.TOO_LARGE, f"{{host}}:{{port}} sends more than {MOST_BYTES} bytes of no answer"))
        super().data_received(data)

    def _parse(self) -> None:
        try:
            super()._parse()
        except Broken:
            if self.parser.head is None:  # else it is the body that is broken
                raise
        if self.parser.head is not None:
            self._finish(None)

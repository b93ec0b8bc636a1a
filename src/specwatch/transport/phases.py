"""How long each phase of a request took, from the trace events of the transport below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

_SPANS: Final[Mapping[str, str]] = {
    "connection.connect_tcp": "connect",
    "connection.start_tls": "tls",
    "http11.send_request_headers": "request",
    "http11.send_request_body": "request",
    "http11.receive_response_headers": "processing",
    "http11.receive_response_body": "transfer",
}


class PhaseTrace:
    """A trace function for httpx's `trace` extension.

    Args:
        monotonic: the clock, in seconds.

    Attributes:
        phases: seconds of each phase that ran.
        reused: whether no connection was opened for the request.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._started: dict[str, float] = {}
        self.phases: dict[str, float] = {}
        self.reused = True

    def __call__(self, event: str, _info: Mapping[str, object]) -> None:
        """Take the time of one event, such as `http11.send_request_headers.started`."""
        span, _, moment = event.rpartition(".")
        self.reused = self.reused and span != "connection.connect_tcp"
        phase = _SPANS.get(span)
        if phase is None:
            return
        now = self._monotonic()
        if moment == "started":
            self._started[span] = now
        elif span in self._started:
            self.phases[phase] = self.phases.get(phase, 0.0) + now - self._started.pop(span)

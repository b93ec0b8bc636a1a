"""A real Alertmanager for tests, and somebody who is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
from tests.integration.processes import Process, Processes, until
from tests.integration.prometheus import free_port


@dataclass(frozen=True, slots=True)
class Told:
    """An alert as a webhook was told of it.

    Args:
        at: when, as Unix time.
        status: `firing` or `resolved`.
        labels: of the alert.
        annotations: its texts.
    """

    at: float
    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Webhook:
    """Takes notifications on loopback and remembers them."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """Where to post to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    def first(self, alert: str, status: str, patience: float) -> Told:
        """The first notification of an alert in a state, which is waited for."""

        def look() -> list[Told]:
            return [each for each in self.told if each.labels["alertname"] == alert and each.status == status]

        return until(f"{alert} {status}", look, patience)[0]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _remember(self, notification: Mapping[str, Any]) -> None:
        at = time.time()
        self.told += [
            Told(at, alert["status"], alert["labels"], alert["annotations"]) for alert in notification["alerts"]
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook._remember(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class Alertmanager:
    """An Alertmanager with this configuration.

    Args:
        processes: start and stop it.
        config: its configuration file.
        folder: for its data.
    """

    def __init__(self, processes: Processes, config: Path, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._process: Process = processes.start(
            [
                "prometheus-alertmanager",
                f"--config.file={config}",
                f"--storage.path={folder}",
                f"--web.listen-address={self.address}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            "alertmanager",
        )
        until("Alertmanager is ready", self._is_ready)

    def _is_ready(self) -> bool:
        assert not self._process.ended, self._process.said()
        try:
            return httpx.get(f"http://{self.address}/-/ready", trust_env=False).is_success
        except httpx.TransportError:
            return False

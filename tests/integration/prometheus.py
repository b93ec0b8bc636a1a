"""A real Prometheus for tests: started on a folder of its own, asked through its HTTP API."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from tests.integration.processes import PATIENCE, Process, Processes, until

SCRAPE_INTERVAL = "500ms"
TEXT = "text/plain;version=0.0.4"

Job = Mapping[str, object]
"""An entry of `scrape_configs`."""

Labels = frozenset[tuple[str, str]]


def scrape(name: str, url: str, **more: object) -> Job:
    """The job that scrapes one exporter."""
    return {"job_name": name, "static_configs": [{"targets": [url.removeprefix("http://")]}], **more}


def scrape_probes(name: str, url: str, *probes: str) -> Job:
    """A job with the relabelling that users of blackbox_exporter have: each target is a probe of the exporter."""
    return {
        "job_name": name,
        "metrics_path": "/probe",
        "static_configs": [{"targets": list(probes)}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_probe"},
            {"source_labels": ["__param_probe"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": url.removeprefix("http://")},
        ],
    }


class Prometheus:
    """A Prometheus that scrapes these jobs twice a second, or does what a file says.

    Args:
        processes: start and stop it.
        folder: for its configuration and its data.
        jobs: what it scrapes.
        config: a configuration file to use instead of one with these jobs.
    """

    def __init__(self, processes: Processes, folder: Path, *jobs: Job, config: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if config is None:
            limits = {"scrape_interval": SCRAPE_INTERVAL, "scrape_timeout": SCRAPE_INTERVAL}
            config = folder / "prometheus.yml"  # JSON is YAML
            config.write_text(json.dumps({"global": limits, "scrape_configs": jobs}), encoding="utf-8")
        port = free_port()
        self._process: Process = processes.start(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
                "--query.lookback-delta=30s",
                "--log.level=warn",
                "--storage.tsdb.retention.time=60d",
            ],
            "prometheus",
        )
        self._client = processes.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
        )
        until("Prometheus is ready", self._is_ready)

    def value(self, query: str) -> float | None:
        """The value of a query, if it has one.

        Raises:
            AssertionError: there are several.
        """
        found = self.series(query)
        assert len(found) <= 1, found
        return next(iter(found.values()), None)

    def by(self, label: str, query: str) -> dict[str, float]:
        """The values of a query by the only label that is of interest."""
        return {dict(labels)[label]: value for labels, value in self.series(query).items()}

    def series(self, query: str, at: float | None = None) -> dict[Labels, float]:
        """The values of a query by their labels, now or at a moment of Unix time."""
        data = self.ask("query", query=query, **({} if at is None else {"time": f"{at:.3f}"}))
        if data["resultType"] == "scalar":
            return {frozenset(): float(data["result"][1])}
        return {frozenset(each["metric"].items()): float(each["value"][1]) for each in data["result"]}

    def until(self, query: str, patience: float = PATIENCE) -> None:
        """Wait until a query has a result, as a comparison has only once it holds."""
        until(query, lambda: self.series(query), patience)

    def exemplars(self, query: str, start: float, end: float) -> list[tuple[Mapping[str, str], Mapping[str, str]]]:
        """Labels of the series and labels of the exemplar, of all exemplars."""
        data = self.ask("query_exemplars", query=query, start=str(start), end=str(end))
        return [(each["seriesLabels"], mark["labels"]) for each in data for mark in each["exemplars"]]

    def ask(self, endpoint: str, **parameters: str) -> Any:
        """The data of an answer of the HTTP API.

        Raises:
            AssertionError: it is refused.
        """
        path = f"/api/v1/{endpoint}"
        by_get = endpoint.startswith("label/")  # the only one that is not asked by POST
        answer = (
            self._client.get(path, params=parameters) if by_get else self._client.post(path, data=parameters)
        ).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def _is_ready(self) -> bool:
        assert not self._process.ended, self._process.said()
        try:
            return self._client.get("/-/ready").is_success
        except httpx.TransportError:
            return False


class TextRelay:
    """Hands `/metrics` on in the text format to a Prometheus that would rather have OpenMetrics.

    Args:
        url: of the exporter.
    """

    def __init__(self, url: str) -> None:
        self.content_types: set[str] = set()
        self._client = httpx.Client(base_url=url, trust_env=False, headers={"accept": TEXT})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _value: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    answer = relay._client.get(self.path)
                except httpx.TransportError:
                    self.close_connection = True
                    return
                relay.content_types.add(re.split(r"; *charset", answer.headers["content-type"])[0])
                with contextlib.suppress(ConnectionError):  # a scrape that took too long was given up
                    self.send_response(answer.status_code)
                    self.send_header("content-type", answer.headers["content-type"])
                    self.send_header("content-length", str(len(answer.content)))
                    self.end_headers()
                    self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port

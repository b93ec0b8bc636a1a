"""The stage of the story: a sandbox, two probers that see it from two places, and a Prometheus with a past."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import trustme
from tests.integration.processes import Process, Processes, url_of
from tests.integration.prometheus import Prometheus, free_port
from tests.integration.story.history import DAY, HOUR, Past, backfill
from tests.integration.story.relay import TlsRelay
from tests.integration.story.workspace import derived_files, prepared, quick_origin

from specwatch.monitoring.origin import Origin

JOB: Final = "specwatch"
HERE, THERE = "here", "there"
"""The locations of the two probers, which are also their instances: one sees the target without TLS, one with it."""

CREDENTIALS: Final = dict.fromkeys(
    ("ACEDATA_TOKEN", "SCAN_DOCUMENTS_API_KEY", "EXAROUTES_CLIENT_ID", "EXAROUTES_API_KEY"), "specwatch-sandbox-account"
)

SCAN, QRART = "scan-known-task", "qrart-known-task"
OUTAGE: Final = 2 * HOUR
"""Seconds for which the QR art probe failed twelve days ago."""
LAST_OUTAGE: Final = (40 * 60.0, 35 * 60.0)
"""When the scan probe failed shortly before the story, in seconds before the end of the history: 16 times its budget
over an hour, which nobody is told of as long as the last five minutes are good."""
LULL: Final = 6 * 60.0
"""Seconds between the end of the history and the story, so that the shortest windows see the story alone."""
SLOW_SHARE: Final = 0.01
"""Of the runs of both."""


@dataclass
class Stage:
    """Everything that takes part.

    Args:
        prometheus: what it is all about.
        sandbox: for its control.
        pages: of the probers, by location.
        origin: what rules and dashboards are derived from.
        files: these, below `grafana/`.
        relay: the way of the prober that is elsewhere.
    """

    prometheus: Prometheus
    sandbox: httpx.Client
    pages: Mapping[str, httpx.Client]
    origin: Origin
    files: Mapping[str, str]
    relay: TlsRelay
    _probers: Probers
    began: float = field(default_factory=time.time)

    @contextmanager
    def faults(self, *names: str) -> Iterator[None]:
        """Have these faults on for as long as the block lasts."""
        for name in names:
            assert self.sandbox.put(f"/_sandbox/faults/{name}").is_success, name
        yield
        for name in names:
            assert self.sandbox.delete(f"/_sandbox/faults/{name}").is_success, name

    def work_takes(self, seconds: float) -> None:
        """How long background work takes, from the next job on."""
        assert self.sandbox.put("/_sandbox/worker", json={"seconds": seconds}).is_success

    @contextmanager
    def without(self, location: str) -> Iterator[None]:
        """Have a prober ended for as long as the block lasts."""
        self._probers.stop(location)
        yield
        self._probers.start(location)


@dataclass
class Probers:
    """Start and stop the probers, each always at the same address."""

    processes: Processes
    workspace: Path
    targets: Mapping[str, tuple[str, ...]]
    ports: Mapping[str, int]
    _running: dict[str, Process] = field(default_factory=dict)

    def start(self, location: str) -> None:
        """Start one, with the state that it left behind."""
        arguments: list[str | Path] = [
            "watch",
            "--workspace",
            self.workspace,
            *self.targets[location],
            *("--listen", f"127.0.0.1:{self.ports[location]}", "--location", location),
            "--state",
            self.workspace.parent / f"{location}.sqlite",
        ]
        running = self.processes.specwatch(*arguments, name=f"watch-{location}", environment=CREDENTIALS)
        self._running[location] = running

    def ready(self) -> None:
        """Wait until all of them serve."""
        for each in self._running.values():
            url_of(each)

    def stop(self, location: str) -> None:
        """End one, as an operator does."""
        self._running[location].stop()


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """All of it, running; the curtain rises when Prometheus answers."""
    workspace = folder / "workspace"
    workspace.mkdir()
    prepared(workspace)
    origin = quick_origin(workspace)
    files = derived_files(origin, folder / "grafana")
    with Processes(folder, folder / "output") as processes:
        worker = ("--workspace", workspace, "--port", "0", "--worker-seconds", "1.5")
        sandbox = processes.specwatch("sandbox", *worker, name="sandbox")
        backfill(pasts(), time.time() - LULL, folder / "prometheus" / "data")
        url = url_of(sandbox, r"sandbox: (http\S+)")
        relay, authority = _relay(processes, url, folder)
        targets = {HERE: ("--target", url), THERE: ("--target", relay.url, "--ca", str(authority))}
        ports = {location: free_port() for location in (HERE, THERE)}
        probers = Probers(processes, workspace, targets, ports)
        for location in (HERE, THERE):
            probers.start(location)
        probers.ready()
        derived = folder / "grafana" / "prometheus"
        write_targets(derived, "specwatch", {location: f"127.0.0.1:{port}" for location, port in ports.items()})
        prometheus = Prometheus(processes, folder / "prometheus", config=derived / "prometheus.yml")
        control, *pages = (
            processes.enter_context(httpx.Client(base_url=each, trust_env=False, timeout=60))
            for each in (url, *(f"http://127.0.0.1:{port}" for port in ports.values()))
        )
        pages_of = dict(zip(ports, pages, strict=True))
        yield Stage(prometheus, control, pages_of, origin, files, relay, probers)


def _relay(processes: Processes, url: str, folder: Path) -> tuple[TlsRelay, Path]:
    authority, pem = trustme.CA(), folder / "ca.pem"
    authority.cert_pem.write_to_path(str(pem))
    port = urlsplit(url).port
    assert port is not None
    return processes.enter_context(TlsRelay(port, authority.issue_cert("localhost"))), pem


def write_targets(folder: Path, name: str, targets: Mapping[str, str]) -> None:
    """Tell the derived `prometheus.yml` where a thing is.

    Args:
        folder: where that file lies.
        name: `specwatch` or `alertmanager`.
        targets: `HOST:PORT` by the name of the instance, which the history can have too.
    """
    (folder / "targets").mkdir(exist_ok=True)
    listed = [{"targets": [address], "labels": {"instance": instance}} for instance, address in targets.items()]
    (folder / "targets" / f"{name}.yml").write_text(json.dumps(listed), encoding="utf-8")  # JSON is YAML


def pasts() -> list[Past]:
    """What both probers saw of a probe of each API before the story begins."""
    outages = {QRART: ((12 * DAY, 12 * DAY - OUTAGE),), SCAN: (LAST_OUTAGE,)}
    apis = {
        QRART: "qrart-tasks",
        SCAN: "scan-documents",
        "producer-no-audio": "producer-videos",
        "exaroutes-unknown-batch": "exaroutes-bulk",
    }
    return [
        Past(
            {"job": JOB, "instance": location, "location": location, "api": api, "probe": probe},
            outages.get(probe, ()),
            SLOW_SHARE if probe in outages else 0.0,
        )
        for location in (HERE, THERE)
        for probe, api in apis.items()
    ]

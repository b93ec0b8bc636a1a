"""What tests of `specwatch up` share: stand-ins for programs, free ports, and the command itself."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.integration.processes import ROOT, Process, Processes
from tests.integration.prometheus import free_port

NAMES = ("watch", "prometheus", "alertmanager", "grafana")
TOKEN = "a-web-token"

SERVER = """\
import http.server, json, os, re, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.path.exists(__file__ + ".slow") else 200)
        self.end_headers()

    def log_message(self, *_):
        pass

if os.path.exists(__file__ + ".stubborn"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(__file__ + ".json", "w") as file:
    json.dump({"arguments": sys.argv[1:], "environment": dict(os.environ), "id": os.getpid()}, file)
port = os.environ.get("GF_SERVER_HTTP_PORT") or re.search(r"web.listen-address=.*?:(\\d+)", " ".join(sys.argv))[1]
http.server.HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""
"""Stands in for any of the programs: notes how it was started, and answers everything with 200."""


@dataclass(frozen=True)
class Scene:
    """One `specwatch up`.

    Args:
        process: the command.
        ports: program to port.
        data: its folder.
        binaries: the folder with stand-ins.
    """

    process: Process
    ports: dict[str, int]
    data: Path
    binaries: Path

    def get(self, name: str, path: str) -> Any:
        """The JSON that a program answers with."""
        return httpx.get(f"http://127.0.0.1:{self.ports[name]}{path}", trust_env=False, timeout=60).json()

    def started(self, binary: str) -> dict[str, Any]:
        """How a stand-in was started."""
        found: dict[str, Any] = json.loads((self.binaries / f"{binary}.json").read_text(encoding="utf-8"))
        return found

    def answers(self, name: str) -> bool:
        """Whether somebody listens on the port of a program."""
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.ports[name])) == 0


def stand_in(binaries: Path, name: str, text: str = SERVER) -> Path:
    """A program of that name on the path."""
    binaries.mkdir(parents=True, exist_ok=True)
    path = binaries / name
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(0o755)
    return path


def grafana(binaries: Path) -> Path:
    """A Grafana that is none, with a home folder as an archive has it."""
    (binaries.parent / "conf").mkdir(parents=True, exist_ok=True)
    (binaries.parent / "conf" / "defaults.ini").write_text("", encoding="utf-8")
    return stand_in(binaries, "grafana")


def quick_workspace(folder: Path) -> Path:
    """The workspace of this repository, scraped and evaluated every second."""
    for part in ("specs", "sandbox", "probes"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "specwatch.yaml", folder)
    pace = {name: {"value": 1, "unit": "seconds", "reason": "a test waits"} for name in ("interval", "evaluation")}
    (folder / "grafana").mkdir()
    settings = json.dumps({"version": 1, "scrape": pace})  # JSON is YAML
    (folder / "grafana" / "settings.yaml").write_text(settings, encoding="utf-8")
    return folder


def up(processes: Processes, folder: Path, *options: str | Path, path: str = "", **environment: str) -> Scene:
    """Start it on free ports, with the stand-ins of the folder before whatever else `path` holds."""
    ports = {name: free_port() for name in NAMES}
    chosen = [f"--{name}-port={port}" for name, port in ports.items()]
    binaries = folder / "home" / "bin"
    process = processes.specwatch(
        "up",
        *chosen,
        *("--data", folder / "data", *options),
        name="up",
        environment={"PATH": f"{binaries}:{path}", **environment},
    )
    return Scene(process, ports, folder / "data", binaries)

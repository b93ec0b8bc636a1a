"""Starting and stopping a sandbox."""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from specwatch.errors import SandboxError
from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, UnknownFaultError, serve_forever
from specwatch.spec import Api

MAIN = """
import sys
from pathlib import Path
from specwatch.sandbox import serve_forever
from specwatch.spec import load_api
serve_forever("127.0.0.1", 0, [load_api(Path(sys.argv[1]))], {}, on_ready=lambda url, state: print(url, flush=True))
"""


def test_the_sandbox_serves_at_once(api: Api) -> None:
    """Inside the `with` block the first request is answered; settings hold from the start."""
    settings = SandboxSettings(worker_seconds=2, faults=("parcels/health/200/drop/well",))
    with EmbeddedSandbox([api], settings=settings) as sandbox:
        assert httpx.get(f"{sandbox.url}/v1/health", trust_env=False).json() == {"since": "2026-01-01"}
        assert sandbox.app_state.worker_seconds == 2


def test_the_sandbox_stops_promptly(api: Api) -> None:
    """Open connections and answers that are held back do not keep it."""

    async def hold(_: float) -> None:
        await asyncio.sleep(3600)

    settings = SandboxSettings(hold=hold)
    with (
        EmbeddedSandbox([api], settings=settings) as sandbox,
        httpx.Client(base_url=sandbox.url, trust_env=False) as client,
    ):
        client.get("/v1/health")
        sandbox.app_state.enable("parcels/health/slow")
        waiting = threading.Thread(target=_get, args=(f"{sandbox.url}/v1/health",))
        waiting.start()
        while sandbox.app_state.requests()["parcels/health"] < 2:
            time.sleep(0.005)
        sandbox.close()
        waiting.join(60)
        assert not waiting.is_alive()


def _get(url: str) -> None:
    try:
        httpx.get(url, trust_env=False, timeout=90)
    except httpx.HTTPError:
        return


def test_two_sandboxes_live_side_by_side(api: Api) -> None:
    """Each has its own port and its own state."""
    with EmbeddedSandbox([api]) as one, EmbeddedSandbox([api]) as two:
        one.app_state.enable("parcels/health/status/200-as-299")
        urls = [f"{sandbox.url}/v1/health" for sandbox in (one, two)]
        assert [httpx.get(url, trust_env=False).status_code for url in urls] == [299, 200]


def test_a_url_needs_a_running_sandbox(api: Api) -> None:
    """Asking too early is an error that says what to do."""
    with pytest.raises(SandboxError, match="enter its `with` block first"):
        _ = EmbeddedSandbox([api]).url


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_bad_settings_are_refused(api: Api, seconds: float) -> None:
    """A worker's speed must be a number that makes sense."""
    with pytest.raises(SandboxError, match="0 to 3600"):
        EmbeddedSandbox([api], settings=SandboxSettings(worker_seconds=seconds))


def test_an_unknown_fault_keeps_the_sandbox_from_starting(api: Api) -> None:
    """A misspelt fault is told before anything is served."""
    with pytest.raises(UnknownFaultError, match="parcels/health/slow"):
        EmbeddedSandbox([api], settings=SandboxSettings(faults=("parcels/health/slo",)))


def test_a_port_in_use_is_named(api: Api) -> None:
    """Which port, why, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=rf"port {port}: Address already in use[\s\S]*--port 0"):
            serve_forever("127.0.0.1", port, [api], {})


def test_the_command_serves_until_it_is_told_to_stop(api: Api) -> None:
    """As a process of its own it says where it serves, and ends on SIGTERM."""
    process = subprocess.Popen([sys.executable, "-c", MAIN, str(api.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/v1/health", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in {0, -signal.SIGTERM}


def test_a_sandbox_module_costs_little_to_import() -> None:
    """What a module imports brings in neither the server nor the schemas."""
    code = "import sys; from specwatch.sandbox import Answer, Call, SandboxApi; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"starlette", "uvicorn", "jsonschema_rs", "yaml", "schemathesis", "httpx"} & set(loaded) == set()

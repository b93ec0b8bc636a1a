"""Running a sandbox: in a thread of this process, or as the process itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, cast

import uvicorn
from starlette.applications import Starlette

from specwatch.errors import Problem, SandboxError
from specwatch.sandbox.app import create_app
from specwatch.sandbox.interface import SandboxApi
from specwatch.sandbox.state import SandboxSettings, SandboxState
from specwatch.spec import Api

LOOPBACK = "127.0.0.1"
_BACKLOG = 2048
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


class _Server(uvicorn.Server):
    """A server that says when it serves."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


class EmbeddedSandbox:
    """A sandbox in a thread of this process, on a free loopback port, for as long as the `with` block lasts.

        with EmbeddedSandbox(apis, modules) as sandbox:
            httpx.get(f"{sandbox.url}/v1/tasks/1")
            sandbox.app_state.enable("parcel-tracker/getParcel/slow")

    Args:
        apis: the specs to serve.
        modules: behaviour beyond the specs, by API id.
        settings: how to start.
        listener: a listening socket to serve on, which stays open at the end; a free port of loopback otherwise.

    Raises:
        SandboxError: on entering, when it cannot be started.
    """

    def __init__(
        self,
        apis: Sequence[Api],
        modules: Mapping[str, SandboxApi] | None = None,
        settings: SandboxSettings | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self._app = create_app(apis, modules or {}, settings)
        self._listener = listener
        self._socket: socket.socket | None = None
        self._ready = threading.Event()
        self._server = _Server(_config(self._app), self._ready.set)
        self._thread = threading.Thread(target=self._run, name="specwatch-sandbox", daemon=True)

    @property
    def app_state(self) -> SandboxState:
        """What changes while the sandbox runs; its methods may be called from any thread."""
        state: SandboxState = self._app.state.sandbox
        return state

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end.

        Raises:
            SandboxError: the sandbox does not run.
        """
        if self._socket is None:
            raise SandboxError(Problem("sandbox", "does not run", "a sandbox in use", "enter its `with` block first"))
        return f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start serving; returns when it does."""
        self._socket = self._listener.dup() if self._listener is not None else bind(LOOPBACK, 0)
        self._thread.start()
        served = self._ready.wait(_START_SECONDS) and self._server.started
        if not served:
            self.close()
            raise SandboxError(Problem("sandbox", "its server did not start", "a server on a free loopback port"))
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop serving; answers that are held back are not waited for."""
        self.close()

    def close(self) -> None:
        """Stop serving. Closing twice does no harm."""
        self._server.should_exit = True
        self._server.force_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket] if self._socket else None)
        finally:
            self._ready.set()


def serve_forever(
    host: str,
    port: int,
    apis: Sequence[Api],
    modules: Mapping[str, SandboxApi],
    settings: SandboxSettings | None = None,
    *,
    on_ready: Callable[[str, SandboxState], None] = lambda _url, _state: None,
) -> None:
    """Serve until the process is told to stop by SIGINT or SIGTERM.

    Args:
        host: address to listen on.
        port: 0 takes a free one.
        apis: the specs to serve.
        modules: behaviour beyond the specs, by API id.
        settings: how to start.
        on_ready: called with the base URL and the state when the sandbox serves.

    Raises:
        SandboxError: the port is in use or may not be opened, or two operations clash.
        UnknownFaultError: the settings name a fault that does not exist.
    """
    app = create_app(apis, modules, settings)
    listener = bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listener.getsockname()[1]}"
    with listener:
        _Server(_config(app), lambda: on_ready(url, app.state.sandbox)).run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        SandboxError: saying why it cannot be had and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise SandboxError(_bind_problem(host, port, error)) from error
    return listener


def _bind_problem(host: str, port: int, error: OSError | OverflowError) -> Problem:
    reason = getattr(error, "strerror", None) or str(error)
    found = f"the sandbox cannot listen on {host} port {port}: {reason}"
    expected = "a free port of this machine, 0 to 65535"
    mend = "stop what uses the port (another sandbox?), or choose another: --port 0 takes a free one"
    return Problem("specwatch sandbox", found, expected, mend)


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        cast("Callable[..., Any]", app),  # Starlette and uvicorn spell the same protocol differently
        access_log=False,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",  # what goes wrong in a module is logged by the application; stopping is not worth a word
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=0,
    )

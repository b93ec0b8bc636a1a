"""The `/_sandbox/` endpoints: looking at a running sandbox and steering it."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from specwatch.errors import SandboxError
from specwatch.sandbox.catalogue import UnknownFaultError
from specwatch.sandbox.faults import Fault
from specwatch.sandbox.state import SandboxState

_HTTP_PORT = 80
Endpoint = Callable[[Request], Awaitable[Response]]


def control_routes(state: SandboxState) -> list[Route]:
    """The routes below `/_sandbox` that show and steer a sandbox's state.

    Requests that change something are refused with 403 unless they name the sandbox by a loopback host and, if they
    come from a web page, come from a page of the sandbox itself.
    """
    control = _Control(state)
    return [
        Route("/", control.show, methods=["GET"]),
        Route("/faults", control.list_faults, methods=["GET"]),
        Route("/faults", guarded(control.clear_faults), methods=["DELETE"]),
        Route("/faults/{name:path}", guarded(control.enable), methods=["PUT"]),
        Route("/faults/{name:path}", guarded(control.disable), methods=["DELETE"]),
        Route("/worker", guarded(control.set_worker), methods=["PUT"]),
        Route("/reset", guarded(control.reset), methods=["POST"]),
    ]


def guarded(endpoint: Endpoint) -> Endpoint:
    """The endpoint behind a check of Host and Origin."""

    async def check(request: Request) -> Response:
        reason = refusal_reason(request.headers, request.scope["server"][1])
        return JSONResponse({"detail": reason}, 403) if reason else await endpoint(request)

    return check


def refusal_reason(headers: Mapping[str, str], port: int | None) -> str | None:
    """Why a request may not change anything; None when it may.

    Args:
        headers: by name, in any case.
        port: on which the sandbox listens.
    """
    host = headers.get("host", "")
    if not _is_loopback(host, port):
        return f"Host is {host!r}; only localhost or a loopback address with port {port} may change the sandbox."
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}".lower():
        return f"Origin is {origin!r}; only pages of the sandbox itself, http://{host}, may change it."
    return None


def _is_loopback(host: str, port: int | None) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        name, found = parts.hostname or "", parts.port or _HTTP_PORT
    except ValueError:
        return False
    if parts.netloc != host or "@" in host or found != port:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _Control:
    def __init__(self, state: SandboxState) -> None:
        self._state = state

    async def show(self, _request: Request) -> Response:
        state = self._state
        return JSONResponse(
            {
                "settings": {"worker_seconds": state.settings.worker_seconds, "faults": list(state.settings.faults)},
                "worker_seconds": state.worker_seconds,
                "faults": list(state.faults),
                "requests": state.requests(),
            }
        )

    async def list_faults(self, _request: Request) -> Response:
        on = frozenset(self._state.faults)
        return JSONResponse({"faults": [_described(fault, on=fault.name in on) for fault in self._state.catalogue]})

    async def clear_faults(self, request: Request) -> Response:
        self._state.disable_all()
        return await self.show(request)

    async def enable(self, request: Request) -> Response:
        return await self._switch(request, self._state.enable)

    async def disable(self, request: Request) -> Response:
        return await self._switch(request, self._state.disable)

    async def _switch(self, request: Request, change: Callable[[str], None]) -> Response:
        try:
            change(request.path_params["name"])
        except UnknownFaultError as error:
            return JSONResponse({"detail": str(error), "nearest": list(error.nearest)}, 404)
        return await self.show(request)

    async def set_worker(self, request: Request) -> Response:
        try:
            body = await request.json()
            self._state.set_worker_seconds(body["seconds"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return JSONResponse({"detail": 'expected a body such as {"seconds": 0.4}'}, 422)
        except SandboxError as error:
            return JSONResponse({"detail": str(error)}, 422)
        return await self.show(request)

    async def reset(self, request: Request) -> Response:
        self._state.reset()
        return await self.show(request)


def _described(fault: Fault, *, on: bool) -> dict[str, object]:
    return {
        "name": fault.name,
        "api": fault.api,
        "operation": fault.operation,
        "kind": fault.kind,
        "level": fault.level,
        "breaks": fault.breaks,
        "text": fault.text,
        "on": on,
    }

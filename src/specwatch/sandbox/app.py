"""The application: a request goes from its credentials over the operation's behaviour and the faults to the wire."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message, Receive, Scope, Send

from specwatch.sandbox.catalogue import Catalogue
from specwatch.sandbox.complaints import LOGGER
from specwatch.sandbox.control import control_routes
from specwatch.sandbox.credentials import Reading, read
from specwatch.sandbox.derivation.exchange import content_of, headers_of
from specwatch.sandbox.examples import complaint, refusal, spec_answer, success, unanswerable
from specwatch.sandbox.inputs import is_valid
from specwatch.sandbox.interface import Answer, Call, SandboxApi
from specwatch.sandbox.routing import Route, Router
from specwatch.sandbox.state import SandboxSettings, SandboxState
from specwatch.spec import Api

_INSTANT = "instant"


def create_app(
    apis: Sequence[Api], modules: Mapping[str, SandboxApi], settings: SandboxSettings | None = None
) -> Starlette:
    """The sandbox as an ASGI application; its state is at `app.state.sandbox`.

    Args:
        apis: the specs to serve, each on its native paths.
        modules: behaviour beyond the specs, by API id.
        settings: how to start.

    Raises:
        SandboxError: two operations clash.
        UnknownFaultError: the settings name a fault that does not exist.
    """
    router = Router(apis)
    for api in apis:
        deque(unanswerable(api), 0)  # values that must be generated are made now, so that no request waits for them
    operations = [(route.api.id, route.operation.id) for route in router.routes]
    state = SandboxState(Catalogue(apis, modules), operations, settings or SandboxSettings())
    pipeline = _Pipeline(router, modules, state)
    app = Starlette(routes=[Mount("/_sandbox", routes=control_routes(state))])
    app.router.default = pipeline  # a mount at / would not get paths with a line break
    app.state.sandbox = state
    return app


class _Pipeline:
    """Serves the operations of all APIs as one ASGI application."""

    def __init__(self, router: Router, modules: Mapping[str, SandboxApi], state: SandboxState) -> None:
        self._router = router
        self._modules = modules
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = self._router.match(_raw_path(scope), scope["method"])
        body = await _read(receive, self._state.settings.max_body_bytes)
        if match.route is None:
            answer = _undeclared(scope, match.allowed)
        elif body is None:
            answer = Answer(413, {"detail": "This sandbox takes no body of that size."})
        else:
            answer = self._answer(match.route, match.parameters, scope, body)
        if answer.delay_seconds > 0:
            await self._state.settings.hold(answer.delay_seconds)
        for message in _messages(answer):
            await send(message)

    def _answer(self, route: Route, parameters: Mapping[str, str], scope: Scope, body: bytes) -> Answer:
        active = self._state.active(route.api.id, route.operation.id)
        headers = _headers(scope)
        reading = read(route.schemes, headers, active.excuses)
        call = Call(
            operation=route.operation.id,
            method=route.operation.method,
            path=parameters,
            query=_query(scope),
            headers=headers,
            body=body,
            account=reading.account,
            now=self._state.settings.clock(),
            worker_seconds=0.0 if reading.account == _INSTANT else self._state.worker_seconds,
            store=self._state.store(route.api.id),
            faults=active.names,
            number=self._state.count(route.api.id, route.operation.id),
            problems=reading.problems,
            spec=route.operation,
            query_string=scope["query_string"].decode("latin-1"),
        )
        try:
            answer, handled = self._behave(route, reading, call)
            if active.edits:
                call = replace(call, handled=handled)
                for fault in active.edits:
                    answer = fault.apply(call, answer)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is logged, and in the answer
            LOGGER.exception("the sandbox of %s failed on %s", route.api.id, route.operation.id)
            detail = f"The sandbox's module for {route.api.id} failed: {type(error).__name__}: {error}"
            return Answer(500, {"detail": detail})
        return answer

    def _behave(self, route: Route, reading: Reading, call: Call) -> tuple[Answer, bool]:
        """The honest answer, and whether the operation's own behaviour made it."""
        if reading.wanted is not None:
            wanted = reading.wanted
            answers = (spec_answer(route.api, route.operation, status, wanted.code) for status in wanted.statuses)
            elicited = next((answer for answer in answers if answer is not None), None)
            if elicited is not None:
                return elicited, False
            call = replace(call, problems={scheme.name: "unknown" for scheme in route.schemes})
        module = self._modules.get(route.api.id)
        if call.problems:
            refuse = module.refuse if module else None
            return refuse(call, call.problems) if refuse else refusal(route.api, route.operation), False
        handler = module.handlers.get(route.operation.id) if module else None
        return (handler(call) if handler else _by_spec(route, call)), True


def _by_spec(route: Route, call: Call) -> Answer:
    """What the spec alone makes of a request: its first success, or a complaint about a bad request."""
    if not is_valid(route.operation, call):
        return complaint(route.api, route.operation)
    return success(route.api, route.operation)


def _undeclared(scope: Scope, allowed: Sequence[str]) -> Answer:
    path, method = scope["path"], scope["method"]
    if not allowed:
        return Answer(404, {"detail": f"No spec declares {path}."})
    detail = f"No spec declares {method} on {path}; declared: {', '.join(allowed)}."
    return Answer(405, {"detail": detail}, {"allow": ", ".join(allowed)})


def _raw_path(scope: Scope) -> str:
    raw = scope.get("raw_path")
    return raw.decode("latin-1") if raw else str(scope["path"])


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in scope["headers"]:
        name, text = key.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _query(scope: Scope) -> dict[str, str]:
    text = scope["query_string"].decode("latin-1")
    return dict(reversed(parse_qsl(text, keep_blank_values=True))) if text else {}


async def _read(receive: Receive, most: int) -> bytes | None:
    """The body of a request; None when it is larger than allowed, after reading it to its end."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= most:
            chunks.append(chunk)
        if not message.get("more_body"):
            break
    return b"".join(chunks) if size <= most else None


def _messages(answer: Answer) -> tuple[Message, Message]:
    body = content_of(answer)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers_of(answer)]
    if not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(body)).encode()))
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}

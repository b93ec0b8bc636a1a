"""A tiny API with one of everything that an answer can be held to."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from specwatch.conformance import Facts
from specwatch.spec import Api, load_api
from specwatch.values import Exchange, Request, Response, Timings

Judged = Callable[..., Facts]


@pytest.fixture(scope="session")
def api() -> Api:
    """The API of things.yaml."""
    return load_api(Path(__file__).with_name("things.yaml"))


@pytest.fixture
def facts(api: Api) -> Judged:
    """Make the facts of one exchange; what is not named is as an honest server and an honest client have it."""

    def make(  # noqa: PLR0913 - what an exchange is made of
        operation: str = "getThing",
        *,
        status: int = 200,
        body: object = None,
        raw: bytes | None = None,
        media_type: str | None = "application/json",
        roles: Mapping[str, str] | None = None,
        path: Mapping[str, str] | None = None,
        request: bytes = b"",
        request_type: str = "application/json",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 0.1,
    ) -> Facts:
        found = api.operation(operation)
        sent = {**({"content-type": request_type} if request else {}), **(headers or {})}
        received = (("Content-Type", media_type),) if media_type is not None else ()
        exchange = Exchange(
            id="1",
            api=api.id,
            operation=operation,
            target="https://api.example.com",
            request=Request(found.method, f"https://api.example.com{found.path}", tuple(sent.items()), request),
            response=Response(status, received, json.dumps(body).encode() if raw is None else raw),
            timings=Timings(100.0, seconds),
            credentials={"key": "account"} if roles is None else roles,
            path_parameters={"id": "t-1"} if path is None else path,
            query=query or {},
        )
        return Facts(api, found, exchange)

    return make

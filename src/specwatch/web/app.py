"""The endpoints."""

from __future__ import annotations

import asyncio
import difflib
import json
import logging
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from specwatch.errors import CannotTell
from specwatch.metrics import Metrics, Rendered, blackbox_metrics
from specwatch.web.guard import HEALTHY, Guard, change_refusal
from specwatch.web.page import render_slowly
from specwatch.web.runbooks import Runbooks
from specwatch.web.settings import WebSettings
from specwatch.web.view import WatchView

LOG: Final = logging.getLogger(__name__)

RUNS: Final = 20
"""How many runs of a probe are shown."""

RUNS_SCHEMA: Final = "specwatch.runs/1"
SCRAPE_TIMEOUT: Final = "x-prometheus-scrape-timeout-seconds"
SCRAPE_OFFSET: Final = 0.5
"""Seconds of Prometheus's timeout that are left for the way there and back."""


def create_web(view: WatchView, metrics: Metrics, settings: WebSettings, runbooks: Runbooks | None = None) -> ASGIApp:
    """The application: `/`, `/metrics`, `/probe`, `/runs`, `/runbooks/`, `/-/healthy`, `/-/ready` and `/-/reload`.

    Args:
        view: the running prober.
        metrics: what it counts.
        settings: names and token; where to listen is up to `serve`.
        runbooks: the pages about alerts; those that come with specwatch where none are given.
    """
    endpoints = _Endpoints(view, metrics, settings)
    books = _Runbooks(runbooks or Runbooks())
    routes = [
        Route("/", endpoints.page),
        Route("/metrics", endpoints.metrics),
        Route("/probe", endpoints.probe),
        Route("/runs", endpoints.runs),
        Route("/runbooks", books.entrance),
        Route("/runbooks/", books.index),
        Route("/runbooks/{name}", books.page),
        Route(HEALTHY, endpoints.healthy),
        Route("/-/ready", endpoints.ready),
        Route("/-/reload", endpoints.reload, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={Exception: _defect, 404: _not_found})
    app.router.redirect_slashes = False
    return Guard(app, settings)


class _Endpoints:
    def __init__(self, view: WatchView, metrics: Metrics, settings: WebSettings) -> None:
        self._view = view
        self._metrics = metrics
        self._settings = settings

    async def page(self, _request: Request) -> Response:
        return HTMLResponse(await render_slowly(self._view.status()))

    async def metrics(self, request: Request) -> Response:
        return _streamed(await self._metrics.render(request.headers.get("accept", "")))

    async def healthy(self, _request: Request) -> Response:
        return PlainTextResponse("specwatch is running.\n")

    async def ready(self, _request: Request) -> Response:
        if self._view.ready:
            return PlainTextResponse("specwatch is ready.\n")
        return PlainTextResponse("specwatch is starting.\n", 503)

    async def probe(self, request: Request) -> Response:
        query = request.query_params
        refused = _probe_refusal(query.multi_items())
        if refused:
            return PlainTextResponse(refused, 400)
        try:
            timeout = _timeout(request.headers.get(SCRAPE_TIMEOUT))
            observation = await self._view.run_probe(query["probe"], timeout)
        except ValueError:
            return PlainTextResponse(f"{SCRAPE_TIMEOUT} has to be a number of seconds above 0.\n", 400)
        except CannotTell as reason:
            return PlainTextResponse(f"{reason}\n", 503)
        if observation is None:
            return PlainTextResponse(self._no_such_probe(query["probe"]), 404)
        rendered = blackbox_metrics(observation, request.headers.get("accept", ""), self._metrics.location)
        return _streamed(rendered)

    async def runs(self, request: Request) -> Response:
        """The newest runs of a probe, or one run, with the requests and answers of those that are kept whole."""
        names = [name for name, _ in request.query_params.multi_items()]
        if names not in (["probe"], ["run"]):
            return PlainTextResponse("Ask for the runs of one probe, /runs?probe=ID, or for one, /runs?run=ID.\n", 400)
        if names == ["run"]:
            return await self._run(request.query_params["run"])
        probe_id = request.query_params["probe"]
        found = await self._view.runs(probe_id, RUNS)
        if found is None:
            return PlainTextResponse(self._no_such_probe(probe_id), 404)
        return await _runs(probe_id, found)

    async def _run(self, run_id: str) -> Response:
        run = await self._view.run(run_id)
        if run is None:
            return PlainTextResponse("There is no such run, or it is forgotten, as passes are after a while.\n", 404)
        return await _runs(run["probe"], [run])

    async def reload(self, request: Request) -> Response:
        refused = None if self._settings.token else change_refusal(request.scope, request.headers)
        if refused:
            return PlainTextResponse(refused, 403)
        result = await self._view.reload()
        if result.ok:
            return PlainTextResponse("The configuration was read again and is in use.\n")
        problems = "".join(f"{problem}\n" for problem in result.problems)
        return PlainTextResponse(f"The configuration before it stays in use:\n{problems}", 422)

    def _no_such_probe(self, probe_id: str) -> str:
        names = [probe.id for api in self._view.status().apis for probe in api.probes]
        near = difflib.get_close_matches(probe_id[:200], names, n=3, cutoff=0.4)
        return f"There is no such probe. {'The nearest' if near else 'There are'}: {', '.join(near or sorted(names))}\n"


class _Runbooks:
    """Their pages: made in a thread, since files are read and Markdown takes its time."""

    def __init__(self, runbooks: Runbooks) -> None:
        self._runbooks = runbooks

    async def entrance(self, _request: Request) -> Response:
        return RedirectResponse("runbooks/", 308)  # relative, so that it holds behind a proxy that adds a prefix

    async def index(self, _request: Request) -> Response:
        return HTMLResponse(await asyncio.to_thread(self._runbooks.index))

    async def page(self, request: Request) -> Response:
        name = request.path_params["name"]
        page = await asyncio.to_thread(self._runbooks.page, name)
        if page is None:
            return PlainTextResponse(await asyncio.to_thread(self._runbooks.missing, name), 404)
        return HTMLResponse(page)


async def _runs(probe_id: object, runs: Sequence[Mapping[str, object]]) -> Response:
    document = {"schema": RUNS_SCHEMA, "probe": probe_id, "runs": runs}
    text = await asyncio.to_thread(json.dumps, document, indent=1)
    return Response(text, media_type="application/json")


async def _not_found(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse(
        "There is nothing here. There are: /, /metrics, /probe, /runs, /runbooks/, /-/healthy, /-/ready.\n", 404
    )


async def _defect(request: Request, error: Exception) -> Response:
    LOG.error("%s failed: %s", request.url.path, type(error).__name__, exc_info=error)
    return PlainTextResponse("specwatch failed to answer; its log says more.\n", 500)


def _streamed(rendered: Rendered) -> Response:
    """The text in pieces, so that writing a long one holds nothing up either."""

    async def pieces() -> AsyncIterator[bytes]:
        for chunk in rendered.chunks:
            yield chunk
            await asyncio.sleep(0)

    length = sum(map(len, rendered.chunks))
    headers = {"content-length": str(length), "content-type": rendered.content_type}
    return StreamingResponse(pieces(), headers=headers)


def _probe_refusal(query: list[tuple[str, str]]) -> str:
    names = [name for name, _ in query]
    if {"target", "module"} & set(names):
        return "This takes no target and no module: only probes of the schedule run. Ask for /probe?probe=ID.\n"
    if names != ["probe"]:
        return "Ask for one probe of the schedule: /probe?probe=ID.\n"
    return ""


def _timeout(header: str | None) -> float | None:
    """Seconds that are left of Prometheus's timeout; at least half of it.

    Raises:
        ValueError: the header is no number above 0.
    """
    if header is None:
        return None
    seconds = float(header)
    if not (seconds > 0.0 and math.isfinite(seconds)):
        raise ValueError(header)
    return max(seconds - SCRAPE_OFFSET, seconds / 2)

"""What each endpoint answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from specwatch.errors import BudgetSpent, Problem
from specwatch.probing.events import Reloaded
from specwatch.values import Observation, Verdict
from specwatch.web import ApiStatus, ProbeStatus, Status
from specwatch.web.page import render_page

NOW = 1_700_000_000.0
Browse = Callable[..., None]
TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"


def test_metrics_come_in_the_format_that_is_asked_for(browse: Browse) -> None:
    """Text for everybody, OpenMetrics for whoever asks, and the same length for HEAD."""

    async def use(client: httpx.AsyncClient) -> None:
        text = await client.get("/metrics")
        assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert 'specwatch_saturated{location="here"} 0.0\n' in text.text
        accept = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
        openmetrics = await client.get("/metrics", headers=accept)
        assert openmetrics.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert openmetrics.text.endswith("# EOF\n")
        head = await client.head("/metrics")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 1000

    browse(use)


def test_health_and_readiness_differ(browse: Browse, view: Any) -> None:
    """A prober that is starting is healthy, and not ready."""
    view.ready = False

    async def use(client: httpx.AsyncClient) -> None:
        assert (await client.get("/-/healthy")).status_code == 200
        assert (await client.get("/-/ready")).status_code == 503
        view.ready = True
        assert (await client.get("/-/ready")).status_code == 200

    browse(use)


def test_a_probe_answers_as_blackbox_exporter_does(browse: Browse, view: Any) -> None:
    """Names, phases added up over the requests, the last status, the earliest expiry."""

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get("/probe", params={"probe": "read-item"}, headers={TIMEOUT: "10"})
        samples = [line for line in answer.text.splitlines() if not line.startswith("#")]
        assert samples == [
            'probe_success{location="here"} 1.0',
            'probe_duration_seconds{location="here"} 1.25',
            'probe_http_status_code{location="here"} 204.0',
            'probe_http_duration_seconds{location="here",phase="resolve"} 0.02',
            'probe_http_duration_seconds{location="here",phase="processing"} 0.1',
            'probe_ssl_earliest_cert_expiry{location="here"} 1.700000005e+09',
        ]

    browse(use)
    assert view.asked == [("read-item", 9.5)]


@pytest.mark.parametrize("verdict, line", [(Verdict.FAIL, "probe_success"), (Verdict.UNKNOWN, "")])
def test_an_unknown_result_is_no_failure(
    browse: Browse, view: Any, run: Callable[..., Observation], verdict: Verdict, line: str
) -> None:
    """A failed run is 0; where it could not be found out there is no `probe_success`."""
    view.result = replace(run(verdict), steps=())

    async def use(client: httpx.AsyncClient) -> None:
        text = (await client.get("/probe?probe=read-item")).text
        found = [each for each in text.splitlines() if each.startswith("probe_success")]
        assert found == ([f'{line}{{location="here"}} 0.0'] if line else [])
        assert 'probe_http_status_code{location="here"} 0.0' in text

    browse(use)


@pytest.mark.parametrize(
    "query, status, words",
    [
        ("", 400, "/probe?probe=ID"),
        ("?probe=read-item&target=http://169.254.169.254/", 400, "no target"),
        ("?module=http_2xx&probe=read-item", 400, "no target and no module"),
        ("?probe=read-item&probe=read-item", 400, "one probe"),
        ("?probe=red-item", 404, "nearest: read-item"),
        ("?probe=" + "z" * 5000, 404, "There are: read-item"),
    ],
)
def test_what_no_probe_is_asked_for_is_refused(browse: Browse, query: str, status: int, words: str) -> None:
    """No address is taken from a request, and an unknown id is answered with the nearest ones."""

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"/probe{query}")
        assert answer.status_code == status
        assert words in answer.text

    browse(use)


@pytest.mark.parametrize("value, left", [(None, None), ("0.4", 0.2), ("3", 2.5)])
def test_the_timeout_of_a_scrape_is_honoured(browse: Browse, view: Any, value: str | None, left: float | None) -> None:
    """Half a second of it is left for the way back, but never more than half of it."""

    async def use(client: httpx.AsyncClient) -> None:
        await client.get("/probe?probe=read-item", headers={TIMEOUT: value} if value else {})

    browse(use)
    assert view.asked == [("read-item", left)]


@pytest.mark.parametrize("value", ["", "x", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_none_is_refused(browse: Browse, view: Any, value: str) -> None:
    """Nothing runs for a timeout that makes no sense."""

    async def use(client: httpx.AsyncClient) -> None:
        assert (await client.get("/probe?probe=read-item", headers={TIMEOUT: value})).status_code == 400

    browse(use)
    assert view.asked == []


def test_a_probe_that_may_not_run_says_why(browse: Browse, view: Any) -> None:
    """A spent budget is no failure of the target: there are no metrics, but a reason."""
    view.result = BudgetSpent("the budget of today is spent")

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get("/probe?probe=read-item")
        assert (answer.status_code, answer.text) == (503, "the budget of today is spent\n")

    browse(use)


def test_a_refused_configuration_says_what_is_wrong(browse: Browse, view: Any) -> None:
    """Every problem is in the answer, and the status is an error."""
    view.reloaded = Reloaded(ok=False, at=NOW, problems=(Problem("schedule.yaml:3", "intervall", "interval"),))

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.post("/-/reload")
        assert answer.status_code == 422
        assert "schedule.yaml:3: intervall\n  expected: interval\n" in answer.text

    browse(use)


def test_a_defect_shows_no_details(browse: Browse, view: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What goes wrong inside is in the log, and not in the answer; the server goes on."""
    view.result = RuntimeError("inner workings")

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get("/probe?probe=read-item")
        assert answer.status_code == 500
        assert "inner" not in answer.text
        assert (await client.get("/-/healthy")).status_code == 200

    browse(use)
    assert "/probe failed: RuntimeError" in caplog.text


def test_scrapes_at_once_are_all_answered(browse: Browse) -> None:
    """Many clients at the same time get the same whole text."""

    async def use(client: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*[client.get("/metrics") for _ in range(30)])
        assert {answer.status_code for answer in answers} == {200}
        assert all("specwatch_build_info" in answer.text for answer in answers)

    browse(use)


def test_the_page_is_the_one_of_this_moment(browse: Browse, view: Any) -> None:
    """The page that is served is the whole one, also when it has many probes."""
    many = tuple(ProbeStatus(f"probe-{number}") for number in range(100))
    view.answer = Status(NOW, NOW, (ApiStatus("shop", "Shop", "live", many),))

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get("/")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.text == render_page(view.answer)

    browse(use)


def test_the_last_runs_of_a_probe_can_be_read(browse: Browse) -> None:
    """The run that an exemplar names is found among the newest runs of its probe, as JSON."""

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get("/runs", params={"probe": "read-item"})
        assert answer.headers["content-type"] == "application/json"
        document = answer.json()
        assert (document["schema"], document["probe"]) == ("specwatch.runs/1", "read-item")
        assert [run["id"] for run in document["runs"]] == [f"read-item-{number}" for number in range(20)]
        assert (await client.get("/runs", params={"probe": "read-itme"})).text.endswith("The nearest: read-item\n")
        assert (await client.get("/runs", params={"probe": "read-itme"})).status_code == 404
        assert (await client.get("/runs")).status_code == 400
        assert (await client.get("/runs?probe=read-item&limit=9")).status_code == 400

    browse(use)


def test_one_run(browse: Browse) -> None:
    """The id of an exemplar leads to its run, in the form of several; one that is not kept is 404."""

    async def use(client: httpx.AsyncClient) -> None:
        document = (await client.get("/runs", params={"run": "read-item-7"})).json()
        assert (document["schema"], document["probe"]) == ("specwatch.runs/1", "read-item")
        assert [run["id"] for run in document["runs"]] == ["read-item-7"]
        assert (await client.get("/runs", params={"run": "read-item-8"})).status_code == 404
        assert (await client.get("/runs?run=read-item-7&probe=read-item")).status_code == 400

    browse(use)


def test_an_unknown_path_is_told_which_there_are(browse: Browse) -> None:
    """Whoever asks for something else reads the list."""

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get("/nope")
        assert answer.status_code == 404
        assert "/metrics" in answer.text
        assert answer.text.endswith("\n")

    browse(use)

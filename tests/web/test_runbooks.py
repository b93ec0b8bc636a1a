"""The pages about alerts, as the prober serves them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.metrics import Metrics
from specwatch.transport.clock import LoopClock
from specwatch.web import Listen, WebSettings, create_web, serve
from specwatch.web.runbooks import CHECKOUT, Runbooks, runbook_folder

PAGE = """# SpecwatchProbeFailing

A *probe* fails, and `nobody` knows
why.

| see | where |
|---|---|
| another | [the other](SpecwatchDrift.md#what), [metrics](../reference/metrics.md) |
| more | [status](https://status.example.com) |

<script>alert(1)</script>

[bad](javascript:alert(1))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pages, and what is none."""
    pages = tmp_path / "runbooks"
    pages.mkdir()
    (pages / "SpecwatchProbeFailing.md").write_text(PAGE, encoding="utf-8")
    (pages / "SpecwatchDrift.md").write_text("# Drift\n\nNew, but allowed.\n", encoding="utf-8")
    (pages / "other.md").write_text("# README\n", encoding="utf-8")
    (tmp_path / "SpecwatchSecret.md").write_text("# Elsewhere\n", encoding="utf-8")
    return pages


def browse(view: Any, folder: Path, use: Callable[[httpx.AsyncClient], Awaitable[None]], token: str = "") -> None:
    """Serve these pages for as long as a test looks at them."""
    settings = WebSettings(Listen("127.0.0.1", 0), token=token)

    async def main() -> None:
        app = create_web(view, Metrics([], [], LoopClock(), "here"), settings, Runbooks(folder))
        async with serve(app, settings) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
            await use(client)

    asyncio.run(main())


def test_the_list_leads_to_the_pages(view: Any, folder: Path) -> None:
    """Each alert with its first sentence, after the README if there is one; the status page leads there."""

    async def use(client: httpx.AsyncClient) -> None:
        assert 'href="runbooks/"' in (await client.get("/")).text
        listed = await client.get("/runbooks/")
        assert (listed.status_code, listed.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert '<a href="SpecwatchDrift">SpecwatchDrift</a></dt>\n<dd>New, but allowed.</dd>' in listed.text
        assert "<dd>A probe fails, and nobody knows why.</dd>" in listed.text
        assert "README" not in listed.text
        (folder / "README.md").write_text(
            "# Ours\n\n[drift](SpecwatchDrift.md), [this](README.md#x)\n", encoding="utf-8"
        )
        listed = await client.get("/runbooks/")
        assert '<h1>Ours</h1>\n<p><a href="SpecwatchDrift">drift</a>, <a href="./">this</a></p>' in listed.text
        assert listed.text.count("SpecwatchDrift<") == 0
        assert listed.text.count("SpecwatchProbeFailing<") == 1
        page = await client.get("/runbooks/SpecwatchProbeFailing")
        assert page.status_code == 200
        assert "<h1>SpecwatchProbeFailing</h1>" in page.text
        assert "<table>" in page.text

    browse(view, folder, use)


def test_a_forgotten_slash_leads_there(view: Any, folder: Path) -> None:
    """By a relative address, so that it holds behind a proxy that adds a prefix; whoever may not read gets no hint."""

    async def use(client: httpx.AsyncClient) -> None:
        found = await client.get("/runbooks")
        assert (found.status_code, found.headers["location"]) == (308, "runbooks/")
        assert (await client.get("/runbooks", follow_redirects=True)).url.path == "/runbooks/"
        assert (await client.get("/runbooks", headers={"host": "elsewhere.example.com"})).status_code == 421

    browse(view, folder, use)


def test_markdown_carries_no_script(view: Any, folder: Path) -> None:
    """Raw HTML is text, an address that is a script is no link, and the policy of the page allows nothing."""

    async def use(client: httpx.AsyncClient) -> None:
        page = await client.get("/runbooks/SpecwatchProbeFailing")
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text
        assert 'href="javascript' not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]

    browse(view, folder, use)


def test_links_lead_somewhere(folder: Path) -> None:
    """Another runbook is another page, an address stays one, and a file that is not served is named."""
    page = Runbooks(folder).page("SpecwatchProbeFailing") or ""
    assert '<a href="SpecwatchDrift">the other</a>' in page
    assert "metrics (docs/reference/metrics.md)" in page
    assert '<a href="https://status.example.com" rel="noopener noreferrer">status</a>' in page


@pytest.mark.parametrize(
    "path", ["SpecwatchDrif", "README", "SpecwatchDrift.md", "..%2FSpecwatchSecret", "%2e%2e/SpecwatchSecret", "%00"]
)
def test_what_is_no_runbook_is_not_found(view: Any, folder: Path, path: str) -> None:
    """Whatever the name holds: 404, with the pages that there are."""

    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"/runbooks/{path}")
        assert answer.status_code == 404
        assert "Elsewhere" not in answer.text
        if path == "SpecwatchDrif":
            told = "The nearest: SpecwatchDrift. There are: SpecwatchDrift, SpecwatchProbeFailing\n"
            assert answer.text == f"There is no such runbook. {told}"

    browse(view, folder, use)


def test_the_token_guards_them_too(view: Any, folder: Path) -> None:
    """With a token, nobody reads them without it."""

    async def use(client: httpx.AsyncClient) -> None:
        for path in ("/runbooks", "/runbooks/", "/runbooks/SpecwatchDrift", "/runbooks/other"):
            assert (await client.get(path)).status_code == 401
        allowed = await client.get("/runbooks/SpecwatchDrift", headers={"authorization": "Bearer s3cret"})
        assert allowed.status_code == 200

    browse(view, folder, use, "s3cret")


def test_a_folder_may_be_missing(tmp_path: Path) -> None:
    """Then there are no pages, and that is said."""
    none = Runbooks(tmp_path / "runbooks")
    assert "<h1>Runbooks</h1>" in none.index()
    assert none.page("SpecwatchDrift") is None
    assert none.missing("SpecwatchDrift") == "There is no runbook: runbooks/ has none.\n"


@given(st.text())
def test_no_name_leads_elsewhere(name: str) -> None:
    """Only names on the list are pages."""
    runbooks = Runbooks()
    assert (runbooks.page(name) is not None) == (name in runbooks.names())


def test_an_editable_install_has_the_pages_of_the_checkout() -> None:
    """They are not copied, so an edit shows at once."""
    assert runbook_folder() == CHECKOUT
    assert CHECKOUT.parts[-2:] == ("docs", "runbooks")

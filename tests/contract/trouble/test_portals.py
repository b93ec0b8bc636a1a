"""Who is in between and answers everything alike keeps no promise of the API's."""

from __future__ import annotations

import contextlib

import pytest
from tests.contract.conftest import MakeRun, Serve
from tests.loopback import Answer, Received, answer

from specwatch.contract.caller import Caller
from specwatch.contract.refusals import REFUSED_ALWAYS
from specwatch.contract.result import NOTHING, RunResult, exit_code
from specwatch.contract.run import ApiRun
from specwatch.errors import CannotTell
from specwatch.values.claim import Verdict

ITEM = answer(200, {"id": "i-1", "name": "a cup"})
HTML = {"Content-Type": "text/html"}
AWAY = answer(302, b"", headers={"Location": "http://login.example.com/", **HTML})
MISSING = answer(404, b"<html>Nothing here</html>", headers=HTML)
DENIED = answer(404, b"denied", headers={"Content-Type": "text/plain"})
BAD_TOKEN = answer(401, {"error": {"code": "bad_token"}})


def call(run: ApiRun, item: str = "i-1", credentials: str = "account") -> None:
    """Read an item, whatever comes of it."""
    with contextlib.suppress(CannotTell):
        Caller(run).call("getItem", path={"id": item}, credentials=credentials)


def kept(run: ApiRun) -> set[str]:
    """The claims that are kept."""
    return {result.claim.id for result in run.result().claims if result.verdict is Verdict.PASS}


def ends(run: ApiRun) -> int:
    """The exit code of a run over this API alone."""
    return exit_code(RunResult("t", "smoke", 1, 0.0, 0.0, strict=False, apis=(run.result(),)))


@pytest.mark.parametrize("page", [AWAY, MISSING], ids=["redirect", "page"])
@pytest.mark.parametrize("items", [["i-1", "", ".."], ["", "i-1"], [""]])
def test_a_portal_is_no_router_on_odd_paths(serve: Serve, start: MakeRun, page: bytes, items: list[str]) -> None:
    """It answers them as it answers the others; whichever comes first, nothing is established by it."""
    run = start(serve(lambda _: page).url)
    for item in items:
        call(run, item)

    assert ends(run) == NOTHING
    assert kept(run) <= {"getItem/delivery", "getItem/survives", "getItem/time", "getItem/status", "getItem/404"}
    assert items[0] == "" or kept(run) == set()


def test_a_page_for_an_odd_path_beside_the_api_is_a_routers(serve: Serve, start: MakeRun) -> None:
    """Where the API answers plain paths, nobody is in between: no trouble is told."""
    run = start(serve(lambda got: ITEM if got.path == "/items/i-1" else MISSING).url)
    call(run)
    call(run, "..")

    assert (run.result().trouble, run.result().verdict) == ((), Verdict.PASS)


@pytest.mark.parametrize("headers", [{}, {"Via": "1.1 squid", "X-Squid-Error": "ERR_ACCESS_DENIED 0"}])
def test_a_page_is_no_documented_refusal(serve: Serve, start: MakeRun, headers: dict[str, str]) -> None:
    """Where the document says nothing about its body, but the API speaks JSON elsewhere."""
    page = answer(404, b"<html>denied</html>", headers={**HTML, **headers})
    run = start(serve(lambda _: page).url)
    call(run)
    call(run, credentials="absent")

    assert kept(run) == set()
    assert "404 with a web page" in run.result().trouble[0]


def test_refusals_alone_keep_nothing(serve: Serve, start: MakeRun) -> None:
    """Whoever refuses everything refuses bad credentials, too: not until a good one was accepted does that count."""

    def script(got: Received) -> Answer:
        return ITEM if accepts and got.headers.get("authorization") else DENIED

    accepts = False
    run = start(serve(script).url)
    call(run, credentials="absent")
    claims = {result.claim.id: result for result in run.result().claims}

    assert kept(run) == set()
    assert claims["getItem/credentials"].reason == claims["getItem/404"].reason == REFUSED_ALWAYS

    accepts = True
    call(run)

    assert kept(run) >= {"getItem/credentials", "getItem/404", "getItem/200"}


def test_a_refusal_as_documented_shows_its_form(serve: Serve, start: MakeRun) -> None:
    """Nobody else makes up the provider's error: only that bad credentials are refused is open."""
    run = start(serve(lambda _: BAD_TOKEN).url)
    call(run, credentials="absent")

    assert "getItem/401/bad_token" in kept(run)
    assert "getItem/credentials" not in kept(run)


def test_a_body_that_is_not_read_establishes_nothing(serve: Serve, start: MakeRun) -> None:
    """Though the answer came in time and under a documented status."""
    run = start(serve(lambda _: answer(200, b'{"id": ' + b"9" * 1_000 + b"}")).url)
    call(run)

    assert ends(run) == NOTHING

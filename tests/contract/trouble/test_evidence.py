"""What one answer cannot say by itself shows beside others."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate

import pytest
from tests.contract.conftest import ROOT, MakeRun, Runner, Serve
from tests.contract.trouble.causes import ShiftedClock
from tests.contract.trouble.front import PASS, Front
from tests.loopback import Answer, Received, TurnedClock, answer

from specwatch.contract.caller import Caller, expect
from specwatch.contract.profile import PROFILES
from specwatch.contract.run import ApiRun, ContractRun, Selection, Settings
from specwatch.errors import CannotTell
from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, load_modules
from specwatch.spec import Api
from specwatch.transport.permission import KINDS
from specwatch.transport.target import Kind, Target
from specwatch.values.claim import Verdict
from specwatch.values.sandbox import sandbox_value
from specwatch.workspace import Workspace

ITEM = answer(200, {"id": "i-1", "name": "a cup"})
PAGE = answer(200, b"<html>", headers={"Content-Type": "text/html"})
AWAY = answer(302, b"", headers={"Location": "/login"})
UNKNOWN = answer(404, b"", headers={"Content-Type": "text/plain"})
BAD_TOKEN = {"error": {"code": "bad_token"}}
SPENT = {"error": {"code": "used_up"}}


def calls(run: ApiRun, count: int, *, credentials: str = "account", operation: str = "getItem") -> list[str]:
    """Call an operation that often; why each call came to nothing, or an empty text."""
    said = []
    for _ in range(count):
        try:
            Caller(run).call(operation, path={"id": "i-1"}, credentials=credentials)
        except CannotTell as error:
            said.append(str(error))
        else:
            said.append("")
    return said


def broken(run: ApiRun) -> list[str]:
    """The claims that are broken."""
    return [violation.claim for violation in run.result().violations]


def in_turn(*said: Answer) -> Callable[[Received], Answer]:
    """One answer after the other."""
    rest = iter(said)
    return lambda _: next(rest)


def test_json_that_is_called_a_page_is_theirs(serve: Serve, start: MakeRun) -> None:
    """Nobody on the way answers with JSON: what is wrong is the media type, and one answer is enough to say so."""
    mislabelled = ITEM.replace(b"application/json", b"text/html")
    assert mislabelled != ITEM
    run = start(serve(in_turn(mislabelled)).url)
    calls(run, 1)
    assert "getItem/media-type" in broken(run)


@pytest.mark.parametrize("page, claim", [(PAGE, "getItem/media-type"), (AWAY, "getItem/status")])
def test_a_page_between_answers_of_the_api_is_theirs(serve: Serve, start: MakeRun, page: bytes, claim: str) -> None:
    """A portal answers everything; a page that comes now and then comes from the service."""
    run = start(serve(in_turn(ITEM, page, ITEM)).url)

    assert [bool(reason) for reason in calls(run, 3)] == [False, True, False]
    assert (broken(run), run.result().verdict) == ([claim], Verdict.FAIL)


@pytest.mark.parametrize("said", [[PAGE, PAGE, PAGE], [PAGE, ITEM, ITEM], [ITEM, PAGE, PAGE]])
def test_a_page_at_one_end_is_nobodys(serve: Serve, start: MakeRun, said: list[bytes]) -> None:
    """Before we signed in to the network, or after it has thrown us out, pages say nothing about the service."""
    run = start(serve(in_turn(*said)).url)

    calls(run, 3)

    assert broken(run) == []


def test_a_page_is_no_proof_of_a_lock(serve: Serve, start: MakeRun) -> None:
    """Neither that a bad credential gets in, nor that it does not."""
    run = start(serve(lambda _: PAGE).url)

    calls(run, 2, credentials="absent")

    assert broken(run) == []
    found = {result.claim.id: result.verdict for result in run.result().claims}
    assert found["getItem/credentials"] is Verdict.UNKNOWN


def test_a_rate_limit_is_no_proof_of_a_lock(serve: Serve, start: MakeRun) -> None:
    """Whoever is asked to slow down has not been told whether the credential was right."""
    run = start(serve(lambda _: answer(429)).url)

    calls(run, 1, credentials="altered")

    found = {result.claim.id: result.verdict for result in run.result().claims}
    assert found["getItem/credentials"] is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "said, claim",
    [
        (answer(401, {"wrong": "shape"}), "getItem/code"),
        (answer(401, {"error": {"code": "who_knows"}}), "getItem/code"),
        (answer(401, b'{"error": '), "getItem/json"),
    ],
)
def test_a_refusal_of_another_form_is_theirs(serve: Serve, start: MakeRun, said: bytes, claim: str) -> None:
    """Our credential is to blame for the refusal, but not for what it looks like."""
    run = start(serve(lambda _: said).url)

    assert calls(run, 1) != [""]
    assert claim in broken(run)
    assert run.result().verdict is Verdict.FAIL


def test_a_page_as_a_refusal_may_be_a_filters(serve: Serve, start: MakeRun) -> None:
    """It counts once answers of the API came before and after."""
    page = answer(401, b"<html>", headers={"Content-Type": "text/html"})
    alone, between = start(serve(lambda _: page).url), start(serve(in_turn(ITEM, page, ITEM)).url)

    calls(alone, 1)
    calls(between, 3)

    assert broken(alone) == []
    assert "getItem/media-type" in broken(between)


def test_a_refusal_of_one_operation_stops_only_that_one(serve: Serve, start: MakeRun) -> None:
    """Where the credential gets through elsewhere, a plan or a permission is missing, and the rest goes on."""
    server = serve(lambda got: answer(401, BAD_TOKEN) if got.method == "POST" else UNKNOWN)
    run = start(server.url, allow=KINDS)

    calls(run, 1)
    for _ in range(4):
        with contextlib.suppress(CannotTell):
            Caller(run).call("makeItem", json={"name": "a cup"})
    calls(run, 2)

    assert [got.method for got in server.received] == ["GET", "POST", "POST", "GET", "GET"]
    assert "look at the plan's quota" in run.result().trouble[0]


def test_a_limited_operation_is_left_alone(serve: Serve, start: MakeRun) -> None:
    """After two calls that end in a rate limit it is not called again, while the others are."""
    server = serve(lambda got: answer(429) if got.path.startswith("/items") else answer(200))
    run = start(server.url)

    reasons = calls(run, 5)

    assert len(server.received) == 2 * 3  # each call tries three times
    assert "again and again" in reasons[-1]
    assert calls(run, 1, operation="getHealth") == [""]


def test_two_limited_operations_are_a_limited_account(serve: Serve, start: MakeRun) -> None:
    """As soon as a second operation is limited for long, nothing more is sent with that credential."""
    server = serve(lambda _: answer(429, headers={"Retry-After": "600"}))
    run = start(server.url, allow=KINDS)

    calls(run, 2)
    calls(run, 2, operation="takeItem")
    calls(run, 1, operation="makeItem")

    assert [got.method for got in server.received] == ["GET", "POST"]


def test_the_code_of_a_bad_credential_is_believed(serve: Serve, start: MakeRun) -> None:
    """Also in answer to a bad request, as long as the operation has not accepted the credential."""
    run = start(serve(lambda _: answer(400, SPENT)).url, allow=KINDS)

    with pytest.raises(CannotTell, match="our balance is used up"):
        Caller(run).call("makeItem", json=17, refused=True)
    assert broken(run) == []


@pytest.mark.parametrize("slow", ["/items", "/prices"])
def test_one_slow_operation_is_theirs(serve: Serve, start: MakeRun, clock: TurnedClock, slow: str) -> None:
    """The way there is the same for all, so what only one of them takes is that one's."""

    def slowly(got: Received) -> Answer:
        clock.turn(30 if got.path.startswith(slow) else 0)
        return ITEM

    run = start(serve(slowly).url, allow=KINDS)
    calls(run, 2)
    calls(run, 2, operation="getPrice")

    assert broken(run) == ["getItem/time" if slow == "/items" else "getPrice/time"]


@pytest.fixture(scope="module")
def two_headers() -> Iterator[tuple[EmbeddedSandbox, Api]]:
    """The sandbox of the API that takes two headers."""
    workspace = Workspace(ROOT, "this one")
    api = max(workspace.apis([]), key=lambda each: len(each.operations))
    with EmbeddedSandbox([api], load_modules(workspace.sandbox, [api])) as sandbox:
        yield sandbox, api


@pytest.mark.parametrize("step", [0.0, -3600.0, 3600.0])
def test_a_clock_that_steps_hides_no_order(two_headers: tuple[EmbeddedSandbox, Api], step: float) -> None:
    """What came first is told by a clock that nobody sets, so values that move are seen."""
    sandbox, api = two_headers
    sandbox.app_state.enable(f"{api.id}/created-at-moves")
    front = Front(sandbox.url)
    names = {name: sandbox_value("account") for scheme in api.schemes.values() for name in scheme.variables["account"]}
    settings = Settings(Target(Kind.URL, front.url), PROFILES["smoke"], environment=names, allow=KINDS)
    run = ContractRun(Selection((api,)), settings, clock=ShiftedClock(0, step)).apis[api.id]
    create, read = api.operations[0], api.operations[1]

    job = Caller(run).call(create.id, json=[{"uid": "1", "qrType": "static", "dataType": "url", "data": "https://a.b"}])
    for _ in range(6):
        Caller(run).call(read.id, path={read.path_names[0]: str(job.json)})
    front.close()
    run.close()
    sandbox.app_state.disable_all()

    assert "created-at-fixed" in broken(run)


def test_the_providers_own_wrong_clock_is_theirs(runner: Runner) -> None:
    """A time that contradicts the Date header of the same answer is wrong whatever our clock says."""
    workspace = Workspace(ROOT, "this one")
    api = max(workspace.apis([]), key=lambda each: len(each.operations))
    claim = f"{api.id}/created-when-queued"
    wrong = SandboxSettings(worker_seconds=0.1, clock=lambda: time.time() - 86_400)
    names = {name: sandbox_value("account") for scheme in api.schemes.values() for name in scheme.variables["account"]}

    with EmbeddedSandbox([api], load_modules(workspace.sandbox, [api]), wrong) as sandbox:
        outcome = runner.check(ROOT, sandbox.url, apis=[api.id], claims=[claim], environment=names, allow=[*KINDS])

    assert [violation.claim for violation in outcome.api.violations] == ["created-when-queued"]


@pytest.mark.parametrize("seconds", [-10_800, -30, 0, 30, 10_800])
def test_our_clock_is_asked_only_if_it_is_right(serve: Serve, start: MakeRun, clock: TurnedClock, seconds: int) -> None:
    """A claim that compares with it is unknown where the Date header says otherwise, and judged where it agrees."""
    dated = {"Date": formatdate(clock.now() - seconds, usegmt=True)}
    run = start(serve(lambda _: answer(200, {"id": "i-1", "name": "x"}, headers=dated)).url)
    reply = Caller(run).call("getItem", path={"id": "i-1"})

    if abs(seconds) < 60:
        assert Caller(run).now(reply) == clock.now()
    else:
        with pytest.raises(CannotTell, match=r"our clock is 10800 s .* the Date header"):
            expect(Caller(run).now(reply) == 0, "a moment", reply)


def test_a_clock_that_cannot_be_checked_is_not_used(serve: Serve, start: MakeRun) -> None:
    """Without a Date header nobody knows whether our clock is right."""
    run = start(serve(lambda _: ITEM).url)

    with pytest.raises(CannotTell, match="no Date header"):
        Caller(run).now(Caller(run).call("getItem", path={"id": "i-1"}))


def test_a_full_run_behind_a_shaky_network(runner: Runner) -> None:
    """Every fifth connection breaks, every third answer is a rate limit: a whole run finds nothing wrong with that."""
    workspace = Workspace(ROOT, "this one")
    (api,) = [each for each in workspace.apis([]) if all(o.effect == "read" and not o.cost for o in each.operations)][
        :1
    ]
    names = {name: sandbox_value("account") for scheme in api.schemes.values() for name in scheme.variables["account"]}

    with EmbeddedSandbox([api], load_modules(workspace.sandbox, [api])) as sandbox:
        front = Front(sandbox.url, _shaky)
        outcome = runner.check(ROOT, front.url, apis=[api.id], environment=names, hasty=True, max_requests=120)
        front.close()

    assert outcome.defect is None
    assert outcome.api.violations == ()
    assert outcome.result.verdict is Verdict.PASS


def _shaky(number: int, _received: Received) -> Answer:
    if number % 5 == 0:
        raise ConnectionAbortedError
    return answer(429, {"error": {"code": "x"}}, headers={"Retry-After": "0"}) if number % 3 == 0 else PASS


GARBLED = ITEM.replace(b"Content-Type", b"X Bad/Name: 1\r\nContent-Type", 1)
"""A whole answer but for a header whose name is none (RFC 9110 section 5.1)."""


@pytest.mark.parametrize("said", [[GARBLED, ITEM], [ITEM, GARBLED], [ITEM, GARBLED, ITEM]])
def test_headers_that_are_no_http_beside_whole_answers_are_theirs(
    serve: Serve, start: MakeRun, said: list[bytes]
) -> None:
    """A whole status line says that a server answered, and no network makes up header lines."""
    run = start(serve(in_turn(*said)).url)

    reasons = calls(run, len(said))

    assert [bool(reason) for reason in reasons] == [one is GARBLED for one in said]
    assert broken(run) == ["getItem/delivery"]
    assert run.result().trouble == ()


def test_one_garbled_operation_leaves_the_others(serve: Serve, start: MakeRun) -> None:
    """It is given up after three tries; the others are asked all the same."""
    server = serve(lambda got: GARBLED if got.path.startswith("/items") else answer(200, {"id": "i-1"}))
    run = start(server.url, allow=KINDS)

    calls(run, 5)
    calls(run, 1, operation="getPrice")

    assert len(server.received) == 4
    assert "getItem/delivery" in broken(run)


def test_only_garbled_answers_stay_unknown(serve: Serve, start: MakeRun) -> None:
    """The reason says what is wrong with them and what to do."""
    run = start(serve(lambda _: GARBLED).url)

    said = calls(run, 1)[0]

    assert broken(run) == []
    assert "are no valid HTTP (illegal header line" in said
    assert "tell the provider" in said
    assert run.result().trouble == (said,)


@pytest.mark.parametrize(
    "body, claims", [(b"[" * 5_000 + b"]" * 5_000, []), (b"9" * 100_000, []), (b'{"id": ', ["getItem/json"])]
)
def test_a_body_that_is_not_read_breaks_no_content(
    serve: Serve, start: MakeRun, body: bytes, claims: list[str]
) -> None:
    """Beyond our bounds nothing is established; what is no JSON is told once."""
    run = start(serve(lambda _: answer(200, body)).url)

    calls(run, 1)

    assert broken(run) == claims
    found = {result.claim.id: result for result in run.result().claims}
    if not claims:
        assert found["getItem/json"].verdict is Verdict.UNKNOWN
        assert "more than is read here" in (found["getItem/json"].reason or "")

"""What failed is tried again at the end of a run, within its budget, and reported with its rate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.contract.conftest import TOKENS, MakeWorkspace, Runner, Serve
from tests.loopback import Received, TurnedClock, answer

from specwatch.contract.caller import Caller
from specwatch.contract.profile import PROFILES
from specwatch.contract.retries import ALONE, MAX_GROUPS, TOGETHER, TRIES, stands_alone, try_again
from specwatch.contract.run import ContractRun, Selection, Settings
from specwatch.errors import CannotTell
from specwatch.spec import Api
from specwatch.transport.target import Kind, Target
from specwatch.values import Verdict
from specwatch.values.violation import Breach, Rate

GOOD = {"id": "i-1", "name": "a cup"}
BAD = {"id": "i-1"}
WHOLE = "getItem/200"

Start = Callable[..., ContractRun]


@pytest.fixture
def begin(api: Api, clock: TurnedClock) -> Iterator[Start]:
    """Makes runs over the shop against a base URL."""
    made: list[ContractRun] = []

    def make(url: str, profile: str = "standard", **options: object) -> ContractRun:
        settings = Settings(Target(Kind.URL, url), PROFILES[profile], environment=TOKENS, **options)  # type: ignore[arg-type]
        made.append(ContractRun(Selection((api,)), settings, clock=clock))
        return made[-1]

    yield make
    for run in made:
        run.close()


def read(run: ContractRun, item: str = "i-1") -> None:
    """Read an item, whatever comes of it."""
    with contextlib.suppress(CannotTell):
        Caller(run.apis["shop"]).call("getItem", path={"id": item})


def rates(run: ContractRun) -> dict[str, Rate | None]:
    """Claim to the rate of its violation."""
    (api,) = run.result().apis
    return {violation.claim: violation.rate for violation in api.violations}


def nth(bad: set[int], *, good: object = GOOD, wrong: object = BAD) -> Callable[[Received], bytes]:
    """Answers every call well but those with these numbers, counted from 1."""
    count = 0

    def script(_received: Received) -> bytes:
        nonlocal count
        count += 1
        return answer(200, wrong if count in bad else good)

    return script


@pytest.mark.parametrize("bad, failed, sporadic", [({1}, 1, True), ({1, 3}, 2, True), ({1, 2, 3, 4, 5}, 5, False)])
def test_a_failure_has_its_rate(serve: Serve, begin: Start, bad: set[int], failed: int, *, sporadic: bool) -> None:
    """The first failure and the tries count; it is sporadic where some tries went well, and broken all the same."""
    run = begin(serve(nth(bad)).url)
    read(run)
    try_again(run)

    (api,) = run.result().apis
    (violation,) = [each for each in api.violations if each.claim == WHOLE]
    assert violation.rate == Rate(failed, 1 + TRIES["standard"])
    assert violation.sporadic is sporadic
    assert api.verdict is Verdict.FAIL


@pytest.mark.parametrize("profile", TRIES)
def test_the_profile_says_how_often(serve: Serve, begin: Start, profile: str) -> None:
    """Each profile has its number of tries."""
    server = serve(lambda _: answer(200, BAD))
    run = begin(server.url, profile)
    read(run)
    try_again(run)

    assert len(server.received) == 1 + TRIES[profile]


def test_nothing_is_tried_again_where_nothing_failed(serve: Serve, begin: Start) -> None:
    """A run without a violation sends nothing more."""
    server = serve(lambda _: answer(200, GOOD))
    run = begin(server.url)
    read(run)
    try_again(run)

    assert len(server.received) == 1


@pytest.mark.parametrize("budget", range(1, 9))
def test_the_budget_is_kept(serve: Serve, begin: Start, budget: int) -> None:
    """However small it is, a run never sends more than its budget, and a reserve is kept once something failed."""
    server = serve(lambda _: answer(200, BAD))
    run = begin(server.url, max_requests=budget)
    for _ in range(20):
        read(run)
    asked = len(server.received)
    try_again(run)

    assert asked == max(1, budget - TRIES["standard"])
    assert len(server.received) == budget
    expected = Rate(budget - asked + 1, budget - asked + 1) if budget > asked else None
    assert rates(run)[WHOLE] == expected


def test_a_small_rest_is_shared_out(serve: Serve, begin: Start) -> None:
    """Two different requests that failed are both tried once before one is tried twice."""
    bodies = {"/items/i-1": BAD, "/items/i-2": {"id": "another", "name": "a cup"}}
    server = serve(lambda received: answer(200, bodies[received.path]))
    run = begin(server.url, max_requests=7)
    read(run, "i-1")
    read(run, "i-2")
    try_again(run)

    assert server.paths[2:] == ["/items/i-1", "/items/i-2", "/items/i-1", "/items/i-2", "/items/i-1"]
    assert rates(run) == {WHOLE: Rate(4, 4), "id-echoed": Rate(3, 3)}


def test_requests_are_shared_by_what_they_showed(serve: Serve, begin: Start) -> None:
    """One try serves every violation of its exchange."""
    server = serve(lambda _: answer(200, {"id": "another", "name": 7}))
    run = begin(server.url)
    read(run)
    try_again(run)

    assert len(server.received) == 1 + TRIES["standard"]
    assert rates(run) == {WHOLE: Rate(5, 5), "id-echoed": Rate(5, 5)}


def test_only_so_many_requests_are_tried(serve: Serve, begin: Start) -> None:
    """Where everything fails, a few are enough: a broken service is not asked again about all of it."""
    statuses = iter(range(210, 299))
    server = serve(lambda _: answer(next(statuses, 299), b""))
    run = begin(server.url)
    for number in range(MAX_GROUPS + 5):
        read(run, f"i-{number}")
    asked = len(server.received)
    try_again(run)

    assert len(server.received) == asked + MAX_GROUPS * TRIES["standard"]


def test_what_is_found_on_the_way_is_told(serve: Serve, begin: Start) -> None:
    """Another claim that breaks at a try is a violation of its own, as at any other call."""
    says = iter([BAD, {"id": "another", "name": "a cup"}])
    run = begin(serve(lambda _: answer(200, next(says, GOOD))).url)
    read(run)
    try_again(run)

    assert rates(run) == {WHOLE: Rate(1, 5), "id-echoed": None}


def test_an_answer_of_another_kind_is_no_try(serve: Serve, begin: Start) -> None:
    """An answer about which the claim says nothing neither breaks nor keeps it."""
    says = iter([answer(200, BAD), answer(404, b""), answer(200, BAD)])
    run = begin(serve(lambda _: next(says, answer(404, b""))).url)
    read(run)
    try_again(run)

    assert rates(run)[WHOLE] == Rate(2, 2)


def test_own_trouble_ends_it(serve: Serve, begin: Start) -> None:
    """A refused credential or a used-up quota is no reason to go on, and no failure."""
    says = iter([answer(200, BAD), answer(402, b"")])
    server = serve(lambda _: next(says, answer(402, b"")))
    run = begin(server.url)
    read(run)
    try_again(run)

    assert len(server.received) == 2
    assert rates(run)[WHOLE] is None


@pytest.mark.parametrize(
    "status, allow, tries",
    [(299, ["create"], TRIES["standard"]), (500, ["create"], 0), (299, [], 0)],
    ids=["certain", "in doubt", "not allowed"],
)
def test_creating_calls(serve: Serve, begin: Start, status: int, allow: list[str], tries: int) -> None:
    """They are repeated where they are allowed and it is certain what became of the first; never in doubt."""
    server = serve(lambda _: answer(status, b""))
    run = begin(server.url, allow=allow)
    with contextlib.suppress(CannotTell):
        Caller(run.apis["shop"]).call("makeItem", json={"name": "a cup"}, refused=not allow)
    asked = len(server.received)
    try_again(run)

    assert (asked, len(server.received) - asked) == (1, tries)


def test_consuming_calls_are_never_repeated(serve: Serve, begin: Start) -> None:
    """What is taken is gone, so that a second call would say nothing about the first."""
    server = serve(lambda _: answer(299, b""))
    run = begin(server.url, allow=["consume"])
    Caller(run.apis["shop"]).call("takeItem", path={"id": "i-1"})
    try_again(run)

    assert len(server.received) == 1


def test_paid_calls_are_never_repeated(serve: Serve, begin: Start) -> None:
    """What costs is asked for as often as planned, even where it is allowed and nothing but a read."""
    server = serve(lambda _: answer(299, b""))
    run = begin(server.url, allow=["paid"])
    Caller(run.apis["shop"]).call("getPrice", path={"id": "i-1"})
    cost = run.result().apis[0].cost
    try_again(run)

    assert len(server.received) == 1
    assert run.result().apis[0].cost == cost > 0


def test_server_errors_have_the_rate_of_all_calls(serve: Serve, begin: Start) -> None:
    """Beside the rate of the tries the claim knows how many of all calls failed."""
    calls = iter(range(100))
    run = begin(serve(lambda _: answer(500, b"") if next(calls) in {3, 12} else answer(200, GOOD)).url)
    for _ in range(10):
        read(run)
    try_again(run)

    (api,) = run.result().apis
    claim = next(each for each in api.claims if each.claim.id == "getItem/survives")
    assert rates(run)["getItem/survives"] == Rate(2, 5)
    assert (claim.broken, claim.observations) == (2, 14)


def test_broken_off_answers_have_the_rate_of_all_calls(serve: Serve, begin: Start) -> None:
    """An answer that does not arrive whole is set against all calls of its operation."""
    cut = answer(200, GOOD, headers={"Content-Length": "999"})
    calls = iter(range(100))

    def script(_received: Received) -> Iterator[bytes]:
        if next(calls) == 3:
            yield cut
            raise ConnectionAbortedError
        yield answer(200, GOOD)

    run = begin(serve(script).url)
    for _ in range(10):
        read(run)
    try_again(run)

    rate = rates(run).get("getItem/delivery")
    assert rate is not None
    assert rate.failed == 1
    assert rate.tries > 1


OWN = """
from specwatch.contract.caller import Caller
from specwatch.contract.current import current_run

API = Caller(current_run().apis["shop"])


def test_reads() -> None:
    API.call("getItem", path={"id": "i-1"})
"""


def test_a_run_tries_again_at_its_end(serve: Serve, runner: Runner, workspace: MakeWorkspace) -> None:
    """A whole run ends with the tries, and what it sent stays within the budget."""
    server = serve(lambda _: answer(200, BAD))
    outcome = runner.check(workspace(OWN), server.url, environment=TOKENS)

    assert outcome.defect is None
    assert [each.rate for each in outcome.api.violations] == [Rate(3, 3)]
    assert outcome.api.requests == len(server.received) == 3


def test_the_same_seed_sends_the_same_requests(serve: Serve, runner: Runner, workspace: MakeWorkspace) -> None:
    """Two runs with one seed send the same requests in the same order; another seed sends others."""
    server = serve(lambda received: answer(200, GOOD) if received.method == "GET" else answer(201, b""))
    folder = workspace(common=["test_access.py", "test_conformance.py"])
    sent: list[list[tuple[str, str, bytes]]] = []
    for seed in (11, 11, 12):
        before = len(server.received)
        allow = ["create", "consume", "paid"]
        runner.check(folder, server.url, profile="standard", environment=TOKENS, allow=allow, seed=seed)
        sent.append([(each.method, each.path, each.body) for each in server.received[before:]])

    assert len(sent[0]) > 40
    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


def test_every_kind_is_decided_upon() -> None:
    """Either one exchange shows it, or it takes more than that."""
    assert set(Breach) == ALONE | TOGETHER
    assert set() == ALONE & TOGETHER


@pytest.mark.parametrize("kind, alone", [("header", True), ("code", True), ("series", False)])
def test_what_one_answer_shows_is_tried_again(serve: Serve, begin: Start, kind: str, *, alone: bool) -> None:
    """A header that is not as documented is, what two answers differ in is not."""
    run = begin(serve(lambda _: answer(200, BAD)).url)
    read(run)
    found = next(violation for violation in run.result().apis[0].violations if violation.claim == WHOLE)

    assert stands_alone(replace(found, kind=kind)) is alone

"""How contract tests are chosen, ordered and booked, with a small workspace and tests of its own."""

from __future__ import annotations

import pytest
from tests.contract.conftest import TOKENS, MakeWorkspace, Runner, Serve
from tests.loopback import Received, answer

from specwatch.contract.current import activate, current_run, deactivate
from specwatch.contract.ledger import NOT_REACHED
from specwatch.contract.profile import PROFILES
from specwatch.contract.run import LEFT_OUT, MISSHAPEN, ContractRun, Selection, Settings
from specwatch.errors import InternalError
from specwatch.spec import Api
from specwatch.transport.target import Kind, Target
from specwatch.values.claim import Level, Verdict
from specwatch.values.violation import gist

HEAD = '''
"""The shop's contract."""
import pytest
from hypothesis import given, strategies as st
from specwatch.contract.caller import Caller, expect
from specwatch.contract.current import current_run
from specwatch.errors import CannotTell

API = Caller(current_run().apis["shop"])
claim = pytest.mark.claim

'''
PLAYED = """
@claim("shop/known-item-found")
def test_played():
    reply = API.call("getItem", path={"id": API.known("item")})
    expect(reply.status == 200, "status 200", reply)
"""
ITEM = {"id": "i-1", "name": "a cup"}


def well(_: Received) -> bytes:
    """The honest shop."""
    return answer(200, ITEM)


def missing(_: Received) -> bytes:
    """A shop without goods."""
    return answer(404)


def test_a_scenario_that_holds_passes(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """The claim that the test plays, and those that its exchanges show, are established."""
    outcome = runner.check(workspace(HEAD + PLAYED), serve(well).url, environment=TOKENS)

    assert outcome.claim("known-item-found").verdict is Verdict.PASS
    assert outcome.claim("id-echoed").verdict is Verdict.PASS
    assert outcome.claim("name-is-kind").verdict is Verdict.UNKNOWN
    assert (outcome.defect, outcome.result.verdict) == (None, Verdict.PASS)


def test_a_broken_scenario_is_a_violation(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """With the claim's level and words, what was expected and found, and the exchange that shows it."""
    outcome = runner.check(workspace(HEAD + PLAYED), serve(missing).url, environment=TOKENS)

    (violation,) = outcome.api.violations
    assert (violation.claim, violation.level, violation.kind) == ("known-item-found", Level.PROMISE, "scenario")
    assert violation.message == "Not so: An item that exists is found."
    assert (violation.expected, violation.found) == ("status 200", "status 404, null")
    assert violation.exchange is not None
    assert violation.exchange.response.status == 404
    assert (outcome.defect, outcome.result.verdict) == (None, Verdict.FAIL)


def test_what_cannot_be_told_is_unknown(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """The reason that the test or the engine gives is the claim's."""
    own = """
@claim("shop/known-item-found")
def test_unable():
    raise CannotTell("the shop is closed")

@claim("shop/made-item-is-there")
def test_not_allowed():
    API.call("makeItem", json={"name": "a cup"})
"""
    outcome = runner.check(workspace(HEAD + own), serve(well).url, environment=TOKENS)

    assert outcome.claim("known-item-found").reason == "the shop is closed"
    assert outcome.claim("made-item-is-there").reason == "makeItem creates something; `--allow create` permits it"
    assert (outcome.defect, outcome.result.verdict) == (None, Verdict.UNKNOWN)


def test_a_defect_of_a_test_is_ours(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """A test that fails for a reason of its own is told as such, its claim is unknown, and the others still count."""
    own = """
@claim("shop/name-is-kind")
def test_defective():
    assert API.call("getItem", path={"id": "i-1"}).json["nmae"]
"""
    outcome = runner.check(workspace(HEAD + own + PLAYED), serve(well).url, environment=TOKENS)

    assert outcome.defect is not None
    assert "test_shop.py::test_defective: KeyError: 'nmae'" in outcome.defect
    assert outcome.claim("name-is-kind").reason == "its contract test itself failed: KeyError"
    assert outcome.claim("known-item-found").verdict is Verdict.PASS
    assert outcome.api.violations == ()


def test_a_finding_that_a_test_catches_is_not_the_next_ones(
    runner: Runner, workspace: MakeWorkspace, serve: Serve
) -> None:
    """A test may expect its own finding; the defect of the test after it is still told as a defect."""
    own = """
def test_catches():
    with pytest.raises(AssertionError):
        expect(False, "a thing", "none")


def test_defective():
    raise KeyError("nmae")
"""
    outcome = runner.check(workspace(HEAD + own + PLAYED), serve(well).url, environment=TOKENS)

    assert outcome.defect is not None
    assert "test_shop.py::test_defective: KeyError: 'nmae'" in outcome.defect
    assert outcome.api.violations == ()


@pytest.mark.parametrize(
    "test, named, nearest",
    [
        ("", "known-itm-found", "shop/known-item-found"),
        ("", "elsewhere/nothing-like-it-at-all", ""),
        ('@claim("shop/known-item-found")\n', "name-is-knd", "shop/name-is-kind"),
    ],
)
def test_a_claim_that_no_spec_has_is_ours(
    runner: Runner, workspace: MakeWorkspace, serve: Serve, test: str, named: str, nearest: str
) -> None:
    """A finding for a claim that does not exist is a defect of the test, told with the name that is like it."""
    own = f"""
pytestmark = pytest.mark.api("shop")

{test}def test_misnamed():
    expect(False, "a thing", "none", claim="{named}")
"""
    outcome = runner.check(workspace(HEAD + own + PLAYED), serve(well).url, environment=TOKENS)

    full = f"shop/{named}" if test else named
    meant = f"; did you mean {nearest!r}?" if nearest else ""
    assert outcome.defect is not None
    assert f"test_shop.py::test_misnamed: names the claim {full!r}, which no spec has{meant}" in outcome.defect
    assert outcome.api.violations == ()


PLAYED_TWICE = (
    PLAYED
    + """
@claim("shop/known-item-found")
def test_played_again():
    reply = API.call("getItem", path={"id": API.known("item")})
    expect(False, f"a name at {reply.exchange.timings.ended_at}", reply)
"""
)


def test_two_breaches_of_a_scenario_are_two(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """What one step of a scenario expects and another one does not find have ids of their own, in every run."""
    server, path = serve(missing), workspace(HEAD + PLAYED_TWICE)
    runs = [runner.check(path, server.url, environment=TOKENS, seed=seed) for seed in (1, 2)]

    first, second = ([(each.id, each.expected) for each in run.api.violations] for run in runs)
    assert len({key for key, _ in first}) == len(first) == 2
    assert [key for key, _ in first] == [key for key, _ in second]
    assert first != second


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("status 200", "status 404", False),
        ("404 for another account", "410 for another account", False),
        ("a name", "a price", False),
        ("12 entries", "7 entries", True),
        ("at 1732331195.25", "at 1732331199.5", True),
        ("the hour before Mon, 23 Nov 2026 04:31:00 GMT", "the hour before Tue, 01 Dec 2026 22:00:01 GMT", True),
        ('entry 3 is that of row {"uid": "a", "b": []}', 'entry 4 is that of row {"uid": "c", "d": {}}', True),
        ("the name 'a cup'", "the name 'two cups'", True),
        ("the id 0b1c-4d", "the id ffe0-11", True),
    ],
)
def test_the_gist_is_what_no_run_changes(one: str, other: str, *, same: bool) -> None:
    """Identifiers, counts, times and data take no part in it; words and statuses do."""
    assert (gist(one) == gist(other)) == same


def test_one_run_at_a_time(api: Api) -> None:
    """Contract tests ask for the run that they belong to, so a second one waits for the end of the first."""
    first, second = (
        ContractRun(Selection((api,)), Settings(Target(Kind.URL, "http://127.0.0.1:1"), PROFILES["smoke"]))
        for _ in "ab"
    )
    activate(first)
    try:
        with pytest.raises(InternalError, match="has to end before"):
            activate(second)
        assert current_run() is first
    finally:
        deactivate(first)
        first.close()
        second.close()


def test_tests_share_the_modules_beside_them(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """What stands beside a test is imported by its plain name, and is no test itself."""
    folder = workspace("from shop_items import API, claim, expect\n" + PLAYED)
    (folder / "contracts" / "shop_items.py").write_text(HEAD + PLAYED.replace("200", "404"), encoding="utf-8")
    outcome = runner.check(folder, serve(well).url, environment=TOKENS)

    assert (outcome.defect, outcome.api.violations) == (None, ())
    assert outcome.claim("known-item-found").verdict is Verdict.PASS


def test_a_module_that_does_not_import_is_ours(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """The run says so, and does not pass for one that somebody interrupted."""
    outcome = runner.check(workspace(HEAD + "import nothing_like_it\n"), serve(well).url, environment=TOKENS)

    assert outcome.defect is not None
    assert "No module named 'nothing_like_it'" in outcome.defect
    assert not outcome.result.interrupted


def test_a_finding_that_does_not_return_counts(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """Hypothesis tries a failed example again; a server that is well by then was still wrong before."""
    own = """
@claim("shop/name-is-kind")
@given(name=st.sampled_from(["i-1"]))
def test_varied(name):
    reply = API.call("getItem", path={"id": name})
    expect(reply.status == 200, "status 200", reply)
"""
    said = iter([answer(404)])
    server = serve(lambda _: next(said, answer(200, ITEM)))

    outcome = runner.check(workspace(HEAD + own), server.url, environment=TOKENS, profile="standard")

    assert outcome.defect is None
    assert [violation.claim for violation in outcome.api.violations] == ["name-is-kind"]


def test_first_and_last_are_kept(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """What takes time in the background goes first, what uses up the budget last, the rest as it is written."""
    own = "".join(
        f"""
{mark}
def test_{name}():
    API.call("getItem", path={{"id": "{name}"}})
"""
        for name, mark in [
            ("c", "@pytest.mark.last"),
            ("b", ""),
            ("a", "@pytest.mark.first"),
            ("d", "@pytest.mark.last"),
        ]
    )
    server = serve(missing)

    runner.check(workspace(HEAD + own), server.url, environment=TOKENS)

    assert server.paths == ["/items/a", "/items/b", "/items/c", "/items/d"]


def test_only_selected_claims_are_played(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """Tests of other claims are not run, and other claims not listed."""
    own = """
@claim("shop/name-is-kind")
def test_other():
    API.call("getItem", path={"id": "other"})
"""
    server = serve(well)

    outcome = runner.check(workspace(HEAD + PLAYED + own), server.url, environment=TOKENS, claims=["shop/known-*"])

    assert server.paths == ["/items/i-1"]
    assert [result.claim.id for result in outcome.api.claims] == ["known-item-found"]


def test_a_claim_that_the_selection_kept_from_showing_says_so(
    runner: Runner, workspace: MakeWorkspace, serve: Serve
) -> None:
    """Where tests are left out, what they would have sent is not sent; the whole run has another reason."""
    path, server = workspace(HEAD + PLAYED), serve(well)
    narrowed = runner.check(path, server.url, environment=TOKENS, claims=["shop/id-echoed"])
    whole = runner.check(path, server.url, environment=TOKENS)

    assert narrowed.claim("id-echoed").reason == LEFT_OUT
    assert whole.claim("name-is-kind").reason == NOT_REACHED


def test_what_misshapen_answers_keep_from_being_judged_says_so(
    runner: Runner, workspace: MakeWorkspace, serve: Serve
) -> None:
    """Claims about their content are unknown because of them, which is told."""
    server = serve(lambda _: answer(200, [1]))
    outcome = runner.check(workspace(HEAD + PLAYED), server.url, environment=TOKENS)

    assert outcome.claim("name-is-kind").reason == MISSHAPEN


def test_only_selected_operations_are_called(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """With one operation selected neither its tests nor schemathesis call another."""
    server = serve(well)

    runner.check(
        workspace(HEAD + PLAYED, common=["test_access.py", "test_conformance.py"]),
        server.url,
        environment=TOKENS,
        operations=["getPrice"],
        allow=["paid"],
    )

    assert {path.split("/")[1] for path in server.paths} == {"prices"}


def test_other_apis_stay_out(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """Modules of an API that is not part of the run are not even imported."""
    root = workspace(HEAD + PLAYED)
    spec = (root / "specs" / "shop.yaml").read_text(encoding="utf-8")
    (root / "specs" / "second-shop.yaml").write_text(spec, encoding="utf-8")
    (root / "contracts" / "test_second_shop.py").write_text("raise RuntimeError\n", encoding="utf-8")
    server = serve(well)

    outcome = runner.check(root, server.url, apis=["shop"], environment=TOKENS)

    assert outcome.defect is None
    assert server.paths == ["/items/i-1"]

"""The workspace of this repository against its own sandbox: honest, slow, and with a fault of each kind."""

from __future__ import annotations

import pytest
from tests.contract.conftest import ROOT, Outcome, Runner

from specwatch.spec.model import Api
from specwatch.values.claim import Verdict
from specwatch.workspace import Workspace

WORKSPACE = Workspace(ROOT, "this one")
FAULTS = {
    "schema": "scan-documents/getTask/200/type/id",
    "status": "scan-documents/getTask/status/200-as-299",
    "code": "qrart-tasks/queryTasks/401/code/undocumented",
    "credential": "exaroutes-bulk/getBulkStatus/credential/apiKey-wrong",
    "semantics": "qrart-tasks/count-too-high",
    "state": "exaroutes-bulk/second-download-404",
}


@pytest.fixture(scope="module")
def standard(runner: Runner) -> Outcome:
    """All APIs at `standard`, once for all tests."""
    return runner.check(ROOT, profile="standard")


def documented(api: Api) -> set[tuple[str, str, str]]:
    """Every documented answer of an API: operation, status, code."""
    return {
        (operation.id, response.status, code)
        for operation in api.operations
        for response in operation.responses.values()
        for code in response.codes or ("",)
    }


def unknown(outcome: Outcome) -> list[tuple[str, str | None]]:
    """The claims about which nothing is known, and why."""
    claims = [claim for api in outcome.result.apis for claim in api.claims]
    return [(each.claim.full_id, each.reason) for each in claims if each.verdict is Verdict.UNKNOWN]


def found(outcome: Outcome) -> list[tuple[str, str, str]]:
    """What is wrong, in short."""
    return [(each.api, each.claim, each.found) for api in outcome.result.apis for each in api.violations]


def test_the_honest_sandbox_passes(standard: Outcome) -> None:
    """Every claim is verified: no violation, no warning, nothing unknown, no trouble."""
    assert (found(standard), unknown(standard), standard.defect) == ([], [], None)
    assert standard.result.verdict is Verdict.PASS
    assert [api.trouble for api in standard.result.apis] == [()] * len(WORKSPACE.spec_files)


def test_standard_keeps_to_its_budget(standard: Outcome) -> None:
    """Fewer than 150 requests for each API."""
    assert {api.id: api.requests for api in standard.result.apis if api.requests >= 150} == {}


def test_every_documented_answer_is_seen(standard: Outcome) -> None:
    """Each operation, status and code of each document, and none beside them."""
    for result in standard.result.apis:
        seen = {key for key, count in result.responses.items() if count}
        assert documented(WORKSPACE.api(result.id)) - seen == set()


def test_smoke_is_a_handful_of_requests(runner: Runner) -> None:
    """Fewer than 40 requests for each API, and nothing wrong."""
    outcome = runner.check(ROOT, profile="smoke")

    assert (found(outcome), outcome.defect) == ([], None)
    assert {api.id: api.requests for api in outcome.result.apis if api.requests >= 40} == {}


def test_a_slow_worker_is_waited_for(runner: Runner) -> None:
    """A worker that takes five seconds is no fault, and does not make the run wait for half a minute."""
    outcome = runner.check(ROOT, apis=["exaroutes-bulk"], profile="standard", worker_seconds=5)

    assert (found(outcome), unknown(outcome), outcome.defect) == ([], [], None)
    assert 5 < outcome.waited < 25


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_of_each_kind_is_found(runner: Runner, kind: str) -> None:
    """A sandbox that deviates in one way fails."""
    fault = FAULTS[kind]

    outcome = runner.check(ROOT, apis=[fault.partition("/")[0]], faults=[fault], profile="standard")

    assert outcome.defect is None
    assert found(outcome) != []

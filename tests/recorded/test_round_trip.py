"""A run that is written down and judged again shows what it showed when it was made."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.conftest import ROOT, Outcome, Runner

from specwatch.contract.result import RunResult
from specwatch.contract.settings import Selection
from specwatch.recorded import Manner, judge_recordings, read_recording, sort
from specwatch.reports.har import to_har
from specwatch.reports.json_report import to_json
from specwatch.values.claim import Scenario, Verdict
from specwatch.workspace import Workspace

WORKSPACE = Workspace(ROOT, "this one")
FAULTS = (
    "scan-documents/getTask/200/type/id",
    "qrart-tasks/queryTasks/401/code/undocumented",
    "qrart-tasks/count-too-high",
    "exaroutes-bulk/getBulkStatus/credential/apiKey-wrong",
    "exaroutes-bulk/updated-at-back",
    "producer-videos/retrieveVideo/status/200-as-299",
)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """The process that carries out runs."""
    running = Runner(tmp_path_factory.mktemp("runs"))
    yield running
    running.close()


@pytest.fixture(scope="module", params=[(), FAULTS], ids=["honest", "faulty"])
def run(request: pytest.FixtureRequest, runner: Runner) -> Outcome:
    """A run of all APIs against the sandbox, honest or with some faults."""
    return runner.check(ROOT, faults=request.param)


def again(document: object, path: Path) -> RunResult:
    """What a file shows."""
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    apis = WORKSPACE.apis()
    return judge_recordings(sort([read_recording(path)], apis), Selection(apis), Manner())


def violations(result: RunResult) -> set[tuple[str, ...]]:
    """What breaks a claim by itself, without a contract test that says so."""
    return {
        violation.identity
        for api in result.apis
        for violation in api.violations
        if not isinstance(WORKSPACE.api(api.id).claim(violation.claim).form, Scenario)
    }


def verdicts(result: RunResult) -> dict[str, Verdict]:
    """Every claim that is judged on exchanges alone, with what is known of it."""
    return {
        each.claim.full_id: each.verdict
        for api in result.apis
        for each in api.claims
        if not isinstance(each.claim.form, Scenario)
    }


def test_the_har_of_a_run_shows_what_the_run_showed(run: Outcome, tmp_path: Path) -> None:
    """The same violations, the same claims kept, and the same answers counted; nothing is sent."""
    judged = again(to_har(run.result.exchanges), tmp_path / "run.har.gz")
    assert violations(judged) == violations(run.result)
    assert verdicts(judged) == verdicts(run.result)
    assert [api.responses for api in judged.apis] == [api.responses for api in run.result.apis]
    assert sum(api.requests for api in judged.apis) == 0


def test_a_report_shows_its_violations_again(run: Outcome, tmp_path: Path) -> None:
    """What one exchange shows by itself; what only several show needs all of them, which the HAR has."""
    alone = {v for v in violations(run.result) if v[3] not in {"series", "agreement", "check"}}
    if alone:
        judged = again(to_json(run.result), tmp_path / "run.json")
        assert alone <= violations(judged)

"""The JSON report is what its schema and the documentation say."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from specwatch.contract.result import RunResult
from specwatch.reports.json_report import BODY_CHARACTERS, schema, to_json
from specwatch.values import Exchange, Verdict

HEAD = ["schema", "target", "profile", "seed", "started_at", "duration_seconds", "requests", "cost", "verdict"]
VIOLATION = ["id", "claim", "level", "operation", "kind", "message", "expected", "found", "where", "exchange"]
EXCHANGE = [
    *("id", "operation", "target", "credentials", "path_parameters", "query", "refused"),
    *("request", "response", "timings"),
]

FULL_RUN = """
import json, sys
from pathlib import Path
from specwatch.contract.profile import PROFILES
from specwatch.contract.run import ContractRun, Selection, Settings
from specwatch.contract.session import run_contracts
from specwatch.contract.plugin import RunPlugin
from specwatch.reports.json_report import to_json
from specwatch.sandbox import EmbeddedSandbox, load_modules
from specwatch.transport.target import Kind, Target
from specwatch.workspace import find_workspace

workspace = find_workspace(None, Path.cwd())
apis = workspace.apis(["scan-documents"])
with EmbeddedSandbox(apis, load_modules(workspace.sandbox, apis)) as sandbox:
    sandbox.app_state.enable(*sys.argv[1:])
    run = ContractRun(Selection(apis), Settings(Target(Kind.SANDBOX, sandbox.url), PROFILES["smoke"]))
    run_contracts(run, workspace.contracts, RunPlugin)
print(json.dumps(to_json(run.result())))
"""


def errors(document: object) -> list[str]:
    """What the schema has against a document."""
    validator = Draft202012Validator(schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def first_api(document: object) -> dict[str, Any]:
    """The first API of a report, read back from its JSON."""
    api: dict[str, Any] = json.loads(json.dumps(document))["apis"][0]
    return api


def only_violation(result: RunResult, exchange: Exchange | None) -> dict[str, dict[str, object]]:
    """The exchange of the first violation of a report whose violations all show the given one."""
    api = result.apis[0]
    violations = tuple(replace(violation, exchange=exchange) for violation in api.violations)
    document = json.loads(json.dumps(to_json(replace(result, apis=(replace(api, violations=violations),)))))
    assert errors(document) == []
    shown: dict[str, dict[str, object]] = document["apis"][0]["violations"][0]["exchange"]
    return shown


def test_schema_is_a_schema() -> None:
    """The published schema is itself valid under JSON Schema 2020-12."""
    Draft202012Validator.check_schema(schema())


def test_real_reports_validate(real_run: RunResult) -> None:
    """Honest, faulty, interrupted and unreachable: every report satisfies the schema."""
    assert errors(json.loads(json.dumps(to_json(real_run)))) == []


@pytest.mark.parametrize(
    "faults, verdicts", [((), {"pass", "fail"}), (("scan-documents/getTask/200/drop/status",), {"fail"})]
)
def test_reports_of_whole_runs_validate(repository: Path, faults: tuple[str, ...], verdicts: set[str]) -> None:
    """So do those of the contract tests of this repository, with and without a fault."""
    command = [sys.executable, "-c", FULL_RUN, *faults]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout.splitlines()[-1])

    assert errors(document) == []
    assert document["verdict"] in verdicts


def test_fields_are_the_documented_ones(make_result: Callable[..., RunResult]) -> None:
    """Nothing is missing and nothing is added at the top, per API, claim, violation and drift."""
    document = to_json(make_result())
    api = first_api(document)

    assert sorted(document) == sorted([*HEAD, "apis"])
    assert list(api) == ["id", "verdict", "requests", "claims", "violations", "drift"]
    assert list(api["claims"][0]) == ["id", "level", "verdict", "observations", "reason"]
    assert list(api["violations"][0]) == VIOLATION
    assert list(api["violations"][0]["exchange"]) == EXCHANGE
    assert api["drift"] == [{"operation": "getParcel", "kind": "field", "name": "/it was not so", "count": 2}]


def test_head_of_the_report(make_result: Callable[..., RunResult]) -> None:
    """What ran, when in UTC, how long, how much, and how it ended."""
    document = to_json(make_result())
    del document["apis"]

    assert document == {
        "schema": "specwatch.check/1",
        "target": "sandbox",
        "profile": "standard",
        "seed": 7,
        "started_at": "2023-11-14T22:13:20.250Z",
        "duration_seconds": 1.5,
        "requests": 6,
        "cost": 1.0,
        "verdict": "fail",
    }
    assert datetime.fromisoformat(str(document["started_at"])).timestamp() == 1_700_000_000.25


def test_claims_say_why_they_are_unknown(make_result: Callable[..., RunResult]) -> None:
    """A reason stands at unknown claims and at no others."""
    api = first_api(to_json(make_result()))
    reasons = {claim["id"]: claim["reason"] for claim in api["claims"]}

    assert reasons == {"kept": None, "broken": None, "shaky": None, "open": "PARCELS_TOKEN is not set"}


def test_an_interrupted_run_has_not_passed(make_result: Callable[..., RunResult]) -> None:
    """What was not asked any more cannot have been kept."""
    passing = {"only": (Verdict.PASS,)}

    assert to_json(make_result(**passing))["verdict"] == "pass"
    assert to_json(make_result(**passing, interrupted=True))["verdict"] == "unknown"
    assert to_json(make_result(interrupted=True))["verdict"] == "fail"


def test_a_scenario_may_have_no_exchange(make_result: Callable[..., RunResult]) -> None:
    """Then its exchange is null."""
    assert only_violation(make_result(), None) is None


def test_text_bodies_are_text(make_result: Callable[..., RunResult], make_exchange: Callable[..., Exchange]) -> None:
    """A body in UTF-8 is given as it is, without a word about encoding."""
    response = only_violation(make_result(), make_exchange(answer="höhö\0".encode()))["response"]

    assert (response["body"], response["bytes"]) == ("höhö\0", 7)
    assert response.keys().isdisjoint({"encoding", "truncated"})


def test_other_bodies_are_base64(make_result: Callable[..., RunResult], make_exchange: Callable[..., Exchange]) -> None:
    """A body that is no UTF-8 keeps every byte."""
    response = only_violation(make_result(), make_exchange(answer=b"\xff\x00\xfe"))["response"]

    assert response["encoding"] == "base64"
    assert base64.b64decode(str(response["body"])) == b"\xff\x00\xfe"


@pytest.mark.parametrize("body", [b"x" * 30_000, b"\xff" * 30_000])
def test_long_bodies_are_cut(
    make_result: Callable[..., RunResult], make_exchange: Callable[..., Exchange], body: bytes
) -> None:
    """A report stays readable: bodies end after 20,000 characters and say so and how long they were."""
    request = only_violation(make_result(), make_exchange(method="POST", body=body))["request"]

    assert (len(str(request["body"])), request["truncated"], request["bytes"]) == (BODY_CHARACTERS, True, 30_000)
    if "encoding" in request:
        assert body.startswith(base64.b64decode(str(request["body"])))


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "maybe"},
        {"schema": "specwatch.check/2"},
        {"started_at": "yesterday"},
        {"requests": -1},
        {"more": 1},
    ],
)
def test_schema_refuses_other_documents(make_result: Callable[..., RunResult], change: dict[str, object]) -> None:
    """The schema is strict enough to notice a report that is not one."""
    assert len(errors({**to_json(make_result()), **change})) >= 1


def test_schema_wants_a_reason_for_unknown_only(make_result: Callable[..., RunResult]) -> None:
    """An unknown claim without a reason, and a kept one with a reason, are both refused."""
    document = json.loads(json.dumps(to_json(make_result())))
    claims = document["apis"][0]["claims"]
    claims[0]["reason"], claims[3]["reason"] = "because", None

    assert [error.split(":")[0] for error in errors(document)] == [
        "$.apis[0].claims[0].reason",
        "$.apis[0].claims[3].reason",
    ]

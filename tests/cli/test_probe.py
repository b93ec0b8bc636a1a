"""`specwatch probe`: one run now, as a waterfall, as JSON, as HAR, and what it exits with."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest
from jsonschema import Draft202012Validator
from tests.loopback import refused_port
from tests.probing.killing import CREDENTIALS, ROOT, make_workspace

from specwatch.cli import probe
from specwatch.probing.ports import Job, Progress
from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, load_modules
from specwatch.spec import load_api
from specwatch.state import SqliteStore
from specwatch.transport.clock import LoopClock

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]

DROPPED = "example-api/listRegions/200/drop/count"
TOKEN = "marker-token-8231"

# The form of `--json`, as far as others rely on it.
TEXT, NUMBER, COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
SHAPE = {
    "type": "object",
    "required": ["schema", "verdict", "runs"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": "specwatch.probe/1"},
        "verdict": {"enum": ["pass", "fail", "unknown"]},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "run": {
            "required": [
                "id",
                "api",
                "probe",
                "workflow",
                "target",
                "verdict",
                "reason",
                "message",
                "steps",
                "outputs",
            ],
            "properties": {
                "verdict": {"enum": ["pass", "fail", "unknown"]},
                "reason": {"type": ["string", "null"]},
                "message": TEXT,
                "started_at": NUMBER,
                "seconds": NUMBER,
                "requests": COUNT,
                "cost": NUMBER,
                "attempt": {"const": 1},
                "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
                "outputs": {"type": "object"},
            },
        },
        "step": {
            "required": ["step", "met", "criteria", "sent", "unknown"],
            "properties": {
                "met": {"type": "boolean"},
                "criteria": {"type": "array", "items": {"required": ["text", "met", "found"]}},
                "sent": {"type": "array", "items": {"$ref": "#/$defs/sent"}},
                "unknown": TEXT,
            },
        },
        "sent": {
            "required": ["step", "operation", "exchange", "failure", "error_code", "violations", "verified", "drift"],
            "properties": {
                "exchange": {
                    "type": ["object", "null"],
                    "required": ["request", "response", "timings", "credentials"],
                    "properties": {
                        "request": {"required": ["method", "url", "headers", "body"]},
                        "response": {"required": ["status", "headers", "body"]},
                        "timings": {"required": ["started_at", "total_seconds", "phases"]},
                    },
                },
                "failure": {"type": ["object", "null"], "required": ["reason", "message", "phase", "phases", "local"]},
                "violations": {
                    "type": "array",
                    "items": {"required": ["claim", "level", "message", "expected", "found"]},
                },
                "verified": {"type": "array", "items": TEXT},
            },
        },
    },
}


def document(finished: CompletedProcess[str]) -> dict[str, object]:
    """The document on stdout, which has to have the form."""
    loaded = json.loads(finished.stdout)
    Draft202012Validator(SHAPE).validate(loaded)
    return dict(loaded)


def test_a_waterfall_shows_phases_criteria_and_claims(specwatch: Command, workspace: Path) -> None:
    """A pass: 0, each request as a bar of its phases with their times, what was asked of it and what it showed."""
    finished = specwatch("probe", "example-api/regions", "--workspace", workspace)
    assert finished.returncode == 0
    lines = finished.stdout.splitlines()
    assert re.fullmatch(r"✓ example-api/regions  pass  1 request, \d.*s", lines[0])
    assert re.fullmatch(
        r"    list +200 +[csw]+[csw r]+ +\d\S* ms  connect \S+ ms request \S+ ms processing \S+ ms transfer \S+ ms",
        lines[1],
    )
    assert re.fullmatch(r"      2 of 2 criteria, \d+ claims kept", lines[2])
    assert lines[3] == "phases: n resolve, c connect, t tls, s send, w wait, r receive"


def test_an_api_is_all_its_workflows(specwatch: Command, workspace: Path) -> None:
    """In the order of the document."""
    finished = specwatch("probe", "example-api", "--workspace", workspace)
    heads = [line.split("  ")[0] for line in finished.stdout.splitlines() if line.startswith("✓")]
    assert heads == ["✓ example-api/regions", "✓ example-api/bad-token"]


@pytest.mark.parametrize("name", ["regions", "example-api/regions", "example-regions"])
def test_a_workflow_has_several_names(specwatch: Command, workspace: Path, name: str) -> None:
    """Its id, that with the API before it, and the id of a probe of the schedule."""
    assert specwatch("probe", name, "--workspace", workspace).returncode == 0


def test_a_broken_promise_fails(specwatch: Command, workspace: Path) -> None:
    """1, and which claim is broken how."""
    finished = specwatch("probe", "regions", "--workspace", workspace, "--fault", DROPPED)
    assert finished.returncode == 1
    assert finished.stdout.startswith("✗ example-api/regions  fail")
    assert "promise  example-api/listRegions/200" in finished.stdout or "listRegions/200: " in finished.stdout
    assert "    why  " in finished.stdout


def test_a_target_that_is_down_fails_or_is_unknown(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens: the request has no answer, and its class is told."""
    monkeypatch.setenv("EXAMPLE_API_TOKEN", TOKEN)
    target = f"http://127.0.0.1:{refused_port()}"
    finished = specwatch("probe", "regions", "--workspace", workspace, "--target", target, "--json")
    run = json.loads(finished.stdout)["runs"][0]
    assert (finished.returncode, run["verdict"], run["reason"]) == (1, "fail", "refused")
    assert run["steps"][0]["sent"][0]["exchange"] is None
    document(finished)


def test_a_missing_credential_is_unknown(specwatch: Command, workspace: Path) -> None:
    """3, and what is missing."""
    target = f"http://127.0.0.1:{refused_port()}"
    finished = specwatch("probe", "regions", "--workspace", workspace, "--target", target)
    assert finished.returncode == 3
    assert "not sent  EXAMPLE_API_TOKEN is not set" in finished.stdout
    assert "0 of 0" not in finished.stdout


def test_json_has_a_documented_form(specwatch: Command, workspace: Path) -> None:
    """All that the waterfall has and more, on stdout and alone there."""
    found = document(specwatch("probe", "example-api", "--workspace", workspace, "--json"))
    assert found["verdict"] == "pass"
    runs = found["runs"]
    assert isinstance(runs, list)
    assert [run["probe"] for run in runs] == ["regions", "bad-token"]


def test_json_of_a_failure_has_its_violations(specwatch: Command, workspace: Path) -> None:
    """Claim, level, what was expected and found."""
    finished = specwatch("probe", "regions", "--workspace", workspace, "--json", "--fault", DROPPED)
    found = json.dumps(document(finished))
    assert finished.returncode == 1
    assert "example-api/listRegions/200" in found or "listRegions/200" in found


def test_nothing_run_is_nothing_known() -> None:
    """Interrupted before the first run: unknown, and 3."""
    assert probe.document([])["verdict"] == "unknown"
    assert probe.exit_code([]) == 3


def test_har_holds_every_exchange_and_no_secret(
    specwatch: Command, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 1.2, one entry a request, the credential by the name of its variable."""
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "specwatch-sandbox-account")
    path = tmp_path / "run.har"
    with EmbeddedSandbox([load_api(workspace / "specs" / "example-api.yaml")]) as sandbox:
        options = ("--target", sandbox.url, "--har", path)
        finished = specwatch("probe", "example-api", "--workspace", workspace, *options)
    assert finished.returncode == 0
    written = path.read_text(encoding="utf-8")
    log = json.loads(written)["log"]
    assert log["version"] == "1.2"
    assert [entry["response"]["status"] for entry in log["entries"]] == [200, 401]
    assert all(entry["timings"]["connect"] > 0 and entry["timings"]["dns"] == -1 for entry in log["entries"])
    assert "specwatch-sandbox-account" not in written + finished.stdout + finished.stderr
    assert "$EXAMPLE_API_TOKEN" in written


@pytest.mark.parametrize(
    "name, near",
    [("example-api/region", "example-api/regions"), ("exmaple-api", "example-api"), ("bad-tokn", "example-bad-token")],
)
def test_a_name_that_does_not_exist_gets_the_nearest(specwatch: Command, workspace: Path, name: str, near: str) -> None:
    """2, what there is, and which was probably meant."""
    finished = specwatch("probe", name, "--workspace", workspace)
    assert finished.returncode == 2
    assert f"error: specwatch probe {name}: no such workflow, probe or API" in finished.stderr
    assert near in finished.stderr.split("did you mean")[1]
    assert finished.stdout == ""


def test_all_wrong_options_are_said_at_once(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """2, one problem for each."""
    wrong = {
        "--allow": "creat",
        "--input": "lang",
        "--resolve": "nowhere",
        "--target": "ftp://x",
        "--ca": tmp_path / "no.pem",
        "--har": tmp_path / "no" / "x.har",
        "--fault": "nonsense",
    }
    options = [text for pair in wrong.items() for text in pair if pair[0] != "--fault"]
    finished = specwatch("probe", "regions", "--workspace", workspace, *options)
    assert finished.returncode == 2
    for option in ("--allow creat", "--input lang", "--resolve nowhere", "--target", "no.pem", "x.har"):
        assert option in finished.stderr, option
    assert "Traceback" not in finished.stderr


def test_a_fault_that_does_not_exist_gets_the_nearest(specwatch: Command, workspace: Path) -> None:
    """2; and with another target a fault is a mistake."""
    finished = specwatch("probe", "regions", "--workspace", workspace, "--fault", f"{DROPPED}s")
    assert finished.returncode == 2
    assert f"did you mean {DROPPED}" in finished.stderr
    target = f"http://127.0.0.1:{refused_port()}"
    finished = specwatch("probe", "regions", "--workspace", workspace, "--target", target, "--fault", DROPPED)
    assert (finished.returncode, "there is no sandbox at" in finished.stderr) == (2, True)


def test_an_input_that_no_workflow_has_is_refused(specwatch: Command, workspace: Path) -> None:
    """2, with the inputs that there are."""
    finished = specwatch("probe", "regions", "--workspace", workspace, "--input", "link=x")
    assert finished.returncode == 2
    assert "--input link: no such input" in finished.stderr


def test_wrong_workflows_are_told_with_their_lines(specwatch: Command, workspace: Path, edit: Edit) -> None:
    """2: file, line, what is expected."""
    path = workspace / "probes" / "example-api.arazzo.yaml"
    line = edit(path, "operationId: listRegions", "operationId: listRegion")
    finished = specwatch("probe", "regions", "--workspace", workspace)
    assert finished.returncode == 2
    assert f"{path}:{line}" in finished.stderr
    assert "listRegions" in finished.stderr


def test_an_interrupted_job_is_finished_first(
    specwatch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier call left half done on a real target is gone on with; of another target it is only named."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    workspace = make_workspace(tmp_path / "bulk")
    api = load_api(ROOT / "specs" / "exaroutes-bulk.yaml")
    with EmbeddedSandbox([api], load_modules(ROOT / "sandbox", [api]), SandboxSettings(0.0)) as sandbox:
        headers = {"client-id": CREDENTIALS["EXAROUTES_CLIENT_ID"], "api-key": CREDENTIALS["EXAROUTES_API_KEY"]}
        row = {"uid": "row-001", "qrType": "dynamic", "dataType": "url", "data": "https://example.com/"}
        rows = [row, {**row, "uid": "row-002", "data": "no url at all"}]
        batch = httpx.post(f"{sandbox.url}/api/qr/bulk-generate", json=rows, headers=headers).json()
        progress = Progress(outputs={"submit": {"bulkId": batch}}, following="poll")
        job = Job("trip-1-1", "trip", "round-trip", sandbox.url, 0.0, progress)
        _leave(
            Path(".specwatch") / "probe.sqlite", job, replace(job, id="trip-2-2", target="https://elsewhere.example")
        )
        options = ("--workspace", workspace, "--target", sandbox.url, "--allow", "create,consume", "--json")
        finished = specwatch("probe", "trip", *options)
    runs = json.loads(finished.stdout)["runs"]
    assert [(run["id"] == "trip-1-1", run["verdict"]) for run in runs] == [(True, "pass"), (False, "pass")]
    assert [sent["step"] for step in runs[0]["steps"] for sent in step["sent"]][-4:] == [
        *("poll", "download", "download-again", "status-afterwards"),
    ]
    assert "the job trip-2-2, begun on https://elsewhere.example, is not finished" in finished.stderr


def _leave(path: Path, *jobs: Job) -> None:
    """Note jobs in a state file, as far as they came."""

    async def note() -> None:
        path.parent.mkdir()
        store = SqliteStore(path, LoopClock(), lambda *_: None)
        await store.start()
        for job in jobs:
            await store.journal(job).done(job.progress)
        await store.close()

    asyncio.run(note())


def test_a_live_target_needs_permission(specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What creates, consumes or costs something is unknown without --allow, and nothing is sent."""
    spec = workspace / "specs" / "example-api.yaml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("x-effect: read", "x-effect: consume", 1), encoding="utf-8")
    monkeypatch.setenv("EXAMPLE_API_TOKEN", TOKEN)
    target = f"http://127.0.0.1:{refused_port()}"
    finished = specwatch("probe", "regions", "--workspace", workspace, "--target", target)
    assert finished.returncode == 3
    assert "needs --allow consume" in finished.stdout
    assert "0 requests" in finished.stdout

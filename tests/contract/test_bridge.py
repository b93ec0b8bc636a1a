"""schemathesis over the guarded transport: its cases arrive unchanged, its opinion counts, the budget binds it too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.conftest import TOKENS, MakeRun, MakeWorkspace, Runner, Serve
from tests.loopback import Received, answer

from specwatch.contract.identifiers import replacements, substitute
from specwatch.values.claim import Level

ITEM = {"id": "i-1", "name": "a cup"}

ODD = """
openapi: 3.1.0
info: {title: Odd, version: '1'}
servers: [{url: https://odd.example.com}]
paths:
  /things/{name}/parts:
    post:
      operationId: putPart
      parameters:
        - {name: name, in: path, required: true, schema: {type: string, minLength: 1}}
        - {name: list, in: query, schema: {type: array, items: {type: string}}, explode: true}
        - {name: deep, in: query, style: deepObject, schema: {type: object, properties: {a: {type: string}}}}
        - {name: X-Note, in: header, schema: {type: string}}
        - {name: crumb, in: cookie, schema: {type: string, pattern: '^[a-z]+$'}}
      requestBody:
        content:
          application/json: {schema: {}}
          text/plain: {schema: {type: string}}
          application/x-www-form-urlencoded:
            schema: {type: object, properties: {a: {type: string}, b: {type: integer}}}
          multipart/form-data:
            schema: {type: object, properties: {file: {type: string, format: binary}}}
      responses: {'200': {description: Put.}}
"""

# Sends the same cases twice: as schemathesis does by itself, then through a run.
SEND_TWICE = """
import sys
from pathlib import Path
import schemathesis
from hypothesis import Phase, HealthCheck, given, seed, settings
from specwatch.contract import bridge
from specwatch.contract.profile import PROFILES
from specwatch.contract.run import ContractRun, Selection, Settings
from specwatch.spec import load_api
from specwatch.transport.target import Kind, Target

api, url = load_api(Path(sys.argv[1])), sys.argv[2]
run = ContractRun(Selection((api,)), Settings(Target(Kind.URL, url), PROFILES["deep"], allow=["create"]))
schema = bridge._schema(run.apis[api.id])
cases = []

@seed(1)
@settings(max_examples=60, phases=[Phase.generate], database=None, deadline=None,
          suppress_health_check=list(HealthCheck))
@given(case=schema["/things/{name}/parts"]["POST"].as_strategy())
def collect(case):
    cases.append(case)

collect()
for case in cases:
    case.call()
bridge._through(run.apis[api.id], schema)
for case in cases:
    case.call()
"""


def comparable(received: Received) -> tuple[object, ...]:
    """What matters of a request; the boundary between parts of a body is drawn anew each time."""
    kind = received.headers.get("content-type", "")
    boundary = kind.partition("boundary=")[2]
    body = received.body.replace(boundary.encode(), b"--") if boundary else received.body
    ours = {name: received.headers.get(name) for name in ("x-note", "cookie")}
    return received.method, received.path, kind.replace(boundary, "--") if boundary else kind, body, ours


def test_cases_arrive_unchanged(serve: Serve, tmp_path: Path) -> None:
    """Method, path, query, headers, media type and body are those that schemathesis itself would send."""
    server = serve(lambda _: answer())
    spec = tmp_path / "odd.yaml"
    spec.write_text(ODD, encoding="utf-8")

    subprocess.run([sys.executable, "-W", "ignore", "-c", SEND_TWICE, str(spec), server.url], check=True)

    half = len(server.received) // 2
    assert half >= 30
    theirs, ours = ([comparable(each) for each in part] for part in (server.received[:half], server.received[half:]))
    assert [pair for pair in zip(theirs, ours, strict=True) if pair[0] != pair[1]] == []


def test_the_budget_binds_schemathesis(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """Not one request more arrives, though it would have many more to send."""
    server = serve(lambda _: answer(200, ITEM))

    outcome = runner.check(
        workspace(common=["test_conformance.py"]),
        server.url,
        profile="deep",
        environment=TOKENS,
        allow=["create", "consume", "paid"],
        max_requests=17,
    )

    assert len(server.received) == outcome.api.requests == 17
    assert outcome.defect is None


def test_effects_stay_away_from_schemathesis(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """On a target of somebody else's it sends what reads and what must be refused, and nothing else."""
    server = serve(lambda got: answer(200, ITEM) if got.method == "GET" else answer(400))

    runner.check(workspace(common=["test_conformance.py"]), server.url, profile="standard", environment=TOKENS)

    made = [received for received in server.received if received.path == "/items"]
    assert made != []
    assert not any(valid_item(received) for received in made)
    assert not any("/take" in path or "/prices" in path for path in server.paths)


def valid_item(received: Received) -> bool:
    """Whether a request would make an item."""
    try:
        body = json.loads(received.body)
    except ValueError:
        return False
    texts = isinstance(body, dict) and isinstance(body.get("name"), str) and isinstance(body.get("like", ""), str)
    return texts and received.headers.get("content-type") == "application/json"


def test_its_opinion_is_booked(runner: Runner, workspace: MakeWorkspace, serve: Serve) -> None:
    """What its checks find and our judgement does not is a warning, with the check's name."""

    def accepts_anything(received: Received) -> bytes:
        return answer(201) if received.method == "POST" else answer(200, ITEM)

    outcome = runner.check(
        workspace(common=["test_conformance.py"]),
        serve(accepts_anything).url,
        profile="standard",
        environment=TOKENS,
        allow=["create"],
        operations=["makeItem"],
    )

    claims = {(violation.claim, violation.level) for violation in outcome.api.violations}
    assert ("makeItem/rejects", Level.INFERENCE) in claims


@pytest.mark.parametrize(
    "node, expected",
    [
        ({"example": "theirs", "type": "string"}, {"type": "string"}),
        ({"example": {"id": "known"}}, {"example": {"id": "ours"}}),
        ({"examples": ["theirs", "known", "x"]}, {"examples": ["ours", "x"]}),
        ({"examples": ["theirs"]}, {}),
        ({"examples": {"a": {"value": ["theirs"]}, "b": {"value": "known"}}}, {"examples": {"b": {"value": "ours"}}}),
        ({"properties": {"examples": {"type": "array"}}}, {"properties": {"examples": {"type": "array"}}}),
    ],
)
def test_no_example_is_left_half_full(node: dict[str, object], expected: dict[str, object]) -> None:
    """Wherever OpenAPI has examples, one that needs a missing identifier goes as a whole, and no null is put there."""
    assert substitute(node, {"theirs": None, "known": "ours"}) == expected


@pytest.mark.parametrize(
    "known, examples", [({"item": "mine"}, ["own", "copy"]), ({}, ["own"])], ids=["replaced", "removed"]
)
def test_examples_name_our_identifiers(start: MakeRun, known: dict[str, str], examples: list[str]) -> None:
    """Identifiers of the document become the account's; examples that need an unknown one are not sent."""
    run = start("http://127.0.0.1:1")
    run.known.clear()
    run.known.update({**known, "items": ("mine", "too")} if known else {})

    raw = substitute(run.api.raw, replacements(run))

    body = raw["paths"]["/items"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    parameter = raw["paths"]["/items/{id}"]["get"]["parameters"][0]
    assert list(body) == examples
    assert parameter.get("examples", {}) == ({"one": {"value": "mine"}} if known else {})
    assert '"i-1"' not in json.dumps([body, parameter])

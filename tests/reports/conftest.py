"""A small API, runs against a sandbox of it, and made-up results for what no run shows."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.profile import PROFILES
from specwatch.contract.result import ApiResult, RunResult
from specwatch.contract.run import ApiRun, ContractRun, Selection, Settings
from specwatch.errors import CannotTell
from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import Api, load_api
from specwatch.transport.draft import Draft
from specwatch.transport.target import Kind, Target, parse_target
from specwatch.values import (
    Claim,
    Drift,
    Exchange,
    Level,
    Request,
    Response,
    Scenario,
    Timings,
    Verdict,
    Violation,
)

SPEC = """
openapi: 3.1.0
info: {title: Parcels, version: "1", license: {name: none, identifier: Apache-2.0}}
servers: [{url: "https://parcels.example"}]
x-error-code: /error/code
paths:
  /parcels/{id}:
    get:
      operationId: getParcel
      summary: Where a parcel is
      x-effect: read
      security: [{token: []}]
      parameters: [{name: id, in: path, required: true, schema: {type: string}, example: p1}]
      x-claims:
        - id: id-echoed
          level: promise
          text: The parcel that comes back is the one that was asked for.
          source: Get a parcel
          when: response.status == 200
          holds: response.json.id == request.path.id
        - id: state-is-lower-case
          level: inference
          text: States are written in lower case.
          source: Get a parcel
          when: response.status == 200
          holds: response.json.state.lowerAscii() == response.json.state
        - id: survives-the-night
          level: promise
          text: A parcel is still there the next day.
          source: Get a parcel
          scenario: true
      responses:
        "200":
          description: the parcel
          content:
            application/json:
              schema:
                type: object
                required: [id, state]
                properties: {id: {type: string}, state: {type: string}}
              examples: {parcel: {value: {id: p1, state: moving}}}
        "401":
          description: refused
          content: {application/json: {schema: {$ref: "#/components/schemas/Refusal"},
            examples: {refused: {value: {error: {code: bad_token}}}}}}
        "404": {description: no such parcel}
    delete:
      operationId: dropParcel
      summary: Forget a parcel
      x-effect: consume
      x-cost: {unit: call, amount: 1, text: one credit}
      parameters: [{name: id, in: path, required: true, schema: {type: string}, example: p1}]
      responses: {"204": {description: gone}}
components:
  schemas:
    Refusal:
      type: object
      required: [error]
      properties:
        error: {type: object, required: [code], properties: {code: {enum: [bad_token, old_token]}}}
  securitySchemes:
    token: {type: http, scheme: bearer, x-credential: {env: [PARCELS_TOKEN]}}
"""

MakeResult = Callable[..., RunResult]


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Api:
    """A small API with one read and one call that consumes and costs."""
    path = tmp_path_factory.mktemp("specs") / "parcels.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return load_api(path)


@pytest.fixture(scope="session")
def sandbox(api: Api) -> Iterator[EmbeddedSandbox]:
    """A sandbox that serves it."""
    with EmbeddedSandbox([api]) as running:
        yield running


def ask(run: ApiRun, parcel: str, role: str = "account") -> None:
    """Ask for a parcel, whatever comes of it."""
    operation = run.api.operation("getParcel")
    draft = Draft(operation, f"/parcels/{parcel}", roles={"token": role}, path_parameters={"id": parcel})
    try:
        run.send(draft)
    except CannotTell as error:
        run.ledger.explain("getParcel/200", str(error))


@pytest.fixture
def make_run(api: Api) -> Iterator[Callable[..., ContractRun]]:
    """Makes runs over the small API against a URL, or against the sandbox that is given."""
    runs: list[ContractRun] = []

    def make(target: str | EmbeddedSandbox, **settings: object) -> ContractRun:
        where = parse_target(target) if isinstance(target, str) else Target(Kind.SANDBOX, target.url)
        run = ContractRun(Selection((api,)), Settings(where, PROFILES["smoke"], **settings))  # type: ignore[arg-type]
        runs.append(run)
        return run

    yield make
    for run in runs:
        run.close()


@pytest.fixture(params=["honest", "faulty", "interrupted", "unknown"])
def real_run(
    request: pytest.FixtureRequest, make_run: Callable[..., ContractRun], sandbox: EmbeddedSandbox
) -> RunResult:
    """The result of a run that sent requests: honest, with a fault, cut short, and against nobody."""
    run = make_run("http://127.0.0.1:9" if request.param == "unknown" else sandbox)
    if request.param == "faulty":
        sandbox.app_state.enable("parcels/getParcel/200/drop/state", "parcels/getParcel/401/not-utf8")
    try:
        for parcel, role in (("p1", "account"), ("p1", "absent"), ("p2", "altered")):
            ask(run.apis["parcels"], parcel, role)
    finally:
        sandbox.app_state.disable_all()
    run.interrupted = request.param == "interrupted"
    return run.result()


def make_claim(name: str, level: Level = Level.PROMISE, api: str = "parcels") -> Claim:
    """A claim."""
    return Claim(api, name, level, f"It is so: {name}.", "Get a parcel", Scenario(), frozenset({"getParcel"}))


@pytest.fixture
def make_exchange() -> Callable[..., Exchange]:
    """Makes exchanges from the parts that matter to a test."""

    def make(
        *,
        method: str = "GET",
        url: str = "https://parcels.example/parcels/p1",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        answer: bytes = b"{}",
        phases: dict[str, float] | None = None,
        credentials: dict[str, str] | None = None,
        started_at: float = 1_700_000_000.0,
    ) -> Exchange:
        return Exchange(
            id="parcels-1",
            api="parcels",
            operation="getParcel",
            target="http://127.0.0.1:8700",
            request=Request(method, url, headers, body),
            response=Response(200, (("Content-Type", "application/json"),), answer, "OK"),
            timings=Timings(started_at, 0.5, phases or {}),
            credentials=credentials or {},
        )

    return make


@pytest.fixture
def make_result(make_exchange: Callable[..., Exchange]) -> MakeResult:
    """Makes the result of a run with one kept, broken, warning and unknown claim each; parts can be replaced."""

    def make(
        *,
        text: str = "it was not so",
        violations: int = 1,
        strict: bool = False,
        interrupted: bool = False,
        target: str = "sandbox",
        only: tuple[Verdict, ...] = tuple(Verdict),
        trouble: tuple[str, ...] = (),
        verdict: Verdict | None = None,
    ) -> RunResult:
        claims = [
            ClaimResult(make_claim("kept"), Verdict.PASS, 3, None),
            ClaimResult(make_claim("broken"), Verdict.FAIL, 2, None),
            ClaimResult(make_claim("shaky", Level.INFERENCE), Verdict.FAIL, 1, None),
            ClaimResult(make_claim("open"), Verdict.UNKNOWN, 0, "PARCELS_TOKEN is not set"),
        ]
        found = [
            Violation("parcels", name, level, "getParcel", "claim", text, text, text, f"/{index}", make_exchange())
            for name, level in (("shaky", Level.INFERENCE), ("broken", Level.PROMISE))
            for index in range(violations)
        ]
        verdict = verdict or next((v for v in (Verdict.FAIL, Verdict.PASS) if v in only), Verdict.UNKNOWN)
        api = ApiResult(
            id="parcels",
            verdict=verdict,
            requests=6,
            cost=1.0,
            seconds=0.25,
            claims=tuple(claim for claim in claims if claim.verdict in only),
            violations=tuple(found) if Verdict.FAIL in only else (),
            drift={Drift("parcels", "getParcel", "field", f"/{text}"): 2},
            responses={("getParcel", "200", ""): 4, ("getParcel", "401", "bad_token"): 2},
            trouble=trouble,
        )
        return RunResult(target, "standard", 7, 1_700_000_000.25, 1.5, strict, (api,), interrupted, (make_exchange(),))

    return make


@pytest.fixture
def make_console() -> Callable[..., Console]:
    """Makes consoles that write to a buffer: `console.file.getvalue()` has what they wrote."""

    def make(width: int = 80, encoding: str = "utf-8", *, terminal: bool = False, no_color: bool = False) -> Console:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        return Console(
            file=stream,
            width=width,
            force_terminal=terminal,
            no_color=no_color,
            color_system="standard" if terminal else None,
            _environ={},
        )

    return make


@pytest.fixture
def shown() -> Callable[[Console], str]:
    """Reads back what such a console wrote."""

    def read(console: Console) -> str:
        stream = console.file
        assert isinstance(stream, io.TextIOWrapper)
        buffer = stream.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(stream.encoding)

    return read


@pytest.fixture
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture
def send() -> Callable[..., None]:
    """Asks for a parcel in a run."""
    return ask

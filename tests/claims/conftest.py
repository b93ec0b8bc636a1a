"""One operation that reads a thing, one that makes one, and claims of whatever form a test needs."""

import json
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

import pytest

from specwatch.claims import ClaimJudge
from specwatch.conformance import Facts
from specwatch.spec import Api, load_api
from specwatch.values import Exchange, Request, Response, Timings

SPEC = """\
openapi: 3.1.0
info: {title: Things, version: '1'}
x-claims: %s
paths:
  /things/{id}:
    get:
      operationId: getThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: The thing., content: {application/json: {schema: {contentMediaType: application/json}}}}}
  /things:
    post:
      operationId: makeThing
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {'201': {description: Made., content: {application/json: {}}}}
"""  # noqa: E501


class Bench:
    """A judge of the claims of one test, which is shown one answer after the other."""

    def __init__(self, api: Api, known: Mapping[str, object]) -> None:
        self.api = api
        self.judge = ClaimJudge(api, known)
        self.numbers = count()

    def facts(  # noqa: PLR0913 - what an exchange is made of
        self,
        body: object = None,
        *,
        operation: str = "getThing",
        status: int = 200,
        raw: bytes | None = None,
        thing: str = "t-1",
        role: str = "account",
        target: str = "https://api.example.com",
        request: bytes = b"",
        at: float | None = None,
        seconds: float = 0.5,
    ) -> Facts:
        """One exchange; each begins a second after the one before, unless `at` says when."""
        number = next(self.numbers)
        found = self.api.operation(operation)
        headers = (("Content-Type", "application/json"), ("X-Two", "1"), ("x-two", "2"))
        exchange = Exchange(
            id=str(number),
            api=self.api.id,
            operation=operation,
            target=target,
            request=Request(found.method, target + found.path, headers, request),
            response=Response(status, headers, json.dumps(body).encode() if raw is None else raw),
            timings=Timings(number if at is None else at, seconds),
            credentials={"key": role},
            path_parameters={"id": thing} if operation == "getThing" else {},
            query={"q": "x"},
        )
        return Facts(self.api, found, exchange)

    def show(self, body: object = None, **answer: object) -> list[str]:
        """Judge an answer: for each claim that applies, `kept`, or what was found instead."""
        outcomes = self.judge.judge(self.facts(body, **answer))  # type: ignore[arg-type]
        return [outcome.violation.found if outcome.violation else "kept" for outcome in outcomes]

    def __call__(self, body: object = None, **answer: object) -> str:
        """Judge an answer by the only claim: `kept`, `broken`, or `-` where it does not apply."""
        outcomes = list(self.judge.judge(self.facts(body, **answer)))  # type: ignore[arg-type]
        words = ["broken" if outcome.violation else "kept" for outcome in outcomes]
        return " ".join(words) or "-"


MakeBench = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path) -> MakeBench:
    """Make a bench for claims; what every claim has is filled in."""

    def make(*claims: Mapping[str, object], known: Mapping[str, object] | None = None) -> Bench:
        default = {"level": "promise", "text": "It is so.", "source": "Things"}
        full = [{"id": f"claim-{number}", **default, **claim} for number, claim in enumerate(claims)]
        path = tmp_path / "things.yaml"
        path.write_text(SPEC % json.dumps(full), encoding="utf-8")
        return Bench(load_api(path), known or {})

    return make

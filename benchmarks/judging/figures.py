"""What judging one exchange costs, beside reading its body with `json.loads` and validating it with `jsonschema_rs`.

    python benchmarks/judging/figures.py [ROUNDS]

The exchanges are documented examples with the requests that belong to them, and break nothing. All columns take turns
in each round (default 30), so that a busy moment hits all of them; the best round counts. Microseconds of CPU per
exchange; the ratio is that of judging and claims together to `json.loads`. Exits with 1 when one takes longer than it
may.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from specwatch.claims import ClaimJudge
from specwatch.conformance import Facts, judge
from specwatch.spec import Api, MediaType, Operation
from specwatch.values import Exchange, Request, Response, Timings
from specwatch.values.secrets import Redactor
from specwatch.workspace import find_workspace

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 120.0
"""Microseconds that judging and claims may take together."""

REPEATS = 25
SECRETS = ("Sup3r-S3cret/Value+1", "second-account-key-0002", "client-id-value-00003", "another_token_4_xyz")


@dataclass(frozen=True)
class Case:
    """An operation, and which of its examples to show.

    Args:
        request: name of the request's example, or empty.
        answer: name of the response's example, or empty for an answer without a body.
        path: decoded path parameters.
        role: what every credential is.
    """

    api: str
    operation: str
    status: int
    answer: str = ""
    request: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    role: str = "account"


TASK = {"id": "task_euyrvozb9302uwhq"}
BULK = {"bulkId": "bulk_a8f31de2c904"}
CASES = (
    Case("scan-documents", "getTask", 200, "completed", path=TASK),
    Case("scan-documents", "getTask", 404, "notFound", path={"id": "task_0000000000000000"}),
    Case("qrart-tasks", "queryTasks", 200, "retrieve", "retrieve"),
    Case("qrart-tasks", "queryTasks", 200, "retrieve_batch", "retrieve_batch"),
    Case("qrart-tasks", "queryTasks", 401, "invalid_token", "retrieve", role="altered"),
    Case("producer-videos", "retrieveVideo", 200, "success", "known_audio"),
    Case("producer-videos", "retrieveVideo", 401, "invalid_token", "known_audio", role="altered"),
    Case("exaroutes-bulk", "submitBulk", 200, "queued", "threeRows"),
    Case("exaroutes-bulk", "getBulkStatus", 200, "completed", path=BULK),
    Case("exaroutes-bulk", "getBulkResult", 200, "threeKinds", path=BULK),
    Case("exaroutes-bulk", "getBulkStatus", 404, path={"bulkId": "bulk_000000000000"}),
)


class Bench:
    """One case, ready to be measured."""

    def __init__(self, api: Api, case: Case) -> None:
        self.api = api
        self.case = case
        self.operation: Operation = api.operation(case.operation)
        media = next(iter(self.operation.responses[str(case.status)].media.values()), None)
        self.schema = media.schema if media is not None and case.answer else None
        self.body = _filled(_example(media, case.answer), case.path)
        self.value = json.loads(self.body) if self.body else None
        self.claims = ClaimJudge(api, {name: known.value for name, known in api.known.items()})
        self.redactor = Redactor(SECRETS)
        self._exchanges = self._make()

    def _make(self) -> Iterator[Exchange]:
        case, operation = self.case, self.operation
        sent = b""
        if operation.body is not None:
            sent = _example(operation.body.media["application/json"], case.request)
        path = operation.path
        for name, value in case.path.items():
            path = path.replace(f"{{{name}}}", value)
        received = (("date", "Sun, 01 Nov 2026 12:00:00 GMT"), ("content-type", "application/json"), ("server", "x"))
        accepted = (("accept", "application/json"), ("content-type", "application/json"), ("user-agent", "specwatch"))
        number = 0
        while True:
            number += 1
            shown = dict(case.path)
            if operation.id == "getBulkResult":  # no archive is handed out twice
                shown = {"bulkId": f"bulk_{number:012d}"}
            yield Exchange(
                id=str(number),
                api=self.api.id,
                operation=operation.id,
                target="https://api.example.com",
                request=Request(operation.method, f"https://api.example.com{path}", accepted, sent),
                response=Response(case.status, received, self._fresh(number)),
                timings=Timings(float(number), 0.01, {"connect": 0.001}),
                credentials=dict.fromkeys(operation.security, case.role),
                path_parameters=shown,
            )

    def _fresh(self, number: int) -> bytes:
        """The body with an id of its own, where ids have to differ from answer to answer."""
        if self.case.operation == "submitBulk":
            return b'"bulk_%012d"' % number
        if isinstance(self.value, dict) and "trace_id" in self.value:
            before = str(self.value["trace_id"]).encode()
            return self.body.replace(before, before[:-12] + b"%012d" % number)
        return self.body

    def columns(self) -> dict[str, tuple[Callable[[Exchange], object], bool]]:
        """What is measured, by name, and whether it needs a body."""
        return {
            "json.loads": (lambda _: json.loads(self.body), True),
            "schema": (lambda _: self.schema is None or self.schema.is_valid(self.value), True),
            "judge": (self._judge, False),
            "claims": (self._claim, False),
            "together": (self._together, False),
            "redact": (self.redactor.exchange, False),
        }

    def _facts(self, exchange: Exchange) -> Facts:
        return Facts(self.api, self.operation, exchange)

    def _judge(self, exchange: Exchange) -> object:
        return judge(self._facts(exchange)).violations

    def _claim(self, exchange: Exchange) -> object:
        return [outcome for outcome in self.claims.judge(self._facts(exchange)) if outcome.violation is not None]

    def _together(self, exchange: Exchange) -> object:
        facts = self._facts(exchange)
        broken = [outcome for outcome in self.claims.judge(facts) if outcome.violation is not None]
        return [*judge(facts).violations, *broken]

    def check(self) -> None:
        """Make sure that the case is what it is said to be: an exchange that breaks nothing."""
        for _ in range(3):
            broken = self._together(next(self._exchanges))
            if broken:
                sys.exit(f"{self.case} breaks something: {broken}")

    def measure(self, call: Callable[[Exchange], object]) -> float:
        """Microseconds of one call."""
        exchanges = [next(self._exchanges) for _ in range(REPEATS)]
        started = time.process_time()
        for exchange in exchanges:
            call(exchange)
        return (time.process_time() - started) / REPEATS * 1e6


def _example(media: MediaType | None, name: str) -> bytes:
    return json.dumps(media.examples[name]).encode() if media is not None and name else b""


def _filled(body: bytes, path: Mapping[str, str]) -> bytes:
    """The body with the places of a template filled in, as a server would."""
    return body.replace(b"{resource}", b"Task").replace(b"{id}", path.get("id", "").encode())


def main(rounds: int) -> int:
    """Measure, print a table, and tell whether every limit is kept."""
    workspace = find_workspace(ROOT, ROOT)
    benches = [Bench(workspace.api(case.api), case) for case in CASES]
    names = list(benches[0].columns())
    title = f"best of {rounds}, µs per exchange"
    print(f"{title:44} {'bytes':>6}", *(f"{name:>10}" for name in names), f"{'ratio':>7}")
    slow = False
    for bench in benches:
        bench.check()
        best = dict.fromkeys(names, float("inf"))
        for _ in range(10):  # until claims are put together
            bench.measure(bench.columns()["claims"][0])
        for _ in range(rounds):
            for name, (call, needs_body) in bench.columns().items():
                if bench.body or not needs_body:
                    best[name] = min(best[name], bench.measure(call))
        slow = slow or best["together"] > LIMIT
        label = f"{bench.case.operation} {bench.case.status} {bench.case.answer}"
        figures = (f"{best[name]:10.1f}" if best[name] < float("inf") else f"{'-':>10}" for name in names)
        ratio = best["together"] / best["json.loads"]
        print(f"{label:44} {len(bench.body):6}", *figures, f"{ratio:7.1f}")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))

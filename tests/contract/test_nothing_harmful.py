"""Nothing that creates, consumes or is paid is carried out for a run that nobody allowed it: counted where it arrives.

`pytest tests/contract/test_nothing_harmful.py` by itself shows it. Every request passes a server that writes it down,
with the answer that the sandbox gave. A request does harm when its operation creates, consumes or is paid and it
succeeds. APIs that have only free reads are left out of the longest runs: they have nothing to do harm with.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.contract.conftest import ROOT, MakeRun, MakeWorkspace, Runner, Serve
from tests.contract.trouble.front import Front
from tests.loopback import Answer, Received, answer

from specwatch.contract.caller import Caller
from specwatch.contract.cases import call_with
from specwatch.contract.profile import PROFILES
from specwatch.contract.redraft import draft_of
from specwatch.contract.replay import send_again
from specwatch.contract.run import ContractRun, Selection, Settings
from specwatch.errors import CannotTell
from specwatch.sandbox import EmbeddedSandbox, load_modules
from specwatch.spec import Api
from specwatch.spec.model import Operation
from specwatch.transport.draft import build_path
from specwatch.transport.permission import needed
from specwatch.transport.target import Kind, Target
from specwatch.values import Exchange, Level, Request, Response, Timings, Violation
from specwatch.values.sandbox import sandbox_value
from specwatch.workspace import Workspace

SUCCESS = range(200, 400)


@dataclass(frozen=True)
class Arrived:
    """One request that arrived, and how it was answered."""

    api: Api
    operation: Operation
    request: Received
    status: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it needs to be allowed; empty for a free read."""
        return tuple(needed(self.operation))

    @property
    def harmful(self) -> bool:
        """Whether it created, consumed or cost something."""
        return bool(self.kinds) and self.status in SUCCESS

    def __str__(self) -> str:
        shown = self.request.body[:200].decode("utf-8", "replace")
        return f"{self.operation.id} ({', '.join(self.kinds)}): {self.request.path} {shown} was answered {self.status}"


@dataclass
class Counter:
    """A sandbox of all APIs behind a server that counts."""

    sandbox: EmbeddedSandbox
    apis: tuple[Api, ...]
    front: Front

    def arrived(self) -> list[Arrived]:
        """All that arrived, in order."""
        return [Arrived(*self._operation(request), request, status) for request, status in self.front.served]

    @property
    def risky(self) -> list[str]:
        """The APIs with an operation that creates, consumes or is paid."""
        return [api.id for api in self.apis if any([*needed(operation)] for operation in api.operations)]

    def harm(self) -> list[str]:
        """The requests that did harm, each with its operation."""
        return [str(each) for each in self.arrived() if each.harmful]

    def _operation(self, request: Received) -> tuple[Api, Operation]:
        path = request.path.partition("?")[0]
        for api in self.apis:
            for operation in api.operations:
                if operation.method == request.method and operation.pattern.match(path):
                    return api, operation
        message = f"{request.method} {request.path} is in no document"
        raise AssertionError(message)


@pytest.fixture(scope="module")
def _sandbox() -> Iterator[tuple[EmbeddedSandbox, tuple[Api, ...]]]:
    workspace = Workspace(ROOT, "this one")
    apis = tuple(workspace.apis([]))
    with EmbeddedSandbox(apis, load_modules(workspace.sandbox, apis)) as running:
        yield running, apis


@pytest.fixture
def counter(_sandbox: tuple[EmbeddedSandbox, tuple[Api, ...]]) -> Iterator[Counter]:
    """The sandbox, honest and empty, behind a server that counts."""
    sandbox, apis = _sandbox
    sandbox.app_state.disable_all()
    sandbox.app_state.reset()
    front = Front(sandbox.url)
    yield Counter(sandbox, apis, front)
    front.close()


def variables(apis: Sequence[Api]) -> dict[str, str]:
    """Every variable that a user could set: credentials of all kinds, and identifiers that exist."""
    found: dict[str, str] = {}
    for api in apis:
        for scheme in api.schemes.values():
            for role, names in scheme.variables.items():
                found |= dict.fromkeys(names, sandbox_value(role))
            for name, state in scheme.states.items():
                found |= dict.fromkeys(state.variables, sandbox_value(name))
        for known in api.known.values():
            found[known.setting] = known.value if isinstance(known.value, str) else ",".join(known.value)
    return found


@pytest.mark.parametrize("profile", ["smoke", pytest.param("standard", marks=pytest.mark.slow)])
def test_nothing_is_made_used_up_or_paid(counter: Counter, runner: Runner, profile: str) -> None:
    """An honest target refuses each request to an operation that was not allowed."""
    outcome = runner.check(ROOT, counter.front.url, profile=profile, hasty=True, environment=variables(counter.apis))

    assert outcome.defect is None
    assert counter.harm() == []
    assert {each.api.id for each in counter.arrived()} == {api.id for api in counter.apis}


@pytest.mark.slow
def test_nor_by_the_longest_run(counter: Counter, runner: Runner) -> None:
    """Nor is there harm in the hundreds of requests of `deep`."""
    runner.check(
        ROOT,
        counter.front.url,
        profile="deep",
        hasty=True,
        apis=counter.risky,
        environment=variables(counter.apis),
        max_requests=400,
    )

    assert counter.harm() == []
    assert len(counter.arrived()) > 100


def test_nothing_is_made_used_up_or_paid_live(counter: Counter, runner: Runner, tmp_path: Path) -> None:
    """The same of the servers that the documents name."""
    for folder in ("specs", "contracts", "sandbox", "probes"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "specwatch.yaml", tmp_path)
    for spec in (tmp_path / "specs").glob("*.yaml"):
        text = re.sub(r"(?m)^(  - url: )https://[^/\s]+", rf"\g<1>{counter.front.url}", spec.read_text("utf-8"))
        spec.write_text(text, "utf-8")

    outcome = runner.check(tmp_path, "live", hasty=True, environment=variables(counter.apis))

    assert outcome.defect is None
    assert outcome.result.target == "live"
    assert counter.harm() == []
    assert {each.api.id for each in counter.arrived()} == {api.id for api in counter.apis}


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [r"/credential/ignored$", r"/accepts/"])
def test_a_target_that_accepts_everything_is_asked_once(counter: Counter, runner: Runner, pattern: str) -> None:
    """Where an operation accepts what it promises to refuse, that one success is the last that it gets."""
    counter.sandbox.app_state.enable(*(f.name for f in counter.sandbox.app_state.catalogue if _fits(pattern, f.name)))

    runner.check(
        ROOT,
        counter.front.url,
        profile="standard",
        hasty=True,
        apis=counter.risky,
        environment=variables(counter.apis),
    )

    after: dict[str, list[str]] = {}
    for each in counter.arrived():
        if each.operation.id in after or each.harmful:
            after.setdefault(each.operation.id, []).append(str(each))
    assert {name: requests for name, requests in after.items() if len(requests) > 1} == {}
    assert after != {}


def _fits(pattern: str, name: str) -> bool:
    return re.search(pattern, name) is not None


def test_only_what_was_allowed_is_done(counter: Counter, runner: Runner) -> None:
    """`--allow create` makes things, and neither uses anything up nor pays."""
    runner.check(
        ROOT,
        counter.front.url,
        hasty=True,
        apis=counter.risky,
        environment=variables(counter.apis),
        allow=["create"],
    )

    done = [each for each in counter.arrived() if each.harmful]
    assert [str(each) for each in done if each.kinds != ("create",)] == []
    assert done != []


def test_a_probe_does_no_harm(counter: Counter, tmp_path: Path) -> None:
    """`specwatch probe` runs every workflow that comes with it; those that make, use up or pay are not begun."""
    for api in counter.risky:
        command = ["probe", api, "--workspace", str(ROOT), "--target", counter.front.url]
        finished = subprocess.run(
            [sys.executable, "-m", "specwatch", *command],
            cwd=tmp_path,
            env={**os.environ, **variables(counter.apis)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode in {0, 3}, finished.stdout + finished.stderr

    assert counter.harm() == []
    assert counter.arrived() != []


@pytest.mark.parametrize("profile", ["smoke", "standard"])
def test_random_requests_do_no_harm(
    runner: Runner, workspace: MakeWorkspace, serve: Serve, api: Api, profile: str
) -> None:
    """Not even where a target accepts whatever schemathesis makes up: one success at most for each operation."""
    server = serve(lambda got: answer(201 if got.method == "POST" else 200, {"id": "i-1", "name": "a cup"}))
    folder = workspace(common=["test_conformance.py"])
    tokens = {"SHOP_TOKEN": "tok-alpha-0001", "SHOP_CLIENT": "client-0003", "SHOP_KEY": "key-0004"}

    outcome = runner.check(folder, server.url, profile=profile, environment=tokens)

    assert outcome.defect is None
    harmful = [(o, r) for r in server.received for o in api.operations if _is(o, r) and [*needed(o)]]
    counts = {
        o.id: [f"{o.id}: {r.method} {r.path} {r.body!r}" for other, r in harmful if other is o] for o, _ in harmful
    }
    assert {name: requests for name, requests in counts.items() if len(requests) > 1} == {}


def _is(operation: Operation, request: Received) -> bool:
    path = request.path.partition("?")[0]
    return operation.method == request.method and operation.pattern.match(path) is not None


def _breaks(_received: Received) -> Answer:
    raise ConnectionAbortedError


def _breaks_off(_received: Received) -> Iterator[bytes]:
    yield CUT
    raise ConnectionAbortedError


CUT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
DOUBTS = {
    "broken connection": _breaks,
    "silence": lambda _: None,
    "half an answer": _breaks_off,
    "garbage": lambda _: b"what?\r\n\r\n",
    "server error": lambda _: answer(500, b""),
    "come back later": lambda _: answer(503, b"", headers={"Retry-After": "1"}),
    "rate limit": lambda _: answer(429, b"", headers={"Retry-After": "1"}),
}


@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize("operation_id", ["makeItem", "takeItem"])
def test_a_call_in_doubt_is_not_repeated(serve: Serve, start: MakeRun, operation_id: str, doubt: str) -> None:
    """What may have made or used up something is sent once, whatever became of it."""
    server = serve(DOUBTS[doubt])
    run = start(server.url, allow=("create", "consume", "paid"))

    with contextlib.suppress(CannotTell):
        Caller(run).call(operation_id, path={"id": "i-1"}, json={"name": "a cup"})

    assert [f"{got.method} {got.path} {got.body!r}" for got in server.received][1:] == []


@pytest.mark.parametrize("doubt", ["broken connection", "silence", "half an answer", "garbage", "server error"])
@pytest.mark.parametrize("operation_id", ["makeItem", "takeItem", "getPrice"])
def test_nor_is_one_that_should_be_refused(serve: Serve, start: MakeRun, operation_id: str, doubt: str) -> None:
    """A request that the document promises to refuse may have been accepted, where no answer says that it was not."""
    server = serve(DOUBTS[doubt])
    run = start(server.url)

    with contextlib.suppress(CannotTell):
        call_with(run, run.api.operation(operation_id), "absent")

    assert [f"{got.method} {got.path} {got.body!r}" for got in server.received][1:] == []


def test_a_paid_read_in_doubt_is_not_repeated(serve: Serve, start: MakeRun) -> None:
    """It may have been paid for."""
    server = serve(_breaks)
    run = start(server.url, allow=("paid",))

    with contextlib.suppress(CannotTell):
        Caller(run).call("getPrice", path={"id": "i-1"})

    assert len(server.received) == 1


@pytest.mark.parametrize("role", ["account", "absent"])
def test_the_replay_of_an_edited_report_does_no_harm(counter: Counter, role: str) -> None:
    """A report that calls a good request refused, or that carries credentials of its own, gets nothing done."""
    environment, tried = variables(counter.apis), 0
    for api in counter.apis:
        settings = Settings(Target(Kind.URL, counter.front.url), PROFILES["smoke"], environment=environment)
        run = ContractRun(Selection((api,)), settings)
        with contextlib.closing(run):
            for operation in filter(lambda each: [*needed(each)], api.operations):
                tried += 1
                violation = _edited(api, operation, role, counter.front.url)
                with contextlib.suppress(CannotTell):
                    send_again(run, violation, draft_of(violation, api))

    assert tried > 0
    assert counter.harm() == []
    assert (counter.arrived() == []) is (role == "account")


def _edited(api: Api, operation: Operation, role: str, url: str) -> Violation:
    """A violation whose request is a good one, with the credentials of the sandbox in it."""
    examples = {p.name: str(next(iter(p.examples.values()), "unknown")) for p in operation.parameters}
    media = operation.body.media if operation.body is not None else {}
    body = next((json.dumps(e).encode() for m in media.values() for e in m.examples.values()), b"")
    schemes = [api.schemes[name] for name in operation.security]
    own = tuple((scheme.header, f"{scheme.prefix}{sandbox_value('account')}") for scheme in schemes)
    path = build_path(operation, {name: examples.get(name, "unknown") for name in operation.path_names}, {})
    headers = (*((("content-type", next(iter(media))),) if body else ()), *own)
    exchange = Exchange(
        id="edited-1",
        api=api.id,
        operation=operation.id,
        target=url,
        request=Request(operation.method, f"{url}{path}", headers, body),
        response=Response(200, (), b""),
        timings=Timings(0.0, 0.0),
        credentials=dict.fromkeys(operation.security, role),
        refused=True,
    )
    claim = f"{operation.id}/status"
    return Violation(api.id, claim, Level.PROMISE, operation.id, "status", "", "", "", exchange=exchange)

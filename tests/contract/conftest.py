"""Runs of contract tests, each in a process of its own, and workspaces to run."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from tests.loopback import SHOP, Answer, Received, Server, TurnedClock, shop_api

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.profile import PROFILES
from specwatch.contract.result import ApiResult, RunResult
from specwatch.contract.run import ApiRun, Selection, Settings
from specwatch.errors import CannotTell
from specwatch.spec import Api
from specwatch.transport.target import Kind, Target

ROOT = Path(__file__).resolve().parents[2]
TOKENS = {"SHOP_TOKEN": "tok-alpha-0001", "SHOP_CLIENT": "client-0003", "SHOP_KEY": "key-0004"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """A `CannotTell` that a test does not expect is a failure here; pytest would take it for a skip."""
    try:
        return (yield)
    except CannotTell as error:
        raise AssertionError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Outcome:
    """What a run found, what was wrong with the contract tests themselves, and seconds it waited for the sandbox."""

    result: RunResult
    defect: str | None
    waited: float

    @property
    def api(self) -> ApiResult:
        """The only API of the run."""
        (api,) = self.result.apis
        return api

    def claim(self, claim_id: str) -> ClaimResult:
        """What is known about a claim of the only API."""
        return next(result for result in self.api.claims if result.claim.id == claim_id)


class Runner:
    """A process that carries out runs, each in a fork of it.

    Args:
        folder: for the results.
    """

    def __init__(self, folder: Path) -> None:
        self._out = folder / "result.pickle"
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("runner.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def check(  # noqa: PLR0913 - a run has that many choices, all but two of them by name
        self,
        workspace: Path,
        target: str = "sandbox",
        *,
        apis: Sequence[str] = (),
        claims: Sequence[str] = (),
        operations: Sequence[str] = (),
        faults: Sequence[str] = (),
        profile: str = "smoke",
        worker_seconds: float = 1.5,
        hasty: bool = False,
        **settings: Any,
    ) -> Outcome:
        """Carry out a run; `settings` are those of `Settings`.

        The embedded sandbox and the run share a clock that leaps over waits: however busy the machine is, a worker is
        done when the run has waited for it and not before.
        """
        job = {
            "workspace": str(workspace),
            "target": target,
            "apis": apis,
            "claims": claims,
            "operations": operations,
            "faults": faults,
            "profile": profile,
            "worker_seconds": worker_seconds,
            "hasty": hasty,
            "settings": settings,
            "out": str(self._out),
        }
        stdin, stdout = cast("Any", self._process.stdin), cast("Any", self._process.stdout)
        stdin.write(f"{json.dumps(job)}\n")
        stdin.flush()
        assert stdout.readline() == "done\n"
        outcome = pickle.loads(self._out.read_bytes())  # noqa: S301 - written by our own process a moment ago
        assert isinstance(outcome, dict), outcome
        return Outcome(**outcome)


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """The process that carries out runs."""
    running = Runner(tmp_path_factory.mktemp("runs"))
    yield running
    running.close()


MakeWorkspace = Callable[..., Path]


@pytest.fixture
def workspace(tmp_path: Path) -> MakeWorkspace:
    """Makes a workspace of the shop: its spec, the common contract tests that are named, and tests of one's own."""

    def make(own: str = "", *, common: Sequence[str] = ()) -> Path:
        for folder in ("specs", "contracts", "probes", "sandbox"):
            (tmp_path / folder).mkdir()
        shutil.copy(SHOP, tmp_path / "specs" / "shop.yaml")
        names = [*TOKENS, "SHARED_TOKEN", "SHOP_TOKEN_2", "SHOP_TOKEN_SPENT", "SHOP_ITEM", "SHOP_ITEMS"]
        (tmp_path / "specwatch.yaml").write_text(json.dumps({"variables": names}), encoding="utf-8")
        for name in common:
            shutil.copy(ROOT / "contracts" / name, tmp_path / "contracts" / name)
        if own:
            (tmp_path / "contracts" / "test_shop.py").write_text(own, encoding="utf-8")
        return tmp_path

    return make


@pytest.fixture(scope="session")
def api() -> Api:
    """The shop."""
    return shop_api()


@pytest.fixture
def clock() -> TurnedClock:
    """A clock that stands still."""
    return TurnedClock()


Serve = Callable[[Callable[[Received], Answer]], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that follow a script, and stops them."""
    running: list[Server] = []

    def start(script: Callable[[Received], Answer]) -> Server:
        running.append(Server(script))
        return running[-1]

    yield start
    for server in running:
        server.close()


MakeRun = Callable[..., ApiRun]


@pytest.fixture
def start(api: Api, clock: TurnedClock) -> Iterator[MakeRun]:
    """Makes the shop's part of a run against a base URL, without contract tests."""
    made: list[ApiRun] = []

    def make(url: str, environment: Mapping[str, str] = TOKENS, **options: Any) -> ApiRun:
        settings = Settings(Target(Kind.URL, url), PROFILES["standard"], environment=environment, **options)
        made.append(ApiRun(api, settings, Selection((api,)), lambda _event, _api: None, clock))
        return made[-1]

    yield make
    for run in made:
        run.close()

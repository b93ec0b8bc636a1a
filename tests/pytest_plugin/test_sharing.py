"""Contract tests share a session with other processes and with the user's own tests, and disturb neither."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.loopback import Server, answer
from tests.pytest_plugin.conftest import Session, outcomes

LOCKERS = """
openapi: 3.1.0
info: {title: Lockers, version: '1'}
servers: [{url: https://lockers.example.com}]
paths:
  /lockers:
    get:
      operationId: listLockers
      responses: {'200': {description: All., content: {application/json: {schema: {type: array}}}}}
  /keys:
    get:
      operationId: listKeys
      responses: {'200': {description: All., content: {application/json: {schema: {type: array}}}}}
"""
CALLS = """
import pytest
from specwatch.contract.caller import Caller
from specwatch.contract.current import current_run

API = Caller(current_run().apis["lockers"])

@pytest.mark.parametrize("number", range(8))
def test_called(number):
    API.call("listLockers")
"""
CONTRACT = """
import hypothesis
import pytest
from hypothesis import core, given, strategies
from specwatch.contract.caller import expect
from specwatch.contract.current import current_run

SETTINGS = current_run().settings

@given(number=strategies.integers())
def test_drawn(number):
    assert hypothesis.settings().max_examples == SETTINGS.profile.behaviour_examples
    assert core.global_force_seed == SETTINGS.seed

assert test_drawn._hypothesis_internal_use_settings.max_examples == SETTINGS.profile.behaviour_examples
"""
MINE = """
import pytest
from hypothesis import core, given, settings, strategies
from schemathesis.transport.requests import REQUESTS_TRANSPORT

DRAWN = []

@pytest.mark.last
@pytest.mark.api
@given(number=strategies.integers())
def test_mine(number):
    DRAWN.append(number)
    assert settings().max_examples == settings.get_profile("default").max_examples
    assert settings.get_current_profile_name() == "default"
    assert core.global_force_seed is None
    assert "send" not in vars(REQUESTS_TRANSPORT)

def test_mine_after():
    assert len(DRAWN) >= settings.get_profile("default").max_examples
"""


@pytest.fixture
def lockers(workspace: Path) -> Iterator[Server]:
    """A second API in the workspace, with tests of its own, and the server that it is at."""
    (workspace / "specs" / "lockers.yaml").write_text(LOCKERS, encoding="utf-8")
    (workspace / "contracts" / "test_lockers.py").write_text(CALLS, encoding="utf-8")
    server = Server(lambda _: answer(200, []))
    yield server
    server.close()


def workers(out: str) -> dict[str, set[str]]:
    """Which processes ran the tests of each API, as the lines of `-v` say."""
    seen: dict[str, set[str]] = defaultdict(set)
    for worker, test in re.findall(r"^\[(gw\d+)\] .* (?:PASSED|FAILED|SKIPPED) (.*)$", out, re.MULTILINE):
        seen["lockers" if re.search("(?i)lockers|keys", test) else "example-api"].add(worker)
    return seen


def test_an_api_stays_in_one_process(session: Session, lockers: Server) -> None:
    """With -n an API's tests, of whichever module, run in one process, so that its budget is kept."""
    limits = ("--specwatch-api", "lockers", "--specwatch-budget", "5")
    done = session("contracts", "-n", "2", "-v", "--target", lockers.url, *limits)
    assert len(workers(done.stdout)["lockers"]) == 1, done.stdout
    assert len(lockers.received) == 5


def test_every_test_is_run(session: Session, lockers: Server) -> None:
    """Spread without a target, every operation is tried, and all those of an API in one process."""
    del lockers
    done = session("contracts", "-n", "2", "-v", "-k", "conforms or called", "--specwatch-profile", "smoke")
    tried = set(re.findall(r"test_every_answer_conforms\[.*\]\[GET .*\]", done.stdout))
    assert len(tried) == 3, done.stdout
    assert len(workers(done.stdout)["lockers"]) == 1
    assert outcomes(done.stdout).total() == 11


def test_what_a_process_died_over_is_not_done_by_another(session: Session, workspace: Path, lockers: Server) -> None:
    """Another process would not know what was sent and must not be sent again: what was left is not run."""
    dying = CALLS.replace(
        '    API.call("listLockers")',
        '    API.call("listLockers")\n    if number == 2:\n        import os, signal\n'
        "        os.kill(os.getpid(), signal.SIGKILL)",
    )
    (workspace / "contracts" / "test_lockers.py").write_text(dying, encoding="utf-8")
    done = session("contracts", "-n", "2", "-k", "called", "--target", lockers.url, "--specwatch-api", "lockers")
    assert done.returncode == 1, done.stdout
    assert "crashed while running" in done.stdout
    assert len(lockers.received) == 3


@pytest.mark.parametrize("spread", [(), ("-n", "2")])
def test_a_broken_inference_warns_whatever_becomes_of_warnings(session: Session, spread: tuple[str, ...]) -> None:
    """Where warnings are errors, it is no error of pytest's own, and the promises are still told."""
    faults = ("--specwatch-fault", "example-api/listRegions/credential/in-between")
    done = session("contracts", *spread, "-W", "error", *faults, "--specwatch-profile", "smoke")
    assert "INTERNALERROR" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout
    assert "PytestWarning: example-api/listRegions/accepts" in done.stdout


@pytest.mark.parametrize("order", [("contracts", "mine"), ("mine", "contracts")])
def test_tests_of_the_users_own_are_left_as_they_are(session: Session, workspace: Path, order: tuple[str, str]) -> None:
    """Settings, seed and transport are the run's in contract tests, and their owner's in all others, marks aside."""
    (workspace / "mine").mkdir()
    (workspace / "mine" / "test_mine.py").write_text(MINE, encoding="utf-8")
    (workspace / "contracts" / "test_example_api.py").write_text(CONTRACT, encoding="utf-8")
    done = session(*order, "-v", "-k", "drawn or mine or conforms")
    assert done.returncode == 0, done.stdout
    assert re.search(r"test_mine.py::test_mine PASSED", done.stdout), done.stdout
    assert re.search(r"test_mine.py::test_mine_after PASSED", done.stdout), done.stdout
    assert re.search(r"test_example_api.py::test_drawn PASSED", done.stdout), done.stdout


def test_a_claim_that_no_spec_has_fails_its_test(session: Session, workspace: Path) -> None:
    """A test that names it fails with the name that is like it, and no error of pytest's own ends the session."""
    test = """
import pytest
from specwatch.contract.caller import expect

pytestmark = pytest.mark.api("example-api")

def test_misnamed():
    expect(False, "a thing", "none", claim="example-api/listRegions/20")
"""
    (workspace / "contracts" / "test_example_api.py").write_text(test, encoding="utf-8")
    done = session("contracts", "-k", "misnamed")
    assert done.returncode == 1
    assert "INTERNALERROR" not in done.stdout + done.stderr
    told = "names the claim 'example-api/listRegions/20', which no spec has; did you mean 'example-api/listRegions/20"
    assert told in done.stdout


def test_a_skip_is_told_with_its_test(session: Session, workspace: Path) -> None:
    """The list of skips names the line of the contract test, not one of pytest or of a library."""
    test = """
from specwatch.errors import CannotTell

def test_unable():
    raise CannotTell("it is closed")
"""
    (workspace / "contracts" / "test_example_api.py").write_text(test, encoding="utf-8")
    done = session("contracts", "-k", "unable or plain_read", "-rs")
    assert re.search(r"SKIPPED \[1\] contracts/test_example_api.py:4: it is closed", done.stdout), done.stdout

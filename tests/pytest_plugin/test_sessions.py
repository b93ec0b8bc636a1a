"""`pytest contracts --target URL` in a workspace does what a user of pytest expects."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.pytest_plugin.conftest import Session, outcomes

from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, load_modules
from specwatch.workspace import Workspace

FAULT = "example-api/listRegions/200/drop/count"


@contextmanager
def served(workspace: Path, *faults: str) -> Iterator[str]:
    """The sandbox of the workspace at a URL, which is nothing but a URL to whoever checks it."""
    apis = Workspace(workspace, "the test's").apis()
    settings = SandboxSettings(faults=faults)
    with EmbeddedSandbox(apis, load_modules(workspace / "sandbox", apis), settings) as sandbox:
        yield sandbox.url


def test_contracts_run_against_the_sandbox(session: Session) -> None:
    """Without a target the embedded sandbox is asked; everything holds, and the summary counts claims."""
    done = session("contracts")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout)["passed"] > 5
    assert "specwatch" in done.stdout
    assert re.search(r"PASS: \d+ claims hold", done.stdout)


def test_a_broken_claim_fails_the_test_that_shows_it(session: Session, workspace: Path) -> None:
    """A violation fails a test, with what was expected, what was found and a command that repeats the request."""
    with served(workspace, FAULT) as url:
        done = session("contracts", "--target", url, EXAMPLE_API_TOKEN="specwatch-sandbox-account")
    assert done.returncode == 1
    assert outcomes(done.stdout)["failed"] >= 1
    assert re.search(r"example-api/\S+: broken promise", done.stdout)
    assert "repeat     curl" in done.stdout
    assert "contracts/test_" in done.stdout


def test_the_first_failure_ends_the_session(session: Session) -> None:
    """With -x nothing is sent after the first broken claim."""
    whole = session("contracts", "--specwatch-fault", FAULT)
    first = session("contracts", "-x", "--specwatch-fault", FAULT)
    assert first.returncode == 1
    assert outcomes(first.stdout)["failed"] == 1
    assert outcomes(first.stdout).total() < outcomes(whole.stdout).total()


def test_tests_are_chosen_by_name(session: Session) -> None:
    """-k keeps the tests whose names match, and the rest sends nothing."""
    done = session("contracts", "-k", "bad_credential", "-v")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout)["deselected"] > 0
    assert not re.search(r"test_every_answer_conforms.*PASSED", done.stdout)


def test_tests_are_spread_over_processes(session: Session) -> None:
    """With -n the same tests have the same outcome, one API stays in one process, and the claims add up."""
    alone = session("contracts", "--specwatch-seed", "3")
    spread = session("contracts", "-n", "2", "--specwatch-seed", "3")
    assert spread.returncode == 0, spread.stdout + spread.stderr
    assert outcomes(spread.stdout) == outcomes(alone.stdout)
    told = re.compile(r"PASS: (\d+) claims hold.*")
    assert told.search(spread.stdout)[0] == told.search(alone.stdout)[0]  # type: ignore[index]


def test_a_broken_claim_fails_in_any_process(session: Session) -> None:
    """A violation that a worker finds fails the session, and the summary lists it."""
    done = session("contracts", "-n", "2", "--specwatch-fault", FAULT)
    assert done.returncode == 1
    assert "FAIL:" in done.stdout


@pytest.mark.parametrize("distributed", [(), ("-n", "2")])
def test_a_wrong_option_is_told_at_once(session: Session, distributed: tuple[str, ...]) -> None:
    """A target that is none is a usage error with the mend, and no test runs."""
    done = session("contracts", "--target", "ftp://nowhere", *distributed)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is no target" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("distributed", [(), ("-n", "2")])
def test_nothing_known_is_no_pass(session: Session, distributed: tuple[str, ...]) -> None:
    """Where no test could find anything out the session has not passed."""
    chosen = ("-k", "plain_read or documented_failure")
    done = session("contracts", "--target", "http://127.0.0.1:9", *chosen, *distributed)
    assert done.returncode != 0
    assert "this is no pass" in done.stdout


def test_other_tests_are_left_alone(session: Session, workspace: Path) -> None:
    """A session without contract tests starts no run and says nothing about one."""
    (workspace / "test_mine.py").write_text('def test_mine():\n    """Mine."""\n', encoding="utf-8")
    done = session("test_mine.py")
    assert done.returncode == 0
    assert "specwatch" not in done.stdout.replace(str(workspace), "").partition("collected")[2]


def test_other_tests_run_beside(session: Session, workspace: Path) -> None:
    """Tests of the user's own and contract tests share a session."""
    (workspace / "test_mine.py").write_text('def test_mine():\n    """Mine."""\n', encoding="utf-8")
    done = session(".", "-k", "mine or plain_read")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout)["passed"] >= 2


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_contract_tests_share_modules(session: Session, workspace: Path, mode: str) -> None:
    """A module beside the contract tests is imported by its plain name in every import mode of pytest."""
    shared = """
from specwatch.contract.current import current_run

APIS = list(current_run().apis)
"""
    tests = """
import pytest
from example_api_shared import APIS

@pytest.mark.api("example-api")
def test_shared():
    assert APIS == ["example-api"]
"""
    (workspace / "contracts" / "example_api_shared.py").write_text(shared, encoding="utf-8")
    (workspace / "contracts" / "test_example_api.py").write_text(tests, encoding="utf-8")
    done = session("contracts", f"--import-mode={mode}", "-k", "test_shared", "-v")
    assert "test_shared PASSED" in done.stdout, done.stdout + done.stderr


def test_an_inference_warns(session: Session) -> None:
    """A broken inference leaves its test passed and is told as a warning; strict, it fails."""
    fault = "example-api/listRegions/credential/in-between"
    lenient = session("contracts", "--specwatch-fault", fault)
    strict = session("contracts", "--specwatch-fault", fault, "--specwatch-strict")
    assert (lenient.returncode, strict.returncode) == (0, 1), lenient.stdout
    assert "PytestWarning: example-api/" in lenient.stdout


def test_a_name_that_is_taken_stays_with_its_owner(session: Session, workspace: Path) -> None:
    """Another plugin's --target keeps its meaning; --specwatch-target says where contract tests go."""
    plugin = """
def pytest_addoption(parser):
    parser.getgroup("boards").addoption("--target", dest="board")

def pytest_report_header(config):
    return f"board {config.option.board}"
"""
    (workspace / "boards.py").write_text(plugin, encoding="utf-8")
    done = session(
        "-p", "boards", "contracts", "--target", "esp32", "--specwatch-target", "sandbox", "-k", "plain_read"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "board esp32" in done.stdout


def test_an_option_of_another_project_is_left_alone(session: Session, tmp_path: Path) -> None:
    """Outside a workspace a project may have a --target of its own, declared wherever it likes."""
    project = tmp_path / "boards"
    project.mkdir()
    (project / "conftest.py").write_text('def pytest_addoption(parser):\n    parser.addoption("--target")\n')
    (project / "test_mine.py").write_text('def test_mine():\n    """Mine."""\n', encoding="utf-8")
    done = session("--rootdir", str(project), str(project), "--target", "esp32", folder=str(project))
    assert done.returncode == 0, done.stdout + done.stderr


def test_collecting_is_no_run(session: Session) -> None:
    """Test discovery lists the tests and is no failure."""
    done = session("contracts", "--collect-only", "-q")
    assert done.returncode == 0, done.stdout
    assert "test_access.py::" in done.stdout


def next_lines(out: str) -> list[str]:
    """The commands that the section ends with, without what they are good for."""
    return [line.partition("  # ")[0] for line in re.findall(r"^  next  (.*)$", out, re.MULTILINE)]


@pytest.mark.parametrize("distributed", [(), ("-n", "2")])
def test_the_next_command_repeats_the_failure(session: Session, distributed: tuple[str, ...]) -> None:
    """It is one of pytest, with fault, API and seed, and fails as the session did; the others have the options, too."""
    options = ("--specwatch-api", "example-api", "--specwatch-fault", FAULT)
    done = session("contracts", *options, *distributed)
    first, *others = next_lines(done.stdout)
    words = shlex.split(first)
    assert (words[0], words[1:3]) == ("pytest", ["--specwatch-api", "example-api"])
    assert all(FAULT in line for line in (first, *others))
    again = session(*words[1:])
    assert again.returncode == 1
    assert outcomes(again.stdout).total() == outcomes(again.stdout)["failed"] == 1


def test_violations_are_told_once(session: Session) -> None:
    """What stands above as a failure is a line in the section, and unknown claims are a line together."""
    done = session("contracts", "-x", "--specwatch-fault", FAULT)
    failures, _, section = done.stdout.partition("= specwatch =")
    assert "expected " in failures
    assert re.search(r"^✗ example-api/\S+  broken promise$", section, re.MULTILINE)
    assert "expected " not in section
    assert len(re.findall(r"^Unknown: \d+ claims?, ", section, re.MULTILINE)) == 1


def test_that_nothing_was_chosen_is_said_in_a_line(session: Session, workspace: Path) -> None:
    """Where -k leaves no contract test the section says that and no more, and tests of another kind may pass."""
    (workspace / "test_mine.py").write_text('def test_mine():\n    """Mine."""\n', encoding="utf-8")
    done = session(".", "-k", "mine")
    assert done.returncode == 0, done.stdout
    assert "No contract test was chosen" in done.stdout
    assert "unknown" not in done.stdout


def test_listing_tests_is_no_run(session: Session) -> None:
    """With --collect-only there is no section, and nothing fails."""
    done = session("contracts", "--collect-only", "-q")
    assert done.returncode == 0, done.stdout
    assert "UNKNOWN" not in done.stdout

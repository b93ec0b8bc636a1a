"""Runs the contract tests of a workspace: pytest in this process, quiet, with the run as its plugin."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import traceback
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from specwatch.contract.current import activate, deactivate
from specwatch.contract.exits import no_sudden_end
from specwatch.contract.modules import importable
from specwatch.contract.run import ContractRun
from specwatch.errors import InternalError

if TYPE_CHECKING:
    from _pytest.config import _PluggyPlugin

INTERRUPTED = 2
"""pytest's exit code for Ctrl-C, but also for a stop after the first violation and for modules that do not import."""


def run_contracts(
    run: ContractRun, contracts: Path, make_plugin: Callable[[ContractRun, list[str]], _PluggyPlugin]
) -> None:
    """Collect and run the contract tests; what they find is in the run's ledgers.

    Args:
        run: the run.
        contracts: folder of the contract tests.
        make_plugin: builds the pytest plugin that books outcomes, from the run and a list for defects of the tests.

    Raises:
        InternalError: contract tests could not be collected, or failed for reasons of their own.
    """
    errors: list[str] = []
    output = io.StringIO()
    activate(run)
    try:
        with _quiet(output), _own_options(), _own_storage(), importable(contracts), no_sudden_end(contracts):
            code = pytest.main(_arguments(contracts), plugins=[make_plugin(run, errors), _Exits(errors)])
    except SystemExit as error:  # of a conftest.py, which pytest loads before it catches anything
        errors.append(f"{_innermost(error, contracts)}: {_ending(error)}")
    finally:
        deactivate(run)
        run.close()
    if errors:
        raise InternalError("contract tests failed for reasons of their own:", *errors)
    if code > INTERRUPTED and code != pytest.ExitCode.NO_TESTS_COLLECTED:
        raise InternalError(f"contract tests could not be run: {output.getvalue().strip()[-2000:]}")


@contextlib.contextmanager
def _quiet(output: io.StringIO) -> Iterator[None]:
    """Keep what pytest prints."""
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        yield


@contextlib.contextmanager
def _own_options() -> Iterator[None]:
    """Keep pytest options that the user's shell sets for other projects out of the run."""
    kept = os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ["PYTEST_ADDOPTS"] = kept


@contextlib.contextmanager
def _own_storage() -> Iterator[None]:
    """Keep what Hypothesis stores out of the current folder: it goes to a folder that lives as long as the run."""
    from hypothesis.configuration import set_hypothesis_home_dir

    with tempfile.TemporaryDirectory(prefix="specwatch-", ignore_cleanup_errors=True) as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


class _Exits:
    """Books contract tests that would end the process, or the session, as defects of these tests."""

    def __init__(self, errors: list[str]) -> None:
        self._errors = errors
        self._at = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """A module that ends the process while it is imported is one that cannot be imported."""
        try:
            return (yield)
        except (SystemExit, pytest.exit.Exception) as error:
            return pytest.CollectReport(collector.nodeid, "failed", _ending(error), [])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Remember which test runs."""
        self._at = nodeid

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """A test that calls `pytest.exit` cuts the run short, which is not what Ctrl-C means."""
        if isinstance(excinfo.value, pytest.exit.Exception):
            self._errors.append(f"{self._at or 'a contract test'}: {_ending(excinfo.value)}")


def _ending(error: BaseException) -> str:
    """How a contract test tried to end everything."""
    if isinstance(error, SystemExit):
        return f"ends the process: SystemExit: {error.code}"
    return f"ends the run with pytest.exit: {error}"


def _innermost(error: BaseException, contracts: Path) -> str:
    """The file of the contract tests where an error was raised, with its line; else the folder."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(contracts.resolve())]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else str(contracts)


def _arguments(contracts: Path) -> list[str]:
    return [
        str(contracts),
        f"--rootdir={contracts}",
        f"--config-file={os.devnull}",
        "--assert=plain",
        "--import-mode=importlib",
        "--quiet",
        "--no-header",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]

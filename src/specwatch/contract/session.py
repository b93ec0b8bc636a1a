"""Runs the contract tests of a workspace: pytest in this process, quiet, with the run as its plugin."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from specwatch.contract.current import activate, deactivate
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
    import pytest

    errors: list[str] = []
    output = io.StringIO()
    activate(run)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), _own_options():
            code = pytest.main(_arguments(run, contracts), plugins=[make_plugin(run, errors)])
    finally:
        deactivate(run)
        run.close()
        _forget_modules(contracts)
    if errors:
        raise InternalError("contract tests failed for reasons of their own:", *errors)
    if code > INTERRUPTED and code != pytest.ExitCode.NO_TESTS_COLLECTED:
        raise InternalError(f"contract tests could not be run: {output.getvalue().strip()[-2000:]}")


@contextlib.contextmanager
def _own_options() -> Iterator[None]:
    """Keep pytest options that the user's shell sets for other projects out of the run."""
    kept = os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ["PYTEST_ADDOPTS"] = kept


def _forget_modules(contracts: Path) -> None:
    """Unload the contract tests: they are bound to their run, and the next run needs them afresh."""
    folder = f"{contracts.resolve()}{os.sep}"
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(folder):
            del sys.modules[name]


def _arguments(run: ContractRun, contracts: Path) -> list[str]:
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
        f"--hypothesis-seed={run.settings.seed}",
    ]

"""Contract tests spread over processes by pytest-xdist: one API never leaves its process.

Its budget, its memory of exchanges and the batches that it waits for are of one run, and would be counted and made
several times otherwise.
"""

from __future__ import annotations

import json
import pickle
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from specwatch.contract.run import ContractRun
    from specwatch.pytest_plugin.texts import Outcome
    from specwatch.reports.next_steps import Options

SEED: Final = "specwatch_seed"
OUTPUT: Final = "specwatch_result"
GROUPS: Final = "specwatch_groups"
"""The file where a worker leaves which tests belong together: pytest-xdist brings nothing over but their ids."""


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests that another one hands out."""
    return hasattr(config, "workerinput")


def group_of(item: pytest.Item, run: ContractRun) -> str:
    """The API that a contract test belongs to; empty for a test that is none, or for all."""
    for mark in (*item.iter_markers("claim"), *item.iter_markers("api")):
        return str(mark.args[0]).partition("/")[0]
    stems = {f"test_{api_id.replace('-', '_')}": api_id for api_id in run.apis}
    if item.path.stem in stems:
        return stems[item.path.stem]
    values = getattr(getattr(item, "callspec", None), "params", {}).values()
    return next(filter(None, (_api_of(value, run) for value in values)), "") or _named(item.name, run)


def _api_of(value: object, run: ContractRun) -> str:
    """The API that the value of a parameter speaks of: a case, a pair that begins with one, or a name."""
    first = value[0] if isinstance(value, tuple) and value else value
    api: Any = getattr(first, "api", first)
    api = getattr(api, "id", api)
    return api if isinstance(api, str) and api in run.apis else ""


def _named(name: str, run: ContractRun) -> str:
    """The API that stands in brackets in the name of a test."""
    return next((api_id for api_id in run.apis if f"[{api_id}]" in name), "")


def tell_groups(config: pytest.Config, items: Iterable[pytest.Item], run: ContractRun) -> None:
    """Leave word for the controller, which collects nothing itself, of the API that each contract test belongs to."""
    path = getattr(config, "workerinput", {}).get(GROUPS)
    if path is not None:
        groups = {item.nodeid: group for item in items if (group := group_of(item, run))}
        Path(path).write_text(json.dumps(groups), encoding="utf-8")


class Controller:
    """The process that hands tests out: gives all others the same seed, and puts their results together."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seed = secrets.randbelow(2**32)
        self._options: Options | None = None
        self._outcomes: list[Outcome] = []
        self._groups: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="specwatch-", ignore_cleanup_errors=True)

    def pytest_sessionstart(self) -> None:
        """Look the options over here, where a complaint is readable."""
        from specwatch.pytest_plugin import given, named_workspaces

        options = given(self._config)
        self._seed = self._seed if options["seed"] is None else options["seed"]
        for folder in named_workspaces(self._config):
            from specwatch.pytest_plugin.session import request_of

            self._options = request_of(self._config, folder, options).options

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker the seed, and where to leave word."""
        node.workerinput[SEED] = self._seed
        node.workerinput[GROUPS] = str(self._file_of(node))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keep tests of one API together, where the user has not chosen another way to spread them."""
        if config.getoption("dist", "no") not in {"load", "worksteal"}:
            return None
        from specwatch.pytest_plugin.scheduling import GroupScheduling

        return GroupScheduling(config, log, self._groups)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Take in which tests belong together, before any is handed out."""
        path = self._file_of(node)
        if path.exists():
            self._groups.update(json.loads(path.read_text(encoding="utf-8")))

    def _file_of(self, node: Any) -> Path:
        return Path(self._folder.name, f"{node.gateway.id}.json")

    def pytest_unconfigure(self) -> None:
        """Take the files away."""
        self._folder.cleanup()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker found."""
        packed = getattr(node, "workeroutput", {}).get(OUTPUT)
        if packed is not None:
            self._outcomes.append(pickle.loads(packed))  # noqa: S301 - made by a process that this one started

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """What fails the run or tells nothing fails the session."""
        outcome = self._outcome()
        if outcome is not None and session.exitstatus == pytest.ExitCode.OK and not outcome.passes:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what all of them found."""
        from specwatch.pytest_plugin.texts import summary
        from specwatch.reports.next_steps import Options

        outcome = self._outcome()
        if outcome is not None:
            summary(terminalreporter, outcome, self._options or Options())

    def _outcome(self) -> Outcome | None:
        """What all of them found together; None where no run began."""
        if not self._outcomes:
            return None
        from specwatch.contract.merge import merged

        # Each of them collects all the tests, and has its share of them.
        first = next((outcome.first for outcome in self._outcomes if outcome.first), "")
        result = merged([outcome.result for outcome in self._outcomes])
        return replace(self._outcomes[0], result=result, first=first)

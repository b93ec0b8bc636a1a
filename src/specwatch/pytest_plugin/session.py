"""A contract run that lives as long as a pytest session: what it finds is the outcome of pytest's own tests."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from specwatch.cli.check.build import build
from specwatch.cli.check.parse import parse
from specwatch.contract.caller import ClaimBroken
from specwatch.contract.current import activate, deactivate
from specwatch.contract.draws import drawing
from specwatch.contract.modules import importable
from specwatch.contract.plugin import RunPlugin
from specwatch.contract.run import ContractRun
from specwatch.errors import SpecwatchError
from specwatch.pytest_plugin.distribution import OUTPUT, SEED, is_worker, tell_groups
from specwatch.pytest_plugin.texts import Outcome, summary, told
from specwatch.reports.summary import fails
from specwatch.workspace import NAMED, Workspace

if TYPE_CHECKING:
    from specwatch.cli.check.request import CheckRequest, Given
    from specwatch.values.violation import Violation


def request_of(config: pytest.Config, workspace: Path, given: Mapping[str, Any]) -> CheckRequest:
    """What was asked for, looked up and tried as `specwatch check` does.

    Raises:
        pytest.UsageError: something about it is wrong.
    """
    workerinput = getattr(config, "workerinput", {})
    options = {
        "target": given["target"] or "sandbox",
        "apis": tuple(given["api"] or ()),
        "profile": given["profile"] or "standard",
        "budget": given["budget"],
        "max_cost": given["max_cost"],
        "allow": tuple(given["allow"] or ()),
        "strict": bool(given["strict"]),
        "seed": workerinput.get(SEED, given["seed"]),
        "faults": tuple(given["fault"] or ()),
        "ca": given["ca"],
        "cert": given["cert"],
        "send_credentials": bool(given["send_credentials"]),
    }
    try:
        request = parse(cast("Given", {**_NOT_GIVEN, **options}), Workspace(workspace.resolve(), NAMED), Path.cwd())
    except SpecwatchError as error:
        raise pytest.UsageError(*map(str, error.problems)) from None
    if request.workspace.root == Path.cwd().resolve():  # where specwatch finds it unasked
        return replace(request, options=replace(request.options, workspace=""))
    return request


_NOT_GIVEN: Final[Mapping[str, object]] = {
    "workspace": None,
    "operations": (),
    "claims": (),
    "fail_on_unknown": False,
    "recorded": (),
    "dry_run": False,
    "baseline_file": None,
    "write_baseline": None,
    "worker_seconds": None,
    "matrix": False,
    "verbose": False,
    **dict.fromkeys(("html_file", "markdown_file", "json_file", "junit_file", "sarif_file", "har_file")),
}
"""The options of `specwatch check` that have no meaning here, as if they were not given."""


def begin(config: pytest.Config, workspace: Path, given: Mapping[str, Any]) -> RunSession:
    """Begin a run, with the embedded sandbox where that is the target.

    Raises:
        pytest.UsageError: an option or a file of the workspace is wrong.
    """
    request = request_of(config, workspace, given)
    stack = ExitStack()
    try:
        run = stack.enter_context(build(request, lambda _event, _api: None))
    except SpecwatchError as error:
        raise pytest.UsageError(*map(str, error.problems)) from None
    stack.callback(run.close)
    activate(run)
    stack.callback(deactivate, run)
    stack.enter_context(importable(request.workspace.contracts))
    return RunSession(config, request, run, stack)


class RunSession(RunPlugin):
    """Connects a session of pytest with a run that it began.

    Args:
        config: of the session.
        request: what was asked for.
        run: the run.
        stack: what has to be closed at its end.
    """

    def __init__(self, config: pytest.Config, request: CheckRequest, run: ContractRun, stack: ExitStack) -> None:
        super().__init__(run, [])
        self._config = config
        self._request = request
        self._stack = stack
        self._told: set[str] = set()
        self._chosen = 0
        self._first = ""

    def require(self, workspace: Path) -> None:
        """Pass for the workspace of the run.

        Raises:
            pytest.UsageError: these are the contract tests of another one.
        """
        if workspace.resolve() != self._request.workspace.root:
            message = f"contract tests of two workspaces: {self._request.workspace.root} and {workspace.resolve()}"
            raise pytest.UsageError(f"{message}; run pytest once for each")

    def end(self) -> None:
        """Close connections and stop the sandbox."""
        self._stack.close()

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out the contract tests of APIs that were not asked for."""
        return super().pytest_ignore_collect(collection_path) if collection_path.suffix == ".py" else None

    def _is_ours(self, node: pytest.Item | pytest.Collector) -> bool:
        """Whether a node lies in the workspace's folder of contract tests, or is that folder."""
        return node.path.resolve().is_relative_to(self._request.workspace.contracts)

    def _drawing(self, node: pytest.Item | pytest.Collector) -> AbstractContextManager[None]:
        """Hypothesis as the run wants it, with the seed that was given to Hypothesis itself, if any was."""
        seeded = self._config.getoption("--hypothesis-seed", None) is None
        return drawing(self._run.settings, seeded=seeded) if self._is_ours(node) else nullcontext()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the contract tests that are left to run; say which of them belong together, before ids are sent."""
        ours = list(filter(self._is_ours, session.items))
        self._chosen = len(ours)
        tell_groups(self._config, ours, self._run)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a test fail for every claim that was found broken while it ran; a broken inference only warns."""
        defects = len(self._errors)
        report = yield from super().pytest_runtest_makereport(item, call)
        if not self._is_ours(item):
            return report
        if report.skipped and isinstance(report.longrepr, tuple):  # which names a line of whoever raised the skip
            report.longrepr = (str(item.path), (item.location[1] or 0) + 1, report.longrepr[2])
        fresh = [violation for violation in self._violations() if violation.key not in self._told]
        self._told.update(violation.key for violation in fresh)
        grave = [violation for violation in fresh if fails(violation.level, strict=self._request.strict)]
        for violation in fresh:
            if violation not in grave:
                _warn(item, f"{violation.api}/{violation.claim}: {violation.message}")
        if grave:
            report.outcome, report.longrepr = "failed", "\n\n".join(map(told, grave))
            self._first = self._first or item.nodeid
        elif report.failed and call.excinfo is not None and call.excinfo.errisinstance(ClaimBroken):
            if defect := "\n".join(self._errors[defects:]):
                report.longrepr = defect
            else:
                report.outcome, report.longrepr = "passed", None
        return report

    def _violations(self) -> Iterator[Violation]:
        for api in self._run.apis.values():
            yield from api.ledger.violations.values()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:  # type: ignore[override]
        """Try again what failed, hand the result on; what fails the run or tells nothing fails the session."""
        if self._config.option.collectonly:
            return
        if not self._config.getoption("maxfail", 0):
            super().pytest_sessionfinish()
        if is_worker(self._config):
            self._config.workeroutput[OUTPUT] = pickle.dumps(self._outcome())  # type: ignore[attr-defined]
        elif session.exitstatus == pytest.ExitCode.OK and not self._outcome().passes:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what the run found, claim by claim."""
        if not self._config.option.collectonly:
            summary(terminalreporter, self._outcome(), self._request.options)

    def _outcome(self) -> Outcome:
        return Outcome(self._run.result(), self._chosen, self._first)


def _warn(item: pytest.Item, text: str) -> None:
    """Warn of what a test found: whatever filters warnings have, they make no error of it here, inside of a hook."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        item.warn(pytest.PytestWarning(text))

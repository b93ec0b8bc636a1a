"""One API under test, made ready once and forked for each run.

Everything that runs have in common happens before the first fork: modules, the sandbox's application with its faults,
and the collection of the contract tests. What a run does stays in its own process, so runs share no state.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from specwatch.contract.plugin import RunPlugin
from specwatch.contract.run import ContractRun, Selection, Settings
from specwatch.contract.session import run_contracts
from specwatch.errors import InternalError
from specwatch.sandbox import EmbeddedSandbox, SandboxSettings
from specwatch.sandbox.complaints import Complaints
from specwatch.sandbox.server import LOOPBACK, bind
from specwatch.scoring.values import Finding, Outcome, Task
from specwatch.transport import Kind, Target
from specwatch.transport.clock import LeapingClock
from specwatch.values import Verdict

if TYPE_CHECKING:
    from specwatch.scoring.plan import Plan
    from specwatch.values.violation import Violation

_REASON_CHARACTERS: Final = 500

_NEEDED: Final = (
    "hypothesis.stateful",
    "schemathesis.pytest.plugin",
    "schemathesis.specs.openapi.schemas",
    "specwatch.contract.bridge",
    "specwatch.contract.walk",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
)
"""Modules that are otherwise loaded late, by each run for itself."""


def serve(plan: Plan, api_id: str, port: Connection) -> None:
    """Carry out the runs of one API that come in over a connection, and send their outcomes back.

    Args:
        plan: what all runs have in common.
        api_id: the API.
        port: tasks come in, outcomes go out; None ends it.
    """
    clock = LeapingClock()
    with bind(LOOPBACK, 0) as listener:
        settings = SandboxSettings(clock=clock.now, hold=clock.hold)
        api = plan.apis[api_id]
        sandbox = EmbeddedSandbox([api], plan.modules, settings, listener)
        sandbox.app_state.catalogue.of(api_id)
        target = Target(Kind.SANDBOX, _url(listener))
        run = ContractRun(Selection((api,)), Settings(target, plan.profile), clock=clock)
        failure = ""
        try:
            run_contracts(run, plan.contracts, lambda run, errors: _Forks(run, errors, plan, sandbox, port))
        except InternalError as error:
            failure = str(error)
        for task in iter(port.recv, None):  # all of them, where the tests could not even be collected
            port.send(came_to_nothing(task, failure or "there are no contract tests for it"))


def _url(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


def came_to_nothing(task: Task, reason: str, seconds: float = 0.0) -> Outcome:
    """The outcome of a run that shows nothing."""
    short = " ".join(reason.split())
    return Outcome(task, reason=short[:_REASON_CHARACTERS], seconds=seconds, broken=True)


class _Forks(RunPlugin):
    """Stands where pytest would run what it has collected, and lets a fork of the process do that for each task."""

    def __init__(
        self, run: ContractRun, errors: list[str], plan: Plan, sandbox: EmbeddedSandbox, port: Connection
    ) -> None:
        super().__init__(run, errors, stop_at_first=False)
        self._plan = plan
        self._sandbox = sandbox
        self._port = port
        self._mine: tuple[Task, Connection, float] | None = None
        self._complaints = Complaints()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Fork for each task; a fork goes on with the collected tests, the process itself is done at the end."""
        if self._errors or session.testsfailed:
            return True
        gc.collect()
        gc.freeze()
        for task in iter(self._port.recv, None):
            outcome = self._forked(task)
            if outcome is None:
                return None
            self._port.send(outcome)
        os._exit(0)

    def _forked(self, task: Task) -> Outcome | None:
        """The outcome of a task; None in the process that has to bring it about."""
        receiver, sender = multiprocessing.Pipe(duplex=False)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            receiver.close()
            self._begin(task, sender)
            return None
        sender.close()
        try:
            return self._awaited(task, receiver, child, started)
        finally:
            receiver.close()

    def _awaited(self, task: Task, receiver: Connection, child: int, started: float) -> Outcome:
        outcome: Outcome | None = None
        ended = f"it did not end within {self._plan.limit_seconds:g} s"
        try:
            if receiver.poll(self._plan.limit_seconds):
                outcome = receiver.recv()
        except (EOFError, OSError):
            ended = ""
        if outcome is not None or ended:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        seconds = time.monotonic() - started
        if outcome is not None:
            return replace(outcome, seconds=seconds)
        return came_to_nothing(task, ended or f"its process ended with {_ending(status)}", seconds)

    def _begin(self, task: Task, sender: Connection) -> None:
        """Switch the fault on and serve."""
        self._mine = task, sender, time.process_time()
        self._stop_at_first = not (task.allowed or self._plan.to_the_end)
        self._complaints.__enter__()  # for as long as this process lives
        try:
            if task.fault is not None:
                self._sandbox.app_state.enable(task.fault)
            self._sandbox.__enter__()
        except Exception as error:  # noqa: BLE001 - whatever it is, this run says it and the others go on
            self._leave(came_to_nothing(task, f"the sandbox failed: {type(error).__name__}: {error}"))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """End at the first detection: pytest would take longer to say why it stops than the whole run took."""
        if self._stop_at_first and any(api.ledger.violations for api in self._run.apis.values()):
            self.pytest_sessionfinish()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Tell what the run found and end its process, so that nothing of the session is cleaned away twice."""
        super().pytest_sessionfinish()
        if self._mine is not None:
            self._leave(self._outcome(self._mine[0], time.process_time() - self._mine[2]))

    def _outcome(self, task: Task, cpu_seconds: float) -> Outcome:
        result = self._run.result().apis[0]
        findings = tuple(map(_finding, result.violations))
        once = tuple({finding.claim: finding for finding in reversed(findings)}.values())[::-1]
        reason, broken = "", False
        if self._complaints.texts:
            reason, broken = f"the sandbox failed: {self._complaints.texts[0]}", True
        elif self._errors and not findings:
            reason, broken = f"a contract test failed: {self._errors[0]}", True
        elif not findings and result.verdict is Verdict.UNKNOWN:
            reason = f"the run could establish nothing: {'; '.join(result.trouble)}"
            broken = task.allowed
        short = " ".join(reason.split())[:_REASON_CHARACTERS]
        return Outcome(task, once, result.requests, cpu_seconds=cpu_seconds, reason=short, broken=broken)

    def _leave(self, outcome: Outcome) -> NoReturn:
        try:
            if self._mine is not None:
                self._mine[1].send(outcome)
        finally:
            os._exit(0)


def _finding(violation: Violation) -> Finding:
    return Finding(
        violation.claim,
        violation.level,
        violation.operation,
        violation.kind,
        violation.message,
        violation.expected,
        violation.found,
    )


def _ending(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def warm_up() -> None:
    """Load what every run needs, so that no fork has to: modules, and the tables of the characters of texts."""
    for name in _NEEDED:
        importlib.import_module(name)
    from hypothesis import strategies
    from hypothesis.configuration import set_hypothesis_home_dir

    with tempfile.TemporaryDirectory(prefix="specwatch-", ignore_cleanup_errors=True) as folder:
        set_hypothesis_home_dir(folder)
        try:
            for strategy in (strategies.characters(), strategies.characters(codec="utf-8"), strategies.text()):
                strategy.validate()
        finally:
            set_hypothesis_home_dir(None)

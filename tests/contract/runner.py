"""Runs contract checks for the tests of runs: one process that has everything imported, and a fork of it per run.

Runs of one process share pytest's and schemathesis's memory of modules, so each has a process to itself. A job is a
line of JSON on standard input; its result is pickled into the file that it names, and a line on standard output says
that it is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import sys
import traceback
from pathlib import Path
from typing import Any

import schemathesis.pytest.plugin
import schemathesis.specs.openapi.schemas  # noqa: F401 - imported once, for all forks

from specwatch.contract import bridge, walk  # noqa: F401 - the same
from specwatch.contract.plugin import RunPlugin
from specwatch.contract.profile import PROFILES
from specwatch.contract.run import ContractRun, Selection, Settings
from specwatch.contract.session import run_contracts
from specwatch.errors import InternalError
from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, load_modules
from specwatch.transport.clock import LeapingClock, SystemClock
from specwatch.transport.target import Kind, Target, parse_target
from specwatch.workspace import Workspace


class HastyClock(SystemClock):
    """Waits a twentieth of what it is asked for: for targets that have a clock of their own."""

    def sleep(self, seconds: float) -> None:
        """Return soon."""
        super().sleep(seconds / 20)


class WaitedClock(LeapingClock):
    """Leaps over waits, and remembers how long they were, which no load of the machine changes."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def sleep(self, seconds: float) -> None:
        """Put the clock forward."""
        self.waited += max(seconds, 0.0)
        super().sleep(seconds)


def check(job: dict[str, Any]) -> dict[str, object]:
    """Carry out one run; its result, and what was wrong with the contract tests, if anything was."""
    workspace = Workspace(Path(job["workspace"]), "the test's")
    apis, clock = workspace.apis(job["apis"]), WaitedClock()
    with contextlib.ExitStack() as stack:
        target = parse_target(job["target"])
        own = target.kind is Kind.SANDBOX
        if own:
            settings = SandboxSettings(job["worker_seconds"], tuple(job["faults"]), clock=clock.now, hold=clock.hold)
            modules = load_modules(workspace.sandbox, apis)
            target = Target(Kind.SANDBOX, stack.enter_context(EmbeddedSandbox(apis, modules, settings)).url)
        run = ContractRun(
            Selection(apis, tuple(job["operations"]), tuple(job["claims"])),
            Settings(target, PROFILES[job["profile"]], **job["settings"]),
            clock=clock if own else HastyClock() if job["hasty"] else None,
        )
        defect = None
        try:
            run_contracts(run, workspace.contracts, RunPlugin)
        except InternalError as error:
            defect = str(error)
        return {"result": run.result(), "defect": defect, "waited": clock.waited}


def main() -> None:
    """Fork for each job."""
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                outcome: object = check(job)
            except BaseException:  # noqa: BLE001 - the test shows it
                outcome = traceback.format_exc()
            Path(job["out"]).write_bytes(pickle.dumps(outcome))
            os._exit(0)
        os.waitpid(child, 0)
        print("done", flush=True)  # noqa: T201 - that is how it speaks


if __name__ == "__main__":
    main()

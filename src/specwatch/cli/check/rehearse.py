"""`specwatch check --dry-run`: what would be sent and what it would settle; the target gets nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specwatch.cli.check.build import settings
from specwatch.cli.check.request import STDOUT, CheckRequest
from specwatch.contract.exits import no_sudden_end
from specwatch.contract.plan import ApiPlan, plan_of
from specwatch.contract.plugin import RunPlugin
from specwatch.contract.result import OK
from specwatch.contract.run import ContractRun
from specwatch.contract.session import run_contracts
from specwatch.transport.clock import LeapingClock
from specwatch.transport.target import Kind

if TYPE_CHECKING:
    from specwatch.contract.settings import Settings


def rehearse(request: CheckRequest) -> int:
    """Carry the run out against an embedded sandbox in place of the target, and print the plan that it amounts to.

    Returns:
        The exit code: 0, whatever would stay unknown.

    Raises:
        SpecwatchError: the sandbox cannot be started, a contract test has a defect, or the plan cannot be written.
    """
    from specwatch.cli.terminal import Terminal
    from specwatch.reports.header import print_header, print_missing
    from specwatch.reports.plan import print_plan

    console = Terminal(stderr=request.stdout_is_taken)
    run = stage(request)
    plans = plan_of(run)
    print_header(console, request.workspace, run, dry_run=True)
    print_missing(console, run)
    _write(request, plans)
    print_plan(console, plans, verbose=request.verbose)
    return OK


def stage(request: CheckRequest) -> ContractRun:
    """The run, carried out to its end against a sandbox that stands in. Its clock leaps wherever the run would wait."""
    from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, load_modules
    from specwatch.sandbox.complaints import Complaints

    apis, clock = request.selection.apis, LeapingClock()
    modules = load_modules(request.workspace.sandbox, apis)
    serving = EmbeddedSandbox(apis, modules, SandboxSettings(clock=clock.now))
    with Complaints() as complaints, no_sudden_end(request.workspace.sandbox), serving as sandbox:
        run = ContractRun(request.selection, _settings(request, sandbox.url), clock=clock)
        run_contracts(run, request.workspace.contracts, RunPlugin)
    error = complaints.error()
    if error is not None:
        raise error
    return run


def _settings(request: CheckRequest, url: str) -> Settings:
    """The settings of the run that is meant, with the sandbox in the target's place."""
    if request.target.kind is Kind.SANDBOX:
        return settings(request, replace(request.target, url=url))
    return replace(settings(request, request.target), stand_in=url)


def _write(request: CheckRequest, plans: Sequence[ApiPlan]) -> None:
    from specwatch.reports.files import write_json
    from specwatch.reports.plan import to_json, to_text

    path = request.reports.get("json")
    if path == STDOUT:
        click.echo(to_text(to_json(plans, request.target.name, request.profile.name)))
    elif path is not None:
        write_json(Path(path), to_json(plans, request.target.name, request.profile.name))

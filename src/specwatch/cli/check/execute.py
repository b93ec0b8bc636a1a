"""Third step of a check: carry the run out, write and show what it found, and say it in an exit code.

Whatever happens on the way (Ctrl-C, a contract test with a defect, a full disk, a closed pipe), what was found so far
is written and shown, and a broken promise decides the exit code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specwatch.cli.check import baseline
from specwatch.cli.check.build import build
from specwatch.cli.check.recorded import judge_files
from specwatch.cli.check.request import STDOUT, CheckRequest
from specwatch.cli.sandbox import sigterm_as_ctrl_c
from specwatch.contract.plugin import RunPlugin
from specwatch.contract.result import BROKEN, OK, RunResult, exit_code
from specwatch.contract.session import run_contracts
from specwatch.errors import InternalError, Problem, SpecwatchError
from specwatch.values import Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from specwatch.sandbox.complaints import Complaints


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found, and what went wrong with the run itself: its result has that, too, in the words of reports."""

    result: RunResult
    errors: tuple[SpecwatchError, ...] = ()


def execute(request: CheckRequest) -> int:
    """Carry out a check.

    Returns:
        The exit code.

    Raises:
        SpecwatchError: the run could not begin.
    """
    from specwatch.cli.terminal import Terminal

    console = Terminal(stderr=request.stdout_is_taken)
    with sigterm_as_ctrl_c():
        outcome = perform(request, console)
        outcome = replace(outcome, result=baseline.beside(request, outcome.result))
        written: list[str] = []
        failed = list(_write_reports(request, outcome.result, written))
        show(request, outcome.result, console, written)
    return conclude(request, outcome, failed)


def perform(request: CheckRequest, console: Console) -> Outcome:
    """Run the contract tests; what is known is kept when it is interrupted or a test, or the sandbox, has a defect."""
    from specwatch.reports.console import Progress, print_header, print_missing
    from specwatch.sandbox.complaints import Complaints

    if request.recorded:
        return Outcome(judge_files(request, console))
    progress = Progress(console, accepted=baseline.accepted_today(request.baseline))
    with Complaints() as complaints, build(request, progress) as run:
        print_header(console, request.workspace, run)
        print_missing(console, run)
        defect: InternalError | None = None
        try:
            with progress:
                for api in run.apis.values():
                    progress.begin(api)
                run_contracts(run, request.workspace.contracts, RunPlugin)
        except KeyboardInterrupt:
            run.interrupted = True
        except InternalError as error:
            defect = error
        return _outcome(request, run.result(), defect, complaints)


def _outcome(request: CheckRequest, result: RunResult, defect: InternalError | None, complaints: Complaints) -> Outcome:
    """What a run found, with the defects of the workspace: a sandbox that failed before the tests that met it."""
    from specwatch.cli.check.defects import of_tests, within

    names = [api.id for api in result.apis]
    of_contracts = of_tests(defect, request.workspace.contracts, names) if defect is not None else ()
    found = within(request.workspace.root, [*complaints.defects, *of_contracts])
    errors = (complaints.error(), defect)
    return Outcome(replace(result, defects=found), tuple(error for error in errors if error is not None))


def _write_reports(request: CheckRequest, result: RunResult, written: list[str]) -> Iterator[SpecwatchError]:
    """Write the reports, noting each; one that cannot be written does not keep the others from being."""
    from specwatch.reports.render import NAMES, render

    for kind, path in request.reports.items():
        try:
            text = render(kind, result, request.selection.apis, request.options)
            if path == STDOUT:
                click.echo(text)
            else:
                _write(Path(path), text)
                written.append(f"wrote {path} ({NAMES[kind]})")
        except SpecwatchError as error:
            yield error
        except BrokenPipeError:
            from specwatch.cli.terminal import silence

            silence()
            yield SpecwatchError(Problem(f"--{kind} {path}", "nobody reads stdout any more", "an open pipe"))
        except OSError as error:
            from specwatch.cli.terminal import silence

            silence()
            yield SpecwatchError(Problem("stdout", f"cannot be written: {error.strerror or error}"))
    if request.write_baseline is not None:
        try:
            written.append(baseline.write(request.write_baseline, result))
        except SpecwatchError as error:
            yield error


def _write(path: Path, text: str) -> None:
    from specwatch.reports.files import write_text

    write_text(path, f"{text}\n")


def show(request: CheckRequest, result: RunResult, console: Console, written: Sequence[str] = ()) -> None:
    """Print what a run found, and what was written about it."""
    from specwatch.reports.console import matrix, print_claims, print_matrix, print_result

    if request.verbose:
        print_claims(console, result)
    if request.matrix:
        print_matrix(console, matrix(result, request.selection.apis))
    print_result(console, result, request.options, written)


def conclude(request: CheckRequest, outcome: Outcome, failed: list[SpecwatchError]) -> int:
    """Say what went wrong beside the run, and which exit code all of it comes to: a broken promise before all else."""
    errors = [*failed, *outcome.errors]
    for error in errors:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
    sys.stderr.flush()
    code = exit_code(outcome.result, fail_on_unknown=request.fail_on_unknown)
    if code == BROKEN or outcome.result.verdict is Verdict.FAIL or not errors:
        return code
    return max((error.exit_code for error in errors), default=OK)

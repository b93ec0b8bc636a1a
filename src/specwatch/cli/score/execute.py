"""Carrying a score out: what was finished is shown and written, whatever happens on the way."""

from __future__ import annotations

import json
from pathlib import Path

import click

from specwatch.cli.sandbox import sigterm_as_ctrl_c
from specwatch.cli.score.parse import STDOUT, Request
from specwatch.reports.files import write_json
from specwatch.scoring.console import Progress, print_header, print_score, print_underivable
from specwatch.scoring.document import to_document
from specwatch.scoring.pool import measure
from specwatch.scoring.values import Result, Score

OK, SHORT, NOTHING, INTERRUPTED = 0, 1, 3, 130


def execute(request: Request) -> int:
    """Carry out a score.

    Returns:
        The exit code.

    Raises:
        UsageError: the document cannot be written after all, or this platform cannot fork a process.
    """
    from specwatch.cli.terminal import Terminal

    console = Terminal(stderr=request.stdout_is_taken)
    plan = request.plan
    print_header(console, plan, request.jobs)
    with sigterm_as_ctrl_c():
        progress = Progress(console, plan)
        with progress:
            score = measure(plan, request.jobs, progress)
        print_score(console, score, plan.reasons, each=request.each)
        print_underivable(console, plan)
        _write(request, score)
    return exit_code(score)


def _write(request: Request, score: Score) -> None:
    if request.json_file is None:
        return
    document = to_document(score, request.plan.reasons, request.plan.underivable)
    if request.json_file == STDOUT:
        click.echo(json.dumps(document, indent=2))
    else:
        write_json(Path(request.json_file), document)


def exit_code(score: Score) -> int:
    """The exit code of a score: interrupted before all else, then what was missed, then what came to nothing."""
    if score.interrupted:
        return INTERRUPTED
    if score.having(Result.MISSED) or score.having(Result.FALSE_ALARM):
        return SHORT
    return NOTHING if score.having(Result.UNKNOWN) else OK

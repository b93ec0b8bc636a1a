"""The options of `specwatch score`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict, Unpack

import click

from specwatch.cli.options import api_option, chosen_workspace, workspace_option

DEFAULT_JOBS = os.cpu_count() or 1


class Given(TypedDict):
    """The options that are taken as they are."""

    apis: tuple[str, ...]
    faults: str
    profile: str
    every: int
    to_the_end: bool
    verbose: bool
    json_file: str | None


@click.command("score")
@api_option
@click.option("--faults", metavar="GLOB", default="*", help="Only faults and variations whose name matches.")
@click.option(
    "--profile", metavar="smoke|standard|deep", default="standard", show_default=True, help="How much each run asks."
)
@click.option("--jobs", metavar="N", type=click.IntRange(1, 256), help="Runs at a time.  [default: one per processor]")
@click.option("--every", metavar="N", type=click.IntRange(min=1), default=1, help="Take only each N-th of them.")
@click.option("--to-the-end", is_flag=True, help="Go on after the first detection, to see every claim that breaks.")
@click.option("--verbose", is_flag=True, help="Print a line per fault, however many there are.")
@click.option("--json", "json_file", metavar="FILE", help="Write specwatch.score/1; - is stdout.")
@workspace_option
def command(*, jobs: int | None, workspace: Path | None, **given: Unpack[Given]) -> int:
    """Measure the contract by the faults of the sandbox.

    Each API is checked against the embedded sandbox once per fault, each time in a process of its own and until the
    first detection; then with each variation that its document allows, and once honest, to the end. Exits with 0 when
    all faults are detected and nothing else is, 1 when one is missed or there is a false alarm, 2 on wrong usage or a
    wrong file, 3 when only some run came to nothing, 130 when it was interrupted.
    """
    from specwatch.cli.score.execute import execute
    from specwatch.cli.score.parse import Wanted, parse

    used = chosen_workspace(workspace)
    return execute(parse(Wanted(jobs=jobs or DEFAULT_JOBS, **given), used))

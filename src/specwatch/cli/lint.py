"""`specwatch lint`: every mistake in the files of a workspace at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from specwatch.cli.options import chosen_workspace, workspace_option

if TYPE_CHECKING:
    from specwatch.lint import LintResult

FOUND: Final = 2


@click.command("lint")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@workspace_option
def command(paths: tuple[Path, ...], workspace: Path | None) -> int:
    """Check specs, claims, contract tests, workflows, schedule and settings.

    With PATH only the files there are looked at. Every mistake is said with its file and line, what was found, what
    was expected and how to mend it: so are a call of an operation, and a fault's claim, that no spec has. Sandbox
    modules are run for it, contract tests are only read.
    """
    from specwatch.lint import lint_workspace

    result = lint_workspace(chosen_workspace(workspace), paths)
    for problem in result.problems:
        click.echo(str(problem))
    click.echo(summary(result))
    return FOUND if result.problems else 0


def summary(result: LintResult) -> str:
    """What was looked at and how it went, in a line."""
    specs = f"{result.specs} spec{'s' * (result.specs != 1)}"
    probes = (
        f"{result.workflows} workflow{'s' * (result.workflows != 1)}, {result.probes} probe{'s' * (result.probes != 1)}"
    )
    looked_at = f"{specs} with {result.claims} claims, {result.modules} Python modules, {probes}"
    if not result.problems:
        return f"{looked_at}: no errors"
    files = {problem.where.rsplit(":", 1)[0] for problem in result.problems}
    errors = f"{len(result.problems)} error{'s' * (len(result.problems) != 1)}"
    return f"{looked_at}: {errors} in {len(files)} file{'s' * (len(files) != 1)}"

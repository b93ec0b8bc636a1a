"""Options that several commands share, and the workspace that they work on."""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from specwatch.workspace import Workspace

HELP_NAMES: Final = ("-h", "--help")
"""How help is asked for. A command keeps the first it is told, so whoever parses for it alone has to say the same."""

workspace_option = click.option(
    "--workspace",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder with specs/ and contracts/.  [default: the nearest one upwards, else the one of specwatch]",
)

api_option = click.option("--api", "apis", metavar="ID", multiple=True, help="Only this API; may be given again.")


class Number(click.FloatRange):
    """A number in a range; text such as `nan` is none."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number.

        Raises:
            click.BadParameter: it is none, or out of range.
        """
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


def chosen_workspace(explicit: Path | None, *, quiet: bool = False) -> Workspace:
    """The workspace of this call; says on stderr which one it is and why.

    Args:
        explicit: `--workspace` behind the command; the one before the command counts where it is not given.
        quiet: leave the announcement to the caller.

    Raises:
        UsageError: there is none.
    """
    from specwatch.workspace import find_workspace

    inherited = click.get_current_context().find_root().obj
    named = explicit or (inherited if isinstance(inherited, Path) else None)
    workspace = find_workspace(named, Path.cwd())
    if not quiet:
        announce(workspace)
    return workspace


def announce(workspace: Workspace, *, as_json: bool = False) -> None:
    """Say on stderr which workspace is used and why, where a log of JSON is read as a line of it."""
    if as_json:
        from specwatch.cli.watch.log import Log

        log = Log(partial(click.echo, err=True), time.time, as_json=True)
        log.line("info", "workspace", workspace.chosen, path=str(workspace.root))
        return
    click.echo(f"workspace: {workspace.root} ({workspace.chosen})", err=True)

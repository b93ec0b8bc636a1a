"""The command `specwatch`: finds the command that is asked for, runs it, turns errors into words and an exit code.

0   all is well
1   a promise of an API is broken
2   wrong usage, or a file of the workspace is wrong
3   nothing could be established
70  a defect of specwatch
130 interrupted, where nothing was found out yet
141 whoever read the output stopped reading
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from specwatch import __version__
from specwatch.cli.options import HELP_NAMES, workspace_option

if TYPE_CHECKING:
    from specwatch.errors import SpecwatchError

COMMANDS: Final = {
    "build": ("specwatch.cli.build", "Derive Prometheus rules, Grafana dashboards and their configuration."),
    "check": ("specwatch.cli.check", "Check APIs against their documentation, claim by claim."),
    "drift": ("specwatch.cli.drift", "Show what answers have beyond their document, and document it."),
    "init": ("specwatch.cli.init", "Make an empty workspace in a new folder."),
    "lint": ("specwatch.cli.lint", "Check specs, claims, contract tests, workflows, schedule and settings."),
    "list": ("specwatch.cli.listing", "Show the APIs, their operations, claims and workflows."),
    "probe": ("specwatch.cli.probe", "Run a workflow once and show its phases, criteria and claims."),
    "replay": ("specwatch.cli.replay", "Send the request of a failure again and say whether it still fails."),
    "sandbox": ("specwatch.cli.sandbox", "Serve the APIs as they are documented, with faults on request."),
    "score": ("specwatch.cli.score", "Measure the contract by the faults of the sandbox."),
    "up": ("specwatch.cli.up", "Bring up the prober with Prometheus, Alertmanager and Grafana on this machine."),
    "watch": ("specwatch.cli.watch", "Run probes on a schedule and export what they find to Prometheus."),
}
"""Command to the module that defines it as `command`, and what it does in one line."""

DEFECT: Final = 70
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141

_FRAMES: Final = 12

_UNWRITABLE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the system says where output finds no room."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, not when it is listed."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name, its module imported."""
        if name not in COMMANDS:
            return None
        command = import_module(COMMANDS[name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[name][0]}.command is no command")
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command and its arguments; a name that does not exist gets the nearest one that does."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from specwatch.cli.names import unknown
            from specwatch.errors import UsageError

            raise UsageError(unknown(f"specwatch {name}", "command", name, sorted(COMMANDS)))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that went away ends it quietly."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            from specwatch.cli.terminal import silence

            silence()
            raise click.exceptions.Exit(PIPE_CLOSED) from None


@click.command(cls=LazyGroup, context_settings={"help_option_names": list(HELP_NAMES), "max_content_width": 120})
@workspace_option
@click.version_option(__version__, "--version", prog_name="specwatch", message="%(prog)s %(version)s")
@click.pass_context
def group(ctx: click.Context, workspace: Path | None) -> None:
    """Does the HTTP API that you build on still do what its documentation says?

    A workspace holds what is documented (specs/) and how it is checked (contracts/). Without --workspace it is the
    nearest one upwards from here, else the one that comes with specwatch.
    """
    ctx.obj = workspace


def main() -> NoReturn:
    """Run the command line of this process and exit."""
    _open_standard_streams()
    sys.exit(run(sys.argv[1:]))


def _open_standard_streams() -> None:
    """Let /dev/null stand for standard streams that are closed, or else the next socket takes their place."""
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            stream = os.fdopen(descriptor, mode, encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)  # which pytest asks for a descriptor


def run(arguments: Sequence[str]) -> int:
    """Run a command line.

    Args:
        arguments: without the name of the program.

    Returns:
        The exit code; see the module.
    """
    try:
        code = group.main(list(arguments), prog_name="specwatch", standalone_mode=False)
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, no bare traceback is shown
        return _failure(error)
    return code if isinstance(code, int) else 0


def _failure(error: Exception) -> int:
    from specwatch.errors import SpecwatchError

    if isinstance(error, OSError):
        error = _circumstance(error) or error
    if isinstance(error, SpecwatchError):
        return report(error)
    click.echo(f"error: defect in specwatch {__version__}: {type(error).__name__}: {error}", err=True)
    for line in _tail(error):
        click.echo(f"  {line}", err=True)
    click.echo("  mend: nothing you did should lead here; please report it with these lines", err=True)
    return DEFECT


def _circumstance(error: OSError) -> SpecwatchError | None:
    """What the system refused that is no defect: room for the output, or the current folder."""
    from specwatch.errors import Problem, UsageError

    if error.errno in _UNWRITABLE and error.filename is None:
        from specwatch.cli.terminal import silence

        silence()
        return UsageError(Problem("stdout", f"cannot be written: {error.strerror}", "room for the output"))
    if isinstance(error, FileNotFoundError) and not _has_current_folder():
        return UsageError(Problem("specwatch", "the current folder is gone", mend="change to one that exists"))
    return None


def _has_current_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def report(error: SpecwatchError) -> int:
    """Print the problems that an error carries, on stderr.

    Returns:
        The exit code of its class.
    """
    for problem in error.problems:
        click.echo(f"error: {problem}", err=True)
    return error.exit_code


def _usage(error: click.ClickException) -> int:
    click.echo(f"error: {error.format_message()}", err=True)
    context = error.ctx if isinstance(error, click.UsageError) else None
    click.echo(f"  mend: `{context.command_path if context else 'specwatch'} --help` shows what there is", err=True)
    return error.exit_code


def _tail(error: Exception) -> list[str]:
    """The innermost frames of a traceback, a line each with its source below."""
    import traceback

    text = "".join(traceback.format_tb(error.__traceback__))
    return text.splitlines()[-_FRAMES:]

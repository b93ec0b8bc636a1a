"""The console for people, which outlives its reader: a closed pipe ends what is shown, not what is found out."""

from __future__ import annotations

import os
import sys

from rich.console import Console

from specwatch.reports.screen import in_ci


class Terminal(Console):
    """A rich console that falls silent when nobody reads it any more, instead of ending the process.

    Where the variable CI is set it writes plain text, unless FORCE_COLOR asks for more.

    Args:
        stderr: write there instead of to stdout.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        plain = in_ci(os.environ) and not os.environ.get("FORCE_COLOR")
        super().__init__(stderr=stderr, color_system=None if plain else "auto")

    def on_broken_pipe(self) -> None:
        """Write nothing more."""
        self.quiet = True
        silence(self.file.fileno())


def silence(descriptor: int | None = None) -> None:
    """Send what is still written to a closed pipe nowhere, at interpreter exit for one.

    Args:
        descriptor: of the pipe; stdout's by default.
    """
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno() if descriptor is None else descriptor)
        os.close(nowhere)
    except (OSError, ValueError):  # no file, as in tests
        return

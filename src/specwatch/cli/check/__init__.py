"""`specwatch check`, in three steps: `parse` what is asked for, `build` the run, `execute` it and say how it went."""

from specwatch.cli.check.command import command

__all__ = ["command"]

"""`specwatch up`: `parse` what is asked for, `serve` it with everything that is found on this machine."""

from specwatch.cli.up.command import command

__all__ = ["command"]

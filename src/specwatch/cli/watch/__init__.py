"""`specwatch watch`: `parse` what is asked for, `serve` it, say what happens."""

from specwatch.cli.watch.command import command

__all__ = ["command"]

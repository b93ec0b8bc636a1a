"""`specwatch score`: how many faults of the sandbox the contract detects."""

from specwatch.cli.score.command import command

__all__ = ["command"]

"""Layer 6: the command line. Commands are loaded when they are called, so that `specwatch --help` stays fast."""

from __future__ import annotations

from specwatch.cli.app import main, run

__all__ = ["main", "run"]

"""Checks and watches HTTP APIs that somebody else runs, against what their documentation says.

The package is an engine that knows no API by name: a workspace of specs, contract tests, sandbox modules and probes
tells it what to check. ``specwatch --help`` lists the commands.
"""

__version__ = "0.1.0"

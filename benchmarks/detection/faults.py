"""How many of the sandbox's faults the contract run detects: `specwatch score`, which takes the same options."""

from __future__ import annotations

import sys

from specwatch.cli import run

if __name__ == "__main__":
    sys.exit(run(["score", *sys.argv[1:]]))

"""How long `specwatch --help`, `list` and `build` take, beside a Python that does nothing.

    python benchmarks/cli/startup.py [RUNS]

Each is started RUNS times (default 15), taking turns so that a busy moment hits all of them; the best counts.
Exits with 1 when one takes longer than it may.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPECWATCH = Path(sys.executable).with_name("specwatch")

COMMANDS = {
    "python -c pass": ([sys.executable, "-c", "pass"], None),
    "specwatch --help": ([str(SPECWATCH), "--help"], 150),
    "specwatch list": ([str(SPECWATCH), "list"], 500),
    "specwatch build --check": ([str(SPECWATCH), "build", "--check"], 3000),
}
"""Name to command line, and how many milliseconds it may take."""


def milliseconds(command: list[str]) -> float:
    """How long a command takes, from the start of its process to its end."""
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


def main(runs: int) -> int:
    """Measure, print a table, and tell whether every limit is kept."""
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(runs):
        for name, (command, _limit) in COMMANDS.items():
            best[name] = min(best[name], milliseconds(command))
    bare = best["python -c pass"]
    print(f"{f'best of {runs}':24} {'ms':>6} {'ratio':>6} {'limit':>6}")
    for name, (_command, limit) in COMMANDS.items():
        print(f"{name:24} {best[name]:6.0f} {best[name] / bare:6.1f} {limit or '':>6}")
    return int(any(limit is not None and best[name] > limit for name, (_, limit) in COMMANDS.items()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))

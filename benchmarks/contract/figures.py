"""The figures of the contract run, each measured by running the command a user would run.

    python benchmarks/contract/figures.py

Prints a table and exits 1 when a figure falls short of its goal. Timings are of this machine: read them beside the
number of cores, and run nothing else meanwhile.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from specwatch.contract.cases import documented_answers
from specwatch.sandbox import Catalogue, FaultKind, load_modules
from specwatch.workspace import find_workspace


@dataclass(frozen=True)
class Run:
    """One run of `specwatch check`: how it ended, how long the whole command took, and its report."""

    code: int
    seconds: float
    report: dict[str, Any]

    @property
    def violations(self) -> int:
        """Broken promises and inferences."""
        return sum(len(api["violations"]) for api in self.report["apis"])

    @property
    def most_requests(self) -> int:
        """Requests of the API that got the most."""
        return max(int(api["requests"]) for api in self.report["apis"])

    @property
    def unknown(self) -> list[str]:
        """Claims that could not be checked."""
        claims = [(api["id"], claim) for api in self.report["apis"] for claim in api["claims"]]
        return [f"{api}/{claim['id']}" for api, claim in claims if claim["verdict"] == "unknown"]


def check(*options: str) -> Run:
    """Run `specwatch check` in a process of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        command = [sys.executable, "-m", "specwatch", "check", "--seed", "1", "--json", str(path), *options]
        started = time.perf_counter()
        finished = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        if not path.exists():
            sys.exit(finished.stderr.decode())
        return Run(finished.returncode, seconds, json.loads(path.read_text(encoding="utf-8")))


class Table:
    """Prints rows as they come, and remembers whether all goals were met."""

    def __init__(self) -> None:
        self.met = True

    def row(self, what: str, found: object, goal: str, *, good: bool) -> None:
        """Print one figure beside its goal."""
        self.met = self.met and good
        print(f"{what:<58}{found!s:>12}   {goal:<16}{'' if good else 'SHORT'}", flush=True)


def main() -> int:
    """Measure everything."""
    cores = os.cpu_count()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, Python {platform.python_version()}")
    table = Table()
    standard = check("--profile", "standard")
    table.row("standard: violations and warnings", standard.violations, "0", good=standard.violations == 0)
    table.row("standard: claims that stay unknown", len(standard.unknown), "0", good=not standard.unknown)
    table.row(
        "standard: requests of the busiest API", standard.most_requests, "< 150", good=standard.most_requests < 150
    )
    table.row("standard: seconds, start-up included", f"{standard.seconds:.1f}", "< 10", good=standard.seconds < 10)
    smoke = check("--profile", "smoke")
    table.row("smoke: violations and warnings", smoke.violations, "0", good=smoke.violations == 0)
    table.row("smoke: requests of the busiest API", smoke.most_requests, "< 40", good=smoke.most_requests < 40)
    slow = check("--worker-seconds", "5")
    table.row("worker of 5 s: violations and warnings", slow.violations, "0", good=slow.violations == 0)
    table.row("worker of 5 s: seconds", f"{slow.seconds:.1f}", "< 25", good=slow.seconds < 25)
    variations(table)
    matrix(table, standard)
    return 0 if table.met else 1


def variations(table: Table) -> None:
    """Run once per variation name that all APIs share, and once per variation of a single API."""
    workspace = find_workspace(None, Path.cwd())
    apis = workspace.apis()
    allowed = [f for f in Catalogue(apis, load_modules(workspace.sandbox, apis)) if f.kind is FaultKind.VARIATION]
    shared = sorted({fault.short_name for fault in allowed if fnmatchcase(fault.name, "*/variation/*")})
    groups = [[fault.name for fault in allowed if fault.short_name == name] for name in shared]
    groups += [[fault.name] for fault in allowed if fault.short_name not in shared]
    wrong = [group for group in groups if check(*_options(group)).violations]
    table.row(f"allowed variations ({len(allowed)}) that raise anything", len(wrong), "0", good=not wrong)
    for group in wrong:
        print("  ", *group)


def _options(names: list[str]) -> list[str]:
    apis = {name.partition("/")[0] for name in names}
    return [part for name in names for part in ("--fault", name)] + [p for api in sorted(apis) for p in ("--api", api)]


def matrix(table: Table, run: Run) -> None:
    """Documented (operation, status, code) that the run saw: the derived claim of each is verified."""
    seen = total = 0
    for api in find_workspace(None, Path.cwd()).apis():
        verdicts = {c["id"]: c["verdict"] for a in run.report["apis"] if a["id"] == api.id for c in a["claims"]}
        answers = documented_answers(api)
        total += len(answers)
        seen += sum(verdicts[claim] == "pass" for claim in answers)
    share = f"{seen}/{total}"
    table.row("documented (operation, status, code) seen", share, "all", good=seen == total)


if __name__ == "__main__":
    sys.exit(main())

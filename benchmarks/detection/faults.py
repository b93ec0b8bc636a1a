"""How many of the sandbox's faults the contract run detects, and whether it cries wolf at what the documents allow.

    python benchmarks/detection/faults.py [--api ID] [--faults GLOB] [--every N] [--profile NAME] [--jobs N]

Every fault is switched on by itself, and its API is checked until the first violation. Each run is a fork of this
process, so that nothing is shared between runs and nothing is imported twice.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from specwatch.contract.profile import PROFILES
from specwatch.contract.run import ContractRun, Selection, Settings
from specwatch.contract.session import run_contracts
from specwatch.pytest_plugin import RunPlugin
from specwatch.sandbox import Catalogue, EmbeddedSandbox, SandboxSettings, load_modules
from specwatch.transport import Kind, SystemClock, Target
from specwatch.workspace import Workspace, find_workspace

RUN_SECONDS = 120.0
"""A run that takes longer than this counts as crashed."""

HASTE = 10.0
"""Waiting for background work goes this much faster than the documented back-off; the worker keeps pace."""


class HastyClock(SystemClock):
    """The machine's clock, with shorter sleeps."""

    def sleep(self, seconds: float) -> None:
        """Sleep a tenth as long."""
        super().sleep(seconds / HASTE)


@dataclass(frozen=True)
class Score:
    """What one run with one fault found."""

    fault: str
    kind: str
    level: str
    breaks: str
    detected: bool
    by: tuple[str, ...]
    requests: int
    seconds: float


def run_one(name: str, *, workspace: Workspace, profile: str, to_the_end: bool = False) -> Score:
    """Check one API of the sandbox with one fault switched on."""
    api = workspace.api(name.partition("/")[0])
    modules = load_modules(workspace.sandbox, [api])
    fault = Catalogue([api], modules).get(name)
    started = time.perf_counter()
    settings = SandboxSettings(worker_seconds=0.1, faults=(name,))
    with EmbeddedSandbox([api], modules, settings) as sandbox:
        target = Target(Kind.SANDBOX, sandbox.url)
        run = ContractRun(Selection((api,)), Settings(target, PROFILES[profile]), clock=HastyClock())
        run_contracts(run, workspace.contracts, partial(RunPlugin, stop_at_first=not to_the_end))
    result = run.result().apis[0]
    by = tuple(sorted({violation.claim for violation in result.violations}))
    took = time.perf_counter() - started
    return Score(name, fault.kind, fault.level, fault.breaks, bool(by), by, result.requests, took)


def choose(workspace: Workspace, apis: list[str], pattern: str) -> list[str]:
    """Names of the faults and variations to run, in the order of the catalogue."""
    loaded = workspace.apis(apis)
    catalogue = Catalogue(loaded, load_modules(workspace.sandbox, loaded))
    return [fault.name for fault in catalogue if fnmatch.fnmatchcase(fault.name, pattern)]


def warm_up() -> None:
    """Import what every fork needs."""
    import hypothesis  # noqa: F401
    import schemathesis.pytest.plugin
    import schemathesis.specs.openapi.schemas  # noqa: F401

    from specwatch.contract import bridge, walk  # noqa: F401


def table(scores: list[Score]) -> str:
    """Detected of all, by API and kind, and by level."""
    lines = [f"{'API':<18}{'kind':<12}{'detected':>12}{'median requests':>18}"]
    faults = [score for score in scores if score.kind != "variation"]
    for api, kind in dict.fromkeys((score.fault.partition("/")[0], score.kind) for score in faults):
        group = [s for s in faults if s.fault.startswith(f"{api}/") and s.kind == kind]
        found = [s for s in group if s.detected]
        median = sorted(s.requests for s in found)[len(found) // 2] if found else 0
        lines.append(f"{api:<18}{kind:<12}{f'{len(found)}/{len(group)}':>12}{median:>18}")
    detected = sum(score.detected for score in faults)
    share = f"{detected / len(faults):.1%}" if faults else "-"
    lines.append(f"{'all':<30}{f'{detected}/{len(faults)}':>12}{share:>18}")
    promises = [score for score in faults if score.level == "promise"]
    kept = sum(score.detected for score in promises)
    lines.append(f"{'of those, breaking a promise':<30}{f'{kept}/{len(promises)}':>12}")
    variations = [score for score in scores if score.kind == "variation"]
    false = sum(score.detected for score in variations)
    lines.append(f"{'false alarms on variations':<30}{f'{false}/{len(variations)}':>12}")
    return "\n".join(lines)


def main() -> int:
    """Run, print, and fail below 95 % or at any false alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", action="append", default=[])
    parser.add_argument("--faults", default="*")
    parser.add_argument("--every", type=int, default=1, help="take only each N-th of them")
    parser.add_argument("--profile", default="standard", choices=list(PROFILES))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    workspace = find_workspace(None, Path.cwd())
    names = choose(workspace, options.api, options.faults)[:: options.every]
    warm_up()
    started = time.perf_counter()
    context = multiprocessing.get_context("fork")
    score = partial(run_one, workspace=Workspace(workspace.root, workspace.chosen), profile=options.profile)
    with ProcessPoolExecutor(options.jobs, mp_context=context, max_tasks_per_child=None) as pool:
        scores = list(_told(pool.map(partial(_forked, score), names), len(names)))
    missed = [s for s in scores if s.kind != "variation" and not s.detected]
    false = [s for s in scores if s.kind == "variation" and s.detected]
    for title, group in (("missed", missed), ("false alarm", false)):
        for item in group:
            print(f"{title}: {item.fault} ({item.level}; breaks {item.breaks}) {' '.join(item.by)}")
    print(table(scores))
    took = time.perf_counter() - started
    speed = f"{len(scores)} runs in {took:.0f} s with {options.jobs} jobs on {os.cpu_count()} cores"
    print(f"profile {options.profile}, {speed}")
    print("detected by:", Counter(claim.rpartition("/")[2] for s in scores for claim in s.by[:1]).most_common(8))
    if options.json:
        options.json.write_text(json.dumps([asdict(s) for s in scores], indent=1), encoding="utf-8")
    enough = len(missed) <= 0.05 * max(len(scores) - len(false), 1)
    return 0 if enough and not false else 1


def _told(scores: Iterator[Score], total: int) -> Iterator[Score]:
    """The scores as they come, with their number on the error stream now and then."""
    for number, score in enumerate(scores, start=1):
        if number % 50 == 0 or number == total:
            print(f"{number}/{total}", file=sys.stderr, flush=True)
        yield score


def _forked(score: partial[Score], name: str) -> Score:
    """Run in a child of the worker, because a process can hold the modules of one contract run only."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        try:
            sender.send(score(name))
        finally:
            os._exit(0)
    sender.close()
    crashed = Score(name, "derived", "promise", "the run crashed", detected=False, by=(), requests=0, seconds=0.0)
    try:
        result: Score = receiver.recv() if receiver.poll(RUN_SECONDS) else crashed
    except EOFError:
        result = crashed
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return result


if __name__ == "__main__":
    sys.exit(main())

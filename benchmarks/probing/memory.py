"""Memory: at rest, with 1,000 probes, and while hostile targets do their worst.

    python -m benchmarks.probing.memory [--minutes 10] [--peer-minutes 1] [--probes 1000]

The hostile server misbehaves in another way on each connection: bombs, floods, drips, endless bodies, garbage, and
answers that are costly to judge. The blackbox exporter meets it, too, for a shorter time and until it has 4 GB. Exits
with 1 when specwatch grows in the second half of its time, or stops probing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.probing.harness import (
    Child,
    bench,
    blackbox,
    headline,
    memory,
    peak_memory,
    python,
)
from benchmarks.probing.harness import target as start_target

HOSTILE_PROBES: Final = 32
HOSTILE_TIMEOUT: Final = 2.0
ENOUGH: Final = 4_000.0
GROWTH_GOAL: Final = 50.0
LOOKS: Final = 20
SETTLED: Final = 30.0


def driver(url: str, probes: int, interval: float, timeout: float = 5.0) -> Child:
    """The prober with its metrics served."""
    work = {"url": url, "probes": probes, "interval": interval, "timeout": timeout, "concurrency": 16, "web": True}
    return Child(python("driver", work))


def at_rest(url: str) -> float:
    """MB with one probe that is never due."""
    with driver(url, 1, 1e6) as prober:
        time.sleep(2)
        return memory(prober.pid)


def with_probes(url: str, probes: int) -> float:
    """MB once each of them has run a few times, at 5 s."""
    with driver(url, probes, 5.0) as prober:
        time.sleep(SETTLED)
        return memory(prober.pid)


def exporter_with_probes(folder: Path, url: str, probes: int) -> tuple[float, float]:
    """MB of the exporter at rest, and while it is asked for the same probes."""
    with blackbox(folder) as (exporter, port):
        rest = memory(exporter.pid)
        work = {"port": port, "url": url, "probes": probes, "lanes": 16, "interval": 5.0}
        with Child(python("loader", work)):
            time.sleep(SETTLED)
            return rest, memory(exporter.pid)


def over_time(pid: int, minutes: float, look: Callable[[], object]) -> list[float]:
    """MB of a process, at even distances."""
    sizes: list[float] = []
    for _ in range(LOOKS):
        time.sleep(minutes * 60 / LOOKS)
        sizes.append(memory(pid))
        look()
        if sizes[-1] > ENOUGH:
            break
    return sizes


def hostile(minutes: float) -> bool:
    """The prober against everything at once; tells whether it stands."""
    with (
        Child(python("hostile_target", {})) as server,
        driver(server.hello["url"], HOSTILE_PROBES, 1.0, HOSTILE_TIMEOUT) as prober,
    ):
        runs: list[int] = []
        sizes = over_time(prober.pid, minutes, lambda: runs.append(prober.ask("report")["runs"]))
        report, peak = prober.ask("report"), peak_memory(prober.pid)
    show("specwatch", sizes, peak, server.hello["kinds"])
    print(f"  runs {report['runs']}, verdicts {report['verdicts']}, skipped {report['skips']}")
    print(f"  state {report['troubles'] or 'well'}")
    print(f"  reasons {report['reasons']}")
    half = len(sizes) // 2
    flat = max(sizes[half:]) - max(sizes[:half]) < GROWTH_GOAL
    alive = runs[-1] > runs[half]
    for met, what in ((flat, "memory grows"), (alive, "it no longer probes")):
        if not met:
            print(f"  SHORT: {what}")
    return flat and alive


def hostile_to_peer(folder: Path, minutes: float) -> None:
    """The exporter against the same."""
    with Child(python("hostile_target", {})) as server, blackbox(folder) as (exporter, port):
        work = {"port": port, "url": server.hello["url"], "probes": HOSTILE_PROBES, "lanes": 16, "interval": 1.0}
        with Child(python("loader", work)) as loader:
            sizes = over_time(exporter.pid, minutes, lambda: None)
            peak, report = peak_memory(exporter.pid), loader.ask("report")
    show("blackbox exporter", sizes, peak, server.hello["kinds"])
    print(f"  runs {report['runs']}")


def show(name: str, sizes: list[float], peak: float, kinds: int) -> None:
    """One line."""
    over = " ".join(f"{size:.0f}" for size in sizes)
    print(f"{name}, {kinds} kinds of misbehaviour: peak {peak:.0f} MB, over time {over}")


def main(minutes: float, peer_minutes: float, probes: int) -> int:
    """Measure and print."""
    print(headline())
    with bench() as folder:
        with start_target() as server:
            url = server.hello["url"]
            rest, busy = at_rest(url), with_probes(url, probes)
            peer_rest, peer_busy = exporter_with_probes(folder, url, probes)
        print(f"\n{'MB in memory':34} {'specwatch':>10} {'blackbox':>10} {'ratio':>7}")
        print(f"{'at rest':34} {rest:10.0f} {peer_rest:10.0f} {rest / peer_rest:6.1f}x")
        print(
            f"{f'{probes} probes every 5 s':34} {busy:10.0f} {peer_busy:10.0f} {busy / peer_busy:6.1f}x\n", flush=True
        )
        if peer_minutes:
            hostile_to_peer(folder, peer_minutes)
        met = hostile(minutes)
    return 0 if met else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of hostile targets")
    parser.add_argument("--peer-minutes", type=float, default=1.0, help="of the same for the exporter; 0 for none")
    parser.add_argument("--probes", type=int, default=1000)
    given = parser.parse_args()
    sys.exit(main(given.minutes, given.peer_minutes, given.probes))

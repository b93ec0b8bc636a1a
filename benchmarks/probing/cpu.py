"""CPU time of the probing process per probe, each over a connection of its own, 16 in flight, plain and TLS.

    python -m benchmarks.probing.cpu [--seconds 5] [--rounds 3] [--no-breakdown]

Contestants take turns; of each the best round counts. Ratios are to the blackbox exporter of the same run, which looks
at no body; specwatch validates 1.5 KB of JSON, judges eight claims and three criteria, and counts it all. Exits with 1
when specwatch costs more than the exporter.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.probing.driver import STAGES
from benchmarks.probing.harness import BLACKBOX, Child, bench, blackbox, certificates, cpu_seconds, headline, python
from benchmarks.probing.harness import target as start_target

LANES = 16
WARM_UP = 1.0
GOAL = 1.0

Contestant = Callable[[ExitStack], tuple[Child, Child]]
"""Starts the process that probes, and the one that counts the probes; they may be the same."""


class Ring:
    """One kind of connection, and who is measured over it."""

    def __init__(self, folder: Path, url: str, authority: Path | None) -> None:
        self._folder = folder
        self._url = url
        self._authority = authority

    def exporter(self, stack: ExitStack) -> tuple[Child, Child]:
        """The blackbox exporter, and who asks it."""
        probing, port = stack.enter_context(blackbox(self._folder, self._authority))
        work = {"port": port, "url": self._url, "lanes": LANES}
        return probing, stack.enter_context(Child(python("loader", work)))

    def httpx(self, stack: ExitStack) -> tuple[Child, Child]:
        """Raw httpx."""
        work = {"url": self._url, "authority": str(self._authority or ""), "lanes": LANES}
        child = stack.enter_context(Child(python("raw_httpx", work)))
        return child, child

    def specwatch(self, stage: str) -> Contestant:
        """The prober as far as a stage goes."""

        def start(stack: ExitStack) -> tuple[Child, Child]:
            authority = str(self._authority or "")
            work = {"url": self._url, "authority": authority, "lanes": LANES, "stage": stage}
            child = stack.enter_context(Child(python("driver", work)))
            return child, child

        return start


def milliseconds(start: Contestant, seconds: float) -> tuple[float, float]:
    """CPU milliseconds per probe, and probes per second."""
    with ExitStack() as stack:
        probing, counting = start(stack)
        time.sleep(WARM_UP)
        before, used, began = counting.ask("report"), cpu_seconds(probing.pid), time.perf_counter()
        time.sleep(seconds)
        after, spent = counting.ask("report"), cpu_seconds(probing.pid) - used
        took = time.perf_counter() - began
    failed = after["failed"] - before["failed"]
    if failed:
        sys.exit(f"{failed} probes failed: {after}")
    runs = after["runs"] - before["runs"]
    return spent / runs * 1000, runs / took


@contextmanager
def rings(folder: Path) -> Iterator[dict[str, Ring]]:
    """Plain and TLS, each with its server."""
    files = certificates(folder)
    with start_target() as plain, start_target(pair=files.pair) as encrypted:
        yield {
            f"plain, {plain.hello['bytes']} bytes": Ring(folder, plain.hello["url"], None),
            "TLS, verified": Ring(folder, encrypted.hello["url"], files.authority),
        }


def main(seconds: float, rounds: int, *, breakdown: bool) -> int:
    """Measure and print."""
    print(headline())
    print(f"CPU ms of the probing process per probe, {LANES} in flight, best of {rounds} rounds of {seconds:g} s")
    met = True
    with bench() as folder, rings(folder) as both:
        for name, ring in both.items():
            met = compare(name, ring, seconds, rounds) and met
        if breakdown:
            for name, ring in both.items():
                show_stages(name, ring, seconds)
    return 0 if met else 1


def compare(name: str, ring: Ring, seconds: float, rounds: int) -> bool:
    """Everybody in turns; tells whether the goal is met."""
    field: dict[str, Contestant] = {
        f"{BLACKBOX}, no body check": ring.exporter,
        "httpx with trace": ring.httpx,
        "specwatch, everything on": ring.specwatch("all"),
    }
    best: dict[str, tuple[float, float]] = {}
    for _ in range(rounds):
        for each, start in field.items():
            best[each] = min(best.get(each, (float("inf"), 0.0)), milliseconds(start, seconds))
    base = best[f"{BLACKBOX}, no body check"][0]
    print(f"\n{name:46} {'ms':>7} {'ratio':>7} {'probes/s':>9}")
    for each, (cost, rate) in best.items():
        print(f"{each:46} {cost:7.3f} {cost / base:6.2f}x {rate:9.0f}")
    ratio = best["specwatch, everything on"][0] / base
    print(f"goal: specwatch at most {GOAL}x {'' if ratio <= GOAL else 'SHORT'}")
    return ratio <= GOAL


def show_stages(name: str, ring: Ring, seconds: float) -> None:
    """What each part of specwatch adds."""
    print(f"\nspecwatch, {name:35} {'ms':>7} {'added':>7}")
    before = 0.0
    for stage, meaning in STAGES.items():
        cost, _ = milliseconds(ring.specwatch(stage), seconds)
        print(f"{meaning:46} {cost:7.3f} {cost - before:7.3f}")
        before = cost


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-breakdown", action="store_true")
    given = parser.parse_args()
    sys.exit(main(given.seconds, given.rounds, breakdown=not given.no_breakdown))

"""Latency that the prober adds: what it measured minus what the server took, at 20, 200 and 500 probes a second.

    python -m benchmarks.probing.latency [--seconds 20] [--rates 20,200,500]

The prober has core 0 to itself; the server, and whoever asks the exporter, have core 1. The server notes for each
answer how long it took, so a timer that is late there is nobody's fault here. Then the same at 200 probes a second with
10,000 series scraped each second and without, taking turns. Exits with 1 when scrapes add more than 1 ms at p99.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.probing.harness import Child, bench, blackbox, headline, python, quantile, scrape
from benchmarks.probing.harness import target as start_target

DELAYS: Final = (0.0, 0.020)
SERIES: Final = 10_000
SCRAPED_RATE: Final = 200
SCRAPED_PROBES: Final = 400
SCRAPE_GOAL: Final = 0.001
TURNS: Final = 3
WARM_UP: Final = 2.0

Times = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Added:
    """Seconds that were measured beyond those of the server."""

    seconds: Sequence[float]

    @classmethod
    def between(cls, measured: Times, true: Times, skip: int) -> Added:
        """Pair the nth measurement of a probe with its nth answer; the first ones warm up."""
        found: list[float] = []
        for name, values in measured.items():
            found += [said - took for said, took in zip(values[skip:], true.get(name, ())[skip:], strict=False)]
        return cls(found)

    @property
    def p50(self) -> float:
        """Milliseconds that half of them do not exceed."""
        return quantile(self.seconds, 0.5) * 1000

    @property
    def p99(self) -> float:
        """Milliseconds that 99 % of them do not exceed."""
        return quantile(self.seconds, 0.99) * 1000


def of_exporter(folder: Path, rate: int, delay: float, seconds: float) -> Added:
    """The exporter's `probe_duration_seconds`."""
    with start_target(core=1, delay=delay) as server, blackbox(folder, core=0) as (_, port):
        work = {"port": port, "url": server.hello["url"], "probes": rate, "lanes": 500, "interval": 1.0}
        with Child(python("loader", work), core=1) as loader:
            time.sleep(WARM_UP + seconds)
            measured = fetched(loader, "took", folder)
            refuse_failures(loader)
        return Added.between(measured, fetched(server, "took", folder), skip=int(WARM_UP))


def of_specwatch(folder: Path, rate: int, delay: float, seconds: float) -> tuple[Added, Added]:
    """Of the request, as the histogram of requests has it, and of the whole run, judging included."""
    with start_target(core=1, delay=delay) as server, driver(server.hello["url"], rate, 1.0) as prober:
        time.sleep(WARM_UP + seconds)
        requests, runs = fetched(prober, "took", folder), fetched(prober, "ran", folder)
        refuse_failures(prober)
        true = fetched(server, "took", folder)
    return Added.between(requests, true, int(WARM_UP)), Added.between(runs, true, int(WARM_UP))


def driver(url: str, probes: int, interval: float, *, web: bool = False) -> Child:
    """The prober on core 0."""
    work = {"url": url, "probes": probes, "interval": interval, "concurrency": 500, "web": web, "keeps_times": True}
    return Child(python("driver", work), core=0)


def fetched(child: Child, what: str, folder: Path) -> Times:
    """A long answer, by way of a file."""
    path = folder / "times.json"
    child.ask(f"{what} {path}")
    times: Times = json.loads(path.read_text())
    return times


def refuse_failures(child: Child) -> None:
    """End everything where probes failed: their times would be paired with answers of others."""
    report = child.ask("report")
    if report["failed"]:
        sys.exit(f"probes failed: {report}")


@contextmanager
def scraping(url: str) -> Iterator[list[int]]:
    """Someone who reads `/metrics` each second; gives the number of series in each answer."""
    seen: list[int] = []
    stop = threading.Event()

    def keep_scraping() -> None:
        while not stop.wait(1.0):
            lines = scrape(url) or []
            seen.append(sum(not line.startswith("#") for line in lines))

    thread = threading.Thread(target=keep_scraping)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def scraped(folder: Path, probes: int, seconds: float) -> tuple[float, float, int]:
    """Milliseconds added at p99 without and with a scrape each second, the median of turns; and how many series."""
    found: dict[bool, list[float]] = {False: [], True: []}
    series = 0
    for turn in range(2 * TURNS):
        with_scrapes = bool(turn % 2)
        with start_target(core=1) as server:
            interval = probes / SCRAPED_RATE
            with driver(server.hello["url"], probes, interval, web=True) as prober:
                time.sleep(interval)
                with scraping(prober.hello["url"]) if with_scrapes else nullcontext([0]) as seen:
                    time.sleep(seconds)
                refuse_failures(prober)
                measured = fetched(prober, "took", folder)
                series = max(series, *seen)
            added = Added.between(measured, fetched(server, "took", folder), skip=1)
        found[with_scrapes].append(added.p99)
    return quantile(found[False], 0.5), quantile(found[True], 0.5), series


def main(seconds: float, rates: Sequence[int]) -> int:
    """Measure and print."""
    print(headline())
    print(f"ms measured minus ms that the server took, {seconds:g} s each; ratio: p50 and p99 of request to exporter\n")
    heads = " | ".join(f"{name:^19}" for name in ("blackbox exporter", "specwatch request", "specwatch run"))
    print(f"{'server':>8} {'probes/s':>9} | {heads} | ratio")
    with bench() as folder:
        for delay in DELAYS:
            for rate in rates:
                show(folder, rate, delay, seconds)
        before, after, series = scraped(folder, SCRAPED_PROBES, seconds)
    good = after - before <= SCRAPE_GOAL * 1000 and series >= SERIES
    print(f"\n{SCRAPED_RATE} probes/s, p99 ms without scrapes {before:.2f}, with {series} series a second {after:.2f}")
    print(f"goal: at most +{SCRAPE_GOAL * 1000:g} ms with {SERIES}: {after - before:+.2f} {'' if good else 'SHORT'}")
    return 0 if good else 1


def show(folder: Path, rate: int, delay: float, seconds: float) -> None:
    """One line."""
    peer = of_exporter(folder, rate, delay, seconds)
    request, run = of_specwatch(folder, rate, delay, seconds)
    pairs = " | ".join(f"p50 {each.p50:5.2f} p99 {each.p99:5.2f}" for each in (peer, request, run))
    ratio = request.p50 / peer.p50 if peer.p50 else math.nan
    print(f"{delay * 1000:5.0f} ms {rate:9} | {pairs} | {ratio:.2f}x {request.p99 / peer.p99:.2f}x", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--rates", default="20,200,500", help="probes per second, comma-separated")
    given = parser.parse_args()
    sys.exit(main(given.seconds, [int(rate) for rate in given.rates.split(",")]))

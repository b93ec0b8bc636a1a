"""Whether the schedule holds: 1,000 probes at 1 s on one core, and what happens with 3,000.

    python -m benchmarks.probing.schedule [--seconds 60] [--probes 1000] [--too-many 3000] [--no-peer]

The prober has core 0 to itself, the server core 1. Periods are those that the server sees: from one connection of a
probe to its next. The peer is the blackbox exporter on core 0, asked by a real Prometheus on core 1. Exits with 1 when
a tick is lost, the 99th percentile of the deviation reaches 10 ms, the schedule drifts, or overload goes unreported.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.probing.harness import (
    PROMETHEUS,
    Child,
    bench,
    blackbox,
    cpu_seconds,
    free_port,
    headline,
    memory,
    program_version,
    python,
    quantile,
    scrape,
    wait_for,
)
from benchmarks.probing.harness import target as start_target
from benchmarks.probing.loader import path

INTERVAL: Final = 1.0
WARM_UP: Final = 5.0
DEVIATION_GOAL: Final = 0.010
DRIFT_GOAL: Final = 0.010
GROWTH_GOAL: Final = 20.0
CONCURRENCY: Final = 64
LOOKS: Final = 12
WATCHED: Final = ("specwatch_saturated", "specwatch_probes_skipped_total")


@dataclass(frozen=True)
class Periods:
    """What the server saw.

    Args:
        arrived: connections.
        lost: ticks without one, those of probes that never came included.
        deviations: seconds by which each period missed the interval.
        drifts: of each probe, by how many seconds its last connection missed the grid that its first one began.
    """

    arrived: int
    lost: int
    deviations: Sequence[float]
    drifts: Sequence[float]

    @classmethod
    def of(cls, came: Mapping[str, Sequence[float]], probes: int) -> Periods:
        """From the moments of each probe's connections; those at the edges of the time say nothing of losses."""
        deviations: list[float] = []
        drifts: list[float] = []
        lost = 0
        longest = max((round((times[-1] - times[0]) / INTERVAL) for times in came.values()), default=0)
        for times in came.values():
            gaps = [after - before for before, after in itertools.pairwise(times)]
            ticks = [max(round(gap / INTERVAL), 1) for gap in gaps]
            deviations += [abs(gap - INTERVAL * count) for gap, count in zip(gaps, ticks, strict=True)]
            lost += sum(ticks) - len(ticks)
            drifts.append(times[-1] - times[0] - INTERVAL * sum(ticks))
        return cls(sum(map(len, came.values())), lost + (probes - len(came)) * longest, deviations, drifts)

    def print(self, name: str) -> None:
        """One line."""
        ms = [quantile(self.deviations, share) * 1000 for share in (0.5, 0.99, 1.0)]
        drift = [quantile([abs(each) for each in self.drifts], share) * 1000 for share in (0.5, 0.99)]
        share = self.lost / max(self.lost + self.arrived, 1)
        figures = " ".join(f"{each:9.2f}" for each in (*ms, *drift))
        print(f"{name:34} {self.arrived:8} {self.lost:7} {share:6.1%} {figures}", flush=True)


def driver(url: str, probes: int, *, web: bool = False) -> Child:
    """The prober on core 0."""
    work = {"url": url, "probes": probes, "interval": INTERVAL, "concurrency": CONCURRENCY, "web": web}
    return Child(python("driver", work), core=0)


def watched(server: Child, prober: Child, seconds: float, folder: Path) -> tuple[dict[str, list[float]], float]:
    """When connections came, after a warm-up, and the share of a core that the prober used."""
    time.sleep(WARM_UP)
    server.ask("clear")
    used, began = cpu_seconds(prober.pid), time.perf_counter()
    time.sleep(seconds)
    share = (cpu_seconds(prober.pid) - used) / (time.perf_counter() - began)
    server.ask(f"came {folder / 'came.json'}")
    came: dict[str, list[float]] = json.loads((folder / "came.json").read_text())
    return came, share


@contextmanager
def prometheus(folder: Path, exporter: int, url: str, probes: int) -> Iterator[None]:
    """A Prometheus on core 1 that asks the exporter to probe everything each second."""
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"target_label": "__address__", "replacement": f"127.0.0.1:{exporter}"},
    ]
    job = {
        "job_name": "probes",
        "metrics_path": "/probe",
        "params": {"module": ["ok"]},
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [{"targets": [f"{url}{path(number)}" for number in range(probes)]}],
        "relabel_configs": relabel,
    }
    config = folder / "prometheus.json"
    config.write_text(json.dumps({"scrape_configs": [job]}))
    port = free_port()
    command = [
        PROMETHEUS,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with Child(command, core=1, talks=False):
        wait_for(f"http://127.0.0.1:{port}/-/ready")
        yield


def held(folder: Path, probes: int, seconds: float) -> bool:
    """As many probes as can be borne; tells whether the goals are met."""
    with start_target(core=1) as server, driver(server.hello["url"], probes) as prober:
        came, share = watched(server, prober, seconds, folder)
        report = prober.ask("report")
    found = Periods.of(came, probes)
    found.print("specwatch")
    print(f"  {share:.0%} of a core; failed {report['failed']}; skipped {report['skips'] or 'nothing'}")
    calm = not report["skips"] and not found.lost and not report["failed"]
    on_time = quantile(found.deviations, 0.99) < DEVIATION_GOAL
    steady = abs(quantile(found.drifts, 0.5)) < DRIFT_GOAL
    for met, what in ((calm, "ticks lost"), (on_time, "p99 of the deviation"), (steady, "drift")):
        if not met:
            print(f"  SHORT: {what}")
    return calm and on_time and steady


def held_by_peer(folder: Path, probes: int, seconds: float) -> None:
    """The same for the blackbox exporter under Prometheus."""
    with start_target(core=1) as server, blackbox(folder, core=0) as (exporter, port):
        with prometheus(folder, port, server.hello["url"], probes):
            came, share = watched(server, exporter, seconds, folder)
        Periods.of(came, probes).print("blackbox exporter under Prometheus")
        print(f"  {share:.0%} of a core; {memory(exporter.pid):.0f} MB")


def overloaded(folder: Path, probes: int, seconds: float) -> bool:
    """More probes than one core can bear; tells whether that is reported and memory stays flat."""
    sizes: list[float] = []
    with start_target(core=1) as server, driver(server.hello["url"], probes, web=True) as prober:
        time.sleep(WARM_UP)
        server.ask("clear")
        for _ in range(LOOKS):
            time.sleep(seconds / LOOKS)
            sizes.append(memory(prober.pid))
        server.ask(f"came {folder / 'came.json'}")
        report = prober.ask("report")
        lines = scrape(prober.hello["url"])
    Periods.of(json.loads((folder / "came.json").read_text()), probes).print("specwatch, overloaded")
    ran = report["runs"] - report["failed"]
    print(f"  good runs {ran}, failed {report['failed']} {report['reasons'] or ''}, skipped {report['skips']}")
    print(f"  MB over time: {' '.join(f'{size:.0f}' for size in sizes)}")
    exported = metrics(lines or ())
    print(f"  exported: {'nothing within 10 s' if lines is None else exported}")
    half = len(sizes) // 2
    flat = max(sizes[half:]) - max(sizes[:half]) < GROWTH_GOAL
    counted = sum(report["skips"].values())
    told = not counted or exported.get("specwatch_saturated") == 1.0
    for met, what in ((flat, "memory grows"), (told, "not reported")):
        if not met:
            print(f"  SHORT: {what}")
    return flat and told


def metrics(lines: Sequence[str]) -> dict[str, float]:
    """The sum of those metrics that speak of overload."""
    sums: dict[str, float] = {}
    for line in lines:
        name = line.partition("{")[0].partition(" ")[0]
        if name in WATCHED:
            reason = line.partition('reason="')[2].partition('"')[0]
            key = f"{name} {reason}".strip()
            sums[key] = sums.get(key, 0.0) + float(line.rpartition(" ")[2])
    return {key: value for key, value in sums.items() if value}


def main(probes: int, too_many: int, seconds: float, *, peer: bool) -> int:
    """Measure and print."""
    print(f"{headline()}, {program_version(PROMETHEUS)}")
    print(f"{probes} probes every {INTERVAL:g} s for {seconds:g} s, prober on core 0, server on core 1")
    heads = " ".join(f"{name:>9}" for name in ("dev p50", "p99", "max", "drift p50", "p99 ms"))
    print(f"\n{'':34} {'arrived':>8} {'lost':>7} {'':6} {heads}")
    with bench() as folder:
        met = held(folder, probes, seconds)
        if peer:
            held_by_peer(folder, probes, seconds)
        print(f"\n{too_many} probes every {INTERVAL:g} s for {seconds:g} s")
        met = overloaded(folder, too_many, seconds) and met
    return 0 if met else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement")
    parser.add_argument("--probes", type=int, default=1000)
    parser.add_argument("--too-many", type=int, default=3000)
    parser.add_argument("--no-peer", action="store_true")
    given = parser.parse_args()
    sys.exit(main(given.probes, given.too_many, given.seconds, peer=not given.no_peer))

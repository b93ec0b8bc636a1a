"""What a scrape of the workspace's four APIs costs, once every probe has run against the sandbox.

    python -m benchmarks.probing.scrape [--scrapes 100] [--pause 0.5]

The prober goes on meanwhile, each probe once a second, so that between two scrapes there is something new to be
written. Times are those of the one who asks: from connecting to the last byte, over a connection of its own. The
blackbox exporter tells about itself only, in the same run. Exits with 1 when there are 2,000 series or more, or when
the 99th percentile reaches 20 ms.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

from benchmarks.probing.harness import (
    BLACKBOX,
    ROOT,
    Child,
    bench,
    blackbox,
    free_port,
    headline,
    quantile,
    wait_for,
)

SERIES_GOAL: Final = 2_000
SECONDS_GOAL: Final = 0.020
PATIENCE: Final = 60.0
TEXT: Final = "text/plain; version=0.0.4"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class Cost:
    """What scrapes cost.

    Args:
        series: lines with a value in the last one.
        bytes: of it.
        seconds: of each.
    """

    series: int
    bytes: int
    seconds: list[float]

    def row(self, name: str) -> str:
        """A line of the table."""
        half, most = (quantile(self.seconds, share) * 1000 for share in (0.5, 0.99))
        return f"{name:38} {self.series:7} {self.bytes:9} {half:8.2f} {most:8.2f}"


def ask(url: str, accept: str) -> bytes:
    """The answer to a scrape, over a connection of its own."""
    asked = Request(f"{url}/metrics", headers={"Accept": accept})  # noqa: S310 - http on loopback
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 - http on loopback
        body: bytes = answer.read()
    return body


def lines(body: bytes) -> list[str]:
    """The samples."""
    return [line for line in body.decode().splitlines() if not line.startswith("#")]


def cost(scrape: Callable[[], bytes], scrapes: int, pause: float) -> Cost:
    """Scrape again and again."""
    took: list[float] = []
    body = scrape()
    gc.collect()
    gc.disable()  # what is measured is the other process
    for _ in range(scrapes):
        time.sleep(pause)
        began = time.perf_counter()
        body = scrape()
        took.append(time.perf_counter() - began)
    gc.enable()
    return Cost(len(lines(body)), len(body), took)


def wait_until_all_ran(url: str) -> None:
    """Return when each probe that runs has run."""
    until = time.monotonic() + PATIENCE
    while True:
        found = lines(ask(url, TEXT))
        ran, planned = (
            sum(line.startswith(f"specwatch_probe_{name}{{") for line in found)
            for name in ("last_run_timestamp_seconds", "interval_seconds")
        )
        if ran == planned > 0:
            return
        if time.monotonic() > until:
            sys.exit(f"only {ran} of {planned} probes ran within {PATIENCE:g} s")
        time.sleep(0.5)


def watch(folder: Path, port: int) -> Child:
    """The prober on the workspace of this repository, with its sandbox."""
    where = ["--target", "sandbox", "--interval", "1s", "--state", str(folder / "state.sqlite")]
    command = [sys.executable, "-m", "specwatch", "watch", "--workspace", str(ROOT), *where]
    return Child([*command, "--listen", f"127.0.0.1:{port}"], talks=False)


def main(scrapes: int, pause: float) -> int:
    """Measure and print."""
    print(headline())
    print(f"{scrapes} scrapes of each, {pause:g} s apart, while all probes run once a second")
    print(f"\n{'':38} {'series':>7} {'bytes':>9} {'p50 ms':>8} {'p99 ms':>8}")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with bench() as folder, watch(folder, port):
        wait_for(url)
        wait_until_all_ran(url)
        own = {form: cost(partial(ask, url, form), scrapes, pause) for form in (TEXT, OPENMETRICS)}
        print(own[TEXT].row("specwatch, text 0.0.4"))
        print(own[OPENMETRICS].row("specwatch, OpenMetrics with exemplars"))
        if shutil.which(BLACKBOX):
            with blackbox(folder) as (_, peer):
                print(cost(partial(ask, f"http://127.0.0.1:{peer}", TEXT), scrapes, pause).row("blackbox exporter"))
        else:
            print(f"{BLACKBOX} is missing")
    few = all(each.series < SERIES_GOAL for each in own.values())
    quick = all(quantile(each.seconds, 0.99) < SECONDS_GOAL for each in own.values())
    print(f"\ngoal: under {SERIES_GOAL} series {'' if few else 'SHORT'}")
    print(f"goal: 99 in 100 scrapes under {SECONDS_GOAL * 1000:g} ms {'' if quick else 'SHORT'}")
    return 0 if few and quick else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scrapes", type=int, default=100)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two")
    given = parser.parse_args()
    sys.exit(main(given.scrapes, given.pause))

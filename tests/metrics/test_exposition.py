"""Rendering in slices gives what the library gives at once, in both formats, without holding anybody up."""

from __future__ import annotations

import asyncio
import operator
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from specwatch.metrics import Exposition, Metrics
from specwatch.metrics.exposition import CHUNK, SLICE, Format, negotiate
from specwatch.metrics.families import BY_NAME
from specwatch.metrics.series import Counter, Gauge, Histogram, Table
from specwatch.probing.events import Ran, Ticked
from specwatch.values import Observation, Sent

OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"
FORMATS = ("", OM)
Make = Callable[..., Observation]


class CountingClock:
    """A clock on which every look takes a while, so that each series fills a slice."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Epoch seconds."""
        return self.time

    def monotonic(self) -> float:
        """A slice later each time."""
        self.time += SLICE * 1.01
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds


def nothing() -> Sequence[Metric]:
    """No metrics of libraries."""
    return ()


class Few:
    """One table of each kind, and what renders them."""

    def __init__(self, location: str = "") -> None:
        self.cost = Table(BY_NAME["specwatch_cost_total"], Counter)
        self.budget = Table(BY_NAME["specwatch_budget_remaining"], Gauge)
        self.seconds = Table(BY_NAME["specwatch_request_duration_seconds"], Histogram)
        self.exposition = Exposition([self.cost, self.budget, self.seconds], nothing, CountingClock(), location)

    def do(self, name: str, value: float) -> None:
        """Touch a series of each kind."""
        self.cost.get(name).add(abs(value))
        self.budget.get(name, "requests").set(value if value >= 0 else None)
        self.seconds.get(name, "op").observe_marked(value, f"run-{name}", 1_700_000_000.5)


async def whole(exposition: Exposition, accept: str) -> bytes:
    """A scrape."""
    return b"".join((await exposition.render(accept)).chunks)


@pytest.mark.parametrize("accept", FORMATS)
@given(
    rounds=st.lists(
        st.lists(
            st.tuples(st.text(st.characters(codec="utf-8"), max_size=4), st.floats(-10, 1e9)),
            max_size=5,
        ),
        max_size=4,
    ),
    location=st.sampled_from(["", 'a"\\\n\x0b\u2028']),
)
@settings(max_examples=60)
def test_slices_give_what_the_library_gives_at_once(
    accept: str, rounds: list[list[tuple[str, float]]], location: str
) -> None:
    """After any changes, with any label values, the text is the library's own, byte by byte."""
    few = Few(location)

    async def scrape() -> None:
        for changes in rounds:
            for name, value in changes:
                few.do(name, value)
            if changes and changes[0][1] < 0:
                few.cost.plan([], partial(operator.ne, (changes[0][0],)))
            assert await whole(few.exposition, accept) == few.exposition.render_now(accept)

    asyncio.run(scrape())


@pytest.mark.parametrize("accept", FORMATS)
def test_the_text_parses(
    metrics: Metrics, observation: Make, sent: Callable[..., Sent], text: Callable[..., str], accept: str
) -> None:
    """The library's own parsers read all of it back, each family once and in one piece."""
    metrics(Ran(observation(sent())))
    parse = parse_openmetrics if accept else parse_text
    names = [family.name for family in parse(text(metrics, accept))]
    assert len(names) == len(set(names))
    assert {family.base for family in BY_NAME.values()} <= {name.removesuffix("_info") for name in names}


@pytest.mark.needs("promtool")
def test_promtool_has_nothing_to_say(
    metrics: Metrics, observation: Make, sent: Callable[..., Sent], text: Callable[..., str]
) -> None:
    """The names, types and texts follow the rules that Prometheus's own linter knows."""
    metrics(Ran(observation(sent())))
    promtool = shutil.which("promtool") or "promtool"
    command = [promtool, "check", "metrics"]
    done = subprocess.run(command, input=text(metrics), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_exemplars_name_the_run(
    metrics: Metrics, observation: Make, sent: Callable[..., Sent], lines: Callable[..., list[str]]
) -> None:
    """A bucket shows the last run that fell into it, in OpenMetrics only, with labels of 128 characters at most."""
    metrics(Ran(observation(sent(seconds=0.2), run="read-1")))
    metrics(Ran(observation(sent(seconds=0.2), run="read-2")))
    metrics(Ran(observation(sent(seconds=9.0), run="x" * 300)))
    found = lines(metrics, "specwatch_request_duration_seconds_bucket", OM)
    marked = [line for line in found if " # " in line]
    assert [line.split('le="')[1].split('"')[0] for line in marked] == ["0.25", "10.0"]
    assert marked[0].endswith(' # {run="read-2"} 0.2 1700000000.2')
    assert f'# {{run="{"x" * 125}"}}' in marked[1]
    assert not any(" # " in line for line in lines(metrics, "specwatch_request_duration_seconds_bucket"))


@pytest.mark.parametrize(
    "accept, form",
    [
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/plain;version=0.0.4", Format.TEXT),
        ("text/plain;version=1.0.0;escaping=values", Format.TEXT),
        (OM, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0;escaping=dots,text/plain", Format.OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5", Format.TEXT),
        ("application/openmetrics-text;version=abc", Format.TEXT),
        ("text/plain;version=,;;=", Format.TEXT),
    ],
)
def test_the_format_is_negotiated(accept: str, form: Format) -> None:
    """OpenMetrics for whoever asks for a version of it, text for everybody else."""
    assert negotiate(accept) is form


@given(accept=st.text() | st.from_regex(r"(application/openmetrics-text|text/plain);version=.*;escaping=.*"))
def test_any_accept_header_gets_an_answer(accept: str) -> None:
    """No header can make a scrape fail."""
    assert negotiate(accept) in Format


def test_others_get_their_turn() -> None:
    """A rendering lets the event loop go on after every slice."""
    few = Few()
    for number in range(50):
        few.do(str(number), 1.0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def scrape() -> None:
        other = asyncio.create_task(count())
        await few.exposition.render()
        other.cancel()

    asyncio.run(scrape())
    assert turns >= 150


def test_a_family_is_of_one_moment() -> None:
    """What happens while a family is being written shows in the next scrape, and then all of it."""
    few = Few()
    for number in range(20):
        few.do(str(number), 1.0)

    async def disturb() -> None:
        while True:
            for series in few.cost.series.values():
                series.add(1.0)
            await asyncio.sleep(0)

    async def scrape() -> None:
        other = asyncio.create_task(disturb())
        for _ in range(3):
            found = (await whole(few.exposition, "")).decode().splitlines()
            counts = {line.rpartition(" ")[2] for line in found if line.startswith("specwatch_cost_total{")}
            assert len(counts) == 1
        other.cancel()

    asyncio.run(scrape())


def test_scrapes_at_the_same_time_share_a_rendering() -> None:
    """Ten scrapes at once cost two renderings at most, and a later one sees what happened since."""
    few = Few()
    few.do("a", 1.0)

    async def scrape() -> None:
        found = await asyncio.gather(*[few.exposition.render() for _ in range(10)])
        assert len({id(each) for each in found}) <= 2
        few.cost.get("a").add(1.0)
        assert b'specwatch_cost_total{api="a"} 2.0' in await whole(few.exposition, "")

    asyncio.run(scrape())


def test_a_scrape_that_is_given_up_spoils_nothing() -> None:
    """Whoever waits for the rendering of a client that hung up gets one of its own, whole."""
    few = Few()
    for number in range(50):
        few.do(str(number), 1.0)

    async def scrape() -> None:
        first = asyncio.create_task(few.exposition.render())
        second = asyncio.create_task(whole(few.exposition, ""))
        for _ in range(5):
            await asyncio.sleep(0)
        first.cancel()
        assert await second == few.exposition.render_now()

    asyncio.run(scrape())


def test_a_long_text_comes_in_pieces() -> None:
    """No piece is so large that writing it would take long."""
    few = Few()
    for number in range(300):
        few.do(f"{number}-{'x' * 100}", 1.0)
    rendered = asyncio.run(few.exposition.render())
    assert len(rendered.chunks) > 3
    assert max(map(len, rendered.chunks)) < 2 * CHUNK


def test_the_process_is_told_about(metrics: Metrics, text: Callable[..., str]) -> None:
    """Memory, processor time and descriptors of the prober are there, as the library names them."""
    metrics(Ticked(0.1))
    assert "process_resident_memory_bytes " in text(metrics)
    assert "process_cpu_seconds_total " in text(metrics)

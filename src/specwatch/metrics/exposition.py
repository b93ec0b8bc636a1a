"""The text of `/metrics`, made in slices between which the event loop gets to its other work.

`prometheus_client` takes about 9 µs a sample, 90 ms for 10,000 of them, in one go. So it writes each series once, here
in pieces: its name and labels, escaped as the format wants it, are kept, and a rendering puts the values behind them,
of those series only that changed since the rendering before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from prometheus_client import exposition as plain
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString as _untyped_number  # noqa: N813 - a function

from specwatch.metrics.families import Family, Kind
from specwatch.metrics.series import Mark, Series, Table
from specwatch.transport.clock import AsyncClock

SLICE: Final = 0.00025
"""Seconds after which a rendering lets others go on."""

SHARE: Final = 0.25
"""How much of a busy loop's time a rendering takes: a scrape of an overloaded prober must be answered, too."""

LONGEST_SLICE: Final = 0.02
"""Seconds that it goes on at most, however long the others took."""

CHUNK: Final = 64 * 1024
"""Bytes that are written to a connection at once."""

EOF: Final = "# EOF\n"
_ZERO: Final = " 0.0"
_RUN_CHARACTERS: Final = 125
"""Name and value of an exemplar's labels may have 128 characters together (OpenMetrics 1.0, section 5.1.2)."""


# The library says no types for these two.
number: Final[Callable[[float], str]] = _untyped_number
_write_openmetrics: Final[Callable[[Any], bytes]] = openmetrics.generate_latest


class Format(Enum):
    """The formats that are spoken: Prometheus text 0.0.4 and OpenMetrics 1.0."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer to a scrape.

    Args:
        content_type: of the format that was chosen.
        chunks: the text, in pieces small enough to be written one at a time.
    """

    content_type: str
    chunks: tuple[bytes, ...]


def negotiate(accept: str) -> Format:
    """The format for an `Accept` header, as `prometheus_client` chooses; text where it makes no sense."""
    try:
        _, content_type = plain.choose_encoder(accept)
    except TypeError:  # a version that is no number
        return Format.TEXT
    return Format.OPENMETRICS if content_type.startswith("application/openmetrics-text") else Format.TEXT


class _Given(Collector):
    """Metrics in the shape in which the library takes them."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Sequence[Metric]:
        return self._metrics


def encode(metrics: Sequence[Metric], form: Format) -> str:
    """Metrics as the library writes them, without the mark of the end."""
    given: Any = _Given(metrics)  # older releases ask for a whole registry, and use `collect` only
    if form is Format.TEXT:
        return plain.generate_latest(given).decode()
    return _write_openmetrics(given).decode().removesuffix(EOF)


def with_location(metrics: Iterable[Metric], location: str) -> list[Metric]:
    """Metrics of a library with the constant label on each sample."""
    found = list(metrics)
    for metric in found if location else ():
        metric.samples = [sample._replace(labels={**sample.labels, "location": location}) for sample in metric.samples]
    return found


def metric_of(family: Family) -> Metric:
    """An empty metric of the library."""
    return Metric(family.base, family.meaning, family.kind.value, family.unit)


def sample_names(family: Family) -> tuple[tuple[str, str], ...]:
    """Name and `le` of each sample of a series of the family; `le` is empty where it is no bucket."""
    if family.kind is not Kind.HISTOGRAM:
        return ((family.name, ""),)
    bounds = (*family.buckets, float("inf"))
    buckets = tuple((f"{family.name}_bucket", number(bound)) for bound in bounds)
    return (*buckets, (f"{family.name}_count", ""), (f"{family.name}_sum", ""))


class Page:
    """The text of one family in one format, kept from one rendering to the next.

    Args:
        table: the series.
        form: the format.
        location: value of the constant label, or empty.
    """

    def __init__(self, table: Table[Any], form: Format, location: str) -> None:
        self._table = table
        self._form = form
        self._constant = {"location": location} if location else {}
        self._names = sample_names(table.family)
        self._head = encode([metric_of(table.family)], form)
        self._texts: dict[Series, str] = {}
        self._prefixes: dict[Series, tuple[str, ...]] = {}
        self._suffixes: dict[Series, dict[Mark, str]] = {}
        self._pending = table.reader()
        self._removals = table.removals
        self._bytes: bytes | None = None

    def write(self) -> Iterator[None]:
        """Bring the text up to date. All values are read before the first pause, so that they belong together."""
        self._table.share()
        self._forget_removed()
        marked = self._form is Format.OPENMETRICS
        taken = [(series, series.read(), series.marks() if marked else ()) for series in self._pending]
        for series, values, marks in taken:
            self._texts[series] = self._text(series, values, marks)
            del self._pending[series]
            self._bytes = None
            yield

    def bytes(self) -> bytes:
        """The text as it was last written."""
        if self._bytes is None:
            self._bytes = "".join([self._head, *self._texts.values()]).encode()
        return self._bytes

    def _forget_removed(self) -> None:
        if self._removals == self._table.removals:
            return
        self._removals = self._table.removals
        alive = set(self._table.series.values())
        for kept in (self._texts, self._prefixes, self._suffixes, self._pending):
            for series in [series for series in kept if series not in alive]:
                del kept[series]
        self._bytes = None

    def _text(self, series: Series, values: tuple[float, ...], marks: tuple[Mark | None, ...]) -> str:
        if not values:
            return ""
        prefixes = self._prefixes.get(series)
        if prefixes is None:
            prefixes = self._prefixes[series] = self._make_prefixes(series)
        if not any(marks):
            return "".join([f"{p} {number(v)}\n" for p, v in zip(prefixes, values, strict=True)])
        tails = [self._suffix(series, mark) if mark else "" for mark in marks]
        tails += [""] * (len(values) - len(tails))
        lines = zip(prefixes, values, tails, strict=True)
        return "".join([f"{prefix} {number(value)}{tail}\n" for prefix, value, tail in lines])

    def _samples(self, series: Series) -> Iterator[Sample]:
        labels = dict(zip(self._table.family.labels, series.labels, strict=True)) | self._constant
        for name, le in self._names:
            yield Sample(name, {**labels, "le": le} if le else labels, 0.0)

    def _make_prefixes(self, series: Series) -> tuple[str, ...]:
        return tuple(line.removesuffix(_ZERO) for line in self._lines(self._samples(series)))

    def _suffix(self, series: Series, mark: Mark) -> str:
        """What an exemplar adds to its bucket's line; those of the buckets before it are kept too."""
        kept = self._suffixes.setdefault(series, {})
        found = kept.get(mark)
        if found is None:
            run, value, at = mark
            exemplar = Exemplar({"run": run[:_RUN_CHARACTERS]}, value, at)
            (line,) = self._lines([Sample(self._names[0][0], {"le": "1"}, 0.0, None, exemplar)])
            if len(kept) >= 2 * len(self._names):
                kept.clear()
            found = kept[mark] = line.partition(f"}}{_ZERO}")[2]
        return found

    def _lines(self, samples: Iterable[Sample]) -> list[str]:
        """The lines of samples as the library writes them. No other end of a line than LF is one here."""
        metric = metric_of(self._table.family)
        metric.samples = list(samples)
        return [line for line in encode([metric], self._form).split("\n") if line and line[0] != "#"]


class Exposition:
    """Renders tables for scrapes.

    Args:
        tables: in the order in which they are to appear.
        extra: makes metrics of libraries at each scrape.
        clock: measures the slices.
        location: value of the constant label, or empty.
    """

    def __init__(
        self,
        tables: Iterable[Table[Any]],
        extra: Callable[[], Iterable[Metric]],
        clock: AsyncClock,
        location: str = "",
    ) -> None:
        self._tables = tuple(tables)
        self._extra = extra
        self._clock = clock
        self._location = location
        self._formats: dict[Format, _Scrapes] = {}

    async def render(self, accept: str = "") -> Rendered:
        """The metrics in the format that an `Accept` header asks for.

        Scrapes that come while one of their format is being rendered get that one.
        """
        form = negotiate(accept)
        if form not in self._formats:
            pages = [Page(table, form, self._location) for table in self._tables]
            self._formats[form] = _Scrapes(form, pages, self._extra_text, self._clock)
        return await self._formats[form].get()

    def render_now(self, accept: str = "") -> bytes:
        """All of it at once by the library alone, for tests and for a prober that does nothing else."""
        form = negotiate(accept)
        metrics = [whole_metric(table, self._location) for table in self._tables]
        end = EOF if form is Format.OPENMETRICS else ""
        return f"{encode(metrics, form)}{self._extra_text(form)}{end}".encode()

    def _extra_text(self, form: Format) -> str:
        return encode(with_location(self._extra(), self._location), form)


class _Scrapes:
    """Renders one format, for one scrape at a time."""

    def __init__(self, form: Format, pages: Sequence[Page], extra: Callable[[Format], str], clock: AsyncClock) -> None:
        self._form = form
        self._pages = pages
        self._extra = extra
        self._clock = clock
        self._lock = asyncio.Lock()
        self._round = 0
        self._latest: Rendered | None = None

    async def get(self) -> Rendered:
        seen = self._round
        async with self._lock:
            if self._latest is None or self._round == seen:
                self._latest = Rendered(self._form.value, await self._render())
                self._round += 1
            return self._latest

    async def _render(self) -> tuple[bytes, ...]:
        parts = []
        began, slice_ = self._clock.monotonic(), SLICE
        for page in self._pages:
            for _ in page.write():
                now = self._clock.monotonic()
                if now - began > slice_:
                    await asyncio.sleep(0)
                    began = self._clock.monotonic()
                    slice_ = min(max(SLICE, (began - now) * SHARE), LONGEST_SLICE)
            parts.append(page.bytes())
        await asyncio.sleep(0)
        end = EOF if self._form is Format.OPENMETRICS else ""
        parts.append(f"{self._extra(self._form)}{end}".encode())
        await asyncio.sleep(0)
        return tuple(_chunks(parts))


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, small parts put together and large ones cut."""
    small = bytearray()
    for part in parts:
        for at in range(0, len(part), CHUNK):
            small += part[at : at + CHUNK]
            if len(small) >= CHUNK:
                yield bytes(small)
                small.clear()
    if small:
        yield bytes(small)


def whole_metric(table: Table[Any], location: str = "") -> Metric:
    """A family with all its series as a metric of the library."""
    metric = metric_of(table.family)
    names = sample_names(table.family)
    for series in table.series.values():
        labels = dict(zip(table.family.labels, series.labels, strict=True))
        labels |= {"location": location} if location else {}
        marks = (*series.marks(), *[None] * len(names))
        for (name, le), value, mark in zip(names, series.read(), marks, strict=False):
            exemplar = Exemplar({"run": mark[0][:_RUN_CHARACTERS]}, mark[1], mark[2]) if mark else None
            metric.samples.append(Sample(name, {**labels, "le": le} if le else labels, value, None, exemplar))
    return metric

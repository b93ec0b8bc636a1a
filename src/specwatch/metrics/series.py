"""Where the values of series live: small objects whose updates cost a fraction of a microsecond.

The event loop's thread is the only one that writes and reads them, so there are no locks. Every update leaves the
series in the `changed` of its table, so that a rendering looks only at what changed since the one before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Generic, TypeVar

from specwatch.metrics.families import Family

Labels = tuple[str, ...]
Mark = tuple[str, float, float]
"""An exemplar: id of the run, value, epoch seconds."""


class Series:
    """One series, or all buckets of one histogram.

    Args:
        labels: values of the labels, in the order of the family.
        changed: where it leaves itself when it is updated.
        family: what it belongs to.
    """

    __slots__ = ("_changed", "labels")

    def __init__(self, labels: Labels, changed: dict[Series, None], family: Family) -> None:
        del family
        self.labels = labels
        self._changed = changed
        changed[self] = None

    def read(self) -> tuple[float, ...]:
        """The values as they are now, in the order of the samples; empty while there are none."""
        raise NotImplementedError

    def marks(self) -> tuple[Mark | None, ...]:
        """The exemplars, one for each of the first samples; empty where there are none."""
        return ()


class Counter(Series):
    """A sum that never falls."""

    __slots__ = ("value",)

    def __init__(self, labels: Labels, changed: dict[Series, None], family: Family) -> None:
        super().__init__(labels, changed, family)
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Add what is not negative; anything else is left out."""
        if amount > 0.0:
            self.value += amount
            self._changed[self] = None

    def read(self) -> tuple[float, ...]:
        """The sum."""
        return (self.value,)


class Gauge(Series):
    """A value that may be unknown."""

    __slots__ = ("value",)

    def __init__(self, labels: Labels, changed: dict[Series, None], family: Family) -> None:
        super().__init__(labels, changed, family)
        self.value: float | None = None

    def set(self, value: float | None) -> None:
        """Replace the value; None takes the sample away."""
        self.value = value
        self._changed[self] = None

    def raise_to(self, value: float) -> None:
        """Replace the value by a greater one."""
        if self.value is None or value > self.value:
            self.value = value
            self._changed[self] = None

    def read(self) -> tuple[float, ...]:
        """The value, if there is one."""
        return () if self.value is None else (self.value,)


class Histogram(Series):
    """How many values fell into each bucket, and their sum."""

    __slots__ = ("_bounds", "_counts", "_marks", "_sum")

    def __init__(self, labels: Labels, changed: dict[Series, None], family: Family) -> None:
        super().__init__(labels, changed, family)
        self._bounds = family.buckets
        self._counts = [0] * (len(family.buckets) + 1)
        self._marks: list[Mark | None] = []
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value; a negative one, which only a clock that was set back can make, counts as 0."""
        seen = max(0.0, value)
        self._counts[bisect_left(self._bounds, seen)] += 1
        self._sum += seen
        self._changed[self] = None

    def observe_marked(self, value: float, run: str, at: float) -> None:
        """Count a value and keep it as its bucket's exemplar."""
        self.observe(value)
        if not self._marks:
            self._marks = [None] * len(self._counts)
        self._marks[bisect_left(self._bounds, value)] = (run, value, at)

    def read(self) -> tuple[float, ...]:
        """The cumulative counts of the buckets, the count of all, the sum."""
        counts = tuple(accumulate(self._counts))
        return (*counts, counts[-1], self._sum)

    def marks(self) -> tuple[Mark | None, ...]:
        """The exemplar of each bucket."""
        return tuple(self._marks)


S = TypeVar("S", bound=Series)


class Table(Generic[S]):
    """All series of one family.

    Args:
        family: what it is.
        kind: the class of its series.
    """

    def __init__(self, family: Family, kind: Callable[[Labels, dict[Series, None], Family], S]) -> None:
        self.family = family
        self.series: dict[Labels, S] = {}
        self.removals = 0
        self._kind = kind
        self._changed: dict[Series, None] = {}
        self._readers: list[dict[Series, None]] = []

    def get(self, *labels: str) -> S:
        """The series with these label values; made, at zero or without a sample, where there is none."""
        found = self.series.get(labels)
        if found is None:
            found = self.series[labels] = self._kind(labels, self._changed, self.family)
        return found

    def plan(self, wanted: Iterable[Labels], keep: Callable[[Labels], bool]) -> None:
        """Make what is wanted and missing; remove what is neither wanted nor to be kept."""
        planned = dict.fromkeys(wanted)
        for labels in [labels for labels in self.series if labels not in planned and not keep(labels)]:
            del self.series[labels]
            self.removals += 1
        for labels in planned:
            self.get(*labels)

    def reader(self) -> dict[Series, None]:
        """A new collection in which each `share` leaves what changed; the reader takes out what it has read."""
        reader: dict[Series, None] = dict.fromkeys(self.series.values())
        self._readers.append(reader)
        return reader

    def share(self) -> None:
        """Hand what changed to all readers; whoever still holds a series that was removed changes nothing."""
        alive: dict[Series, None] = dict.fromkeys(
            each for each in self._changed if self.series.get(each.labels) is each
        )
        for reader in self._readers:
            reader.update(alive)
        self._changed.clear()

"""The books: which alerts there are, which of them the receiver knows, and what waits to be told.

Nothing here sends or waits. What is to be told follows from the difference between what is and what was told, so that
of several changes only the last one counts, and a restart begins where the process before it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from specwatch.notify.alert import Alert, Group
from specwatch.probing.ports import Json

KIND: Final = "notified"
"""Under which the store remembers what was told."""

MOST: Final = 100
"""Alerts in one message."""

Key = tuple[str, str]
"""Name of an alert and id of its probe."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one message tells.

    Args:
        changes: alerts of one group that began or ended.
        known: others of that group which go on; the receiver was told of them before.
        truncated: how many of those were left out.
    """

    changes: tuple[Alert, ...]
    known: tuple[Alert, ...] = ()
    truncated: int = 0

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All of them."""
        return self.changes + self.known


@dataclass(frozen=True, slots=True)
class _Told:
    """A firing alert of which the receiver knows; where not `sure`, it may know of it or not."""

    alert: Alert
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Keeping:
    """How books are kept.

    Args:
        remember: writes down what was told under a key, or forgets it with None.
        now: epoch seconds.
        dropped: is given what is left out because too much waits.
        waiting: how many alerts may wait.
        rest: seconds for which an alert that could not be told is not tried again.
    """

    remember: Callable[[str, Json | None], None]
    now: Callable[[], float]
    dropped: Callable[[Alert], None]
    waiting: int = 1000
    rest: float = 300.0


class Books:
    """Which alerts there are, and which were told.

    Args:
        keeping: how.
    """

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._wanted: dict[Key, Alert] = {}
        self._told: dict[Key, _Told] = {}
        self._waiting: dict[Key, None] = {}  # in the order in which they came
        self._flying: frozenset[Key] = frozenset()
        self._resting: dict[Key, float] = {}
        self._failed: dict[Group, int] = {}  # the turn in which a group could not be told last
        self._turn = 0

    def restore(self, memories: Mapping[str, Json]) -> None:
        """Take over what was told by the process before; a document of another form is left out."""
        for raw in memories.values():
            try:
                told = _read(raw)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
            self._told[_key(told.alert)] = told

    @property
    def waiting(self) -> int:
        """How many alerts wait to be told, those under way included."""
        return len(self._waiting)

    def probes(self) -> set[str]:
        """Ids of the probes about which there is or was an alert."""
        return {probe for _, probe in (*self._wanted, *self._told)}

    # ------------------------------------------------------------------------------------------------ what there is

    def begin(self, name: str, probe: str, make: Callable[[], Alert]) -> None:
        """There is an alert; one of which the receiver knows goes on as it was told.

        Args:
            name: of the alert.
            probe: id of its probe.
            make: makes it, where it is new.
        """
        key = name, probe
        wanted = self._wanted.get(key)
        if wanted is None or not wanted.firing:
            told = self._told.get(key)
            self._wanted[key] = told.alert if told else make()
            self._resting.pop(key, None)
        self._look(key)

    def end(self, name: str, probe: str, description: str) -> None:
        """There is no such alert, or none any more.

        Args:
            name: of the alert.
            probe: id of its probe.
            description: why it ended.
        """
        key = name, probe
        told = self._told.get(key)
        alert = told.alert if told else self._wanted.get(key)
        if alert is None:
            return
        wanted = self._wanted.get(key)
        if wanted is None or wanted.firing:
            self._wanted[key] = alert.ended(self._keeping.now(), description)
            self._resting.pop(key, None)
        self._look(key)

    # ------------------------------------------------------------------------------------------------ what is to tell

    def take(self) -> Batch | None:
        """What is to be told next; `settle` has to follow. None where nothing waits.

        It is of the group that has waited longest. A group that could not be told comes behind those that were not
        tried since, so that no message holds up the others.
        """
        if not self._waiting:
            return None
        groups = (self._wanted[key].group for key in self._waiting)
        group = min(groups, key=lambda each: self._failed.get(each, 0))
        keys = [key for key in self._waiting if self._wanted[key].group == group][:MOST]
        self._flying = frozenset(keys)
        changes = tuple(self._wanted[key] for key in keys)
        known = [told.alert for key, told in self._told.items() if told.alert.group == group and self._goes_on(key)]
        room = MOST - len(changes)
        return Batch(changes, tuple(known[:room]), max(len(known) - room, 0))

    def settle(self, batch: Batch, *, delivered: bool, doubtful: bool = False) -> None:
        """Note how an attempt to tell a batch ended.

        Args:
            batch: what `take` gave.
            delivered: whether the receiver took it.
            doubtful: where it did not say so, whether it may have taken it nevertheless.
        """
        self._flying = frozenset()
        self._take_turns(batch.changes[0].group, delivered=delivered)
        for alert in batch.changes:
            key = _key(alert)
            if delivered:
                self._note(key, _Told(alert) if alert.firing else None)
            elif doubtful:
                before = self._told.get(key)
                self._note(key, _Told(before.alert if before else alert, sure=False))
            self._look(key)

    def give_up(self, batch: Batch) -> tuple[Alert, ...]:
        """Let go of what could not be told, unless it has changed since; it is tried again after a rest."""
        lost = tuple(alert for alert in batch.changes if self._wanted.get(_key(alert)) is alert)
        for alert in lost:
            self._waiting.pop(_key(alert), None)
            self._resting[_key(alert)] = self._keeping.now() + self._keeping.rest
        return lost

    def abandon(self) -> tuple[Alert, ...]:
        """Let go of all that waits."""
        lost = tuple(self._wanted[key] for key in self._waiting)
        self._waiting.clear()
        return lost

    # ------------------------------------------------------------------------------------------------------- details

    def _take_turns(self, group: Group, *, delivered: bool) -> None:
        self._turn += 1
        if delivered:
            self._failed.pop(group, None)
        else:
            self._failed[group] = self._turn

    def _look(self, key: Key) -> None:
        """Let an alert wait if it has to be told."""
        if key in self._flying:  # looked at again when it is known how that ended
            return
        if not self._differs(key):
            self._waiting.pop(key, None)
            self._resting.pop(key, None)
            wanted = self._wanted.get(key)
            if wanted is not None and not wanted.firing:
                del self._wanted[key]
        elif self._keeping.now() >= self._resting.get(key, 0.0):
            self._waiting.setdefault(key)
            self._shed()

    def _differs(self, key: Key) -> bool:
        """Whether the receiver is to be told of an alert: it does not know, or may not know, how it is."""
        wanted, told = self._wanted.get(key), self._told.get(key)
        if wanted is None:
            return False
        return (told is None or not told.sure) if wanted.firing else told is not None

    def _goes_on(self, key: Key) -> bool:
        """Whether an alert fires, and the receiver knows so."""
        wanted = self._wanted.get(key)  # none where the probe has not run since a restart
        return (wanted is None or wanted.firing) and self._told[key].sure

    def _shed(self) -> None:
        """Drop what has waited longest, where too much waits."""
        while len(self._waiting) > self._keeping.waiting:
            key = next((key for key in self._waiting if key not in self._flying), None)
            if key is None:
                return
            del self._waiting[key]
            self._resting[key] = self._keeping.now() + self._keeping.rest
            self._keeping.dropped(self._wanted[key])

    def _note(self, key: Key, told: _Told | None) -> None:
        if told is None:
            self._told.pop(key, None)
        else:
            self._told[key] = told
        self._keeping.remember("/".join(key), None if told is None else dict(_written(told)))


def _key(alert: Alert) -> Key:
    return alert.name, alert.probe


def _written(told: _Told) -> Iterator[tuple[str, object]]:
    alert = told.alert
    yield "labels", dict(alert.labels)
    yield "annotations", dict(alert.annotations)
    yield "starts_at", alert.starts_at
    yield "source", alert.source
    yield "sure", told.sure


def _read(raw: Json) -> _Told:
    labels, annotations = _texts(raw["labels"]), _texts(raw["annotations"])
    starts_at = raw["starts_at"]
    if not isinstance(starts_at, int | float) or not {"alertname", "api", "probe"} <= set(labels):
        raise TypeError
    return _Told(Alert(labels, annotations, float(starts_at), source=str(raw["source"])), sure=bool(raw["sure"]))


def _texts(raw: object) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise TypeError
    return {str(name): str(value) for name, value in raw.items()}

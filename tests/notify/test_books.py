"""Laws of the books: whatever happens, in the end the receiver knows what is, and of nothing twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from specwatch.notify.alert import Alert
from specwatch.notify.books import Books, Keeping, Key
from specwatch.probing.ports import Json

NAMES, PROBES = ("A", "B"), ("p", "q", "r")
KEYS = [(name, probe) for name in NAMES for probe in PROBES]


def books(store: dict[str, object]) -> Books:
    """Books that remember in a mapping."""

    def remember(key: str, value: object) -> None:
        store[key] = value

    return Books(Keeping(remember, lambda: 0.0, lambda _: None, rest=0.0))


def alert(name: str, probe: str) -> Alert:
    """An alert."""
    return Alert({"alertname": name, "api": "shop", "probe": probe}, {"summary": "s", "description": "d"}, 0.0)


OUTCOMES = ("delivered", "lost", "doubtful but taken", "doubtful and lost")


@dataclass
class World:
    """A prober that runs and restarts, and a receiver that gets some of what it is sent."""

    store: dict[str, object] = field(default_factory=dict)
    fires: set[Key] = field(default_factory=set)
    knows: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin."""
        self.kept = books(self.store)

    def run(self, key: Key) -> None:
        """A probe runs and is as it is."""
        if key in self.fires:
            self.kept.begin(*key, lambda: alert(*key))
        else:
            self.kept.end(*key, "well again")

    def restart(self) -> None:
        """Another process takes over, and each probe runs once."""
        self.kept = books(self.store)
        self.kept.restore(cast("dict[str, Json]", {key: value for key, value in self.store.items() if value}))
        for key in KEYS:
            self.run(key)

    def attempt(self, outcome: str) -> bool:
        """Something is sent, if anything waits."""
        batch = self.kept.take()
        if batch is None:
            return False
        if "taken" in outcome or outcome == "delivered":
            for each in batch.changes:
                (self.knows.add if each.firing else self.knows.discard)((each.name, each.probe))
        self.kept.settle(batch, delivered=outcome == "delivered", doubtful="doubtful" in outcome)
        return True


CHANGES = st.tuples(st.sampled_from(KEYS), st.booleans())


@given(st.lists(st.one_of(CHANGES, st.sampled_from(OUTCOMES), st.just("restart")), max_size=40))
def test_in_the_end_the_receiver_knows_what_is(steps: list[tuple[Key, bool] | str]) -> None:
    """Through failures, doubts and restarts: once a receiver takes what waits, it knows exactly what fires."""
    world = World()
    for step in steps:
        if isinstance(step, tuple):
            key, fires = step
            (world.fires.add if fires else world.fires.discard)(key)
            world.run(key)
        elif step == "restart":
            world.restart()
        else:
            world.attempt(step)
    while world.attempt("delivered"):
        pass
    assert world.knows == world.fires


@given(st.lists(CHANGES, max_size=30))
def test_nothing_is_told_twice(changes: list[tuple[Key, bool]]) -> None:
    """A receiver that takes everything gets firing and resolved in turn, for each alert."""
    kept = books({})
    told: dict[Key, list[bool]] = {}
    for key, fires in changes:
        if fires:
            kept.begin(*key, partial(alert, *key))
        else:
            kept.end(*key, "well again")
        while batch := kept.take():
            for each in batch.changes:
                told.setdefault((each.name, each.probe), []).append(each.firing)
            kept.settle(batch, delivered=True)
    for history in told.values():
        assert history == [number % 2 == 0 for number in range(len(history))]

"""What is remembered from run to run and over restarts: streaks, claims, drift, budgets and rate limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from specwatch.conformance.sightings import together
from specwatch.conformance.sketch import is_sketch
from specwatch.probing.events import Event, Ran
from specwatch.probing.ports import Json, Store
from specwatch.schedule import DayBudget
from specwatch.transport.budget import DailyBudget
from specwatch.transport.rate_limit import CLEAR, Limit
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation
from specwatch.values.violation import Drift, Sighting

T = TypeVar("T")

MAX_DRIFT: Final = 2_000
"""How many kinds of drift are remembered in all; a target can make up names without end."""


@dataclass(frozen=True, slots=True)
class Streak:
    """How a probe has been since when.

    Args:
        verdict: of its last settled run.
        since: epoch seconds of the first run of this streak.
        runs: how many settled runs it has lasted.
        last_at: epoch seconds when the last run began.
        seconds: that it took.
        reason: the class of its failure, or empty.
        message: of the last run.
        requests: that it sent.
    """

    verdict: Verdict
    since: float
    runs: int
    last_at: float
    seconds: float
    reason: str = ""
    message: str = ""
    requests: int = 0


@dataclass(slots=True)
class ClaimRecord:
    """What probes have seen of a claim.

    Args:
        verified_at: epoch seconds, or None when it never was.
        violated_at: the same.
        verified: how often it was kept.
        violated: how often it was broken.
        message: of the last violation.
    """

    verified_at: float | None = None
    violated_at: float | None = None
    verified: int = 0
    violated: int = 0
    message: str = ""


@dataclass(slots=True)
class DriftRecord:
    """When something undocumented was seen, and what it was like; see `Sighting`."""

    first_at: float
    last_at: float
    times: int
    status: int = 0
    example: str = ""
    sketch: str = ""


class Memory:
    """A listener that keeps what runs have shown, and tells the store.

    Args:
        store: where it is written; what it remembers from before is taken over.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.streaks: dict[str, Streak] = dict(_restore(store, "streak", _streak))
        self.claims: dict[tuple[str, str], ClaimRecord] = {
            _pair(key): record for key, record in _restore(store, "claim", _claim)
        }
        self._closed: dict[str, int] = {}
        self._changed_claims: set[tuple[str, str]] = set()
        self._changed_drift: set[str] = set()
        self._changed_streaks: set[str] = set()
        self.drift: dict[str, DriftRecord] = dict(_restore(store, "drift", _drift))

    def __call__(self, event: Event) -> None:
        """Take in a run."""
        if isinstance(event, Ran):
            if event.settled:
                self._note_streak(event.observation)
            for sent in event.observation.sent:
                at = sent.exchange.timings.started_at if sent.exchange else event.observation.started_at
                for claim in sent.verified:
                    self._note_claim(event.observation.api, claim, at, None)
                for violation in sent.violations:
                    self._note_claim(violation.api, violation.claim, at, violation.message)
                examples = {sighting.drift: sighting for sighting in sent.sightings}
                for drift in sent.drift:
                    self._note_drift(drift, at, examples.get(drift))

    def budget(self, probe_id: str, limit: DayBudget, now: Callable[[], float]) -> DailyBudget:
        """The budget of a probe, with what was spent of it today before a restart."""
        spent = self._store.memories("budget").get(probe_id, {})
        budget = DailyBudget(now, limit.requests, limit.cost)
        budget.day = int(_number(spent.get("day")))
        budget.requests, budget.cost = int(_number(spent.get("requests"))), _number(spent.get("cost"))
        return budget

    def keep_budget(self, probe_id: str, budget: DailyBudget, requests: int = 0, cost: float = 0.0) -> None:
        """Remember what was spent of a budget that has an end, and what is about to be spent beyond that."""
        if budget.max_requests is None and budget.max_cost is None:
            return
        spent = {"day": budget.day, "requests": budget.requests + requests, "cost": budget.cost + cost}
        self._store.remember("budget", probe_id, spent)

    def limits(self) -> dict[str, Limit]:
        """The rate limits that were in force."""
        return {
            place: Limit(_number(raw.get("until")), max(_number(raw.get("slowdown")), 1.0))
            for place, raw in self._store.memories("limit").items()
        }

    def keep_limit(self, place: str, limit: Limit) -> None:
        """Remember a rate limit, or forget one that is over."""
        value = None if limit == CLEAR else {"until": limit.until, "slowdown": limit.slowdown}
        self._store.remember("limit", place, value)

    def closed(self, api: str) -> set[str]:
        """The operations that accepted what they promise to refuse."""
        names = self._store.memories("closed").get(api, {}).get("operations", [])
        closed = {str(name) for name in names} if isinstance(names, list) else set()
        self._closed[api] = len(closed)
        return closed

    def keep_closed(self, api: str, operations: set[str]) -> None:
        """Remember these operations, where they are not remembered already."""
        if len(operations) == self._closed.get(api, 0):  # none is ever taken out
            return
        self._closed[api] = len(operations)
        self._store.remember("closed", api, {"operations": sorted(operations)})

    def _note_streak(self, observation: Observation) -> None:
        before = self.streaks.get(observation.probe)
        same = before is not None and before.verdict is observation.verdict
        streak = Streak(
            verdict=observation.verdict,
            since=before.since if before is not None and same else observation.started_at,
            runs=before.runs + 1 if before is not None and same else 1,
            last_at=observation.started_at,
            seconds=observation.seconds,
            reason=observation.reason.value if observation.reason else "",
            message=observation.message,
            requests=observation.requests or (before.requests if before else 0),
        )
        self.streaks[observation.probe] = streak
        self._changed_streaks.add(observation.probe)

    def _note_claim(self, api: str, claim: str, at: float, message: str | None) -> None:
        record = self.claims.get((api, claim))
        if record is None:
            record = self.claims[api, claim] = ClaimRecord()
        if message is None:
            record.verified_at = at
            record.verified += 1
        else:
            record.violated_at, record.message = at, message
            record.violated += 1
        self._changed_claims.add((api, claim))

    def _note_drift(self, drift: Drift, at: float, sighting: Sighting | None = None) -> None:
        key = f"{drift.api}/{drift.operation}/{drift.kind}/{drift.name}"[:500]
        record = self.drift.get(key)
        if record is None:
            if len(self.drift) >= MAX_DRIFT:
                return
            record = self.drift[key] = DriftRecord(at, at, 0)
        record.last_at, record.times = at, record.times + 1
        if sighting is not None:
            known = Sighting(drift, 0, at, at, record.status, record.example, record.sketch)
            both = together(known, sighting)
            record.status = record.status or sighting.status
            record.example, record.sketch = both.example, both.sketch
        self._changed_drift.add(key)

    def flush(self) -> None:
        """Tell the store what changed since the last time. Claims are kept too often to do so each time."""
        for api, claim in self._changed_claims:
            self._store.remember("claim", f"{api}/{claim}", _as_json(self.claims[api, claim]))
        for key in self._changed_drift:
            self._store.remember("drift", key, _as_json(self.drift[key]))
        for probe in self._changed_streaks:
            self._store.remember("streak", probe, _as_json(self.streaks[probe]))
        self._changed_claims.clear()
        self._changed_drift.clear()
        self._changed_streaks.clear()


def _as_json(record: Streak | ClaimRecord | DriftRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}


def _restore(store: Store, kind: str, read: Callable[[Json], T]) -> Iterator[tuple[str, T]]:
    """What can be read of what was remembered; a document of another form is left out."""
    for key, raw in store.memories(kind).items():
        try:
            yield key, read(raw)
        except (KeyError, TypeError, ValueError):
            continue


def _streak(raw: Json) -> Streak:
    return Streak(
        verdict=Verdict(str(raw["verdict"])),
        since=_number(raw["since"]),
        runs=int(_number(raw["runs"])),
        last_at=_number(raw["last_at"]),
        seconds=_number(raw["seconds"]),
        reason=str(raw["reason"]),
        message=str(raw["message"]),
        requests=int(_number(raw["requests"])),
    )


def _claim(raw: Json) -> ClaimRecord:
    verified_at, violated_at = raw["verified_at"], raw["violated_at"]
    return ClaimRecord(
        None if verified_at is None else _number(verified_at),
        None if violated_at is None else _number(violated_at),
        int(_number(raw["verified"])),
        int(_number(raw["violated"])),
        str(raw["message"]),
    )


def _drift(raw: Json) -> DriftRecord:
    return DriftRecord(
        _number(raw["first_at"]),
        _number(raw["last_at"]),
        int(_number(raw["times"])),
        int(_number(raw.get("status"))),
        str(raw.get("example", "")),
        _sketch_text(raw.get("sketch")),
    )


def _sketch_text(raw: object) -> str:
    """A sketch as text; none where it cannot be read."""
    text = str(raw or "")
    return text if text and is_sketch(json.loads(text)) else ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _pair(key: str) -> tuple[str, str]:
    api, _, claim = key.partition("/")
    return api, claim

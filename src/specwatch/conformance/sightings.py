"""Sightings of the same thing put together, whichever answers, runs and files they are from."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from specwatch.conformance.anonymous import placeholder
from specwatch.conformance.sketch import merged
from specwatch.values.secrets import Redactor
from specwatch.values.violation import Drift, Sighting

MAX_SIGHTINGS: Final = 2_000
"""So many different things are remembered of one API: a target can make up names without end."""

LONGEST_EXAMPLE: Final = 2_000
LONGEST_SKETCH: Final = 20_000


class Sightings:
    """Collects what is seen; the order of arrival does not matter.

    Things seen under different statuses are different, since a document describes each status by itself.
    """

    def __init__(self, seen: Iterable[Sighting] = ()) -> None:
        self._seen: dict[tuple[Drift, int], Sighting] = {}
        for sighting in seen:
            self.add(sighting)

    def add(self, sighting: Sighting) -> None:
        """Take one in; something new is left out once `MAX_SIGHTINGS` things are there."""
        key = (sighting.drift, sighting.status)
        before = self._seen.get(key)
        if before is not None:
            self._seen[key] = together(before, sighting)
        elif len(self._seen) < MAX_SIGHTINGS:
            self._seen[key] = sighting

    def all(self) -> tuple[Sighting, ...]:
        """What was seen, by API, operation, status, kind and name."""
        return tuple(sorted(self._seen.values(), key=_order))


def together(one: Sighting, other: Sighting) -> Sighting:
    """Two sightings of the same thing as one: the sum, the first, the last, and a schema that fits both."""
    return replace(
        one,
        count=one.count + other.count,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
        example=min(one.example, other.example, key=_poverty),
        sketch=_sketch(one.sketch, other.sketch),
    )


def redacted(sighting: Sighting, redactor: Redactor, hidden: Collection[str] = ()) -> Sighting:
    """A sighting without secrets in its name, its example and its schema.

    Args:
        sighting: any.
        redactor: knows the secrets.
        hidden: what is no secret, but must not be shown either: identifiers of the account.
    """
    name = redactor.text(sighting.drift.name)
    example, sketch = sighting.example, sighting.sketch
    if example and (redactor.text(example) != example or any(each in example for each in hidden)):
        example = _clean(example, redactor, hidden)
    if sketch and redactor.text(sketch) != sketch:
        sketch = "{}"
    if (name, example, sketch) == (sighting.drift.name, sighting.example, sighting.sketch):
        return sighting
    return replace(sighting, drift=replace(sighting.drift, name=name), example=example, sketch=sketch)


def _clean(example: str, redactor: Redactor, hidden: Collection[str]) -> str:
    """The example with placeholders for more of it; none where even that would show something."""
    text = json.dumps(placeholder(json.loads(example), hidden=hidden), ensure_ascii=False)
    shows = redactor.text(text) != text or any(each in text for each in hidden)
    return "" if shows else text


def _order(sighting: Sighting) -> tuple[str, str, int, str, str]:
    drift = sighting.drift
    return (drift.api, drift.operation, sighting.status, drift.kind, drift.name)


def _poverty(example: str) -> tuple[bool, bool, int, str]:
    """How little an example shows: none, then null, then the longer ones."""
    return (not example, example == "null", len(example), example)


def _sketch(one: str, other: str) -> str:
    if one == other or not other:
        return one
    if not one:
        return other
    text = json.dumps(merged(json.loads(one), json.loads(other)), ensure_ascii=False)
    return text if len(text) <= LONGEST_SKETCH else "{}"

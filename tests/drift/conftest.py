"""Sightings, and a spec with everything that drift can meet: references, anchors, open lists, JSON in strings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from specwatch.conformance.sketch import sketch_of
from specwatch.spec import Api, load_api
from specwatch.values.violation import Drift, Sighting

SPEC = Path(__file__).with_name("garden.yaml")
MakeSighting = Callable[..., Sighting]


@pytest.fixture
def garden() -> Api:
    """The API of garden.yaml."""
    return load_api(SPEC)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A copy of garden.yaml."""
    copy = tmp_path / "garden.yaml"
    copy.write_bytes(SPEC.read_bytes())
    return copy


@pytest.fixture
def seen() -> MakeSighting:
    """Make a sighting: `kind name`, and where and how it was seen."""

    def make(
        what: str, value: object = "red", operation: str = "getPlant", status: int = 200, **more: float
    ) -> Sighting:
        kind, _, name = what.partition(" ")
        at = {"count": 1, "first_at": 1_700_000_000.0, "last_at": 1_700_000_000.0, **more}
        return Sighting(
            Drift("garden", operation, kind, name),
            int(at["count"]),
            at["first_at"],
            at["last_at"],
            status,
            json.dumps(value),
            json.dumps(sketch_of(value)),
        )

    return make

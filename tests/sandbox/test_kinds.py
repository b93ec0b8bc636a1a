"""The list of faults that the side-by-side benchmark compares tools with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from specwatch.sandbox import Catalogue, FaultKind, load_modules
from specwatch.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PROPORTIONS = {
    "schema": 21,
    "status": 16,
    "headers and media type": 7,
    "authentication": 12,
    "error bodies": 13,
    "input validation": 8,
    "semantics and state": 32,
    "robustness": 9,
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """All faults of this repository's workspace."""
    workspace = Workspace(ROOT, "this checkout")
    return Catalogue(workspace.apis(), load_modules(workspace.sandbox, workspace.apis()))


@pytest.fixture(scope="module")
def listed() -> Mapping[str, Any]:
    """The benchmark's list."""
    loaded: Mapping[str, Any] = yaml.safe_load((ROOT / "benchmarks" / "detection" / "kinds.yaml").read_text("utf-8"))
    return loaded


def names_of(listed: Mapping[str, Any]) -> Sequence[str]:
    """All names of the list."""
    return [name for names in (*listed["faults"].values(), listed["variations"]) for name in names]


def test_every_listed_fault_exists(catalogue: Catalogue, listed: Mapping[str, Any]) -> None:
    """The list names faults of the catalogue, each once, and its variations are some."""
    assert {name: count for name, count in Counter(names_of(listed)).items() if count > 1} == {}
    assert [name for name in names_of(listed) if name not in catalogue.names] == []
    kinds = {name: catalogue.get(name).kind is FaultKind.VARIATION for name in names_of(listed)}
    assert {name for name, variation in kinds.items() if variation} == set(listed["variations"])


def test_the_kinds_have_their_proportions(listed: Mapping[str, Any]) -> None:
    """There are 118 faults of eight kinds, as many of each as in the study that the figures are compared with."""
    assert {kind: len(names) for kind, names in listed["faults"].items()} == PROPORTIONS
    assert sum(PROPORTIONS.values()) == 118
    assert len(listed["variations"]) == 9


def test_every_api_takes_its_part(catalogue: Catalogue, listed: Mapping[str, Any]) -> None:
    """Each of the four APIs has at least a sixth of the faults, and a variation."""
    faults = Counter(name.partition("/")[0] for names in listed["faults"].values() for name in names)
    apis = {name.partition("/")[0] for name in catalogue.names}
    assert {api for api in apis if faults[api] < sum(faults.values()) / 6} == set()
    assert {name.partition("/")[0] for name in listed["variations"]} == apis

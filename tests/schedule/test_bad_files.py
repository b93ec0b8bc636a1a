"""Whatever is wrong with a schedule is said: the line, what is there, what should be, how to mend it.

Each file in `bad/` breaks a rule; the text beside it is what has to be said. A new rule is a new pair of files.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specwatch.errors import Problem, WorkspaceError
from specwatch.schedule import load_schedule
from specwatch.workflow import Document

BAD = sorted(Path(__file__).with_name("bad").glob("*.yaml"))
GOOD = """
version: 1
concurrency: 4
maintenance: [{from: "2026-11-22T22:00:00Z", to: "2026-11-22T23:00:00Z"}]
defaults:
  interval: 5m
  budget: {requests: 1000}
  objective: {latency: {quantile: 0.9, seconds: 2s}}
probes:
  a:
    workflow: shop/known-item
    inputs: {item: i-2, size: 3}
    timeout: 5
    allow: [paid]
    maintenance: [{days: [sun, mon], from: "22:00", to: "23:00", zone: UTC}]
"""
TREE = yaml.safe_load(GOOD)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_schedule_is_explained(path: Path, documents: Mapping[str, Document]) -> None:
    """Every problem of the file is told, at once and in the order of its lines, and nothing else."""
    with pytest.raises(WorkspaceError) as caught:
        load_schedule(path, documents)

    assert str(caught.value).replace(str(path), path.name) == path.with_suffix(".txt").read_text("utf-8").rstrip("\n")


def test_every_text_belongs_to_a_file() -> None:
    """No expectation is left behind by a file that is gone."""
    texts = Path(__file__).with_name("bad").glob("*.txt")

    assert sorted(text.stem for text in texts) == sorted(path.stem for path in BAD)


def test_a_missing_file_is_named(tmp_path: Path, documents: Mapping[str, Document]) -> None:
    """A schedule that is not there is a problem with a path."""
    with pytest.raises(WorkspaceError, match=r"schedule\.yaml: cannot be read: No such file"):
        load_schedule(tmp_path / "schedule.yaml", documents)


def test_probes_of_a_broken_document_are_left_alone(tmp_path: Path) -> None:
    """Where a document could not be loaded, that is one problem, not one for each probe of it."""
    path = tmp_path / "schedule.yaml"
    path.write_text("version: 1\nprobes: {a: {workflow: shop/health}}\n", encoding="utf-8")

    assert load_schedule(path, {}, broken={"shop"}).probes == ()


def places(node: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all parts of a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from places(child, (*at, key))


def problems_of(path: Path, documents: Mapping[str, Document]) -> tuple[Problem, ...]:
    """What the loader finds wrong with a file."""
    try:
        load_schedule(path, documents)
    except WorkspaceError as error:
        return error.problems
    return ()


def with_replaced(tree: object, at: tuple[str | int, ...], value: object) -> object:
    """A copy of a document with one part replaced."""
    result = copy.deepcopy(tree)
    node: object = result
    for key in at[:-1]:
        node = node[key]  # type: ignore[index]
    node[at[-1]] = value  # type: ignore[index]
    return result


SCALARS: list[object] = [None, True, 0, -1, 1e300, 2**70, float("nan"), float("inf"), "", "x", "1s", "0s", "22:00"]
VALUES: st.SearchStrategy[object] = st.sampled_from(
    [*SCALARS, [], [0], ["x"], [[]], [{}], [None], {}, {"x": 1}, {"from": "22:00"}]
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(replaced=st.lists(st.tuples(st.sampled_from(list(places(TREE))), VALUES), min_size=1, max_size=3))
def test_no_schedule_crashes_the_loader(
    tmp_path: Path, documents: Mapping[str, Document], replaced: list[tuple[tuple[str | int, ...], object]]
) -> None:
    """Whatever stands at whichever places, the schedule is loaded or its problems are told."""
    tree = TREE
    for at, value in sorted(replaced, key=lambda pair: -len(pair[0])):  # the deepest first, which leaves the others
        tree = with_replaced(tree, at, value)
    path = tmp_path / "schedule.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")

    problems = problems_of(path, documents)

    assert all(problem.where.startswith(str(path)) for problem in problems)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_crash_the_loader(tmp_path: Path, documents: Mapping[str, Document], data: bytes) -> None:
    """Whatever bytes a file holds, it is no schedule, and that is told."""
    path = tmp_path / "noise.yaml"
    path.write_bytes(data)

    with pytest.raises(WorkspaceError):
        load_schedule(path, documents)


def test_json_is_yaml_too(tmp_path: Path, documents: Mapping[str, Document]) -> None:
    """The same schedule written as JSON is the same."""
    path = tmp_path / "schedule.yaml"
    path.write_text(json.dumps(TREE), encoding="utf-8")

    assert [probe.id for probe in load_schedule(path, documents).probes] == ["a"]

"""Whatever is wrong with a spec is said: the line, what is there, what should be, how to mend it.

Each file in `bad/` breaks one rule; the text beside it is what has to be said. A new rule is a new pair of files.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec import load_api

BAD = sorted(Path(__file__).with_name("bad").glob("*.yaml"))
PARCELS = Path(__file__).parents[1] / "sandbox" / "parcels.yaml"
TREE = yaml.safe_load(PARCELS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_spec_is_explained(path: Path) -> None:
    """Every problem of the file is told, at once, and nothing else."""
    with pytest.raises(WorkspaceError) as caught:
        load_api(path)

    assert str(caught.value).replace(str(path), path.name) == path.with_suffix(".txt").read_text("utf-8").rstrip("\n")


def test_every_text_belongs_to_a_file() -> None:
    """No expectation is left behind by a file that is gone."""
    texts = Path(__file__).with_name("bad").glob("*.txt")

    assert sorted(text.stem for text in texts) == sorted(path.stem for path in BAD)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A spec that is not there is a problem with a path."""
    with pytest.raises(WorkspaceError, match=r"nothing\.yaml: cannot be read: No such file"):
        load_api(tmp_path / "nothing.yaml")


def places(node: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all parts of a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from places(child, (*at, key))


def problems_of(path: Path) -> tuple[Problem, ...]:
    """What the loader finds wrong with a file."""
    try:
        load_api(path)
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


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    at=st.sampled_from(list(places(TREE))),
    value=st.sampled_from(
        [None, True, 0, -1.5, "", "x", "#/paths", [], [0], ["x"], [[]], [{}], {}, {"x": 1}, {"$ref": "#"}]
    ),
)
def test_no_spec_crashes_the_loader(tmp_path: Path, at: tuple[str | int, ...], value: object) -> None:
    """Whatever stands at whichever place, the spec is loaded or its problems are told."""
    path = tmp_path / "parcels.yaml"
    path.write_text(json.dumps(with_replaced(TREE, at, value)), encoding="utf-8")  # JSON is YAML, and fast

    problems = problems_of(path)

    assert all(problem.where.startswith(f"{path}:") for problem in problems)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_crash_the_loader(tmp_path: Path, data: bytes) -> None:
    """Whatever bytes a file holds, it is no spec, and that is told."""
    path = tmp_path / "noise.yaml"
    path.write_bytes(data)

    with pytest.raises(WorkspaceError):
        load_api(path)

"""Whatever is wrong with a workflow is said: the line, what is there, what should be, how to mend it.

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
from specwatch.spec import Api, load_api
from specwatch.workflow import load_document

FOLDER = Path(__file__).with_name("bad")
BAD = sorted(FOLDER.glob("*.arazzo.yaml"))
SHOP = Path(__file__).with_name("data") / "shop.arazzo.yaml"
TREE = yaml.safe_load(SHOP.read_text(encoding="utf-8"))
API = load_api(Path(__file__).parents[1] / "shop.yaml")
WRONG: list[object] = [
    *(None, True, 0, -1.5, "", "x", "$steps", "$inputs.", "{$", "{$x}", "$response.body#", [], [0], [[]], [{}], {}),
    *({"x": 1}, {"reference": 1}, {"reference": "$components.parameters.id"}),
]


def apis(path: Path) -> Api | None:
    """The one API there is."""
    return API if path.name == "shop.yaml" else None


def expectation(path: Path) -> Path:
    """The text that belongs to a file."""
    return path.with_name(path.name.replace(".arazzo.yaml", ".txt"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name.partition(".")[0])
def test_a_bad_workflow_is_explained(path: Path) -> None:
    """Every problem of the file is told, at once, and nothing else."""
    with pytest.raises(WorkspaceError) as caught:
        load_document(path, apis)

    assert str(caught.value).replace(str(path), path.name) == expectation(path).read_text("utf-8").rstrip("\n")


def test_every_text_belongs_to_a_file() -> None:
    """No expectation is left behind by a file that is gone."""
    assert sorted(FOLDER.glob("*.txt")) == sorted(map(expectation, BAD))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A document that is not there is a problem with a path."""
    with pytest.raises(WorkspaceError, match=r"nothing\.yaml: cannot be read: No such file"):
        load_document(tmp_path / "nothing.yaml", apis)


def places(node: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all parts of a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from places(child, (*at, key))


def problems_of(path: Path) -> tuple[Problem, ...]:
    """What the loader finds wrong with a file."""
    try:
        return load_document(path, apis).missing
    except WorkspaceError as error:
        return error.problems


def with_replaced(tree: object, at: tuple[str | int, ...], value: object) -> object:
    """A copy of a document with one part replaced."""
    result = copy.deepcopy(tree)
    node: object = result
    for key in at[:-1]:
        node = node[key]  # type: ignore[index]
    node[at[-1]] = value  # type: ignore[index]
    return result


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    at=st.sampled_from(list(places(TREE))),
    value=st.sampled_from(WRONG),
)
def test_no_document_crashes_the_loader(tmp_path: Path, at: tuple[str | int, ...], value: object) -> None:
    """Whatever stands at whichever place, the document is loaded or its problems are told."""
    path = tmp_path / "shop.arazzo.yaml"
    path.write_text(json.dumps(with_replaced(TREE, at, value)), encoding="utf-8")  # JSON is YAML, and fast

    problems = problems_of(path)

    assert all(problem.where.startswith(f"{path}:") for problem in problems)

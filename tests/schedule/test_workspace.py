"""The probes of a workspace: what is wrong is told once, where it is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from specwatch.errors import WorkspaceError
from specwatch.lint.probes import lint_probes
from specwatch.schedule import load_probes
from specwatch.workspace import Workspace

HERE = Path(__file__).parent
SHOP = HERE.parent / "shop.yaml"
SCHEDULE = "version: 1\nprobes:\n  a:\n    workflow: shop/known-item\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with the shop, its workflows and a probe whose input the spec knows."""
    for folder in ("specs", "probes"):
        (tmp_path / folder).mkdir()
    spec = SHOP.read_text(encoding="utf-8")
    (tmp_path / "specs" / "shop.yaml").write_text(spec, encoding="utf-8")
    variables = "".join(f"  - {name}\n" for name in sorted(set(re.findall(r"[A-Z]+_[A-Z0-9_]+", spec))))
    (tmp_path / "specwatch.yaml").write_text(f"version: 1\nvariables:\n{variables}", encoding="utf-8")
    document = (HERE / "shop.arazzo.yaml").read_text(encoding="utf-8").replace("../shop.yaml", "../specs/shop.yaml")
    (tmp_path / "probes" / "shop.arazzo.yaml").write_text(document, encoding="utf-8")
    (tmp_path / "probes" / "schedule.yaml").write_text(SCHEDULE, encoding="utf-8")
    return tmp_path


def told(root: Path) -> list[str]:
    """What loading the probes complains about: file and finding."""
    with pytest.raises(WorkspaceError) as caught:
        load_probes(Workspace(root, "the test's"))
    return [f"{problem.where}: {problem.found}".removeprefix(f"{root}/") for problem in caught.value.problems]


def test_an_input_that_the_spec_knows_need_not_be_given(root: Path) -> None:
    """As long as the spec is there, nothing is wrong."""
    schedule = load_probes(Workspace(root, "the test's")).schedule

    assert schedule is not None
    assert [probe.id for probe in schedule.probes] == ["a"]


def test_a_broken_spec_is_one_problem(root: Path) -> None:
    """The schedule is not blamed for an input that only the spec could name."""
    spec = root / "specs" / "shop.yaml"
    spec.write_text(spec.read_text(encoding="utf-8") + "[\n", encoding="utf-8")

    assert [each.partition(":")[0] for each in told(root)] == ["specs/shop.yaml"]
    assert lint_probes(Workspace(root, "the test's"), told=[spec]).problems == ()


def test_a_removed_spec_is_one_problem(root: Path) -> None:
    """The document that names it is told, and nothing runs that could not."""
    (root / "specs" / "shop.yaml").unlink()
    found = "probes/shop.arazzo.yaml:4: source shop: ../specs/shop.yaml does not exist"

    assert told(root) == [found]
    linted = [f"{problem.where}: {problem.found}" for problem in lint_probes(Workspace(root, "the test's")).problems]
    assert linted[1:] == [f"{root}/{found}"]
    assert linted[0].endswith("is named after no API")


def test_a_removed_spec_that_no_probe_needs_does_no_harm(root: Path) -> None:
    """A workflow that cannot run is nobody's problem here as long as it is not scheduled."""
    shutil.copy(root / "probes" / "shop.arazzo.yaml", root / "probes" / "other.arazzo.yaml")
    other = root / "probes" / "other.arazzo.yaml"
    other.write_text(other.read_text(encoding="utf-8").replace("specs/shop.yaml", "specs/gone.yaml"), encoding="utf-8")

    assert load_probes(Workspace(root, "the test's")).schedule is not None


def test_what_is_given_is_looked_at_without_the_spec(root: Path) -> None:
    """An input that the workflow itself does not know is wrong, whatever the spec says."""
    (root / "specs" / "shop.yaml").unlink()
    schedule = root / "probes" / "schedule.yaml"
    schedule.write_text(f"{SCHEDULE}    inputs: {{itme: i-1}}\n", encoding="utf-8")

    assert told(root) == ["probes/schedule.yaml:5: workflow 'known-item' has no input 'itme'"]

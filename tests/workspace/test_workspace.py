"""Which workspace is used, and what it lets its specs do."""

from pathlib import Path

import pytest

import specwatch.workspace
from specwatch.errors import UsageError, WorkspaceError
from specwatch.workspace import Workspace, find_workspace

SPEC = """\
openapi: 3.1.0
info: {title: Things, version: '1'}
x-known:
  thing: {value: t-1, setting: THING_ID, text: A thing.}
paths: {}
components:
  securitySchemes:
    key:
      type: apiKey
      in: header
      name: X-Key
      x-credential:
        env: [THINGS_KEY]
        second: [THINGS_KEY_2]
        states:
          old: {env: [THINGS_KEY_OLD], answer: {status: 401}}
"""
VARIABLES = ["THING_ID", "THINGS_KEY", "THINGS_KEY_2", "THINGS_KEY_OLD"]


def settings(*names: str) -> str:
    """The text of a settings file."""
    return f"version: 1\nvariables: [{', '.join(names)}]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with two APIs."""
    for folder in ("specs", "contracts"):
        (tmp_path / folder).mkdir()
    for name in ("things", "parcels"):
        (tmp_path / "specs" / f"{name}.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "specwatch.yaml").write_text(settings(*VARIABLES), encoding="utf-8")
    return tmp_path


def test_a_named_workspace_is_used(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What `--workspace` names counts, wherever one stands."""
    found = find_workspace(root, tmp_path_factory.mktemp("elsewhere"))

    assert (found.root, found.chosen) == (root, "named by --workspace")


def test_a_named_workspace_needs_only_specs(root: Path) -> None:
    """A folder with nothing but specs is enough to be asked for."""
    (root / "contracts").rmdir()

    assert find_workspace(root, root).root == root


@pytest.mark.parametrize("below", ["", "specs", "some/where/deep"])
def test_the_nearest_workspace_upwards_is_used(root: Path, below: str) -> None:
    """Anywhere inside of a workspace is that workspace."""
    start = root / below
    start.mkdir(parents=True, exist_ok=True)

    found = find_workspace(None, start)

    assert (found.root, found.chosen) == (root, "the nearest one upwards")


def test_a_relative_start_is_searched_upwards(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.` has parents as well."""
    monkeypatch.chdir(root / "specs")

    assert find_workspace(None, Path()).root == root


def test_an_inner_workspace_hides_the_outer(root: Path) -> None:
    """Of several workspaces above, the first counts; half a workspace is none."""
    inner, half = root / "inner", root / "inner" / "half"
    for folder in (inner / "specs", inner / "contracts", half / "specs"):
        folder.mkdir(parents=True)

    assert find_workspace(None, half).root == inner


@pytest.mark.parametrize("origin", ["PACKAGED", "CHECKOUT"])
def test_the_packaged_workspace_is_the_last_resort(root: Path, monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    """Where no folder upwards is one, that of the package is used, or of the checkout that it is installed from."""
    monkeypatch.setattr(specwatch.workspace, "PACKAGED", root / "nothing")
    monkeypatch.setattr(specwatch.workspace, origin, root)

    found = find_workspace(None, Path(root.anchor))

    assert (found.root, found.chosen) == (root, "the one that comes with specwatch")


def test_no_workspace_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any workspace there is a problem with a mend."""
    monkeypatch.setattr(specwatch.workspace, "PACKAGED", tmp_path / "nothing")
    monkeypatch.setattr(specwatch.workspace, "CHECKOUT", tmp_path / "nothing")

    with pytest.raises(UsageError, match=r"no workspace here or above(.|\n)*mend: `specwatch init DIR`"):
        find_workspace(None, Path(tmp_path.anchor))


@pytest.mark.parametrize("name, found", [("nothing", "does not exist"), ("contracts", "has no folder specs/")])
def test_a_named_folder_that_is_none_is_told(root: Path, name: str, found: str) -> None:
    """What is wrong with the folder that was named, and how to make one."""
    with pytest.raises(UsageError, match=f"{name}: {found}\n(.|\n)*mend: `specwatch init"):
        find_workspace(root / name, root)


def test_apis_are_named_by_their_files(root: Path) -> None:
    """Each spec is an API, in alphabetical order; other files are none."""
    (root / "specs" / "README.md").touch()
    workspace = Workspace(root, "by the test")

    assert list(workspace.spec_files) == ["parcels", "things"]
    assert [api.id for api in workspace.apis()] == ["parcels", "things"]
    assert [api.id for api in workspace.apis(["things", "things"])] == ["things"]


def test_a_spec_is_loaded_once(root: Path) -> None:
    """Everybody who asks gets the same object."""
    workspace = Workspace(root, "by the test")

    assert workspace.api("things") is workspace.apis()[1]


@pytest.mark.parametrize(
    "name, mend", [("thing", "did you mean things?"), ("parcel", "did you mean parcels?"), ("xyz", "`specwatch list`")]
)
def test_an_unknown_api_names_the_nearest(root: Path, name: str, mend: str) -> None:
    """A misspelt name is mended, and all names are told."""
    with pytest.raises(UsageError) as caught:
        Workspace(root, "by the test").api(name)

    (problem,) = caught.value.problems
    assert (problem.where, problem.expected) == (f"--api {name}", "one of parcels, things")
    assert problem.mend.startswith(mend)


def test_a_workspace_without_specs_is_told(tmp_path: Path) -> None:
    """An empty workspace is no reason for an empty report."""
    (tmp_path / "specs").mkdir()

    with pytest.raises(UsageError, match="has no specs"):
        Workspace(tmp_path, "by the test").apis()


@pytest.mark.parametrize(
    "unlisted, line", [("THING_ID", 4), ("THINGS_KEY", 13), ("THINGS_KEY_2", 14), ("THINGS_KEY_OLD", 16)]
)
def test_a_variable_that_is_not_listed_is_refused(root: Path, unlisted: str, line: int) -> None:
    """A spec from somewhere else cannot ask for a secret that was never meant for it."""
    names = [name for name in VARIABLES if name != unlisted]
    (root / "specwatch.yaml").write_text(settings(*names), encoding="utf-8")

    with pytest.raises(WorkspaceError) as caught:
        Workspace(root, "by the test").api("things")

    (problem,) = caught.value.problems
    assert problem.where == f"{root / 'specs' / 'things.yaml'}:{line}"
    assert problem.found == f"names the environment variable {unlisted}"
    assert problem.mend == f"add {unlisted} under `variables:` there, if this spec may read it"


def test_without_settings_no_variable_is_allowed(root: Path) -> None:
    """All problems of all specs are told at once."""
    (root / "specwatch.yaml").unlink()

    with pytest.raises(WorkspaceError) as caught:
        Workspace(root, "by the test").apis()

    assert len(caught.value.problems) == 2 * len(VARIABLES)


@pytest.mark.parametrize("text", ["variables: THING_ID", "variables: {THING_ID: x}", "variables: [1]", "variables:"])
def test_variables_are_a_list_of_names(root: Path, text: str) -> None:
    """Anything else is a problem with a line."""
    (root / "specwatch.yaml").write_text(f"version: 1\n{text}\n", encoding="utf-8")

    with pytest.raises(WorkspaceError, match=r"specwatch\.yaml:2: variables: (.|\n)*expected: a list of names"):
        _ = Workspace(root, "by the test").variables


def test_problems_of_all_specs_are_told_at_once(root: Path) -> None:
    """One run shows everything that is to be mended."""
    for name in ("things", "parcels"):
        (root / "specs" / f"{name}.yaml").write_text("openapi: 2.0\n", encoding="utf-8")

    with pytest.raises(WorkspaceError) as caught:
        Workspace(root, "by the test").apis()

    assert [Path(problem.where).name for problem in caught.value.problems] == ["parcels.yaml:1", "things.yaml:1"]

"""What the tests of the command line share: commands run in this process, and a small workspace to run them on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import hypothesis
import pytest

from specwatch.cli import run
from specwatch.cli.init import make_workspace

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]


@pytest.fixture
def specwatch(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs a command line in this process, in an empty folder, on a terminal that is wide enough for whole lines."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")

    def command(*arguments: str | Path) -> CompletedProcess[str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return CompletedProcess(arguments, code, out, err)

    return command


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """A check sets Hypothesis up for itself and imports contract modules; later tests see nothing of it."""
    before = hypothesis.settings.get_current_profile_name()
    yield
    hypothesis.settings.load_profile(before)
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or ".").parent.name == "contracts":
            del sys.modules[name]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace as `specwatch init` makes it."""
    folder = tmp_path / "workspace"
    make_workspace(folder)
    return folder


@pytest.fixture
def spec(workspace: Path) -> Path:
    """The spec of its one API."""
    return workspace / "specs" / "example-api.yaml"


@pytest.fixture
def edit() -> Edit:
    """Replaces a text that stands in a file, and tells the line of the first change."""

    def replace(path: Path, old: str, new: str) -> int:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    return replace

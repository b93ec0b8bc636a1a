"""What is shipped: the built wheel carries the workspace, and works installed, outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("specs", "contracts", "probes", "sandbox", "grafana")
LEFTOVERS = {"__pycache__", ".hypothesis", ".pytest_cache", ".env"}


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command without our own environment variables; its output is shown when it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON", "CI"))}
    result = subprocess.run(command, cwd=cwd, env=kept | environment, capture_output=True, text=True, check=False)
    print(f"$ {' '.join(map(str, command))}\n{result.stdout}{result.stderr}")  # noqa: T201 - pytest shows it on failure
    return result


def build(folder: Path, *arguments: str) -> Path:
    """Build with the installed hatchling, which needs no network, and return the wheel."""
    result = run(sys.executable, "-m", "build", "--no-isolation", *arguments, "--outdir", folder, ROOT, cwd=folder)
    assert result.returncode == 0
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel built straight from the checkout."""
    return build(tmp_path_factory.mktemp("wheel"), "--wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands of a new environment that holds the wheel and sees third parties, but not the checkout.

    The third parties come from the environment that runs the tests, by a path file. Path files are not followed from
    there, so the editable installation, which is one, stays out of sight. The wheel goes in first, because pip would
    otherwise take the editable installation for one that it has to replace.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--python", python)
    assert run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=home).returncode == 0
    for site in home.rglob("site-packages"):
        ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (site / "third_parties.pth").write_text("\n".join(sorted(ours)), encoding="utf-8")
    return python.parent


def workspace_files() -> Iterator[str]:
    """Paths, inside a workspace, of what the checkout's has."""
    yield "specwatch.yaml"
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not LEFTOVERS & set(path.parts):
                yield path.relative_to(ROOT).as_posix()


def test_wheel_carries_the_workspace(wheel: Path) -> None:
    """Every file of specs, contracts, probes, sandbox and grafana is package data, and nothing left over is."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"specwatch/_workspace/{name}" for name in workspace_files()} - names == set()
    assert {folder for folder in FOLDERS if not any(f"/_workspace/{folder}/" in name for name in names)} == set()
    assert [name for name in names if LEFTOVERS & set(Path(name).parts)] == []


def test_wheel_carries_the_runbooks(wheel: Path) -> None:
    """`specwatch watch` serves them wherever it is installed."""
    names = set(zipfile.ZipFile(wheel).namelist())
    pages = {path.name for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert pages
    assert {f"specwatch/_runbooks/{page}" for page in pages} - names == set()


def test_wheel_is_typed(wheel: Path) -> None:
    """Type checkers of our users find the marker file."""
    assert "specwatch/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Whoever builds from the source archive gets the same files."""
    from_archive = build(tmp_path)
    assert sorted(zipfile.ZipFile(from_archive).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_installed_package_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    """The environment of these tests sees the wheel's package and nothing of the checkout."""
    code = "import specwatch, sys; print(specwatch.__file__, *sys.path, sep='\\n')"
    result = run(installed / "python", "-c", code, cwd=tmp_path)
    assert result.returncode == 0
    package, *paths = result.stdout.splitlines()
    assert package.startswith(str(installed.parent))
    assert str(ROOT / "src") not in paths
    assert str(ROOT) not in paths


def test_installed_command_checks_a_contract_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    """With no checkout around, `specwatch check` uses the workspace of the package, and says so."""
    result = run(installed / "specwatch", "check", "--api", "qrart-tasks", cwd=tmp_path, COLUMNS="300")
    assert result.returncode == 0
    assert "qrart-tasks" in result.stdout
    assert "_workspace" in result.stdout + result.stderr

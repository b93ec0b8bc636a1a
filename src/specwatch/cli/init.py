"""`specwatch init`: an empty workspace with one small example API."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

import specwatch
from specwatch.cli.options import workspace_option
from specwatch.errors import InternalError, Problem, UsageError
from specwatch.monitoring.settings import DEFAULT_FILE, SETTINGS_FILE

TEMPLATES: Final = Path(__file__).with_name("templates")
FOLDERS: Final = ("specs", "contracts", "probes", "sandbox", "grafana")


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@workspace_option
def command(folder: Path, workspace: Path | None) -> None:
    """Make an empty workspace in a new folder.

    It gets one small example API with its probes, the contract tests common to all APIs, and the settings. DIR is made
    if need be; a folder that holds anything is left alone.
    """
    del workspace  # accepted, as everywhere; the common contract tests are always those of this version
    make_workspace(folder)
    click.echo(f"workspace: {folder.resolve()} (made now)", err=True)
    click.echo(f"Made {folder}/ with one example API. Next:\n")
    click.echo(f"  specwatch --workspace {folder} lint")
    click.echo(f"  specwatch --workspace {folder} check")
    click.echo(f"  specwatch --workspace {folder} watch")
    click.echo(f"  specwatch --workspace {folder} build")


def make_workspace(folder: Path) -> None:
    """Make a workspace.

    Raises:
        UsageError: the folder holds something already, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        found = "is not empty" if folder.is_dir() else "is a file"
        raise UsageError(Problem(str(folder), found, "a new or an empty folder", "choose another name"))
    try:
        _fill(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(Problem(str(folder), f"cannot be written: {reason}", "a folder that you may write")) from error


def _fill(folder: Path) -> None:
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for template in sorted(path for path in TEMPLATES.rglob("*") if path.is_file()):
        place = folder / template.relative_to(TEMPLATES)
        shutil.copyfile(template, place.with_name(".env.example") if place.name == "env.example" else place)
    shutil.copyfile(DEFAULT_FILE, folder / "grafana" / SETTINGS_FILE)
    for module in common_modules():
        shutil.copyfile(module, folder / "contracts" / module.name)


def common_modules() -> Iterator[Path]:
    """The contract modules that belong to no single API, of the workspace that comes with specwatch.

    What belongs to an API is named like it: its tests, and modules that only they import, such as `parcels_labels.py`.

    Raises:
        InternalError: this installation has none.
    """
    home = _own_workspace()
    apis = tuple(f"{path.stem.replace('-', '_')}_" for path in (home / "specs").iterdir())
    for path in sorted((home / "contracts").glob("*.py")):
        if not f"{path.stem.removeprefix('test_')}_".startswith(apis):
            yield path


def _own_workspace() -> Path:
    """The workspace in the package or, where specwatch runs from a checkout, the checkout's own."""
    package = Path(specwatch.__file__).parent
    for home in (package / "_workspace", package.parents[1]):
        if (home / "specs").is_dir() and (home / "contracts").is_dir():
            return home
    raise InternalError(
        Problem(str(package), "the package carries no workspace", "_workspace/ with specs and contracts")
    )

"""`specwatch build`: rules, dashboards and configuration files, derived from the workspace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from specwatch.cli.options import chosen_workspace, workspace_option
from specwatch.errors import Problem, UsageError, WorkspaceError

if TYPE_CHECKING:
    from specwatch.workspace import Workspace

FOLDER: Final = "grafana"
_READABLE: Final = 0o644
_ENTERABLE: Final = 0o755


@dataclass(frozen=True, slots=True)
class Difference:
    """How the files of a folder differ from what is derived.

    Args:
        missing: derived, but not there.
        changed: there, but not as derived.
        same: as derived.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each file that differs."""
        words = (("new", self.missing), ("changed", self.changed))
        return tuple(f"{word:<8} {name}" for word, names in words for name in names)


@click.command("build")
@click.option("--check", is_flag=True, help="Write nothing; exit with 2 when a file is not as it would be derived.")
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files go.  [default: grafana/ in the workspace]",
)
@workspace_option
def command(*, check: bool, output: Path | None, workspace: Path | None) -> int:
    """Derive Prometheus rules, Grafana dashboards and their configuration.

    They follow from specs/, probes/ and grafana/settings.yaml. Everything is derived before the first file is written,
    and only what differs is written.
    """
    chosen = chosen_workspace(workspace)
    folder = output if output is not None else _own_folder(chosen)
    from specwatch.monitoring.build import derive, notes
    from specwatch.monitoring.origin import load_origin

    origin = load_origin(chosen)
    files = derive(origin)
    difference = compare(folder, files)
    if check:
        _complain(folder, difference)
    else:
        write(folder, files, difference)
    for line in difference.lines:
        click.echo(f"  {line}")
    for note in notes(origin):
        click.echo(f"note: {note}")
    click.echo(f"{folder}: {len(files)} files, {len(difference.same)} of them as they were")
    return 0


def _own_folder(workspace: Workspace) -> Path:
    """The folder in the workspace; the one inside an installed package is nobody's to write to."""
    from specwatch.workspace import PACKAGED

    if workspace.root == PACKAGED:
        found = "the workspace that comes with specwatch is part of the installation"
        raise UsageError(Problem("specwatch build", found, "a folder of yours", "add `--output DIR`"))
    return workspace.root / FOLDER


def compare(folder: Path, files: Mapping[str, str]) -> Difference:
    """How a folder differs from what is derived.

    Args:
        folder: it may be missing.
        files: path below the folder to text.

    Raises:
        UsageError: a file of it cannot be read.
    """
    now = {name: _read(folder / name) for name in files}
    return Difference(
        missing=tuple(name for name in files if now[name] is None),
        changed=tuple(name for name, text in files.items() if now[name] is not None and now[name] != text),
        same=tuple(name for name, text in files.items() if now[name] == text),
    )


def _read(path: Path) -> str | None:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(Problem(str(path), "is no regular file", "a file that can be replaced", "remove it"))
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be read: {error.strerror}", "a file that you may read")) from error


def write(folder: Path, files: Mapping[str, str], difference: Difference) -> None:
    """Bring a folder up to what is derived. Each file is whole at any moment: the old one, or the new one.

    Whatever else is in the folder is somebody's and stays. Files and folders that are made can be read by everybody:
    there is no secret in them, and Prometheus and Grafana run as users of their own.

    Raises:
        UsageError: something cannot be written or removed.
    """
    try:
        for name in (*difference.missing, *difference.changed):
            path = folder / name
            _make_folder(path.parent)
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            try:
                draft.write_text(files[name], encoding="utf-8", newline="\n")
                draft.chmod(_READABLE)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        where = str(error.filename or folder)
        found, expected = f"cannot be written: {error.strerror or error}", "a folder that you may write"
        raise UsageError(Problem(where, found, expected, "name another one with `--output DIR`")) from error


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, as far as they are missing."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(_ENTERABLE)


def _complain(folder: Path, difference: Difference) -> None:
    found = {
        "is missing": difference.missing,
        "is not as it would be derived": difference.changed,
    }
    problems = [
        Problem(str(folder / name), what, "what specs, probes and settings say", "`specwatch build` writes it")
        for what, names in found.items()
        for name in names
    ]
    if problems:
        raise WorkspaceError(*problems)

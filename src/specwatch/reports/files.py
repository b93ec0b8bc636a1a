"""Where reports are written: tried before a run, so that nobody finds out after it, and complete or not at all.

A report never replaces what a run reads: neither a file of the workspace nor an input that was named.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specwatch.errors import Problem, UsageError

if TYPE_CHECKING:
    from specwatch.workspace import Workspace

FOLDERS: Final = ("specs", "contracts", "probes", "sandbox")
"""Folders of a workspace in which no report has a place, whether or not it would replace anything there."""

_EXPECTED: Final = "a place of its own"
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: controls, marks of format, halves of characters, separators of lines and of paragraphs."""


def check_writable(path: Path) -> None:
    """Return when a report can be written to the path. What lies there is left as it is.

    Raises:
        UsageError: it is a folder, its folder does not exist, or nothing may be written there.
    """
    try:
        _check_place(path)
        if _replaceable(path):
            trial = _temporary(_resolved(path))
            os.close(_create(trial))
            trial.unlink()
        elif not os.access(path, os.W_OK):
            raise PermissionError(None, "it is not writable")
    except OSError as error:
        raise _cannot(path, error) from error


def check_apart(path: Path, inputs: Iterable[tuple[str, Path]], workspace: Workspace | None = None) -> None:
    """Return when a report at the path replaces nothing that is needed, however the path is spelt.

    Args:
        path: where the report goes.
        inputs: what must stay, each with the words for it, for example the option that names it.
        workspace: whose own files must stay; None where they are no concern.

    Raises:
        UsageError: it is one of the inputs, or lies among the files of the workspace.
    """
    for words, other in inputs:
        if same_place(path, other):
            raise UsageError(Problem(str(path), f"is the file of {words}, which a report would replace", _EXPECTED))
    if workspace is not None and _may_hold_text(path):
        own = _own_file(path, workspace.root)
        if own:
            raise UsageError(Problem(str(path), f"belongs to the workspace: {own}", "a place outside of its folders"))


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, by links or another spelling; devices and pipes may be shared."""
    if not (_may_hold_text(one) and _may_hold_text(other)):
        return False
    return _resolved(one) == _resolved(other) or (one.exists() and other.exists() and one.samefile(other))


def _resolved(path: Path) -> Path:
    """Where a path leads to, all of its links followed.

    Raises:
        UsageError: its links lead to each other and nowhere else.
    """
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _cannot(path, error) from error
    return path.resolve()


def _may_hold_text(path: Path) -> bool:
    """Whether the path is a file or free for one; what the system refuses to look at is neither."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False


def _own_file(path: Path, root: Path) -> str:
    """Which file or folder of a workspace the path is or lies in; empty where it is elsewhere."""
    settings = root / "specwatch.yaml"
    if same_place(path, settings):
        return str(settings)
    place = _resolved(path)
    for folder in (root / name for name in FOLDERS):
        if place.is_relative_to(_resolved(folder)):
            return str(folder)
        for file in folder.rglob("*") if path.exists() else ():  # a link of the folder may lead out of it
            if file.is_file() and same_place(path, file):
                return str(file)
    return ""


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise UsageError(Problem(str(path), "is a folder", "a file name", f"for example {path / 'report'}"))
    if not path.parent.is_dir():
        found = f"there is no folder {path.parent}"
        raise UsageError(Problem(str(path), found, "a file in a folder that exists", f"mkdir -p {path.parent}"))


def write_text(path: Path, text: str) -> None:
    """Write a report as UTF-8. A reader sees the old file or the whole new one, never a part.

    Devices and pipes, such as /dev/stdout, are written to directly.

    Raises:
        UsageError: it cannot be written, or is a pipe that nobody reads.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _replaceable(path):
            _replace(_resolved(path), data)
        else:
            with os.fdopen(_opened(path), "wb") as file:
                file.write(data)
    except OSError as error:
        raise _cannot(path, error) from error


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a report as JSON, indented, in UTF-8.

    Raises:
        UsageError: it cannot be written.
    """
    write_text(path, json_text(document) + "\n")


def json_text(document: Mapping[str, object]) -> str:
    """A document as JSON, indented; what nobody sees stands in it as an escape, which means the same.

    That is what orders letters anew (as marks of direction do), ends lines, steers terminals, or is half of a character
    only.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    if text.isascii() and "\x7f" not in text:
        return text
    unseen = {char for char in set(text) - {"\n"} if unicodedata.category(char) in _UNSEEN}
    return text.translate({ord(char): json.dumps(char)[1:-1].replace("\x7f", "\\u007f") for char in unseen})


def _replaceable(path: Path) -> bool:
    return (path.is_file() or not path.exists()) and path.absolute().parts[1:2] not in {("dev",), ("proc",)}


def _opened(path: Path) -> int:
    """A descriptor of a device or pipe. Opening never waits for a reader that may not come; writing waits as usual."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(error.errno, "nobody reads it") from error
        raise
    os.set_blocking(descriptor, True)
    return descriptor


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


def _replace(path: Path, data: bytes) -> None:
    temporary = _temporary(path)
    try:
        with os.fdopen(_create(temporary), "wb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _cannot(path: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(Problem(str(path), f"cannot be written: {reason}", "a place for a report", "choose another path"))
